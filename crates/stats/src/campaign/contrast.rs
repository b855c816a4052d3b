//! Differences between cells, repeat by repeat.

use tailbed_format::percentile::Percentile;
use tailbed_format::summary::{CellSummary, Contrast, RunKind, RunSummary, Verdict};

use crate::interval::median_interval;

/// Pairs of repeats below which no interval is stated: four extremes hold the median with 87.5 % only.
pub(super) const LEAST_PAIRS: usize = 5;

/// Compares each two measurement cells that differ in exactly one parameter, at each reported percentile that has a value in at
/// least one repeat of both.
///
/// Repeat r of one cell is paired with repeat r of the other, valid runs only: repeats are made in turns, so that a drift of the
/// machine meets both alike and cancels in the difference. The interval of the median difference is that of the sign test
/// ([`median_interval`]); it assumes nothing about distributions, only that repeats are independent. `base` is the cell of the
/// lower number.
pub fn contrasts(cells: &[CellSummary], runs: &[RunSummary]) -> Vec<Contrast> {
    let measured: Vec<_> = cells.iter().filter(|cell| cell.kind == RunKind::Measurement).collect();
    let pairs = measured.iter().enumerate().flat_map(|(at, base)| measured[at + 1..].iter().map(move |other| (*base, *other)));
    pairs
        .filter(|(base, other)| differing_parameter(base, other).is_some())
        .flat_map(|(base, other)| {
            Percentile::REPORTED.into_iter().filter_map(move |percentile| contrast(base, other, percentile, cells, runs))
        })
        .collect()
}

/// The position of the one parameter in which two cells differ; `None` when they differ in none or in several. Keys that vary
/// together are several parameters, but every cell has the same ones. Random topologies that differ in their seed alone are a sample,
/// not treatments, and are not compared with each other.
pub(super) fn differing_parameter(base: &CellSummary, other: &CellSummary) -> Option<usize> {
    let same_keys = base.parameters.len() == other.parameters.len()
        && base.parameters.iter().zip(&other.parameters).all(|(a, b)| a.key == b.key);
    if !same_keys {
        return None;
    }
    let mut differing = (0..base.parameters.len()).filter(|&at| base.parameters[at].value != other.parameters[at].value);
    let first = differing.next().filter(|&at| base.parameters[at].key != "topology.seed")?;
    differing.next().is_none().then_some(first)
}

fn contrast(
    base: &CellSummary,
    other: &CellSummary,
    percentile: Percentile,
    cells: &[CellSummary],
    runs: &[RunSummary],
) -> Option<Contrast> {
    let differences = differences(base.cell, other.cell, percentile, runs);
    let interval = median_interval(&differences)?;
    let verdict = if differences.len() < LEAST_PAIRS {
        Verdict::NotEnough
    } else if interval.low <= 0 && interval.high >= 0 {
        Verdict::NotShown
    } else if floor(base, other, percentile, cells).is_some_and(|floor| interval.median.unsigned_abs() <= floor) {
        Verdict::BelowFloor
    } else if interval.median > 0 {
        Verdict::Slower
    } else {
        Verdict::Faster
    };
    Some(Contrast {
        base: base.cell,
        other: other.cell,
        percentile,
        pairs: u32::try_from(differences.len()).unwrap_or(u32::MAX),
        difference: interval.median,
        low: interval.low,
        high: interval.high,
        confidence: interval.confidence,
        verdict,
    })
}

/// Other minus base at a percentile, for each repeat in which both have a valid run with a value there, ns.
fn differences(base: usize, other: usize, percentile: Percentile, runs: &[RunSummary]) -> Vec<i64> {
    let value = |run: &RunSummary| i64::try_from(run.latency.at(percentile)?.value()?).ok();
    let valid = |cell: usize| runs.iter().filter(move |run| run.cell == cell && run.is_valid());
    valid(base)
        .filter_map(|base| {
            let partner = valid(other).find(|run| run.repeat == base.repeat)?;
            Some(value(partner)? - value(base)?)
        })
        .collect()
}

/// The instrument's own latency at a percentile, ns: the larger of both cells' floors. Where a floor has too few packets for the
/// percentile its maximum stands in, which is never less. `None` when there is no floor: then nothing is held against it.
pub(super) fn floor(base: &CellSummary, other: &CellSummary, percentile: Percentile, cells: &[CellSummary]) -> Option<u64> {
    floor_of(base, percentile, cells).max(floor_of(other, percentile, cells))
}

/// The same of one cell.
pub(crate) fn floor_of(cell: &CellSummary, percentile: Percentile, cells: &[CellSummary]) -> Option<u64> {
    let floor = cells.iter().find(|candidate| Some(candidate.cell) == cell.floor)?;
    floor.latency.at(percentile).and_then(tailbed_format::summary::Estimate::value).or(floor.latency.maximum)
}
