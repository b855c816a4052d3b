//! How far the instrument may fail before a run no longer counts.

use serde::{Deserialize, Serialize};

/// Limits on the instrument's own failures, as given in `[validity]` or by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// A packet sent later than this after it was due is late, ns.
    pub lateness: u64,
    /// Share of packets that may be late, parts per million.
    pub late_share: u32,
    /// The longest the generator may stand still, ns.
    pub gap: u64,
    /// The most the wall clock may move against the monotonic clock in a run, ns: kernel receive stamps are taken from the former.
    pub clock_shift: u64,
}
