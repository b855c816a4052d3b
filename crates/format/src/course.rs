//! How latencies went: over the time of a run, over the repeats of a cell, and over a campaign.

use serde::{Deserialize, Serialize};

use crate::percentile::Percentile;

/// How a run's latencies went over its counted part: what was found is reported, never cut away.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Course {
    /// An early regime, unlike what came after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warm_up: Option<WarmUp>,
    /// A steady rise or fall, at each percentile that has one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drift: Vec<Drift>,
}

/// The early regime of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct WarmUp {
    /// At which percentile it shows.
    pub percentile: Percentile,
    /// When the first packet after it was due, ns from the origin of the run.
    pub until: i64,
    /// How many packets it had.
    pub packets: u64,
    /// The percentile's value in it, ns.
    pub early: u64,
    /// The percentile's value in the rest of the run, ns.
    pub rest: u64,
}

/// A steady rise or fall over a run.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Drift {
    /// At which percentile.
    pub percentile: Percentile,
    /// The percentile's value in the first quarter of the run, ns.
    pub from: u64,
    /// The same in the last quarter, ns.
    pub to: u64,
    /// Probability of as clear a trend by chance.
    pub chance: f64,
}

/// How the repeats of a cell differ, and what that makes of its intervals.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Repeats {
    /// One for each percentile whose interval is that between repeats; of the others it is that of order statistics.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub between: Vec<Between>,
    /// Whole runs that are good or bad; `None` where runs lie about one middle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modes: Option<Modes>,
}

/// What made the interval of a percentile.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Between {
    /// Which percentile.
    pub percentile: Percentile,
    /// Runs that count.
    pub runs: u32,
    /// The variance between runs by what their packets alone would make of it: about 1 where runs do not differ; `None` where the packets tell
    /// nothing of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inflation: Option<f64>,
    /// Whether that is more than chance would make of runs that do not differ.
    pub differ: bool,
    /// Length of the blocks in which packets were drawn again, packets, the median over the runs.
    pub block: u64,
}

/// Two kinds of runs in one cell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Modes {
    /// At which percentile they differ most clearly.
    pub percentile: Percentile,
    /// Probability that runs about one middle would fall apart as clearly.
    pub chance: f64,
    /// The faster runs.
    pub fast: Mode,
    /// The slower runs.
    pub slow: Mode,
}

/// Runs of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mode {
    /// Folders of the runs, in the order they were made.
    pub runs: Vec<String>,
    /// Median over them of each percentile that has a value in all runs of the cell, ns.
    pub values: Vec<(Percentile, u64)>,
}

/// A rise or fall over the whole campaign, from run to run.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CampaignDrift {
    /// At which percentile.
    pub percentile: Percentile,
    /// From the first repeat to the last, as a share of the median: 0.1 is a tenth more; the median over the cells.
    pub change: f64,
    /// Cells that were looked at.
    pub cells: u32,
    /// Repeats of each.
    pub repeats: u32,
    /// Probability of as clear a trend by chance.
    pub chance: f64,
}
