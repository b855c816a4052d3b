//! Two campaigns side by side: what became slower, what faster, and what cannot be said.
//!
//! The repeats of two campaigns are independent samples, unlike those of one campaign, which are made in turns and compared pair by pair
//! ([`crate::campaign`]). So the percentile of each repeat is one value, and the values of both sides are compared by their ranks
//! ([`rank_sum`]): nothing is assumed of how latencies are distributed, only that repeats are independent and that one side differs from
//! the other by a shift.

pub mod gate;
pub mod machine;
pub mod rank_sum;
mod words;

use serde::Serialize;
use tailbed_format::percentile::Percentile;
use tailbed_format::summary::{CampaignSummary, CellSummary, Counts, Parameter, RunKind, RunSummary};

use crate::campaign::floor_of;
use crate::counter::Counter;
use crate::interval::{ONE_SIDED, binomial, median_interval};
use gate::{Condition, Limit, Measure, Outcome, judge};
use rank_sum::Shift;

pub use words::markdown;

/// An interval with less confidence than this decides nothing: what five pairs of repeats reach within a campaign.
const LEAST_CONFIDENCE: f64 = 0.9375;

/// A difference is claimed when it would come by chance less often than this in the whole comparison.
const CHANCE: f64 = 0.05;

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

/// A percentile of two campaigns.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// Which.
    pub percentile: Percentile,
    /// Median over the repeats: of the base, of the other, ns.
    pub medians: [u64; 2],
    /// Repeats with a value: of the base, of the other.
    pub repeats: [usize; 2],
    /// Other minus base, ns.
    pub difference: Range,
    /// Other over base.
    pub ratio: Range,
    /// Probability of samples as far apart by chance, for all rows of the comparison together (Holm 1979).
    pub chance: f64,
    /// What may be said.
    pub verdict: Verdict,
}

/// An estimate and the bounds of its interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Range {
    /// The estimate.
    pub estimate: f64,
    /// Lower bound.
    pub low: f64,
    /// Upper bound.
    pub high: f64,
    /// Probability that such an interval holds the true value, 0 to 1.
    pub confidence: f64,
}

impl From<Shift> for Range {
    fn from(Shift { estimate, low, high, confidence }: Shift) -> Self {
        Self { estimate, low, high, confidence }
    }
}

/// What may be said of a difference between campaigns.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It takes longer.
    Slower,
    /// It takes less long.
    Faster,
    /// There is a difference, smaller than what the instrument takes itself.
    BelowFloor,
    /// If there is a difference it is not larger than this, ns.
    NoLargerThan(f64),
    /// So many repeats a side could tell.
    NotEnough(usize),
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
    correct(&mut cells);
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
        row(percentile, &runs, floor.map(|ns| ns as f64))
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

fn row(percentile: Percentile, runs: &[Vec<&RunSummary>; 2], floor: Option<f64>) -> Option<Row> {
    let [base, other] = [0, 1].map(|side| values(Measure::At(percentile), &runs[side]));
    let (difference, ratio) = both(&base, &other)?;
    let chance = rank_sum::two_sided(&base, &other)?;
    let small = floor.is_some_and(|floor| difference.estimate.abs() <= floor);
    // as it stands by itself; the others are taken into account afterwards
    let verdict = match difference.estimate {
        _ if small => Verdict::BelowFloor,
        shift if shift > 0.0 => Verdict::Slower,
        _ => Verdict::Faster,
    };
    Some(Row {
        percentile,
        medians: [&base, &other].map(|values| median(values)),
        repeats: [base.len(), other.len()],
        difference,
        ratio,
        chance,
        verdict,
    })
}

/// The difference and the ratio of two samples.
fn both(base: &[f64], other: &[f64]) -> Option<(Range, Range)> {
    let difference = rank_sum::shift(base, other)?;
    // of positive values: the shift of their logarithms
    let log = |values: &[f64]| values.iter().map(|value| value.max(1.0).ln()).collect::<Vec<_>>();
    let ratio = rank_sum::shift(&log(base), &log(other))?;
    let ratio =
        Range { estimate: ratio.estimate.exp(), low: ratio.low.exp(), high: ratio.high.exp(), confidence: ratio.confidence };
    Some((difference.into(), ratio))
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

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "medians of times that were whole nanoseconds")]
fn median(values: &[f64]) -> u64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len().saturating_sub(1) / 2).map_or(0, |value| *value as u64)
}

/// Holm's correction (1979): the smallest probability of all rows counts as often as there are rows, the next once less, and so on.
/// What is then not unlikely enough is no difference that was shown.
fn correct(cells: &mut [Compared]) {
    let mut rows: Vec<&mut Row> = cells.iter_mut().flat_map(|cell| &mut cell.rows).collect();
    rows.sort_by(|one, other| one.chance.total_cmp(&other.chance));
    let count = rows.len();
    let mut least = 0.0_f64;
    for (place, row) in rows.into_iter().enumerate() {
        let times = count - place;
        least = least.max((row.chance * times as f64).min(1.0));
        row.chance = least;
        if least <= CHANCE {
            continue;
        }
        // samples as small as these could not have shown a difference however far apart they lie
        let reach = 2.0 * rank_sum::at_most(row.repeats[0], row.repeats[1], 0) * count as f64;
        row.verdict = if reach > CHANCE || row.difference.confidence < LEAST_CONFIDENCE {
            Verdict::NotEnough(rank_sum::needed(CHANCE / count as f64))
        } else {
            Verdict::NoLargerThan(row.difference.low.abs().max(row.difference.high.abs()))
        };
    }
}

/// Probability that a value of the other is above one of the base, equal ones counted half (Vargha and Delaney 2000, A).
fn slower(base: &Counter, other: &Counter) -> Option<f64> {
    let pairs = base.count() as f64 * other.count() as f64;
    let mut below = base.iter().peekable();
    let (mut passed, mut above) = (0_u64, 0.0);
    for (value, times) in other {
        while let Some((_, count)) = below.next_if(|(candidate, _)| *candidate < value) {
            passed += count;
        }
        let equal = below.peek().filter(|(candidate, _)| *candidate == value).map_or(0, |(_, count)| *count);
        above += times as f64 * (passed as f64 + equal as f64 / 2.0);
    }
    (pairs > 0.0).then(|| above / pairs)
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
fn below(values: &[f64], limit: u64) -> (Outcome, String) {
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
