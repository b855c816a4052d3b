//! What becomes of a condition in a cell.

use serde::Serialize;
use tailbed_format::percentile::Percentile;
use tailbed_format::summary::{Counts, RunSummary};

use super::gate::{Condition, Limit, Measure, Outcome, judge};
use super::packets::{self, unlike};
use super::rank_sum;
use super::row::{LEAST_CONFIDENCE, both};
use super::silent::{Through, is_silent, through};
use super::words;
use crate::interval::{ONE_SIDED, binomial, median_interval, needed};

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
            Limit::Time(limit) => {
                let values = values(condition.measure, &valid[1]);
                if values.is_empty() { no_value(condition.measure, &[&valid[1]]) } else { below(&values, limit) }
            }
            Limit::MoreBy(_) | Limit::MoreByShare(_) => {
                if let Some(packets) = unlike(&valid[0], &valid[1]).filter(|_| condition.measure == Measure::Maximum) {
                    return Judged::new(condition, (Outcome::Undecided, packets::words(packets)));
                }
                let [base, other] = [0, 1].map(|side| values(condition.measure, &valid[side]));
                if base.is_empty() || other.is_empty() {
                    return Judged::new(condition, no_value(condition.measure, &[&valid[0], &valid[1]]));
                }
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
    (outcome, why + &missing(outcome, difference.confidence, rank_sum::needed(1.0 - LEAST_CONFIDENCE)))
}

/// What is missing to decide, a clause; `needed` repeats make an interval of enough confidence.
fn missing(outcome: Outcome, confidence: f64, needed: usize) -> String {
    match outcome {
        Outcome::Undecided if confidence < LEAST_CONFIDENCE => words::few_repeats(needed),
        Outcome::Undecided => words::in_between(),
        Outcome::Held | Outcome::Failed => String::new(),
    }
}

/// A side without a value: how many packets it takes, and how many there are.
fn no_value(measure: Measure, sides: &[&[&RunSummary]]) -> (Outcome, String) {
    let too_few = match measure {
        Measure::At(percentile) => TooFew::of(percentile, sides),
        Measure::Maximum | Measure::Loss => None,
    };
    (Outcome::Undecided, too_few.map_or_else(words::no_value, |too_few| words::too_few_packets(&too_few)))
}

/// A percentile for which runs have too few packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct TooFew {
    /// Which.
    pub percentile: Percentile,
    /// Packets that a run needs for it.
    pub needed: u64,
    /// The most that a run has, on the side whose runs have fewer.
    pub packets: u64,
}

impl TooFew {
    /// Of the runs that count, side by side; `None` where each side has a value, a side has no runs, or packets are not what is missing, as in
    /// a table of others that leaves the percentile out.
    pub(super) fn of(percentile: Percentile, sides: &[&[&RunSummary]]) -> Option<Self> {
        if sides.iter().any(|runs| runs.is_empty()) {
            return None;
        }
        let most = |runs: &&[&RunSummary]| runs.iter().map(|run| run.latency.count).max();
        let lacking = sides.iter().filter(|runs| values(Measure::At(percentile), runs).is_empty());
        let (needed, packets) = (needed(percentile)?, lacking.filter_map(most).min()?);
        (packets < needed).then_some(Self { percentile, needed, packets })
    }
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
    // so many values bound the population's median by their extremes with 1 - 2^(1-n)
    let needed = (1..=60).find(|n| 1.0 - 0.5_f64.powi(n - 1) >= LEAST_CONFIDENCE).map_or(60, i32::unsigned_abs);
    (outcome, words::at(&interval) + &missing(outcome, interval.confidence, needed as usize))
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
    let outcome = judge(low, high, limit);
    (outcome, words::lost(lost, sent, low, high) + &missing(outcome, 1.0, 0))
}

/// That a condition on loss holds is not said where a run was left out for that nothing came in.
fn with_silent((outcome, why): (Outcome, String), runs: &[&RunSummary]) -> (Outcome, String) {
    match runs.iter().filter(|run| is_silent(run)).count() {
        silent if silent > 0 && outcome == Outcome::Held => (Outcome::Undecided, words::but_silent(&why, silent)),
        _ => (outcome, why),
    }
}
