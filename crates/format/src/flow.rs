//! What became of each flow of a run, and of its bytes.

use serde::{Deserialize, Serialize};

/// What became of the packets of one flow, warm-up left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowCounts {
    /// The flow.
    pub flow: u32,
    /// Packets sent.
    pub sent: u64,
    /// Packets received at least once.
    pub received: u64,
    /// Packets sent and never received.
    pub lost: u64,
    /// Receptions beyond the first of a packet.
    pub duplicates: u64,
    /// Packets that came in after a later one of the flow.
    pub reordered: u64,
}

/// One flow: what became of its packets, and their latency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowSummary {
    /// Its packets.
    pub counts: FlowCounts,
    /// Least latency, ns; `None` when nothing was received.
    pub minimum: Option<u64>,
    /// Latency at [`crate::percentile::Percentile::REPORTED`], in order, ns; `None` where fewer than ten observations lie beyond.
    pub percentiles: Vec<Option<u64>>,
    /// Greatest latency, ns.
    pub maximum: Option<u64>,
}

/// The flows of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowTable {
    /// How many had packets; all of them are in the run's `flows.csv`.
    pub count: u64,
    /// The [`FlowTable::SHOWN`] that fared worst: those that lost most, then those with the greatest latency.
    pub worst: Vec<FlowSummary>,
}

impl FlowTable {
    /// How many are shown at most.
    pub const SHOWN: usize = 10;
}

/// Bytes on the wire of a run, warm-up left out: whole frames with their check sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Volume {
    /// Of all packets sent.
    pub sent: u64,
    /// Of all packets received, each once and as long as it was sent.
    pub received: u64,
    /// Length of the counted part, ns.
    pub duration: u64,
}

impl Volume {
    /// Bits per second of so many bytes in the counted part.
    pub fn rate(&self, bytes: u64) -> f64 {
        if self.duration == 0 { 0.0 } else { bytes as f64 * 8e9 / self.duration as f64 }
    }
}
