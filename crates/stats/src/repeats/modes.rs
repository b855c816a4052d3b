//! Runs of two kinds: whole runs that are good or bad, as a thread's place or a page's colour makes them for as long as a process lives.
//!
//! The values of the runs, as logarithms, are split where that leaves least variance within both parts. Runs about one middle also leave
//! something to split; how little they leave is found by splitting as many normal values (L. Engelman and J. A. Hartigan, Percentage points
//! of a test for clusters, Journal of the American Statistical Association 64, 1969). The kinds are named when less than 0.5 % of such
//! samples fall apart as clearly, at one of two percentiles; so 1 % of cells with runs of one kind are said to have two.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tailbed_format::course::{Mode, Modes};
use tailbed_format::percentile::Percentile;
use tailbed_format::summary::{Estimate, RunSummary};

use crate::course::{FALSE_ALARM, WATCHED};

/// Runs below which no split of normal values is rare enough to mean anything.
pub const LEAST_RUNS: usize = 5;

/// Samples of normal values that the split is held against.
const SAMPLES: usize = 1_999;

/// A difference smaller than this share is not named.
const LEAST_DIFFERENCE: f64 = 0.02;

/// The two kinds of runs, where there are two; `runs` are those of a cell that count, in the order they were made.
pub fn modes(runs: &[&RunSummary]) -> Option<Modes> {
    let found = WATCHED.into_iter().filter_map(|percentile| split_at(percentile, runs).map(|split| (percentile, split)));
    let (percentile, (chance, limit)) = found.min_by(|(_, a), (_, b)| a.0.total_cmp(&b.0))?;
    let slow = |run: &&&RunSummary| value(run, percentile).is_some_and(|value| value > limit);
    let (slow, fast): (Vec<&RunSummary>, Vec<&RunSummary>) = runs.iter().partition(slow);
    Some(Modes { percentile, chance, fast: mode(&fast, runs), slow: mode(&slow, runs) })
}

fn value(run: &RunSummary, percentile: Percentile) -> Option<u64> {
    run.latency.at(percentile)?.value()
}

fn mode(of: &[&RunSummary], all: &[&RunSummary]) -> Mode {
    let median = |percentile: Percentile| {
        let mut values: Vec<u64> = of.iter().filter_map(|run| value(run, percentile)).collect();
        values.sort_unstable();
        Some((percentile, *values.get(values.len().checked_sub(1)? / 2)?))
    };
    let known = |percentile: &Percentile| all.iter().all(|run| value(run, *percentile).is_some());
    Mode {
        runs: of.iter().map(|run| run.run.clone()).collect(),
        values: Percentile::REPORTED.into_iter().filter(known).filter_map(median).collect(),
    }
}

/// The chance of as clear a split, and the greatest value of the faster runs; `None` where the runs are of one kind.
fn split_at(percentile: Percentile, runs: &[&RunSummary]) -> Option<(f64, u64)> {
    let mut known: Vec<(u64, &RunSummary)> = runs.iter().filter_map(|run| Some((value(run, percentile)?, *run))).collect();
    if known.len() < LEAST_RUNS || known.len() < runs.len() {
        return None;
    }
    known.sort_by_key(|(value, _)| *value);
    let logarithms: Vec<f64> = known.iter().map(|(value, _)| (*value as f64).max(1.0).ln()).collect();
    let (within, first) = best_split(&logarithms)?;
    let (fast, slow) = known.split_at(first);
    let (fastest_slow, slowest_fast) = (slow.first()?.0, fast.last()?.0);
    let apart = fastest_slow as f64 >= slowest_fast as f64 * (1.0 + LEAST_DIFFERENCE);
    // packets alone must not explain it
    let bounds = |part: &[(u64, &RunSummary)]| -> Vec<(u64, u64)> {
        let of = |(value, run): &(u64, &RunSummary)| match run.latency.at(percentile) {
            Some(Estimate::Value { low, high, .. }) => (low.unwrap_or(0), high.unwrap_or(u64::MAX)),
            _ => (*value, *value),
        };
        part.iter().map(of).collect()
    };
    let clear = bounds(fast).iter().map(|(_, high)| *high).max() < bounds(slow).iter().map(|(low, _)| *low).min();
    if !(apart && clear) {
        return None;
    }
    let chance = chance(logarithms.len(), within);
    (chance <= FALSE_ALARM).then_some((chance, slowest_fast))
}

/// The least share of the variance that a split leaves within its parts, and how many values the first has; `sorted` ascends. `None` where all
/// are equal.
fn best_split(sorted: &[f64]) -> Option<(f64, usize)> {
    let n = sorted.len() as f64;
    let mean = sorted.iter().sum::<f64>() / n;
    let total: f64 = sorted.iter().map(|value| (value - mean).powi(2)).sum();
    if total <= 0.0 {
        return None;
    }
    let mut sum = 0.0;
    let splits = (1..sorted.len()).map(|first| {
        sum += sorted[first - 1] - mean;
        let early = first as f64;
        // variance between both parts: deviations sum up to zero, so one part's tell the other's
        let between = sum * sum * (1.0 / early + 1.0 / (n - early));
        ((1.0 - between / total).max(0.0), first)
    });
    splits.min_by(|a, b| a.0.total_cmp(&b.0))
}

/// Probability that so many normal values leave no more within their best split.
fn chance(n: usize, within: f64) -> f64 {
    let mut random = ChaCha8Rng::seed_from_u64(n as u64);
    let mut rarer = 0;
    for _ in 0..SAMPLES {
        let mut sample: Vec<f64> = (0..n).map(|_| normal(&mut random)).collect();
        sample.sort_by(f64::total_cmp);
        rarer += usize::from(best_split(&sample).is_some_and(|(least, _)| least <= within));
    }
    (rarer as f64 + 1.0) / (SAMPLES as f64 + 1.0)
}

/// G. E. P. Box and M. E. Muller 1958.
fn normal(random: &mut ChaCha8Rng) -> f64 {
    let (radius, angle): (f64, f64) = (1.0 - random.random::<f64>(), random.random());
    (-2.0 * radius.ln()).sqrt() * (std::f64::consts::TAU * angle).cos()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Engelman and Hartigan 1969, table 1 gives the 99 % point of the ratio of both variances for ten values as 10.4 or so: a share of
    /// 1 / (1 + ratio) within. A simulation of ours cannot be much off it.
    #[test]
    fn one_in_a_hundred_samples_is_as_clear_as_the_table_says() {
        let (rare, usual) = (chance(10, 1.0 / 11.4), chance(10, 1.0 / 4.0));
        assert!((0.001..0.05).contains(&rare), "{rare}");
        assert!(usual > 0.2, "{usual}");
    }

    #[test]
    fn the_split_leaves_least_within() {
        let (within, first) = best_split(&[1.0, 1.1, 1.2, 5.0, 5.1]).unwrap();
        assert_eq!(first, 3);
        assert!(within < 0.002, "{within}");
        assert_eq!(best_split(&[2.0; 5]), None);
    }

    #[test]
    fn normal_values_are_normal() {
        let mut random = ChaCha8Rng::seed_from_u64(1);
        let values: Vec<f64> = (0..20_000).map(|_| normal(&mut random)).collect();
        let mean = values.iter().sum::<f64>() / 20_000.0;
        let square = values.iter().map(|value| value * value).sum::<f64>() / 20_000.0;
        assert!(mean.abs() < 0.03 && (square - 1.0).abs() < 0.04, "{mean} {square}");
    }
}
