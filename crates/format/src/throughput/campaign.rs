//! What a campaign of searches amounts to.

use serde::{Deserialize, Serialize};

use super::{BurstSummary, GoalSummary, LatencySummary, Repeats, SearchRun};
use crate::percentile::Percentile;
use crate::summary::{Parameter, RunKind};

/// All searches of one combination of swept values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SearchCell {
    /// Number of the cell.
    pub cell: usize,
    /// A measurement, or what the instrument carries by itself over a wire.
    #[serde(default)]
    pub kind: RunKind,
    /// Its values of the swept keys.
    pub parameters: Vec<Parameter>,
    /// Folders of the searches that ended as they should.
    pub whole: Vec<String>,
    /// Folders of those that did not.
    pub broken: Vec<String>,
    /// Goal by goal.
    pub goals: Vec<GoalSummary>,
    /// Bursts.
    pub burst: Option<BurstSummary>,
    /// Latency.
    pub latency: Vec<LatencySummary>,
    /// Valid trials a search took.
    pub trials: Option<Repeats>,
    /// How long a search took, ns.
    pub took: Option<Repeats>,
}

/// What a campaign of searches amounts to: `summary.json` at the top of the results folder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SearchCampaign {
    /// Layout of this file.
    pub version: u32,
    /// Name of the experiment.
    pub name: String,
    /// The question asked.
    pub question: Option<String>,
    /// The answer in one sentence.
    pub answer: String,
    /// Whether any part was simulated: then none of it is a measurement.
    pub simulated: bool,
    /// What the plan had to say.
    pub notes: Vec<String>,
    /// The cells.
    pub cells: Vec<SearchCell>,
    /// Every search, in the order they were made.
    pub runs: Vec<SearchRun>,
}

impl SearchCampaign {
    /// The layout this code writes.
    pub const VERSION: u32 = 1;

    /// The percentiles of latency that any cell has at any share, in order.
    pub fn latency_percentiles(&self) -> Vec<Percentile> {
        let known = |percentile: &Percentile| {
            self.cells.iter().flat_map(|cell| &cell.latency).any(|latency| latency.at(*percentile).is_some())
        };
        Percentile::REPORTED.into_iter().filter(known).collect()
    }
}
