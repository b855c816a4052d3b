//! Whole analyses of simulated campaigns whose truth is known.

use super::*;
use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tailbed_format::extremes::Period;

const SECOND: u64 = 1_000_000_000;

/// Whole nanoseconds.
fn ns(value: f64) -> u64 {
    whole(value)
}

/// Runs of independent latencies.
fn runs(count: usize, packets: usize, mut latency: impl FnMut() -> u64) -> Vec<Peaks> {
    (0..count).map(|_| Peaks::of_latencies((0..packets).map(|_| Some(latency())))).collect()
}

/// One of the standard normal distribution (Box and Muller 1958).
fn normal(random: &mut ChaCha8Rng) -> f64 {
    let (radius, angle) = (1.0 - random.random::<f64>(), random.random::<f64>());
    (-2.0 * radius.ln()).sqrt() * (std::f64::consts::TAU * angle).cos()
}

/// Of the analyses that warn of nothing: how many, and of how many the interval holds the latency that one in a million is above.
fn coverage(campaigns: u32, truth: f64, seed: u64, latency: impl Fn(&mut ChaCha8Rng) -> f64) -> (u32, u32) {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let (mut held, mut given) = (0, 0);
    for _ in 0..campaigns {
        let tail = analyse(0, &runs(2, 5_000, || ns(latency(&mut random))), None);
        let level = tail.levels.iter().find(|level| level.period == Period::Packets(1_000_000));
        let Some(level) = level.filter(|_| tail.warnings.is_empty()) else { continue };
        assert!((level.reach - 100.0).abs() < 1e-9);
        given += 1;
        held += u32::from(level.low as f64 <= truth && level.high.is_none_or(|high| truth <= high as f64));
    }
    (held, given)
}

/// A hundred times beyond the data, for tails that are exactly of the kind and for one that only becomes it far out.
#[test]
fn levels_beyond_the_data_hold_the_truth() {
    let exponential = |random: &mut ChaCha8Rng| 10_000.0 - 2_000.0 * (1.0 - random.random::<f64>()).ln();
    let (held, given) = coverage(40, 10_000.0 + 2_000.0 * 1e6_f64.ln(), 21, exponential);
    assert!(given >= 34 && held * 100 >= given * 84, "exponential: {held} of {given}");
    let pareto = |random: &mut ChaCha8Rng| 10_000.0 + 1_000.0 * ((1.0 - random.random::<f64>()).powf(-0.25) - 1.0) / 0.25;
    let (held, given) = coverage(40, 10_000.0 + 1_000.0 * (1e6_f64.powf(0.25) - 1.0) / 0.25, 22, pareto);
    assert!(given >= 34 && held * 100 >= given * 84, "Pareto: {held} of {given}");
    // the quantile of the standard normal distribution at 1 - 1e-6 is 4.753 424
    let log_normal = |random: &mut ChaCha8Rng| 10_000.0 * (0.4 * normal(random)).exp();
    let (held, given) = coverage(40, 10_000.0 * (0.4 * 4.753_424_f64).exp(), 23, log_normal);
    assert!(given >= 30 && held * 100 >= given * 75, "log-normal: {held} of {given}");
}

/// The same level from latencies that stay for a while: clusters are told, and the hour counts events and not packets.
#[test]
fn clusters_are_events() {
    let mut random = ChaCha8Rng::seed_from_u64(31);
    let mut value = 0.0;
    // each value stays for four packets
    let mut number = 0;
    let latency = || {
        if number % 4 == 0 {
            value = 20_000.0 - 3_000.0 * (1.0 - random.random::<f64>()).ln();
        }
        number += 1;
        ns(value) + number % 3
    };
    let runs = runs(3, 20_000, latency);
    let tail = analyse(0, &runs, Some(6 * SECOND));
    let fit = tail.fit.unwrap();
    let threshold = tail.thresholds[fit.threshold];
    assert!((threshold.index - 0.25).abs() < 0.06, "{threshold:?}");
    let hour = tail.levels.iter().find(|level| level.period == Period::Seconds(3_600)).unwrap();
    // 36 million packets an hour, a quarter of them events
    let truth = 20_000.0 + 3_000.0 * 9e6_f64.ln();
    assert!(hour.low as f64 <= truth && hour.high.is_some_and(|high| truth <= high as f64), "{hour:?} {truth}");
    assert!((hour.reach - 36e6 / 4.0 / 60_000.0).abs() < 40.0, "{}", hour.reach);
}

fn warned(tail: &Extremes, is: impl Fn(&TailWarning) -> bool) -> bool {
    tail.warnings.iter().any(is)
}

#[test]
fn what_cannot_carry_an_extrapolation_is_said() {
    let mut random = ChaCha8Rng::seed_from_u64(41);
    let mut exponential = move |scale: f64| 10_000.0 - scale * (1.0 - random.random::<f64>()).ln();
    let few = analyse(0, &runs(2, 200, || ns(exponential(500.0))), None);
    assert!(matches!(few.warnings[..], [TailWarning::TooFew { needed: 50, .. }]) && few.fit.is_none() && few.levels.is_empty());
    // one in a thousand takes a detour of its own
    let mut number = 0;
    let spiked = runs(3, 30_000, || {
        number += 1;
        ns(exponential(500.0) + if number % 331 == 0 { 500_000.0 } else { 0.0 })
    });
    let spiked = analyse(0, &spiked, None);
    let two = |warning: &TailWarning| {
        matches!(warning, TailWarning::BadFit { .. } | TailWarning::Unstable { .. } | TailWarning::TooFew { .. })
    };
    assert!(warned(&spiked, two) || spiked.thresholds[spiked.fit.unwrap().threshold].value > 500_000.0, "{spiked:?}");
    let cut = analyse(0, &runs(3, 10_000, || ns(exponential(3_000.0).min(22_000.0))), None);
    assert!(warned(&cut, |warning| matches!(warning, TailWarning::Bounded { greatest: 22_000, .. })), "{:?}", cut.warnings);
    let coarse = analyse(0, &runs(3, 10_000, || ns(exponential(3_000.0)) / 2_000 * 2_000), None);
    assert!(warned(&coarse, |warning| matches!(warning, TailWarning::Coarse { .. })), "{:?}", coarse.warnings);
    let heavy = analyse(0, &runs(3, 10_000, || ns(1_000.0 / (1.0 - exponential(1.0).fract()).powf(1.3))), None);
    assert!(warned(&heavy, |warning| matches!(warning, TailWarning::InfiniteMean { .. })), "{:?}", heavy.warnings);
    let unlike: Vec<Peaks> =
        [500.0, 500.0, 900.0].into_iter().flat_map(|scale| runs(1, 10_000, || ns(exponential(scale)))).collect();
    let unlike = analyse(0, &unlike, None);
    assert!(warned(&unlike, |warning| matches!(warning, TailWarning::RunsDisagree { runs: 3, .. })), "{:?}", unlike.warnings);
    for tail in [&few, &spiked, &cut, &coarse, &heavy, &unlike] {
        assert!(tail.warnings.iter().all(|warning| warning.to_string().len() > 40));
    }
}

/// One tail in a hundred or so is warned of by mistake.
#[test]
fn a_plain_tail_is_seldom_warned_of() {
    let mut random = ChaCha8Rng::seed_from_u64(51);
    let mut warned = 0;
    for _ in 0..40 {
        let plain = runs(4, 3_000, || ns(50_000.0 - 5_000.0 * (1.0 - random.random::<f64>()).ln()));
        warned += u32::from(!analyse(0, &plain, None).warnings.is_empty());
    }
    assert!(warned <= 6, "{warned} of 40");
}

#[test]
fn the_share_above_a_latency_is_that_of_the_level() {
    let mut random = ChaCha8Rng::seed_from_u64(61);
    let tail = analyse(0, &runs(2, 20_000, || ns(10_000.0 - 2_000.0 * (1.0 - random.random::<f64>()).ln())), None);
    let million = tail.levels.iter().find(|level| level.period == Period::Packets(1_000_000)).unwrap();
    let share = share_above(&tail, million.level as f64).unwrap();
    assert!((share * 1e6 - 1.0).abs() < 0.01, "{share}");
    assert_eq!(share_above(&tail, 0.0), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever was counted there is an answer or a warning, every number of it is finite, and it is read back from JSON as it was.
    #[test]
    fn any_latencies_have_an_answer(
        seed in any::<u64>(),
        shape in 0u32..5,
        range in 1u64..=u64::MAX / 4,
        sizes in proptest::collection::vec(0usize..3_000, 0..4),
    ) {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut latency = move || match shape {
            0 => random.random_range(0..=range),
            1 => range,
            2 => random.random_range(0..=3) * (range / 3),
            3 => ns((range as f64).powf(random.random::<f64>())),
            _ => ns(1e3 / random.random::<f64>().powf(3.0)),
        };
        let runs: Vec<Peaks> = sizes.iter().flat_map(|size| runs(1, *size, &mut latency)).collect();
        let tail = analyse(0, &runs, Some(SECOND));
        prop_assert!(tail.fit.is_some() || !tail.warnings.is_empty());
        let text = serde_json::to_string(&tail).unwrap();
        // what is not finite is written as null, which is no number
        let back: Extremes = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(back.warnings.len(), tail.warnings.len());
        for level in &tail.levels {
            prop_assert!(level.low <= level.level && level.high.is_none_or(|high| high >= level.level), "{:?}", level);
        }
    }

    /// In another unit it is the same tail.
    #[test]
    fn the_tail_moves_with_the_unit(seed in any::<u64>(), unit in 2u64..1_000) {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let latencies: Vec<u64> = (0..4_000).map(|_| ns(20_000.0 - 3_000.0 * (1.0 - random.random::<f64>()).ln())).collect();
        let of = |unit: u64| analyse(0, &[Peaks::of_latencies(latencies.iter().map(|latency| Some(latency * unit)))], None);
        let (plain, moved) = (of(1), of(unit));
        let (fit, other) = (plain.fit.unwrap(), moved.fit.unwrap());
        prop_assert_eq!(fit.threshold, other.threshold);
        prop_assert!((fit.shape - other.shape).abs() < 1e-4 && (fit.scale * unit as f64 / other.scale - 1.0).abs() < 1e-3);
        for (level, other) in plain.levels.iter().zip(&moved.levels) {
            let ratio = other.level as f64 / (level.level as f64 * unit as f64);
            prop_assert!((ratio - 1.0).abs() < 1e-3, "{}", ratio);
        }
    }
}
