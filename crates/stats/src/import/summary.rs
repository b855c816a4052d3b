//! Results of others as a campaign's summary, so that whatever reads campaigns reads them too.

use tailbed_format::imported::{Imported, ImportedRun};
use tailbed_format::percentile::Percentile;
use tailbed_format::summary::{
    CampaignSummary, CellSummary, Counts, Distribution, Estimate, PercentileRow, RunKind, RunSummary, Spread,
};

use crate::counter::Counter;
use crate::interval::{LEAST_BEYOND, distribution, needed};
use crate::run::{Attempt, failed_run};

/// How far beyond a percentile the next point of a table may lie to stand for it: with at least this share of the values beyond it that
/// lie beyond the percentile. HdrHistogram's tables, five steps to each halving, have one within it everywhere.
const NEAR: f64 = 0.8;

/// Differences of shares below this come of decimals.
const ROUNDING: f64 = 1e-9;

/// The points of a distribution whose values are all known: the percentiles of every table, and the maximum.
pub(super) fn points(counter: &Counter) -> Vec<(f64, u64)> {
    let reported =
        Percentile::REPORTED.into_iter().filter_map(|percentile| Some((percentile.fraction(), counter.quantile(percentile)?)));
    reported.chain(counter.maximum().map(|maximum| (1.0, maximum))).collect()
}

/// Where the value of a percentile is to be found among points of a distribution: the least point at or beyond it, unless that is so
/// far beyond that it would be another percentile's.
pub fn at(points: &[(f64, u64)], percentile: Percentile) -> Option<u64> {
    let share = percentile.fraction();
    let (found, value) = points.iter().find(|(candidate, _)| *candidate >= share - ROUNDING)?;
    (1.0 - found >= NEAR * (1.0 - share) - ROUNDING).then_some(*value)
}

/// How many values a table stands for at least, where it does not say: the last ranks are those whose value is the greatest, and below
/// the first of them one rank at least has another. By the nearest rank, ceil(n q) < n there, so that n (1 - q) is 1 or more.
pub fn at_least(points: &[(f64, u64)]) -> u64 {
    let Some(&(_, greatest)) = points.last() else { return 0 };
    let below = points.iter().rev().find(|(_, value)| *value < greatest).map_or(0.0, |(share, _)| *share);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at least one, and casts of floats saturate")]
    let count = (1.0 / (1.0 - below).max(f64::MIN_POSITIVE)).round() as u64;
    count
}

/// A run's distribution: exact with intervals where every value is known, else the points of its table, without.
pub fn distribution_of(run: &ImportedRun) -> Distribution {
    if !run.counts.is_empty() {
        let mut counter = Counter::new();
        run.counts.iter().for_each(|(value, times)| counter.record_many(*value, *times));
        let exact = distribution(&counter);
        return Distribution { minimum: run.minimum.or(exact.minimum), ..exact };
    }
    let count = run.count.unwrap_or_else(|| at_least(&run.percentiles));
    let row = |percentile: Percentile| {
        let beyond = count.saturating_sub(percentile.rank(count)) >= LEAST_BEYOND;
        let estimate = match at(&run.percentiles, percentile).filter(|_| beyond) {
            Some(value) => Estimate::Value { value, low: None, high: None },
            None => Estimate::NotEnough { needed: needed(percentile).unwrap_or(u64::MAX) },
        };
        PercentileRow { percentile, estimate }
    };
    Distribution {
        count,
        minimum: run.minimum,
        maximum: run.maximum,
        mean: None,
        percentiles: Percentile::REPORTED.into_iter().map(row).collect(),
    }
}

/// How many packets a run has where the file says so; 0 where only [`at_least`] does.
fn received(run: &ImportedRun) -> u64 {
    run.count.unwrap_or_else(|| run.counts.iter().map(|(_, times)| *times).sum())
}

/// All of it. Nothing is known of loss, lateness or the host, so none of it is told; there are no comparisons and no floor.
pub fn campaign(imported: &Imported) -> CampaignSummary {
    let mut runs = Vec::new();
    let mut cells = Vec::new();
    for (number, cell) in imported.cells.iter().enumerate() {
        let first = runs.len();
        for (repeat, run) in cell.runs.iter().enumerate() {
            let attempt = Attempt {
                run: run.file.clone(),
                kind: RunKind::Measurement,
                cell: number,
                repeat: u32::try_from(repeat).unwrap_or(u32::MAX),
                attempt: 0,
                began: 0,
                parameters: cell.parameters.clone(),
            };
            let latency = distribution_of(run);
            let counts = Counts { received: received(run), ..Counts::default() };
            runs.push(RunSummary { latency, counts, invalid: Vec::new(), ..failed_run(attempt, String::new(), Vec::new()) });
        }
        cells.push(cell_of(number, &cell.parameters, &runs[first..], &latencies(cell)));
    }
    let answer = match &imported.source {
        Some(source) => format!("These results were imported and not measured here. They come from: {source}."),
        None => "These results were imported and not measured here.".to_owned(),
    };
    let left_out = imported.left_out.iter().map(|left_out| format!("{} was left out: {}", left_out.file, left_out.reason));
    CampaignSummary {
        version: CampaignSummary::VERSION,
        name: imported.name.clone(),
        question: None,
        answer,
        simulated: false,
        notes: left_out.collect(),
        cells,
        contrasts: Vec::new(),
        drift: Vec::new(),
        slos: Vec::new(),
        extremes: Vec::new(),
        runs,
    }
}

/// Every value of a cell's runs, where all of them say so; else none.
pub fn latencies(cell: &tailbed_format::imported::ImportedCell) -> Counter {
    let mut counter = Counter::new();
    if cell.runs.iter().all(|run| !run.counts.is_empty()) {
        let all = cell.runs.iter().flat_map(|run| &run.counts);
        all.for_each(|(value, times)| counter.record_many(*value, *times));
    }
    counter
}

fn cell_of(
    number: usize,
    parameters: &[tailbed_format::summary::Parameter],
    runs: &[RunSummary],
    latencies: &Counter,
) -> CellSummary {
    let nothing = distribution(&Counter::new());
    CellSummary {
        cell: number,
        kind: RunKind::Measurement,
        parameters: parameters.to_vec(),
        valid: runs.iter().map(|run| run.run.clone()).collect(),
        invalid: Vec::new(),
        floor: None,
        counts: Counts::default(),
        latency: distribution(latencies),
        latency_from_due: nothing.clone(),
        lateness: nothing,
        through: Vec::new(),
        spread: Percentile::REPORTED.into_iter().filter_map(|percentile| spread(percentile, runs)).collect(),
        repeats: None,
        streams: Vec::new(),
    }
}

fn spread(percentile: Percentile, runs: &[RunSummary]) -> Option<Spread> {
    let mut values: Vec<u64> = runs.iter().filter_map(|run| run.latency.at(percentile)?.value()).collect();
    values.sort_unstable();
    let (&minimum, &maximum) = (values.first()?, values.last()?);
    let median = values[(values.len() - 1) / 2];
    Some(Spread { percentile, runs: u32::try_from(values.len()).unwrap_or(u32::MAX), minimum, median, maximum })
}
