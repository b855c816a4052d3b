//! What came of many simulated campaigns.

use tailbed_format::percentile::Percentile;
use tailbed_format::summary::{CampaignSummary, Verdict};

use super::shape::Shape;
use super::simulated::{CELLS, Simulated, Size, holds, simulate};

/// Of so many, so many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Share {
    pub(super) of: u32,
    pub(super) are: u32,
}

impl Share {
    fn count(&mut self, is: bool) {
        self.of += 1;
        self.are += u32::from(is);
    }

    /// 0 to 1; `None` of nothing.
    pub(super) fn value(self) -> Option<f64> {
        (self.of > 0).then(|| f64::from(self.are) / f64::from(self.of))
    }
}

/// Intervals of one percentile.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Held {
    /// Intervals between repeats that hold the truth.
    pub(super) between: Share,
    /// Of these intervals, those with both ends.
    pub(super) bounded: Share,
    /// Intervals of order statistics that hold the truth.
    pub(super) order_statistics: Share,
}

/// The campaigns of one shape and size.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// By [`Percentile::REPORTED`].
    pub(super) held: Vec<Held>,
    /// Campaigns with a claim of a difference, where there is none.
    pub(super) false_verdicts: Share,
    /// Runs said to warm up.
    pub(super) warm_ups: Share,
    /// Runs said to drift.
    pub(super) drifts: Share,
    /// Cells said to have runs of two kinds.
    pub(super) modes: Share,
    /// Campaigns said to drift.
    pub(super) campaign_drifts: Share,
}

/// Makes so many campaigns and counts.
pub(super) fn tally(shape: Shape, size: Size, campaigns: u64, seed: u64) -> Tally {
    let truths = Percentile::REPORTED.map(|percentile| shape.truth(percentile.fraction()));
    let mut tally = Tally { held: vec![Held::default(); truths.len()], ..Tally::default() };
    for number in 0..campaigns {
        let Simulated { summary, order_statistics } = simulate(shape, size, seed, number);
        for (cell, other) in summary.cells.iter().zip(&order_statistics) {
            for (at, row) in cell.latency.percentiles.iter().enumerate() {
                if let Some((holds, bounded)) = holds(&row.estimate, truths[at]) {
                    tally.held[at].between.count(holds);
                    tally.held[at].bounded.count(bounded);
                }
                if let Some((holds, _)) = holds(&other[at].estimate, truths[at]) {
                    tally.held[at].order_statistics.count(holds);
                }
            }
            tally.modes.count(cell.repeats.as_ref().is_some_and(|repeats| repeats.modes.is_some()));
        }
        count_campaign(&mut tally, &summary);
    }
    tally
}

fn count_campaign(tally: &mut Tally, summary: &CampaignSummary) {
    let claimed = |verdict: Verdict| matches!(verdict, Verdict::Slower | Verdict::Faster);
    tally.false_verdicts.count(summary.contrasts.iter().any(|contrast| claimed(contrast.verdict)));
    for course in summary.runs.iter().filter_map(|run| run.course.as_ref()) {
        tally.warm_ups.count(course.warm_up.is_some());
        tally.drifts.count(!course.drift.is_empty());
    }
    tally.campaign_drifts.count(!summary.drift.is_empty());
}

/// Intervals that one campaign gives at each percentile.
pub(super) const INTERVALS: usize = CELLS;
