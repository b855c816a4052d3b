//! The timestamper: what it is told to tap, what it counted, and what came of it.

use serde::{Deserialize, Serialize};

use crate::order::Scheduling;
use crate::summary::Distribution;

/// The order of the agent that records what passes links, outside the load generator and the device under test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capture {
    /// What is tapped; a file each.
    pub taps: Vec<Tap>,
    /// Bytes kept of each frame, counted from its destination address.
    pub snap: u32,
    /// Who stamps.
    pub stamps: Stamps,
    /// Bytes of a file at most; frames beyond are left out and counted.
    pub limit: u64,
    /// How often rings are emptied while packets come, ns; `None`: after the traffic, for the rings hold all of it.
    pub every: Option<u64>,
    /// Folder of the files, absolute; empty until the run has one.
    pub folder: String,
    /// What the files say they come from.
    pub origin: Origin,
    /// Core, priority, memory.
    pub scheduling: Scheduling,
}

/// One direction of a link, where its frames can be seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tap {
    /// Name of its file without folder and extension: `1-generator-to-dut`.
    pub name: String,
    /// Who sends the frames.
    pub from: String,
    /// Whom they are for.
    pub to: String,
    /// The network namespace of the interface, by its name below /run/netns; `None` for the agent's own.
    pub namespace: Option<String>,
    /// The interface.
    pub interface: String,
    /// Frames that leave by the interface, in place of those that come in: of a virtual machine's tap.
    pub outgoing: bool,
    /// Blocks of [`BLOCK`] bytes that its ring has.
    pub blocks: u32,
    /// Bytes of the file that are expected.
    pub expected: u64,
}

/// Bytes of a ring's block: at the shortest frames some 1 800 of them.
pub const BLOCK: u32 = 256 << 10;

/// A block is handed over after this long even if it is not full, ms.
pub const RETIRE: u32 = 250;

/// Who stamps frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stamps {
    /// The kernel (`SOF_TIMESTAMPING_RX_SOFTWARE`).
    Software,
    /// The network card (`SOF_TIMESTAMPING_RAW_HARDWARE`).
    Hardware,
}

/// What a capture file says it comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The processor.
    pub hardware: String,
    /// The kernel.
    pub system: String,
    /// This program with its version.
    pub application: String,
}

/// How the clock of a network card stood to `CLOCK_REALTIME`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardClock {
    /// Its device: `/dev/ptp0`.
    pub device: String,
    /// The request that it was read by: `PTP_SYS_OFFSET_EXTENDED`.
    pub by: String,
    /// The card's clock minus `CLOCK_REALTIME` before the capture, ns.
    pub before: i64,
    /// The same after it, ns.
    pub after: i64,
    /// Both are right within so much, ns; 0 where the hardware has latched both clocks at once.
    pub bound: u64,
}

/// What the timestamper counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Captured {
    /// One for each tap, in the order's order.
    pub taps: Vec<TapCount>,
    /// How exactly the clocks were read together: a bound on the error of relating the stamps to another clock of the host, ns.
    pub reading: u64,
    /// How much `CLOCK_REALTIME`, which the stamps of the kernel are of, moved against `CLOCK_MONOTONIC` meanwhile, ns.
    pub shift: i64,
    /// The clock that the stamps are of, where a card took them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card: Option<CardClock>,
}

/// Frames of one tap: those that passed = written + dropped + left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TapCount {
    /// Frames written.
    pub written: u64,
    /// Frames that found no room in the ring (`PACKET_STATISTICS`, packet(7)).
    pub dropped: u64,
    /// Frames left out because the file had reached its limit.
    pub left_out: u64,
    /// Frames among those written whose stamp is not of the kind that was asked for.
    pub otherwise_stamped: u64,
    /// Bytes of the file.
    pub bytes: u64,
}

impl TapCount {
    /// Whether the file holds every frame that passed.
    pub fn is_complete(&self) -> bool {
        self.dropped == 0 && self.left_out == 0
    }
}

/// What the timestamper found out in one run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CaptureSummary {
    /// Who stamped.
    pub stamps: Stamps,
    /// See [`Captured::reading`], ns.
    pub reading: u64,
    /// See [`Captured::shift`], ns.
    pub shift: i64,
    /// See [`Captured::card`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card: Option<CardClock>,
    /// Its files.
    pub taps: Vec<TapSummary>,
    /// From one tap to the next on the packets' way.
    pub through: Vec<Through>,
}

impl CaptureSummary {
    /// Whether the files hold every frame that passed.
    pub fn is_complete(&self) -> bool {
        self.taps.iter().all(|tap| tap.count.is_complete())
    }
}

/// One file of a capture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TapSummary {
    /// Its path below the run's folder.
    pub file: String,
    /// Who sent the frames.
    pub from: String,
    /// Whom they were for.
    pub to: String,
    /// What was counted.
    pub count: TapCount,
}

/// What lies between two taps, by the timestamper alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Through {
    /// The nodes that packets pass in between.
    pub nodes: Vec<String>,
    /// The file before, below the run's folder.
    pub before: String,
    /// The file behind.
    pub behind: String,
    /// The lead-in that is left out, ns: what arrives within this time after the first packet of both sides.
    pub trim: u64,
    /// Packets seen before.
    pub entered: u64,
    /// Packets seen behind.
    pub left: u64,
    /// Packets seen before and, within the window, not behind.
    pub lost: u64,
    /// Receptions behind beyond the first of a packet.
    pub duplicates: u64,
    /// Packets that overtook an earlier one.
    pub reordered: u64,
    /// Packets of both sides that could not be told from another.
    pub ambiguous: u64,
    /// Packets behind that were not seen before.
    pub unmatched: u64,
    /// Stamp behind minus stamp before.
    pub latency: Distribution,
    /// Whether both files hold every frame that passed; with frames missing, losses may be the timestamper's.
    pub complete: bool,
}

/// Latency between two taps over the packets of all valid runs of a cell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ThroughCell {
    /// The nodes that packets pass in between.
    pub nodes: Vec<String>,
    /// Stamp behind minus stamp before.
    pub latency: Distribution,
}

/// Names of a path's part, as tables print it: `dut`, `a, b`.
pub fn joined(nodes: &[String]) -> String {
    nodes.join(", ")
}
