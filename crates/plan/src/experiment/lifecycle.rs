//! `[lifecycle]`: what the lives of environments cost, in place of packets.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tailbed_format::lifecycle::Phase as Measured;
use tailbed_format::unit::{Bytes, Time};

/// The phases of a life that are measured, for the one node of the experiment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Lifecycle {
    /// Which phases; all of them when absent. What must come before a phase is done, and not reported.
    pub phases: Vec<Phase>,
    /// How many idle nodes fit; not counted when absent.
    #[schemars(with = "Density")]
    pub density: Option<Density>,
}

impl Default for Lifecycle {
    fn default() -> Self {
        use Phase::{Boot, Clone, Provision, Reboot, Remove, Shutdown};
        Self { phases: vec![Provision, Boot, Reboot, Clone, Shutdown, Remove], density: None }
    }
}

/// A phase of a life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Making what it needs to start.
    Provision,
    /// From the order to start to the agent's first word.
    Boot,
    /// Ending it and starting it again.
    Reboot,
    /// Making another like it, until that one's agent speaks.
    Clone,
    /// Ending it.
    Shutdown,
    /// Removing what it needed.
    Remove,
}

impl From<Phase> for Measured {
    fn from(phase: Phase) -> Self {
        match phase {
            Phase::Provision => Self::Provision,
            Phase::Boot => Self::Boot,
            Phase::Reboot => Self::Reboot,
            Phase::Clone => Self::Clone,
            Phase::Shutdown => Self::Shutdown,
            Phase::Remove => Self::Remove,
        }
    }
}

/// How many idle nodes fit, counted once per combination in the first repeat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Density {
    /// No more than this.
    #[schemars(range(min = 1, max = 1000))]
    pub nodes: u32,
    /// No further node is started after this long.
    pub time: Time,
    /// No further node is started that would leave the host with less memory than this.
    pub keep_free: Bytes,
}

impl Default for Density {
    fn default() -> Self {
        Self { nodes: 20, time: Time(60_000_000_000), keep_free: Bytes(1 << 30) }
    }
}
