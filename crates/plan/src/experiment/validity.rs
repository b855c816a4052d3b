//! `[validity]`: how far the instrument may fail before a run no longer counts.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tailbed_format::unit::{Share, Time};

/// Limits on the instrument's own failures. A run beyond one is invalid and repeated; it never counts against the device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Validity {
    /// A packet sent later than this after it was due is late.
    pub lateness: Time,
    /// Share of packets that may be late.
    pub late_share: Share,
    /// The longest the generator may stand still.
    pub gap: Time,
    /// The most the wall clock may move against the monotonic clock in a run.
    pub clock_shift: Time,
}

impl Default for Validity {
    fn default() -> Self {
        Self { lateness: Time(1_000_000), late_share: Share(10_000), gap: Time(10_000_000), clock_shift: Time(10_000) }
    }
}
