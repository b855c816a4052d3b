//! How far a campaign is: the contents of `progress.json`, for whoever watches it from outside.
//!
//! It is replaced as a whole whenever a run begins, its traffic begins or is over, and when the run has ended: never while there is traffic.

use serde::{Deserialize, Serialize};

use crate::cell::Cell;

/// Where a campaign stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CampaignProgress {
    /// Layout of this file: [`CampaignProgress::VERSION`].
    pub version: u32,
    /// Name of the experiment.
    pub name: String,
    /// The question asked.
    pub question: Option<String>,
    /// What its runs are.
    pub kind: CampaignKind,
    /// Combinations of swept values, floors first.
    pub cells: Vec<Cell>,
    /// Every run, in the order they are made.
    pub runs: Vec<RunProgress>,
    /// What was said on the way, first to last.
    pub said: Vec<Said>,
    /// When this session of the campaign began, ms since 1970; one that is resumed has several.
    pub began: u64,
    /// What is under way.
    pub stage: Stage,
    /// Whether its writer holds a lock on this very file (flock(2)) for as long as it lives: then a file without one belongs to a campaign
    /// that was killed. Not every file system has locks.
    pub locked: bool,
}

impl CampaignProgress {
    /// The layout this code writes.
    pub const VERSION: u32 = 1;
}

/// What the runs of a campaign are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CampaignKind {
    /// Packets are sent and timed.
    Packets,
    /// Environments are gone through phase by phase.
    Lives,
    /// Cores are tested.
    Noise,
    /// Throughputs are sought, trial by trial.
    Searches,
}

/// A run of the campaign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunProgress {
    /// Its name.
    pub name: String,
    /// Number of its cell.
    pub cell: usize,
    /// Which repeat of the cell, from 0.
    pub repeat: u32,
    /// How long it should take, ns.
    pub expected: u64,
    /// Cores for what is not packets, in the kernel's numbering; empty where none are told apart.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub housekeeping: Vec<usize>,
    /// What came of it; `None` when it has not ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Ended>,
}

/// What came of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// Whether it counts.
    pub counts: bool,
    /// How long it took with all its attempts, ns; `None` when an earlier session made it.
    pub took: Option<u64>,
}

/// Something the campaign had to say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// When, ms since 1970.
    pub at: u64,
    /// About what.
    pub topic: Topic,
    /// The folder of the run that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// One sentence, without its full stop.
    pub text: String,
}

/// What something said is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Topic {
    /// The plan, or what was not granted.
    Note,
    /// An attempt that does not count, with the reasons and what is done about it.
    Invalid,
    /// A run that has ended, with its numbers.
    Run,
}

/// What is under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// No run has begun.
    Beginning,
    /// Environments and links of a run are being made; of a life all of it.
    Building(Attempt),
    /// There is traffic, or cores are tested, or trials are made.
    Measuring(Attempt),
    /// The traffic is over: all is taken back, counted and written down.
    TakingBack(Attempt),
    /// All runs have ended, and the report is being written.
    Reporting {
        /// Since when, ms since 1970.
        since: u64,
    },
    /// The campaign has its summary.
    Finished {
        /// Since when, ms since 1970.
        at: u64,
    },
    /// The campaign has ended before all its runs had.
    Stopped {
        /// When, ms since 1970.
        at: u64,
        /// Whether the user stopped it.
        interrupted: bool,
        /// What it said.
        reason: String,
    },
}

/// The attempt that is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Which of the campaign's runs.
    pub run: usize,
    /// Which attempt at it, from 0.
    pub attempt: u32,
    /// Since when it is made, ms since 1970.
    pub began: u64,
    /// Since when it is in this stage, ms since 1970.
    pub since: u64,
}

impl Stage {
    /// The attempt that is under way, if one is.
    pub fn attempt(&self) -> Option<Attempt> {
        match self {
            Self::Building(attempt) | Self::Measuring(attempt) | Self::TakingBack(attempt) => Some(*attempt),
            Self::Beginning | Self::Reporting { .. } | Self::Finished { .. } | Self::Stopped { .. } => None,
        }
    }
}
