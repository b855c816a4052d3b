//! `[noise]`: how quiet cores are, in place of packets.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tailbed_format::noise::Work;
use tailbed_format::unit::Time;

/// Tests of the cores of the one node of the experiment, from inside its environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Noise {
    /// Which tests; both when absent.
    pub tests: Vec<NoiseTest>,
    /// How long each core is watched for gaps.
    pub duration: Time,
    /// A stretch of at least this, during which a loop that never pauses was not running, is a gap.
    pub threshold: Time,
    /// From one wake-up of the timer test to the next.
    pub interval: Time,
    /// How many wake-ups.
    #[schemars(range(min = 1, max = 10_000_000))]
    pub cycles: u64,
    /// `SCHED_FIFO` priority of both tests; 0 is ordinary priority.
    #[schemars(range(max = 99))]
    pub priority: u8,
    /// Cores of the host that are tested, in the kernel's numbering; those that the node is given when empty.
    pub cpus: Vec<usize>,
    /// Where a neighbour keeps cores of the host busy meanwhile.
    pub load: NoiseLoad,
    /// What the neighbour does; all of it when absent.
    pub load_work: Vec<LoadWork>,
}

impl Default for Noise {
    fn default() -> Self {
        Self {
            tests: vec![NoiseTest::Gaps, NoiseTest::Timer],
            duration: Time(10_000_000_000),
            threshold: Time(1_000),
            interval: Time(200_000),
            cycles: 500_000,
            priority: crate::placement::PRIORITY,
            cpus: Vec::new(),
            load: NoiseLoad::None,
            load_work: vec![LoadWork::Compute, LoadWork::Memory, LoadWork::Calls],
        }
    }
}

/// A noise test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NoiseTest {
    /// A loop that never pauses, and when it was not running.
    Gaps,
    /// A thread that sleeps, and how late it is woken.
    Timer,
}

/// Where the neighbour is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NoiseLoad {
    /// There is none.
    #[default]
    None,
    /// On the cores that are tested.
    Same,
    /// On all cores that are not.
    Others,
}

/// What the neighbour does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LoadWork {
    /// Arithmetic in registers.
    Compute,
    /// Copies through 32 MiB.
    Memory,
    /// System calls and page faults.
    Calls,
}

impl From<LoadWork> for Work {
    fn from(work: LoadWork) -> Self {
        match work {
            LoadWork::Compute => Self::Compute,
            LoadWork::Memory => Self::Memory,
            LoadWork::Calls => Self::Calls,
        }
    }
}
