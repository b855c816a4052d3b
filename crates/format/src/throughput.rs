//! Searches for throughput: what is sought, what each trial showed, what was found.
//!
//! The terms are those of RFC 9971 (Multiple Loss Ratio Search), RFC 2544 and RFC 9004. Rates are packets per second in one direction, also where
//! packets go both ways at once.

mod campaign;

use serde::{Deserialize, Serialize};

use crate::lifecycle::Repeats;
use crate::percentile::Percentile;
use crate::port::NodePorts;
use crate::proof::Proof;
use crate::summary::{Counts, Distribution, ForwarderSummary, Invalid, Parameter, ProgramSummary, RunKind};

pub use campaign::{SearchCampaign, SearchCell};

/// What a load must uphold to count as carried (RFC 9971, "Search Goal").
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Goal {
    /// What the result is called: `NDR`, `PDR`.
    pub name: String,
    /// A trial that lost more than this share of its packets is a high-loss trial, ppm, below the whole.
    pub loss: u32,
    /// Share of the time measured at a load that may be in high-loss trials, ppm, below the whole.
    pub exceed: u32,
    /// The bounds may lie this far apart, ppm of the upper one; two whole rates next to each other are always close enough.
    pub width: u32,
    /// Length of the trials that look for where the bounds lie, ns, at most `trial`.
    pub initial: u64,
    /// Length of the trials that confirm them, ns.
    pub trial: u64,
    /// So much time measured at a load is enough to classify it, ns.
    pub sum: u64,
}

/// A bisection (RFC 2544, section 26.1).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Bisection {
    /// Length of every trial, ns.
    pub trial: u64,
    /// The bounds may lie this far apart, ppm of the upper one.
    pub width: u32,
}

/// How throughput is sought.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// All goals at once, every trial told to each of them (RFC 9971).
    Mlrsearch(Vec<Goal>),
    /// The highest rate without any loss (RFC 2544, section 26.1).
    Rfc2544(Bisection),
    /// The longest burst at the highest rate without any loss (RFC 9004), after the throughput that its correction needs.
    BackToBack {
        /// How the throughput is found.
        throughput: Bisection,
        /// The longest burst that is tried, ns at the highest rate.
        longest: u64,
        /// Time after the last packet of a burst for buffers to empty, ns.
        settle: u64,
    },
}

/// All that a search needs to know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SearchOrder {
    /// How.
    pub method: Method,
    /// No trial has a lower rate, packets per second, at least 1.
    pub minimum: u64,
    /// No trial has a higher rate, packets per second.
    pub maximum: u64,
    /// The search ends after this long, found or not, ns.
    pub time: u64,
    /// How often in a row a trial may be invalid before the search ends, at least 1.
    pub attempts: u32,
    /// Shares of the found rate at which latency is measured afterwards, ppm.
    pub latency: Vec<u32>,
    /// How long it is measured at each, ns.
    pub latency_trial: u64,
}

/// What a trial is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Tells the search whether its load is carried.
    Load,
    /// Tells the search whether a burst is carried.
    Burst,
    /// Measures latency at this share of the found rate, ppm.
    Latency(u32),
}

/// Between what a search has its result so far. Packets per second, or packets of a burst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Bounds {
    /// The relevant lower bound: the highest that is carried below all that are not.
    pub lower: Option<u64>,
    /// The relevant upper bound: the lowest that is not carried.
    pub upper: Option<u64>,
}

/// One trial, valid or not: a line of `trials.jsonl`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// Which, from 1.
    pub number: u32,
    /// When it began, ns since the search did.
    pub at: u64,
    /// What for.
    pub purpose: Purpose,
    /// Packets per second.
    pub rate: u64,
    /// Length of the counted part, ns.
    pub duration: u64,
    /// What became of its packets, warm-up left out. Those that found no room are among the sent and the lost.
    pub counts: Counts,
    /// Packets for which the generator's interface had no room: its queue was full, because they were not taken at its other end.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub no_room: u64,
    /// The same of each direction, where there are two; `rate` is then that of one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub streams: Vec<TrialStream>,
    /// Names of the goals whose loss ratio it exceeded; empty for an invalid trial, of which nothing can be said.
    pub exceeded: Vec<String>,
    /// Why it does not count; empty when it does.
    pub invalid: Vec<Invalid>,
    /// Where the search stands after it, for each goal in order; for a burst those of the burst.
    pub bounds: Vec<Bounds>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Trial {
    /// Whether it counts.
    pub fn is_valid(&self) -> bool {
        self.invalid.is_empty()
    }

    /// Share of the packets sent that were lost; `None` when none was sent.
    pub fn loss_ratio(&self) -> Option<f64> {
        (self.counts.sent > 0).then(|| self.counts.lost as f64 / self.counts.sent as f64)
    }
}

/// What became of one direction's packets in a trial, warm-up left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrialStream {
    /// Which: `forth` or `back`.
    pub name: String,
    /// Packets sent.
    pub sent: u64,
    /// Packets of them that came in, each counted once.
    pub received: u64,
    /// Packets of them that did not.
    pub lost: u64,
}

/// What may be said of a result (RFC 9971, "Goal Results": only the first is regular).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Both bounds were found, close enough together.
    Found,
    /// The highest that was allowed is carried: the result lies there or above.
    AtMaximum,
    /// The lowest that was allowed is not carried: there is no lower bound.
    BelowMinimum,
    /// The search ended before: the bounds are what was known then.
    Unfinished,
}

/// What was found for one goal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GoalFound {
    /// The goal.
    pub goal: Goal,
    /// What may be said.
    pub status: Status,
    /// Packets per second.
    pub bounds: Bounds,
    /// Rate expected to come through at the lower bound (RFC 9971, appendix B), packets per second; `None` without a lower bound.
    pub conditional: Option<f64>,
}

/// The longest burst that is carried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BurstFound {
    /// What may be said.
    pub status: Status,
    /// Packets of a burst.
    pub bounds: Bounds,
    /// Rate within a burst, packets per second.
    pub rate: u64,
    /// Time the longest burst takes to send, ns (RFC 9004, section 6.4, "Implied DUT Buffer Time").
    pub implied: Option<u64>,
    /// The same without the packets that leave the device while the burst comes in, ns (there, "Corrected DUT Buffer Time").
    pub corrected: Option<u64>,
}

/// Latency at a share of the found rate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LatencyFound {
    /// The share, ppm.
    pub share: u32,
    /// The rate, packets per second.
    pub rate: u64,
    /// What became of the packets.
    pub counts: Counts,
    /// Kernel receive stamp minus send stamp; `None` when no trial was valid. Of all packets, whichever way they went.
    pub latency: Option<Distribution>,
    /// The same of each direction, where there are two.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub streams: Vec<LatencyStream>,
}

/// Latency of one direction.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LatencyStream {
    /// Which: `forth` or `back`.
    pub name: String,
    /// Kernel receive stamp minus send stamp.
    pub latency: Distribution,
}

/// Why a search ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// Every goal was reached, or shown to lie outside of what is allowed.
    Reached,
    /// The time was over.
    Time,
    /// The instrument failed too often in a row.
    Invalid {
        /// At this rate, packets per second.
        rate: u64,
        /// So many times.
        attempts: u32,
        /// Why, the last time.
        reasons: Vec<Invalid>,
    },
    /// A step or an agent failed: the error.
    Failed(String),
}

/// One search: a run of the campaign.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SearchRun {
    /// Name of the run's folder.
    pub run: String,
    /// A measurement, or what the instrument carries by itself over a wire.
    #[serde(default)]
    pub kind: RunKind,
    /// Number of the cell in the campaign.
    pub cell: usize,
    /// Which repeat of the cell, from 0.
    pub repeat: u32,
    /// When it began, seconds since 1970.
    pub began: u64,
    /// The values of the swept keys.
    pub parameters: Vec<Parameter>,
    /// Directions that packets went in at once, `forth` and `back`; empty where they went one way. All rates are those of one direction.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub directions: Vec<String>,
    /// How it ended.
    pub end: End,
    /// What was found, goal by goal.
    pub goals: Vec<GoalFound>,
    /// The longest burst, where it was sought.
    pub burst: Option<BurstFound>,
    /// Latency at shares of the found rate.
    pub latency: Vec<LatencyFound>,
    /// Valid trials of the search itself.
    pub trials: u32,
    /// Trials that did not count, those for latency among them.
    pub invalid_trials: u32,
    /// How long all of it took, ns.
    pub took: u64,
    /// Every trial, in order.
    pub log: Vec<Trial>,
    /// Counters of each forwarder, over all trials.
    pub forwarders: Vec<ForwarderSummary>,
    /// What the host did on the packet cores from the first trial to the last; `None` where that was not watched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<Proof>,
    /// The ports of its agents, generator and nodes.
    #[serde(default)]
    pub ports: Vec<NodePorts>,
    /// What was asked for and not granted.
    pub downgrades: Vec<String>,
    /// The host's knobs and what they said; `None` when the search failed before they were read, or is simulated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub knobs: Option<crate::knob::Knobs>,
    /// Scripts and commands, in the order they were started.
    pub programs: Vec<ProgramSummary>,
}

impl SearchRun {
    /// Whether every goal was reached, or shown to lie outside of what is allowed.
    pub fn is_whole(&self) -> bool {
        self.end == End::Reached
    }
}

/// A goal over the repeats of a cell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GoalSummary {
    /// The goal's name.
    pub name: String,
    /// What the instrument carries by itself over a wire, packets per second, where what was found comes near it: at least
    /// [`GoalSummary::NEAR`] of it. Then it is the instrument that may have been found, not the device.
    #[serde(default)]
    pub instrument: Option<u64>,
    /// Lower bounds of the repeats in which both bounds were found, packets per second.
    pub lower: Option<Repeats>,
    /// Upper bounds of the same.
    pub upper: Option<Repeats>,
    /// Conditional throughputs of the same, rounded down.
    pub conditional: Option<Repeats>,
    /// Repeats in which the highest allowed rate was carried.
    pub at_maximum: u32,
    /// Repeats in which the lowest allowed rate was not carried.
    pub below_minimum: u32,
    /// Repeats that ended before.
    pub unfinished: u32,
}

impl GoalSummary {
    /// A share of what the instrument carries by itself, percent. A search ends within a relative width of some percent, and a device takes
    /// from the cores and caches that the instrument uses: what comes so near is not told from the instrument's own limit.
    pub const NEAR: u64 = 90;
}

/// Bursts over the repeats of a cell (RFC 9004, section 6.4).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BurstSummary {
    /// Longest bursts carried, packets.
    pub length: Repeats,
    /// Their arithmetic mean, packets: the benchmark.
    pub mean: f64,
    /// Their standard deviation, packets; `None` with one repeat.
    pub deviation: Option<f64>,
    /// Implied buffer times, ns.
    pub implied: Repeats,
    /// Corrected buffer times, ns.
    pub corrected: Option<Repeats>,
}

/// Latency at a share of the found rate over the repeats of a cell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LatencySummary {
    /// The share, ppm.
    pub share: u32,
    /// Percentiles that have a value in at least one repeat, each over the repeats that have it, ns.
    pub percentiles: Vec<(Percentile, Repeats)>,
    /// Arithmetic means, rounded to ns; `None` where no repeat has one.
    #[serde(default)]
    pub mean: Option<Repeats>,
    /// The longest latency of each repeat, ns; `None` where no repeat has one.
    #[serde(default)]
    pub maximum: Option<Repeats>,
}

impl LatencySummary {
    /// A percentile over the repeats that have it.
    pub fn at(&self, percentile: Percentile) -> Option<Repeats> {
        self.percentiles.iter().find(|(found, _)| *found == percentile).map(|(_, repeats)| *repeats)
    }
}
