//! What a run, a cell of the sweep and a campaign amount to: the contents of `summary.json`.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::capture::{CaptureSummary, ThroughCell};
use crate::course::{CampaignDrift, Course, Repeats};
use crate::extremes::Extremes;
use crate::flow::{FlowTable, Volume};
use crate::knob::Knobs;
use crate::message::{ClockRelation, RuleCount};
use crate::percentile::Percentile;
use crate::port::NodePorts;
use crate::proof::Proof;
use crate::rounded::time;
use crate::slo::SloResult;
use crate::stream::StreamSummary;

pub use crate::cell::{Cell, Parameter, RunKind};
pub use crate::contrast::{Contrast, Ratio, Verdict};
pub use crate::program::ProgramSummary;

/// A stretch during which a packet loop saw nothing: it was preempted, interrupted, or its virtual CPU was taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// When it began, ns from the origin of the run.
    pub at: i64,
    /// How long it was, ns.
    pub length: u64,
}

/// A percentile's value, or why there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Estimate {
    /// The nearest-rank value with the bounds of its distribution-free interval.
    Value {
        /// The value at the nearest rank, ns.
        value: u64,
        /// Lower bound of the 95 % interval, ns; `None` when the sample cannot bound it from below.
        low: Option<u64>,
        /// Upper bound of the 95 % interval, ns; `None` when the sample cannot bound it from above.
        high: Option<u64>,
    },
    /// Fewer than ten observations lie beyond the percentile.
    NotEnough {
        /// How many packets it would take.
        needed: u64,
    },
}

impl Estimate {
    /// The value, where there is one, ns.
    pub fn value(&self) -> Option<u64> {
        match *self {
            Self::Value { value, .. } => Some(value),
            Self::NotEnough { .. } => None,
        }
    }
}

/// One row of a table of percentiles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PercentileRow {
    /// Which percentile.
    pub percentile: Percentile,
    /// Its value.
    pub estimate: Estimate,
}

/// A distribution of times in ns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Distribution {
    /// How many values.
    pub count: u64,
    /// The least; `None` when there are no values.
    pub minimum: Option<u64>,
    /// The greatest; `None` when there are no values.
    pub maximum: Option<u64>,
    /// The arithmetic mean; `None` when there are no values.
    pub mean: Option<f64>,
    /// [`Percentile::REPORTED`], in order.
    pub percentiles: Vec<PercentileRow>,
}

impl Distribution {
    /// The row of a percentile.
    pub fn at(&self, percentile: Percentile) -> Option<&Estimate> {
        self.percentiles.iter().find(|row| row.percentile == percentile).map(|row| &row.estimate)
    }
}

/// What became of the packets of a run, warm-up left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counts {
    /// Packets the schedule held.
    pub scheduled: u64,
    /// Packets sent.
    pub sent: u64,
    /// Packets received at least once.
    pub received: u64,
    /// Packets sent and never received.
    pub lost: u64,
    /// Receptions beyond the first of a packet.
    pub duplicates: u64,
    /// Packets that came in after a later one of their flow (RFC 4737, Type-P-Reordered).
    pub reordered: u64,
}

/// Why a run does not count. A run is invalid when the instrument failed, never because the device was slow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Invalid {
    /// Too many packets left late.
    Late {
        /// Packets later than the limit.
        packets: u64,
        /// Of so many.
        of: u64,
        /// The limit on lateness, ns.
        limit: u64,
    },
    /// The generator stood still.
    Stalled {
        /// Its longest gap.
        longest: Gap,
        /// The limit on a gap, ns.
        limit: u64,
    },
    /// Packets of the schedule were not sent.
    Unsent {
        /// How many.
        packets: u64,
        /// The kernel's last reason.
        reason: Option<String>,
    },
    /// The sink's ring was full: packets were lost by the instrument.
    ReceiverDropped {
        /// How many.
        packets: u64,
    },
    /// The clocks moved against each other.
    ClockJumped {
        /// By how much, ns.
        shift: i64,
    },
    /// Packets seem to have come in before they left.
    BeforeSent {
        /// How many.
        packets: u64,
    },
    /// Nothing came in at all.
    NothingReceived,
    /// An agent or a step failed.
    Failed {
        /// The error.
        error: String,
    },
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Late { packets, of, limit } => {
                write!(f, "the generator sent {packets} of {of} packets more than {} late", time(*limit))
            }
            Self::Stalled { longest, limit } => {
                write!(f, "the generator stood still for {} (at most {} is allowed)", time(longest.length), time(*limit))
            }
            Self::Unsent { packets, reason } => {
                write!(f, "{packets} packets of the schedule were not sent")?;
                reason.as_ref().map_or(Ok(()), |reason| write!(f, ": {reason}"))
            }
            Self::ReceiverDropped { packets } => write!(f, "the sink had no room for {packets} packets"),
            Self::ClockJumped { shift } => write!(f, "the wall clock moved by {shift} ns against the monotonic clock"),
            Self::BeforeSent { packets } => write!(f, "{packets} packets bear a receive stamp before their send stamp"),
            Self::NothingReceived => f.write_str("no packet came through"),
            Self::Failed { error } => f.write_str(error),
        }
    }
}

/// One attempt at one run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunSummary {
    /// Name of the run's folder.
    pub run: String,
    /// Floor or measurement.
    pub kind: RunKind,
    /// Number of the cell in the campaign.
    pub cell: usize,
    /// Which repeat of the cell, from 0.
    pub repeat: u32,
    /// Which attempt, from 0: an invalid run is tried again.
    pub attempt: u32,
    /// When it began, seconds since 1970.
    pub began: u64,
    /// The values of the swept keys.
    pub parameters: Vec<Parameter>,
    /// Packets.
    pub counts: Counts,
    /// Kernel receive stamp minus send stamp.
    pub latency: Distribution,
    /// Kernel receive stamp minus due time.
    pub latency_from_due: Distribution,
    /// User-space receive stamp minus send stamp.
    pub latency_to_user: Distribution,
    /// Send stamp minus due time.
    pub lateness: Distribution,
    /// Longest gaps of the generator's loop, longest first.
    pub gaps: Vec<Gap>,
    /// How many gaps there were, listed or not.
    pub gap_count: u64,
    /// Its streams, where there is more than one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub streams: Vec<StreamSummary>,
    /// Its flows, where there is more than one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flows: Option<FlowTable>,
    /// Bytes on the wire; `None` when the run failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume: Option<Volume>,
    /// Relation of the clocks; `None` when the run failed before they were read.
    pub clock: Option<ClockRelation>,
    /// Counters of each forwarder, by node and rule.
    pub forwarders: Vec<ForwarderSummary>,
    /// The ports of its agents, generator and nodes.
    #[serde(default)]
    pub ports: Vec<NodePorts>,
    /// What the timestamper found; `None` without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capture: Option<CaptureSummary>,
    /// How its latencies went over its time; `None` where there are too few packets to tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub course: Option<Course>,
    /// What the host did on the packet cores; `None` where nothing was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<Proof>,
    /// What was asked for and not granted.
    pub downgrades: Vec<String>,
    /// The host's knobs and what they said; `None` when the run failed before they were read, or is simulated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub knobs: Option<Knobs>,
    /// Scripts and commands, in the order they were started.
    #[serde(default)]
    pub programs: Vec<ProgramSummary>,
    /// Empty when the run counts.
    pub invalid: Vec<Invalid>,
}

impl RunSummary {
    /// Whether the run counts.
    pub fn is_valid(&self) -> bool {
        self.invalid.is_empty()
    }
}

/// What one forwarder counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForwarderSummary {
    /// The node.
    pub node: String,
    /// The interface that each rule receives on, where it has others than `in` and `out`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<String>,
    /// Its counters, warm-up included.
    pub rules: Vec<RuleCount>,
}

/// A percentile across the repeats of a cell: how much runs differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spread {
    /// Which percentile.
    pub percentile: Percentile,
    /// Repeats in which the percentile has a value.
    pub runs: u32,
    /// Least value among them, ns.
    pub minimum: u64,
    /// Median value among them (nearest rank), ns.
    pub median: u64,
    /// Greatest value among them, ns.
    pub maximum: u64,
}

/// All valid repeats of one combination of swept values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CellSummary {
    /// Number of the cell.
    pub cell: usize,
    /// Floor or measurement.
    pub kind: RunKind,
    /// Its values of the swept keys.
    pub parameters: Vec<Parameter>,
    /// Folders of the runs that count.
    pub valid: Vec<String>,
    /// Folders of the runs that do not.
    pub invalid: Vec<String>,
    /// For a measurement: the floor cell with the same traffic.
    pub floor: Option<usize>,
    /// Sums over the valid runs.
    pub counts: Counts,
    /// Latency over the packets of all valid runs.
    pub latency: Distribution,
    /// Latency from due time over the packets of all valid runs.
    pub latency_from_due: Distribution,
    /// Lateness over the packets of all valid runs.
    pub lateness: Distribution,
    /// Between the timestamper's taps, over the packets of all valid runs; empty without one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub through: Vec<ThroughCell>,
    /// How much the valid runs differ, per percentile that has a value in at least one of them.
    pub spread: Vec<Spread>,
    /// How the valid runs differ, where there are several, and which intervals of `latency` that made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeats: Option<Repeats>,
    /// Its streams, where there is more than one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub streams: Vec<StreamSummary>,
}

/// What a campaign amounts to: `summary.json` at the top of the results folder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CampaignSummary {
    /// Layout of this file.
    pub version: u32,
    /// Name of the experiment.
    pub name: String,
    /// The question asked.
    pub question: Option<String>,
    /// The answer in one sentence, with its uncertainty.
    pub answer: String,
    /// Whether any part was simulated: then none of it is a measurement.
    pub simulated: bool,
    /// What the plan had to say: roles that share a core, privileges that are missing, keys without effect.
    pub notes: Vec<String>,
    /// The cells, floors first.
    pub cells: Vec<CellSummary>,
    /// Comparisons between cells: those that differ in one factor first.
    pub contrasts: Vec<Contrast>,
    /// What became of the deadlines, in the order of the file and each in every measured cell.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub slos: Vec<SloResult>,
    /// The tails of the measured cells, beyond the data.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub extremes: Vec<Extremes>,
    /// A rise or fall over the campaign, at each percentile that has one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drift: Vec<CampaignDrift>,
    /// Every attempt, in the order they were made.
    pub runs: Vec<RunSummary>,
}

impl CampaignSummary {
    /// The layout this code writes.
    pub const VERSION: u32 = 1;
}
