//! Cells of runs whose truth is known.

use super::*;
use crate::interval::distribution;
use rand::RngExt;

fn exponential(random: &mut ChaCha8Rng, packets: usize, scale: f64) -> Vec<u64> {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a latency of microseconds")]
    let one = |random: &mut ChaCha8Rng| (-(1.0 - random.random::<f64>()).ln() * scale) as u64;
    (0..packets).map(|_| one(random)).collect()
}

/// The rows of a cell of such runs, and what made their intervals.
fn cell(runs: &[Vec<u64>]) -> (Vec<PercentileRow>, Vec<Between>) {
    let counters: Vec<Counter> = runs.iter().map(|run| run.iter().copied().collect()).collect();
    let blocks: Vec<Blocks> = runs.iter().zip(&counters).map(|(run, counter)| Blocks::of(run.iter().copied(), counter)).collect();
    let mut pooled = Counter::new();
    for counter in &counters {
        pooled.merge(counter);
    }
    let mut rows = distribution(&pooled).percentiles;
    let runs: Vec<Run<'_>> = counters.iter().zip(&blocks).map(|(latency, blocks)| Run { latency, blocks }).collect();
    let made = between(&mut rows, &pooled, &runs, 1);
    (rows, made)
}

fn bounds(row: &PercentileRow) -> (u64, u64, u64) {
    match row.estimate {
        Estimate::Value { value, low, high } => (low.unwrap(), value, high.unwrap()),
        Estimate::NotEnough { .. } => panic!("no value"),
    }
}

#[test]
fn runs_that_differ_widen_the_interval() {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let alike: Vec<Vec<u64>> = (0..6).map(|_| exponential(&mut random, 5_000, 10_000.0)).collect();
    let apart: Vec<Vec<u64>> =
        [1.0, 1.3, 0.8, 1.1, 0.9, 1.25].iter().map(|factor| exponential(&mut random, 5_000, 10_000.0 * factor)).collect();
    let ((alike, made), (apart, made_apart)) = (cell(&alike), cell(&apart));
    let width = |rows: &[PercentileRow]| {
        let (low, value, high) = bounds(&rows[0]);
        (high - low) as f64 / value as f64
    };
    assert!(width(&apart) > 3.0 * width(&alike), "{} {}", width(&apart), width(&alike));
    assert!(!made[0].differ && made_apart[0].differ && made_apart[0].inflation > Some(10.0), "{made:?} {made_apart:?}");
    let (low, value, high) = bounds(&apart[0]);
    assert!(low < value && value < high);
    assert_eq!(made.len(), 4, "30 000 packets carry p99.9");
    assert_eq!(cell(&[exponential(&mut random, 5_000, 1.0)]).1, [], "one run has nothing beside it");
}

/// A drift of the machine is in every run, and no error of the mean over the campaign.
#[test]
fn a_straight_drift_does_not_widen_it() {
    let mut random = ChaCha8Rng::seed_from_u64(2);
    let drifting: Vec<Vec<u64>> =
        (0..8).map(|at| exponential(&mut random, 5_000, 10_000.0 * (1.0 + 0.05 * f64::from(at)))).collect();
    let mut shuffled = drifting.clone();
    shuffled.swap(0, 4);
    shuffled.swap(2, 7);
    shuffled.swap(1, 5);
    let (in_order, out_of_order) = (bounds(&cell(&drifting).0[0]), bounds(&cell(&shuffled).0[0]));
    assert!(2 * (in_order.2 - in_order.0) < out_of_order.2 - out_of_order.0, "{in_order:?} {out_of_order:?}");
}

#[test]
fn what_a_tail_of_few_packets_does_not_bound_is_left_open() {
    let mut random = ChaCha8Rng::seed_from_u64(3);
    let runs: Vec<Vec<u64>> = [1.0, 2.0].map(|factor| exponential(&mut random, 10_000, 10_000.0 * factor)).to_vec();
    let (rows, _) = cell(&runs);
    let Estimate::Value { low, high, .. } = rows[3].estimate else { panic!("{rows:?}") };
    assert_eq!(high, None, "one of two runs has nearly all packets beyond p99.9");
    assert!(low.is_none_or(|low| low < 100_000), "{low:?}");
}

#[test]
fn equal_runs_keep_the_error_of_their_packets() {
    let mut random = ChaCha8Rng::seed_from_u64(4);
    let one = exponential(&mut random, 5_000, 10_000.0);
    let (rows, made) = cell(&[one.clone(), one]);
    let (low, value, high) = bounds(&rows[0]);
    assert!(low < value && value < high, "{low} {value} {high}");
    assert!(!made[0].differ);
}

#[test]
fn the_same_runs_give_the_same_interval() {
    let mut random = ChaCha8Rng::seed_from_u64(5);
    let runs: Vec<Vec<u64>> = (0..5).map(|_| exponential(&mut random, 2_000, 10_000.0)).collect();
    assert_eq!(cell(&runs), cell(&runs));
}

/// The median of both kinds of runs lies between them; of runs most of which are of one kind all are alike at their own median.
#[test]
fn a_kind_of_runs_that_is_rare_in_the_sample_is_not_beyond_the_interval() {
    let mut random = ChaCha8Rng::seed_from_u64(6);
    for rare in [13_000, 7_700] {
        let mut run = |at: i32| {
            let least = if [2, 7].contains(&at) { rare } else { 10_000 };
            (0..5_000).map(|_| least + random.random_range(0..500)).collect::<Vec<u64>>()
        };
        let runs: Vec<Vec<u64>> = (0..10).map(&mut run).collect();
        let (low, _, high) = bounds(&cell(&runs).0[0]);
        let between = u64::midpoint(10_000, rare);
        assert!((low..=high).contains(&between), "{low} to {high}: {between}");
    }
}
