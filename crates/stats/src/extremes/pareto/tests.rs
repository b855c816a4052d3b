//! Fits against scipy's, and intervals against the truth.

use super::*;
use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

fn sample(tail: Tail, count: usize, random: &mut ChaCha8Rng) -> Vec<f64> {
    (0..count).map(|_| tail.level(1.0 / (1.0 - random.random::<f64>()))).collect()
}

/// Samples with the parameters and log-likelihoods of scipy's genpareto.fit, brought to the greatest likelihood; the file says how.
#[test]
fn fits_are_those_of_scipy() {
    let mut rows = 0;
    for line in include_str!("scipy.csv").lines().filter(|line| !line.starts_with('#')) {
        let fields: Vec<f64> = line.split(',').map(|field| field.parse().unwrap()).collect();
        let (expected, excesses) = (&fields[..3], &fields[3..]);
        let fit = Fit::of(excesses, excesses.len() as f64).unwrap();
        assert_eq!(fit.method, TailMethod::Likelihood);
        let Tail { shape, scale } = fit.tail;
        assert!((shape - expected[0]).abs() < 2e-5 * (1.0 + expected[0].abs()), "{shape} {expected:?}");
        assert!((scale - expected[1]).abs() < 2e-5 * expected[1], "{scale} {expected:?}");
        let likelihood: f64 =
            excesses.iter().map(|excess| -scale.ln() - (1.0 + shape) * excess / scale * ln1p_over(shape * excess / scale)).sum();
        assert!(likelihood >= expected[2] - 1e-6, "{likelihood} {expected:?}");
        rows += 1;
    }
    assert!(rows >= 6, "{rows}");
}

#[test]
fn levels_and_shares_are_inverse() {
    for shape in [-0.4, -1e-14, 0.0, 1e-9, 0.3, 1.2] {
        let tail = Tail { shape, scale: 3.0 };
        for times in [1.5, 20.0, 1e6] {
            let share = tail.above(tail.level(times));
            assert!((share * times - 1.0).abs() < 1e-6, "{shape} {times} {share}");
        }
    }
    assert!(Tail { shape: -0.5, scale: 1.0 }.above(2.0) <= 0.0);
}

/// Profile-likelihood intervals of a level a hundred times beyond the data, of 300 samples of 200 each: 285 of them hold the truth if the
/// interval says what it does, give or take four standard deviations of 3.8 each.
#[test]
fn intervals_hold_the_truth_as_often_as_they_say() {
    let mut random = ChaCha8Rng::seed_from_u64(8);
    for shape in [-0.2, 0.0, 0.3, 0.6] {
        let tail = Tail { shape, scale: 100.0 };
        let (mut held, mut shapes) = (0, 0);
        for _ in 0..300 {
            let excesses = sample(tail, 200, &mut random);
            let fit = Fit::of(&excesses, 200.0).unwrap();
            let (low, high) = fit.range(|tail| tail.level(20_000.0));
            held += u32::from(low <= tail.level(20_000.0) && tail.level(20_000.0) <= high);
            let (low, high) = fit.range(|tail| tail.shape);
            shapes += u32::from(low <= shape && shape <= high);
        }
        assert!((270..=297).contains(&held) && (270..=297).contains(&shapes), "{shape}: {held} levels, {shapes} shapes of 300");
    }
}

/// Of a triangle's tail that ends abruptly (shape -1.4) the likelihood has no greatest value; moments give the shape.
#[test]
fn moments_stand_in_where_the_likelihood_has_no_greatest_value() {
    let mut random = ChaCha8Rng::seed_from_u64(2);
    let tail = Tail { shape: -1.4, scale: 70.0 };
    let excesses = sample(tail, 2_000, &mut random);
    let fit = Fit::of(&excesses, 2_000.0).unwrap();
    assert_eq!(fit.method, TailMethod::Moments);
    let (low, high) = fit.range(|tail| tail.shape);
    assert!(low <= -1.4 && -1.4 <= high && high - low < 0.6, "{low} {high}");
}

/// Fewer that are independent, a wider interval.
#[test]
fn what_comes_together_widens_the_interval() {
    let mut random = ChaCha8Rng::seed_from_u64(9);
    let excesses = sample(Tail { shape: 0.1, scale: 5.0 }, 400, &mut random);
    let width = |independent: f64| {
        let (low, high) = Fit::of(&excesses, independent).unwrap().range(|tail| tail.shape);
        high - low
    };
    assert!((width(100.0) / width(400.0) - 2.0).abs() < 0.3, "{} {}", width(100.0), width(400.0));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Any positive excesses have a fit or none, never a panic, and it moves with their unit.
    #[test]
    fn fits_move_with_the_unit(excesses in proptest::collection::vec(prop_oneof![1e-3f64..10.0, 1e3f64..1e9], 0..60), unit in 1e-3f64..1e6) {
        let scaled: Vec<f64> = excesses.iter().map(|excess| excess * unit).collect();
        let (plain, moved) = (Fit::of(&excesses, 30.0), Fit::of(&scaled, 30.0));
        prop_assert_eq!(plain.is_some(), moved.is_some());
        if let (Some(plain), Some(moved)) = (plain, moved) {
            prop_assert!(plain.tail.scale > 0.0 && plain.tail.shape.is_finite());
            prop_assert_eq!(plain.method, moved.method);
            prop_assert!((plain.tail.shape - moved.tail.shape).abs() < 1e-4 * (1.0 + plain.tail.shape.abs()));
            prop_assert!((plain.tail.scale * unit / moved.tail.scale - 1.0).abs() < 1e-3);
        }
    }
}
