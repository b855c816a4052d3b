//! A percentile of two samples of runs: how far they lie apart, and what may be said of it.

use serde::Serialize;
use tailbed_format::percentile::Percentile;

use super::rank_sum::{self, Shift};
use crate::counter::Counter;

/// An interval with less confidence than this decides nothing.
pub(crate) const LEAST_CONFIDENCE: f64 = 0.9375;

/// A difference is claimed when it would come by chance less often than this in the whole comparison.
pub(crate) const CHANCE: f64 = 0.05;

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

/// Compares the values of two samples of runs at a percentile, ns; `floor` is what the instrument takes itself there. `None` without values
/// on a side. The verdict is that of these samples alone until [`correct`] has seen all rows.
pub(crate) fn row(percentile: Percentile, base: &[f64], other: &[f64], floor: Option<f64>) -> Option<Row> {
    let (difference, ratio) = both(base, other)?;
    let chance = rank_sum::two_sided(base, other)?;
    let small = floor.is_some_and(|floor| difference.estimate.abs() <= floor);
    // as it stands by itself; the others are taken into account afterwards
    let verdict = match difference.estimate {
        _ if small => Verdict::BelowFloor,
        shift if shift > 0.0 => Verdict::Slower,
        _ => Verdict::Faster,
    };
    Some(Row {
        percentile,
        medians: [base, other].map(median),
        repeats: [base.len(), other.len()],
        difference,
        ratio,
        chance,
        verdict,
    })
}

/// The difference and the ratio of two samples.
pub(super) fn both(base: &[f64], other: &[f64]) -> Option<(Range, Range)> {
    let difference = rank_sum::shift(base, other)?;
    // of positive values: the shift of their logarithms
    let log = |values: &[f64]| values.iter().map(|value| value.max(1.0).ln()).collect::<Vec<_>>();
    let ratio = rank_sum::shift(&log(base), &log(other))?;
    let ratio =
        Range { estimate: ratio.estimate.exp(), low: ratio.low.exp(), high: ratio.high.exp(), confidence: ratio.confidence };
    Some((difference.into(), ratio))
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "medians of times that were whole nanoseconds")]
fn median(values: &[f64]) -> u64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len().saturating_sub(1) / 2).map_or(0, |value| *value as u64)
}

/// Holm's correction (1979): the smallest probability of all rows counts as often as there are rows, the next once less, and so on.
/// What is then not unlikely enough, with all rows together more often than `error`, is no difference that was shown.
pub(crate) fn correct(mut rows: Vec<&mut Row>, error: f64) {
    rows.sort_by(|one, other| one.chance.total_cmp(&other.chance));
    let count = rows.len();
    let mut least = 0.0_f64;
    for (place, row) in rows.into_iter().enumerate() {
        let times = count - place;
        least = least.max((row.chance * times as f64).min(1.0));
        row.chance = least;
        if least <= error {
            continue;
        }
        // samples as small as these could not have shown a difference however far apart they lie
        let reach = 2.0 * rank_sum::at_most(row.repeats[0], row.repeats[1], 0) * count as f64;
        row.verdict = if reach > error || row.difference.confidence < LEAST_CONFIDENCE {
            Verdict::NotEnough(rank_sum::needed(error / count as f64))
        } else {
            Verdict::NoLargerThan(row.difference.low.abs().max(row.difference.high.abs()))
        };
    }
}

/// Probability that a value of the other is above one of the base, equal ones counted half (Vargha and Delaney 2000, A).
pub(crate) fn slower(base: &Counter, other: &Counter) -> Option<f64> {
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
