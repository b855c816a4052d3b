//! Two campaigns side by side: what became slower, what faster, and what cannot be said.
//!
//! The percentile of each repeat is one value, and the values of both sides are compared by their ranks ([`rank_sum`]): nothing is assumed of
//! how latencies are distributed, only that repeats are independent and that one side differs from the other by a shift. The cells of one
//! campaign are compared by the same rows ([`crate::campaign`]).

pub mod gate;
pub mod machine;
pub mod rank_sum;
pub mod row;
pub(crate) mod words;

use serde::Serialize;
use tailbed_format::percentile::Percentile;
use tailbed_format::summary::{CampaignSummary, CellSummary, Counts, Parameter, RunKind, RunSummary};

use crate::campaign::floor_of;
use crate::counter::Counter;
use crate::interval::{ONE_SIDED, binomial, median_interval};
use gate::{Condition, Limit, Measure, Outcome, judge};
use row::{CHANCE, LEAST_CONFIDENCE, both, correct, row, slower};

pub use row::{Range, Row, Verdict};
pub use words::markdown;
pub(crate) use words::verdict;

/// A campaign to be compared.
#[derive(Debug, Clone, Copy)]
pub struct Side<'a> {
    /// What it found.
    pub summary: &'a CampaignSummary,
    /// Latencies of all packets of the runs that count, by cell.
    pub latencies: &'a [Counter],
}

/// Two campaigns, cell by cell.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// What is compared against.
    pub base: String,
    /// What is compared.
    pub other: String,
    /// Cells that both have.
    pub cells: Vec<Compared>,
    /// Combinations that only the base has.
    pub only_base: Vec<Vec<Parameter>>,
    /// Combinations that only the other has.
    pub only_other: Vec<Vec<Parameter>>,
}

/// A combination of swept values in both campaigns.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Compared {
    /// The swept values.
    pub parameters: Vec<Parameter>,
    /// Repeats that count: of the base, of the other.
    pub repeats: [usize; 2],
    /// Probability that a packet of the other is slower than one of the base, equal ones counted half; `None` without packets.
    pub slower: Option<f64>,
    /// Packets of both.
    pub counts: [Counts; 2],
    /// One for each percentile that has a value on both sides.
    pub rows: Vec<Row>,
    /// What became of the conditions.
    pub conditions: Vec<Judged>,
}

/// A condition and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Judged {
    /// The condition.
    pub condition: Condition,
    /// What became of it.
    pub outcome: Outcome,
    /// The figures behind that, a clause.
    pub why: String,
}

impl Comparison {
    /// The worst outcome of all conditions; `None` without any.
    pub fn outcome(&self) -> Option<Outcome> {
        self.cells.iter().flat_map(|cell| &cell.conditions).map(|judged| judged.outcome).max()
    }
}

/// Compares the measurement cells that both campaigns have; `base` and `other` name them for the reader.
pub fn compare(base: (&str, Side<'_>), other: (&str, Side<'_>), conditions: &[Condition]) -> Comparison {
    let ((base_name, base), (other_name, other)) = (base, other);
    let only = |this, that| {
        let alone = measured(this).filter(|cell| partner(cell, that).is_none());
        alone.map(|cell| cell.parameters.clone()).collect()
    };
    let pair = |cell| Some(compared((base, cell), (other, partner(cell, other)?), conditions));
    let mut cells: Vec<Compared> = measured(base).filter_map(pair).collect();
    correct(cells.iter_mut().flat_map(|cell| &mut cell.rows).collect(), CHANCE);
    Comparison {
        base: base_name.to_owned(),
        other: other_name.to_owned(),
        cells,
        only_base: only(base, other),
        only_other: only(other, base),
    }
}

fn measured(side: Side<'_>) -> impl Iterator<Item = &CellSummary> {
    side.summary.cells.iter().filter(|cell| cell.kind == RunKind::Measurement)
}

fn partner<'a>(cell: &CellSummary, side: Side<'a>) -> Option<&'a CellSummary> {
    measured(side).find(|candidate| candidate.parameters == cell.parameters)
}

fn compared(base: (Side<'_>, &CellSummary), other: (Side<'_>, &CellSummary), conditions: &[Condition]) -> Compared {
    let sides = [base, other];
    let runs = sides.map(|(side, cell)| {
        let runs = side.summary.runs.iter();
        runs.filter(|run| run.cell == cell.cell && run.is_valid()).collect::<Vec<_>>()
    });
    let [of_base, of_other] = sides.map(|(side, cell)| side.latencies.get(cell.cell));
    let row = |percentile: Percentile| {
        let floor = sides.iter().filter_map(|(side, cell)| floor_of(cell, percentile, &side.summary.cells)).max();
        let [base, other] = [0, 1].map(|side| values(Measure::At(percentile), &runs[side]));
        row(percentile, &base, &other, floor.map(|ns| ns as f64))
    };
    Compared {
        parameters: other.1.parameters.clone(),
        repeats: [runs[0].len(), runs[1].len()],
        slower: of_base.zip(of_other).and_then(|(base, other)| slower(base, other)),
        counts: [base.1.counts, other.1.counts],
        rows: Percentile::REPORTED.into_iter().filter_map(row).collect(),
        conditions: conditions.iter().map(|condition| judged(condition, &runs, &other.1.counts)).collect(),
    }
}

/// What each run gives for a measure, ns; runs without a value are left out.
fn values(measure: Measure, runs: &[&RunSummary]) -> Vec<f64> {
    let value = |run: &&RunSummary| match measure {
        Measure::At(percentile) => run.latency.at(percentile)?.value(),
        Measure::Maximum => run.latency.maximum,
        Measure::Loss => None,
    };
    runs.iter().filter_map(value).map(|ns| ns as f64).collect()
}

fn judged(condition: &Condition, runs: &[Vec<&RunSummary>; 2], counts: &Counts) -> Judged {
    let (outcome, why) = match condition.limit {
        Limit::Share(limit) => loss(counts, limit),
        Limit::Time(limit) => below(&values(condition.measure, &runs[1]), limit),
        Limit::MoreBy(_) | Limit::MoreByShare(_) => {
            let [base, other] = [0, 1].map(|side| values(condition.measure, &runs[side]));
            more(condition.limit, &base, &other)
        }
    };
    Judged { condition: condition.clone(), outcome, why }
}

fn more(limit: Limit, base: &[f64], other: &[f64]) -> (Outcome, String) {
    let Some((difference, ratio)) = both(base, other) else {
        return (Outcome::Undecided, words::too_few(base.len(), other.len()));
    };
    let outcome = match limit {
        _ if difference.confidence < LEAST_CONFIDENCE => Outcome::Undecided,
        Limit::MoreByShare(share) => judge(ratio.low - 1.0, ratio.high - 1.0, share),
        Limit::MoreBy(ns) | Limit::Time(ns) => judge(difference.low, difference.high, ns as f64),
        Limit::Share(_) => Outcome::Undecided,
    };
    let why = match limit {
        Limit::MoreByShare(_) => words::share_more(&ratio),
        _ => words::more(&difference),
    };
    (outcome, why)
}

/// The median over the repeats against a limit, ns.
#[allow(clippy::cast_possible_truncation, reason = "values that were whole nanoseconds")]
pub(crate) fn below(values: &[f64], limit: u64) -> (Outcome, String) {
    let whole: Vec<i64> = values.iter().map(|value| *value as i64).collect();
    let Some(interval) = median_interval(&whole) else { return (Outcome::Undecided, words::no_value()) };
    let outcome = if interval.confidence < LEAST_CONFIDENCE {
        Outcome::Undecided
    } else {
        judge(interval.low as f64, interval.high as f64, limit as f64)
    };
    (outcome, words::at(&interval))
}

/// The share of packets lost, with the exact interval (Clopper and Pearson 1934) as if each were lost by itself.
fn loss(counts: &Counts, limit: f64) -> (Outcome, String) {
    let (sent, lost) = (counts.sent, counts.lost);
    if sent == 0 {
        return (Outcome::Undecided, words::no_value());
    }
    // the share at which so few losses, or so many, become as unlikely
    let bisected = |too_high: &dyn Fn(f64) -> bool| {
        let (mut low, mut high) = (0.0, 1.0);
        for _ in 0..60 {
            let middle = f64::midpoint(low, high);
            if too_high(middle) { high = middle } else { low = middle }
        }
        f64::midpoint(low, high)
    };
    let high = if lost == sent { 1.0 } else { bisected(&|p| binomial::at_most(sent, p, lost) < ONE_SIDED) };
    let low = if lost == 0 { 0.0 } else { bisected(&|p| 1.0 - binomial::at_most(sent, p, lost - 1) > ONE_SIDED) };
    (judge(low, high, limit), words::lost(lost, sent, low, high))
}

#[cfg(test)]
mod tests;
