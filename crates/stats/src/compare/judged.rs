//! What becomes of a condition in a cell.

use serde::Serialize;
use tailbed_format::summary::{Counts, RunSummary};

use super::gate::{Condition, Limit, Measure, Outcome, judge};
use super::packets::{self, unlike};
use super::row::{LEAST_CONFIDENCE, both};
use super::silent::{Through, is_silent, through};
use super::words;
use crate::interval::{ONE_SIDED, binomial, median_interval};

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

impl Judged {
    pub(crate) fn new(condition: &Condition, (outcome, why): (Outcome, String)) -> Self {
        Self { condition: condition.clone(), outcome, why }
    }
}

/// Judges a condition by all attempts at the runs of a cell, of the base and of the other; `counts` are those of the other's runs that count.
///
/// A path through which nothing comes meets no limit on anything: its conditions fail. What fails only by comparison needs a base that
/// counts.
pub(super) fn judged(condition: &Condition, runs: &[Vec<&RunSummary>; 2], counts: &Counts) -> Judged {
    let [of_base, of_other] = [0, 1].map(|side| through(&runs[side]));
    let relative = matches!(condition.limit, Limit::MoreBy(_) | Limit::MoreByShare(_));
    let valid = [0, 1].map(|side| runs[side].iter().copied().filter(|run| run.is_valid()).collect::<Vec<_>>());
    let judged = match (of_base, of_other) {
        (Through::Counted, Through::Nothing { runs, sent }) => (Outcome::Failed, words::nothing(condition.measure, runs, sent)),
        (_, Through::Nothing { runs, sent }) if !relative => (Outcome::Failed, words::nothing(condition.measure, runs, sent)),
        (_, Through::Nothing { .. } | Through::Unknown { .. }) => (Outcome::Undecided, words::uncounted("", of_other)),
        (Through::Nothing { .. } | Through::Unknown { .. }, _) if relative => {
            (Outcome::Undecided, words::uncounted("of the base ", of_base))
        }
        _ => match condition.limit {
            Limit::Share(limit) => with_silent(loss(counts, limit), &runs[1]),
            Limit::Time(limit) => below(&values(condition.measure, &valid[1]), limit),
            Limit::MoreBy(_) | Limit::MoreByShare(_) => {
                if let Some(packets) = unlike(&valid[0], &valid[1]).filter(|_| condition.measure == Measure::Maximum) {
                    return Judged::new(condition, (Outcome::Undecided, packets::words(packets)));
                }
                let [base, other] = [0, 1].map(|side| values(condition.measure, &valid[side]));
                more(condition.limit, &base, &other)
            }
        },
    };
    Judged::new(condition, judged)
}

/// What each run gives for a measure, ns; runs without a value are left out.
pub(super) fn values(measure: Measure, runs: &[&RunSummary]) -> Vec<f64> {
    let value = |run: &&RunSummary| match measure {
        Measure::At(percentile) => run.latency.at(percentile)?.value(),
        Measure::Maximum => run.latency.maximum,
        Measure::Loss => None,
    };
    runs.iter().filter_map(value).map(|ns| ns as f64).collect()
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

/// That a condition on loss holds is not said where a run was left out for that nothing came in.
fn with_silent((outcome, why): (Outcome, String), runs: &[&RunSummary]) -> (Outcome, String) {
    match runs.iter().filter(|run| is_silent(run)).count() {
        silent if silent > 0 && outcome == Outcome::Held => (Outcome::Undecided, words::but_silent(&why, silent)),
        _ => (outcome, why),
    }
}
