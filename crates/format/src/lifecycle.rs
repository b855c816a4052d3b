//! What the life of an environment costs: times, memory, disk, and how many fit.

use serde::{Deserialize, Serialize};

use crate::knob::Knobs;
use crate::summary::Parameter;

/// A stage of an environment's life that takes time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// From nothing to everything that it needs to start: root file system, disk, configuration. Images are in the cache already.
    Provision,
    /// From the order to start to the first word of the agent inside.
    Boot,
    /// From the order to end to the first word of the agent after the next start.
    Reboot,
    /// From the order to make another like it out of it to the first word of the other's agent.
    Clone,
    /// From the order to end until its last process is gone.
    Shutdown,
    /// From the order to remove until nothing of it is left.
    Remove,
}

impl Phase {
    /// All, in the order in which a life has them.
    pub const ALL: [Self; 6] = [Self::Provision, Self::Boot, Self::Reboot, Self::Clone, Self::Shutdown, Self::Remove];
}

impl std::fmt::Display for Phase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Provision => "provision",
            Self::Boot => "boot",
            Self::Reboot => "reboot",
            Self::Clone => "clone",
            Self::Shutdown => "shutdown",
            Self::Remove => "remove",
        })
    }
}

/// How long a phase took once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhaseTime {
    /// Which.
    pub phase: Phase,
    /// How long, ns of CLOCK_MONOTONIC.
    pub time: u64,
}

/// What an idle environment takes from its host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Footprint {
    /// Memory it was given, bytes; `None` when it has no limit.
    pub configured: Option<u64>,
    /// Proportional set size of its processes as the host sees them, summed, bytes (`Pss` of proc_pid_smaps_rollup(5)); the agent's
    /// and an emulator's memory with it.
    pub processes: u64,
    /// Bytes of what was provisioned for it alone: bundle, initial RAM file system, overlay. Images, which it shares, are not among them.
    pub own: u64,
    /// Bytes on disk of the image it shares with others of its kind: root file system, disk, kernel; `None` where it has none.
    #[serde(default)]
    pub image: Option<u64>,
}

/// Why no further node was started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// As many as the experiment allows.
    Cap,
    /// Another would have left the host with less memory than the experiment keeps free.
    Memory,
    /// The time was over.
    Time,
    /// A node did not start: why.
    Failed(String),
}

/// How many nodes fit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Density {
    /// Idle nodes that were up at the same time.
    pub nodes: u32,
    /// Memory the host lost per node: the drop of `MemAvailable` (proc_meminfo(5)) over all of them, bytes. Negative when something
    /// else gave back more meanwhile.
    pub memory: i64,
    /// From the first order to the last agent's word, ns.
    pub time: u64,
    /// Why there were no more.
    pub limit: Limit,
}

/// One attempt at one life.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Life {
    /// Name of the run's folder.
    pub run: String,
    /// Number of the cell in the campaign.
    pub cell: usize,
    /// Which repeat of the cell, from 0.
    pub repeat: u32,
    /// Which attempt, from 0.
    pub attempt: u32,
    /// When it began, seconds since 1970.
    pub began: u64,
    /// The values of the swept keys.
    pub parameters: Vec<Parameter>,
    /// In the order in which they were gone through.
    pub phases: Vec<PhaseTime>,
    /// While it was idle.
    pub footprint: Option<Footprint>,
    /// How many fit, where that was asked for.
    pub density: Option<Density>,
    /// Why it does not count; `None` when it does.
    pub failed: Option<String>,
    /// What was asked of the host's knobs, and what they said; `None` of a life that did not come so far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub knobs: Option<Knobs>,
}

/// A value over the repeats of a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repeats {
    /// Repeats that have it.
    pub runs: u32,
    /// Least.
    pub minimum: u64,
    /// Median (nearest rank).
    pub median: u64,
    /// Greatest.
    pub maximum: u64,
    /// Bounds of the distribution-free 95 % interval of the median; `None` with fewer than six repeats, which cannot carry one.
    pub interval: Option<(u64, u64)>,
}

/// A phase over the repeats of a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhaseSummary {
    /// Which.
    pub phase: Phase,
    /// Its times, ns.
    pub time: Repeats,
}

/// All lives of one combination of swept values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LifeCell {
    /// Number of the cell.
    pub cell: usize,
    /// Its values of the swept keys.
    pub parameters: Vec<Parameter>,
    /// Kind of environment, as in the experiment file.
    pub kind: String,
    /// Folders of the runs that count.
    pub valid: Vec<String>,
    /// Folders of the runs that do not.
    pub invalid: Vec<String>,
    /// Phases that any run went through, in the order of [`Phase::ALL`].
    pub phases: Vec<PhaseSummary>,
    /// Of the run with the median memory.
    pub footprint: Option<Footprint>,
    /// Proportional set size of an idle node's processes, bytes.
    pub memory: Option<Repeats>,
    /// Of the first run that counted nodes.
    pub density: Option<Density>,
}

/// What a campaign of lives amounts to: `summary.json` at the top of the results folder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LifeCampaign {
    /// Layout of this file.
    pub version: u32,
    /// Name of the experiment.
    pub name: String,
    /// The question asked.
    pub question: Option<String>,
    /// The answer in one sentence.
    pub answer: String,
    /// What the plan had to say.
    pub notes: Vec<String>,
    /// The cells.
    pub cells: Vec<LifeCell>,
    /// Every attempt, in the order they were made.
    pub runs: Vec<Life>,
}

impl LifeCampaign {
    /// The layout this code writes.
    pub const VERSION: u32 = 1;
}
