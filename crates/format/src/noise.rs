//! Noise: what a core takes away from whoever runs on it, and how late it wakes whoever sleeps; with the load beside it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::knob::Knobs;
use crate::lifecycle::Repeats;
use crate::order::Scheduling;
use crate::proof::Proof;
use crate::summary::{Distribution, Gap, Parameter};

/// One test, on one core or several. Each core has a thread of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Noise {
    /// Which test.
    pub test: Test,
    /// The cores, priority and memory. Without cores there is one thread, and the kernel places it.
    pub scheduling: Scheduling,
}

/// What is asked of a core.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Test {
    /// A loop reads the TSC without a pause and notes every stretch between two readings that is long: the core was doing something
    /// else. One core after the other, so that the others can keep the house.
    Gaps {
        /// A stretch of at least this is a gap, ns, at least 1.
        threshold: u64,
        /// How long each core is watched, ns, at least 1.
        duration: u64,
    },
    /// A thread sleeps until an absolute time, again and again, and notes how much later it runs. All cores at once.
    Timer {
        /// From one due time to the next, ns, at least 1.
        interval: u64,
        /// How often, at least 1, at most [`MOST_CYCLES`].
        cycles: u64,
    },
}

/// Most cycles of a timer test: each is kept, in eight bytes.
pub const MOST_CYCLES: u64 = 10_000_000;

/// So many gaps of a core are kept with their lengths; a core with more gives no whole record.
pub const MOST_GAPS: usize = 1 << 18;

/// So many of a core's longest gaps or latest wake-ups are told with their times.
pub const WORST_KEPT: usize = 1_000;

impl Test {
    /// How long it takes on so many cores, ns.
    pub fn span(&self, cores: usize) -> u64 {
        match *self {
            Self::Gaps { duration, .. } => duration.saturating_mul(cores.max(1) as u64),
            Self::Timer { interval, cycles } => interval.saturating_mul(cycles),
        }
    }

    /// In a word, as in the experiment file.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Gaps { .. } => "gaps",
            Self::Timer { .. } => "timer",
        }
    }
}

/// What one core showed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CoreNoise {
    /// The core as the environment numbers it; `None` where the kernel placed the thread.
    pub cpu: Option<usize>,
    /// Every length of a gap or lateness of a wake-up that occurred, ns, ascending, with how often.
    pub values: Vec<(u64, u64)>,
    /// The greatest of them, at most [`WORST_KEPT`], in the order of time, from the beginning of this core's test.
    pub worst: Vec<Gap>,
    /// How long the core was tested, ns.
    pub span: u64,
    /// Turns of the loop, or cycles of the timer.
    pub turns: u64,
    /// Cycles of the timer that were due before the thread could begin to wait for them: it woke from an earlier one too late.
    pub overdue: u64,
    /// Gaps that came when no more could be kept; their lengths are not among the values.
    pub unlisted: u64,
}

/// What the cores showed, in the order of the order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoiseMeasured {
    /// One entry per core.
    pub cores: Vec<CoreNoise>,
}

/// What a test showed, whole: an entry of a run's `noise.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoiseRecord {
    /// The test.
    pub test: Test,
    /// One entry per core.
    pub cores: Vec<CoreNoise>,
}

/// A neighbour that keeps cores busy until it is told to stop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Load {
    /// What it does; each has a thread on each core.
    pub work: Vec<Work>,
    /// The cores, priority and memory. Without cores there is one thread for each work, and the kernel places it.
    pub scheduling: Scheduling,
}

/// How a neighbour keeps a core busy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Work {
    /// Arithmetic in registers.
    Compute,
    /// Copies through a buffer larger than most caches.
    Memory,
    /// System calls and page faults: bytes through a pipe, memory taken, touched and given back.
    Calls,
}

impl Work {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Compute, Self::Memory, Self::Calls];
}

impl fmt::Display for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Compute => "compute",
            Self::Memory => "memory",
            Self::Calls => "calls",
        })
    }
}

/// What a neighbour did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Loaded {
    /// For each thread its core, its work and how many turns of it were done: a turn is 65 536 steps of arithmetic, a copied mebibyte, or
    /// one round of calls.
    pub threads: Vec<LoadThread>,
}

/// What one thread of a neighbour did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadThread {
    /// Its core; `None` where the kernel placed it.
    pub cpu: Option<usize>,
    /// What it does.
    pub work: Work,
    /// How often it did it.
    pub turns: u64,
}

/// One attempt at one run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NoiseRun {
    /// Name of the run's folder.
    pub run: String,
    /// Number of the cell in the campaign.
    pub cell: usize,
    /// Which repeat of the cell, from 0.
    pub repeat: u32,
    /// When it began, seconds since 1970.
    pub began: u64,
    /// The values of the swept keys.
    pub parameters: Vec<Parameter>,
    /// The tests, in the order they were made.
    pub tests: Vec<NoiseFound>,
    /// What the neighbour did meanwhile; `None` when it was idle.
    pub load: Option<Loaded>,
    /// What was asked for and not granted.
    pub downgrades: Vec<String>,
    /// Why it does not count; empty when it does.
    pub invalid: Vec<String>,
    /// What was asked of the host's knobs, and what they said; `None` of a run that did not come so far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub knobs: Option<Knobs>,
    /// What happened on the cores of the host that were tested, from the first test to the last; `None` where the kernel chose them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<Proof>,
}

impl NoiseRun {
    /// Whether the run counts.
    pub fn is_valid(&self) -> bool {
        self.invalid.is_empty()
    }
}

/// What a test found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NoiseFound {
    /// The test.
    pub test: Test,
    /// One entry per core.
    pub cores: Vec<CoreFound>,
}

/// What one core amounts to, over one run or several.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CoreFound {
    /// The core as the environment numbers it; `None` for a thread that the kernel placed, and for several cores together.
    pub cpu: Option<usize>,
    /// Of the lengths of gaps or the lateness of wake-ups, ns.
    pub distribution: Distribution,
    /// How long it was tested, ns.
    pub span: u64,
    /// Turns of the loop, or cycles of the timer.
    pub turns: u64,
    /// Sum of the gaps, or of the lateness, ns.
    pub sum: u64,
    /// As in [`CoreNoise::overdue`].
    pub overdue: u64,
    /// As in [`CoreNoise::unlisted`].
    pub unlisted: u64,
}

/// A test over the repeats of a cell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NoisePooled {
    /// The test.
    pub test: Test,
    /// Over all cores of all runs that count.
    pub all: CoreFound,
    /// Each core over all runs that count.
    pub cores: Vec<CoreFound>,
    /// The greatest gap or lateness of each run, ns; `None` when no run had any.
    pub maximum: Option<Repeats>,
}

/// All repeats of one combination of swept values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NoiseCell {
    /// Number of the cell.
    pub cell: usize,
    /// Its values of the swept keys.
    pub parameters: Vec<Parameter>,
    /// Folders of the runs that count.
    pub valid: Vec<String>,
    /// Folders of the runs that do not.
    pub invalid: Vec<String>,
    /// The tests; none when no run counts.
    pub tests: Vec<NoisePooled>,
}

/// What a campaign of noise tests amounts to: `summary.json` at the top of the results folder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NoiseCampaign {
    /// Layout of this file.
    pub version: u32,
    /// Name of the experiment.
    pub name: String,
    /// The question asked.
    pub question: Option<String>,
    /// The answer in a sentence or two.
    pub answer: String,
    /// What the plan had to say.
    pub notes: Vec<String>,
    /// The cells.
    pub cells: Vec<NoiseCell>,
    /// Every run, in the order they were made.
    pub runs: Vec<NoiseRun>,
}

impl NoiseCampaign {
    /// The layout this code writes.
    pub const VERSION: u32 = 1;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_take_their_time_on_each_core_and_timers_on_all_at_once() {
        assert_eq!(Test::Gaps { threshold: 1, duration: 5 }.span(3), 15);
        assert_eq!(Test::Gaps { threshold: 1, duration: 5 }.span(0), 5);
        assert_eq!(Test::Timer { interval: 200, cycles: 10 }.span(3), 2_000);
    }
}
