//! The cells of a campaign of packets, as far as their runs have been made.

use tailbed_format::percentile::Percentile;
use tailbed_format::progress::CampaignProgress;
use tailbed_format::summary::{RunKind, RunSummary};
use tailbed_stats::report::values;

use crate::show::density::Density;

/// A cell so far.
#[derive(Debug, Clone, Default)]
pub(super) struct CellSeen {
    /// Its name.
    pub(super) label: String,
    /// Number of its floor.
    pub(super) floor: Option<usize>,
    /// Runs that are planned.
    pub(super) planned: usize,
    /// Runs that count.
    pub(super) valid: usize,
    /// Attempts that do not.
    pub(super) invalid: usize,
    /// Packets sent in the runs that count.
    pub(super) sent: u64,
    /// Packets lost in them.
    pub(super) lost: u64,
    /// Of each of [`Percentile::REPORTED`] the values in the runs that count and have one, ascending, ns.
    percentiles: [Vec<u64>; Percentile::REPORTED.len()],
    /// The least latency, ns.
    pub(super) least: Option<u64>,
    /// The greatest latency, ns.
    pub(super) greatest: Option<u64>,
    /// All latencies.
    pub(super) density: Density,
}

impl CellSeen {
    /// The median over its runs of one of [`Percentile::REPORTED`] by its place there, at the nearest rank, ns; `None` where no run has a value.
    pub(super) fn median(&self, place: usize) -> Option<u64> {
        let values = self.percentiles.get(place)?;
        values.get(values.len().div_ceil(2).checked_sub(1)?).copied()
    }

    /// Another attempt at one of its runs.
    pub(super) fn add(&mut self, run: &RunSummary, density: &Density) {
        if !run.is_valid() {
            self.invalid += 1;
            return;
        }
        self.valid += 1;
        self.sent += run.counts.sent;
        self.lost += run.counts.lost;
        for (values, percentile) in self.percentiles.iter_mut().zip(Percentile::REPORTED) {
            if let Some(value) = run.latency.at(percentile).and_then(tailbed_format::summary::Estimate::value) {
                values.insert(values.partition_point(|other| *other <= value), value);
            }
        }
        self.least = self.least.into_iter().chain(run.latency.minimum).min();
        self.greatest = self.greatest.max(run.latency.maximum);
        self.density.merge(density);
    }
}

/// The cells of a campaign of which no run was looked at yet.
pub(super) fn planned(progress: &CampaignProgress) -> Vec<CellSeen> {
    let planned = |number: usize| progress.runs.iter().filter(|run| run.cell == number).count();
    let cell = |(number, cell): (usize, &tailbed_format::cell::Cell)| {
        let values = values(&cell.parameters);
        let label = match cell.kind {
            RunKind::Floor if values.is_empty() => "floor".to_owned(),
            RunKind::Floor => format!("floor, {values}"),
            RunKind::Measurement if values.is_empty() => progress.name.clone(),
            RunKind::Measurement => values,
        };
        CellSeen { label, floor: cell.floor, planned: planned(number), ..CellSeen::default() }
    };
    progress.cells.iter().enumerate().map(cell).collect()
}
