//! `[proof]`: how closely the host is watched while there is traffic, or cores are tested.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is recorded of the host on the packet cores, or those that are tested. Watching is itself work on the host: both keys can be swept to see
/// what it costs.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Proof {
    /// Readings of the kernel's counters a second, on the core that keeps the house. With 0 they are read before and after the traffic alone.
    /// Left out: 1, and 0 where that core has a packet loop on it.
    #[schemars(with = "u32", range(min = 0, max = 1_000))]
    pub rate: Option<u32>,
    /// Whether the kernel notes every change of task on the packet cores, which costs well under a microsecond each. Left out: true, and false
    /// where cores are tested, whose wake-ups are such changes themselves.
    #[schemars(with = "bool")]
    pub switches: Option<bool>,
}
