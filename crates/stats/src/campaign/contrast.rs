//! Differences between the cells of a campaign, by the rows with which two campaigns are compared.

use tailbed_format::percentile::Percentile;
use tailbed_format::summary::{CellSummary, Contrast, Parameter, Ratio, RunKind, RunSummary, Verdict};

use crate::compare::row::{CHANCE, Row, correct, row, slower};
use crate::compare::{self, packets};
use crate::counter::Counter;

/// What of the permitted error is spent on pairs that differ in one factor; the rest is for those that differ in several. All together make a
/// false claim in 5 % of campaigns at most (Bonferroni), and the first ones need hardly more repeats for it.
const ON_ONE_FACTOR: f64 = 0.8;

/// Measurement cells above which only those that differ in one factor are compared: of 13 cells there are 78 pairs.
const MOST_CELLS: usize = 12;

/// Compares each two measurement cells at each reported percentile that has a value in at least one repeat of both: first those that differ in
/// one parameter, then, of up to 12 cells, all others. `latencies` are those of each cell's runs that count.
///
/// Each run is one value, and the runs of both cells are compared by their ranks; repeats are made in turns, so that a drift of the machine
/// meets all cells alike. What is claimed is corrected for the number of comparisons (Holm 1979). `base` is the cell of the lower number.
pub fn contrasts(cells: &[CellSummary], runs: &[RunSummary], latencies: &[Counter]) -> Vec<Contrast> {
    let measured: Vec<_> = cells.iter().filter(|cell| cell.kind == RunKind::Measurement).collect();
    let pairs = measured.iter().enumerate().flat_map(|(at, base)| measured[at + 1..].iter().map(move |other| (*base, *other)));
    let (one, several): (Vec<_>, Vec<_>) = pairs
        .filter(|(base, other)| comparable(base, other))
        .partition(|(base, other)| differing_parameter(base, other).is_some());
    let several = if measured.len() <= MOST_CELLS { several } else { Vec::new() };
    let share = if several.is_empty() { 1.0 } else { ON_ONE_FACTOR };
    let rest = if one.is_empty() { 1.0 } else { 1.0 - ON_ONE_FACTOR };
    let mut all = family(&one, &Percentile::REPORTED, CHANCE * share, cells, runs, latencies);
    all.extend(family(&several, &Percentile::REPORTED, CHANCE * rest, cells, runs, latencies));
    all
}

/// The greatest latencies of the runs of each two measurement cells that differ in one parameter.
#[derive(Default)]
pub(crate) struct Maxima {
    /// Compared, as percentile 100: a family of their own. A maximum is one packet, so nothing bounds it within a run.
    pub(crate) contrasts: Vec<Contrast>,
    /// Cells whose runs have too different numbers of packets to be compared by it: base, other, and the packets a run of each.
    pub(crate) unlike: Vec<(usize, usize, [u64; 2])>,
}

/// Compares them where runs have as many packets.
pub(crate) fn maxima(cells: &[CellSummary], runs: &[RunSummary]) -> Maxima {
    let measured: Vec<_> = cells.iter().filter(|cell| cell.kind == RunKind::Measurement).collect();
    let pairs = measured.iter().enumerate().flat_map(|(at, base)| measured[at + 1..].iter().map(move |other| (*base, *other)));
    let one = pairs.filter(|(base, other)| differ_in_one(base, other));
    let valid = |cell: usize| runs.iter().filter(|run| run.cell == cell && run.is_valid()).collect::<Vec<_>>();
    let (mut alike, mut unlike) = (Vec::new(), Vec::new());
    for (base, other) in one {
        match packets::unlike(&valid(base.cell), &valid(other.cell)) {
            None => alike.push((base, other)),
            Some(packets) => unlike.push((base.cell, other.cell, packets)),
        }
    }
    Maxima { contrasts: family(&alike, &[Percentile::MAXIMUM], CHANCE, cells, runs, &[]), unlike }
}

/// Comparisons that are corrected together, so that a false claim is among them with the probability `error` at most.
fn family(
    pairs: &[(&CellSummary, &CellSummary)],
    percentiles: &[Percentile],
    error: f64,
    cells: &[CellSummary],
    runs: &[RunSummary],
    latencies: &[Counter],
) -> Vec<Contrast> {
    let mut rows: Vec<(&CellSummary, &CellSummary, Row)> = Vec::new();
    for (base, other) in pairs {
        rows.extend(percentiles.iter().filter_map(|&percentile| {
            let [of_base, of_other] = [base, other].map(|cell| values(cell.cell, percentile, runs));
            let floor = floor(base, other, percentile, cells).map(|ns| ns as f64);
            Some((*base, *other, row(percentile, &of_base, &of_other, floor)?))
        }));
    }
    correct(rows.iter_mut().map(|(_, _, row)| row).collect(), error);
    rows.chunk_by(|a, b| (a.0.cell, a.1.cell) == (b.0.cell, b.1.cell))
        .flat_map(|pair| {
            let [base, other] = [pair[0].0, pair[0].1].map(|cell| latencies.get(cell.cell));
            let slower = base.zip(other).and_then(|(base, other)| slower(base, other));
            pair.iter().map(move |(base, other, row)| contrast(base, other, row, slower))
        })
        .collect()
}

#[allow(clippy::cast_possible_truncation, reason = "differences of whole nanoseconds, or halves of them")]
fn contrast(base: &CellSummary, other: &CellSummary, row: &Row, slower: Option<f64>) -> Contrast {
    let few = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let (verdict, needed) = match row.verdict {
        compare::Verdict::Slower => (Verdict::Slower, None),
        compare::Verdict::Faster => (Verdict::Faster, None),
        compare::Verdict::BelowFloor => (Verdict::BelowFloor, None),
        compare::Verdict::NoLargerThan(_) => (Verdict::NotShown, None),
        compare::Verdict::NotEnough(repeats) => (Verdict::NotEnough, Some(few(repeats))),
    };
    Contrast {
        base: base.cell,
        other: other.cell,
        percentile: row.percentile,
        pairs: few(row.repeats[0].min(row.repeats[1])),
        difference: row.difference.estimate.round() as i64,
        low: row.difference.low.round() as i64,
        high: row.difference.high.round() as i64,
        confidence: row.difference.confidence,
        ratio: Some(Ratio { estimate: row.ratio.estimate, low: row.ratio.low, high: row.ratio.high }),
        chance: Some(row.chance),
        slower,
        needed,
        verdict,
    }
}

/// What each valid run of a cell gives at a percentile, ns; runs without a value are left out.
fn values(cell: usize, percentile: Percentile, runs: &[RunSummary]) -> Vec<f64> {
    let valid = runs.iter().filter(|run| run.cell == cell && run.is_valid());
    let value = |run: &RunSummary| {
        if percentile == Percentile::MAXIMUM { run.latency.maximum } else { run.latency.at(percentile)?.value() }
    };
    valid.filter_map(value).map(|ns| ns as f64).collect()
}

/// The same key of another cell, wherever it stands there.
fn same_key<'a>(parameter: &Parameter, cell: &'a CellSummary) -> Option<&'a Parameter> {
    cell.parameters.iter().find(|candidate| candidate.key == parameter.key)
}

/// Whether two cells are treatments of one experiment: the same keys, and a difference in one besides the seed of a random topology. Those that
/// differ in their seed are a sample and are not compared with each other.
fn comparable(base: &CellSummary, other: &CellSummary) -> bool {
    let same_keys = base.parameters.len() == other.parameters.len()
        && base.parameters.iter().all(|parameter| same_key(parameter, other).is_some());
    let differs = |parameter: &&Parameter| same_key(parameter, other).is_some_and(|other| other.value != parameter.value);
    let mut differing = base.parameters.iter().filter(differs).peekable();
    same_keys && differing.peek().is_some() && differing.all(|parameter| parameter.key != "topology.seed")
}

/// The one parameter in which two cells differ, as the base and as the other has it; `None` when they differ in none or in several. Keys that
/// vary together are several parameters, but every cell has the same ones.
pub(crate) fn differing_parameter<'a>(base: &'a CellSummary, other: &'a CellSummary) -> Option<(&'a Parameter, &'a Parameter)> {
    if !comparable(base, other) {
        return None;
    }
    let both = base.parameters.iter().filter_map(|parameter| Some((parameter, same_key(parameter, other)?)));
    let mut differing = both.filter(|(base, other)| base.value != other.value);
    let first = differing.next()?;
    differing.next().is_none().then_some(first)
}

/// Whether two cells differ in one parameter alone.
pub(crate) fn differ_in_one(base: &CellSummary, other: &CellSummary) -> bool {
    differing_parameter(base, other).is_some()
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
