//! Results of others: what their repeats say together.

use tailbed_format::imported::{ImportedCell, ImportedRun};
use tailbed_format::lifecycle::Repeats;
use tailbed_format::percentile::Percentile;

use crate::counter::Counter;
use crate::import::summary::distribution_of;
use crate::life::repeats;

/// Where nobody says how many values there were, as many are assumed as the outermost percentile needs to be one, at most this.
const MOST_ASSUMED: f64 = 1e9;

/// A cell of imported results.
#[derive(Debug)]
pub struct Pooled<'a> {
    cell: &'a ImportedCell,
    /// How many values all repeats stand for; `None` where one of them does not say.
    pub count: Option<u64>,
}

impl<'a> Pooled<'a> {
    /// Of a cell.
    pub fn of(cell: &'a ImportedCell) -> Self {
        Self { cell, count: cell.runs.iter().map(count).try_fold(0_u64, |sum, count| sum.checked_add(count?)) }
    }

    /// A percentile over the repeats that have it, ns.
    pub fn at(&self, percentile: Percentile) -> Option<Repeats> {
        repeats(self.cell.runs.iter().filter_map(|run| at(run, percentile)).collect())
    }

    /// The largest value over the repeats that say it, ns.
    pub fn maximum(&self) -> Option<Repeats> {
        repeats(self.cell.runs.iter().filter_map(maximum).collect())
    }

    /// All repeats together as values, ns, ascending, with how often each occurred: counted where files say so, else as often as the
    /// distance between two of the percentiles they give.
    pub fn values(&self) -> Vec<(u64, u64)> {
        let mut counter = Counter::new();
        for run in &self.cell.runs {
            for (value, times) in values(run) {
                counter.record_many(value, times);
            }
        }
        counter.iter().collect()
    }
}

/// How many values a repeat stands for.
fn count(run: &ImportedRun) -> Option<u64> {
    let counted = || run.counts.iter().try_fold(0_u64, |sum, (_, times)| sum.checked_add(*times));
    run.count.or_else(|| counted().filter(|count| *count > 0))
}

fn maximum(run: &ImportedRun) -> Option<u64> {
    run.maximum.or_else(|| run.counts.last().map(|(value, _)| *value))
}

/// A percentile of one repeat, ns, by the rules of [`distribution_of`].
pub fn at(run: &ImportedRun, percentile: Percentile) -> Option<u64> {
    distribution_of(run).at(percentile)?.value()
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "shares of a count, which are not negative and below 2^53"
)]
fn values(run: &ImportedRun) -> Vec<(u64, u64)> {
    if !run.counts.is_empty() {
        return run.counts.clone();
    }
    let outermost = run.percentiles.iter().map(|(share, _)| *share).filter(|share| *share < 1.0).fold(0.0, f64::max);
    let assumed = (1.0 / (1.0 - outermost)).clamp(1.0, MOST_ASSUMED);
    let count = run.count.map_or(assumed, |count| count as f64);
    let mut below = 0_u64;
    let step = |(share, value): &(f64, u64)| {
        let until = (share.clamp(0.0, 1.0) * count).round() as u64;
        let times = until.saturating_sub(below);
        below = below.max(until);
        (*value, times)
    };
    run.percentiles.iter().map(step).filter(|(_, times)| *times > 0).collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use tailbed_format::imported::Imported;
    use tailbed_format::summary::Parameter;

    const P50: Percentile = Percentile::REPORTED[0];
    const P999: Percentile = Percentile::REPORTED[3];

    fn run(file: &str) -> ImportedRun {
        serde_json::from_value(serde_json::json!({
            "file": file, "format": "hgrm", "count": null, "minimum": null, "maximum": null, "percentiles": [], "counts": []
        }))
        .unwrap()
    }

    /// Two repeats, one of percentiles and one of counts.
    pub(crate) fn imported() -> Imported {
        let points = ImportedRun {
            count: Some(100_000),
            maximum: Some(90_000),
            percentiles: vec![(0.5, 1_000), (0.99, 3_000), (0.999, 8_000), (1.0, 90_000)],
            ..run("a.hgrm")
        };
        let counts = ImportedRun { counts: vec![(1_200, 60_000), (4_000, 39_000), (9_000, 1_000)], ..run("b.csv") };
        let parameters = vec![Parameter { key: "kernel".to_owned(), value: "rt".to_owned() }];
        serde_json::from_value(serde_json::json!({
            "version": 1, "name": "published", "source": "A paper, 2020",
            "cells": [{ "parameters": parameters, "runs": [points, counts] }]
        }))
        .unwrap()
    }

    #[test]
    fn repeats_are_read_by_what_they_have() {
        let imported = imported();
        let pooled = Pooled::of(&imported.cells[0]);
        assert_eq!(pooled.count, Some(200_000));
        let median = pooled.at(P50).unwrap();
        assert_eq!((median.minimum, median.maximum, median.runs), (1_000, 1_200, 2));
        let tail = pooled.at(P999).unwrap();
        assert_eq!((tail.minimum, tail.maximum), (8_000, 9_000));
        // of 100 000 values hardly any lie beyond
        assert_eq!(pooled.at(Percentile::REPORTED[6]), None);
        let values = pooled.values();
        assert_eq!(values.iter().map(|(_, times)| times).sum::<u64>(), 200_000);
        assert_eq!(values[0], (1_000, 50_000));
    }

    #[test]
    fn without_a_count_the_outermost_percentile_is_one_value() {
        let run = ImportedRun { percentiles: vec![(0.5, 10), (0.9999, 20), (1.0, 30)], ..run("c") };
        let values = values(&run);
        assert_eq!(values.iter().map(|(_, times)| times).sum::<u64>(), 10_000);
        assert_eq!(values.last(), Some(&(30, 1)));
        assert_eq!(at(&run, P50), Some(10));
        assert_eq!(at(&run, Percentile::REPORTED[2]), None, "the next point is another percentile's");
        assert_eq!(at(&run, Percentile::REPORTED[4]), None, "one value lies beyond it");
        assert_eq!(super::values(&super::tests::run("d")), []);
    }
}
