//! How the clocks of a host were related while there was traffic.

use serde::{Deserialize, Serialize};

/// The relation of the host's clocks over one run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClockRelation {
    /// Ticks of the TSC per second, from both ends of the run.
    pub tsc_hz: f64,
    /// `CLOCK_MONOTONIC` at the origin of the run, ns.
    pub origin_monotonic: u64,
    /// `CLOCK_REALTIME` at the origin of the run, ns since 1970.
    pub origin_realtime: u64,
    /// Time the run took by the monotonic clock, ns.
    pub span: u64,
    /// How much `CLOCK_REALTIME` moved against `CLOCK_MONOTONIC` over the run, ns: a step here invalidates kernel stamps.
    pub realtime_shift: i64,
    /// The longer of the two brackets in which the clocks were read together: the bound on the error of relating them, ns.
    pub bracket: u64,
}
