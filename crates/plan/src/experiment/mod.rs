//! The experiment file as it is written: one type per table, strict, with the JSON Schema made from the same types.
//!
//! Nothing here is checked beyond its shape; what the values mean together is `setup`'s business.

mod capture;
mod environment;
mod function;
mod knobs;
mod lifecycle;
mod link;
mod named;
mod node;
mod noise;
mod placement;
mod proof;
mod slo;
mod sweep;
mod throughput;
mod topology;
mod traffic;
mod validity;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use capture::{Capture, Snap, Stamper};
pub use environment::{Accel, Container, Docker, Environment, Host, HugePages, Lxc, Machine, Namespace, Seccomp, Simulated, Vm};
pub use function::{Bng, Filter, Function, L3fwd};
pub use knobs::{Knobs, Value as KnobValue};
pub use lifecycle::{Density, Lifecycle};
pub use link::{Link, LinkKind};
pub use named::Named;
pub use node::Node;
pub use noise::{LoadWork, Noise, NoiseLoad, NoiseTest};
pub use placement::{Cores, Placement, Siblings};
pub use proof::Proof;
pub use slo::{Percent, Slo, Whose};
pub use sweep::Sweep;
pub(crate) use throughput::half_a_percent;
pub use throughput::{Goal, Mode, Throughput};
pub use topology::{Shape, Topology};
pub use traffic::{Address, Burst, Flows, Frame, FrameShare, Pattern, Ramp, Replay, Speed, Steps, Stream, Traffic, Values};
pub use validity::Validity;

/// An experiment: what is compared, how often, and with which traffic.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Experiment {
    /// Names the experiment and its results folder: letters, digits, `-`, `_` and `.`.
    #[schemars(regex(pattern = r"^[A-Za-z0-9_-][A-Za-z0-9_.-]*$"))]
    pub name: String,
    /// The question the experiment answers; it heads the report.
    #[serde(default)]
    #[schemars(with = "String")]
    pub question: Option<String>,
    /// How often each combination of swept values is measured.
    #[serde(default = "five")]
    #[schemars(range(min = 1, max = 10_000))]
    pub repeats: u32,
    /// The order within each round of repeats. A round holds every combination once, so that drift of the machine hits all alike.
    #[serde(default)]
    pub order: Order,
    /// Seed of the order and of simulated paths.
    #[serde(default = "one")]
    pub seed: u64,
    /// How often a run is attempted before it is given up as invalid.
    #[serde(default = "three")]
    #[schemars(range(min = 1, max = 100))]
    pub attempts: u32,
    /// Whether the nodes get cores of their own, real-time priority and locked memory. The load generator always gets what it can.
    #[serde(default = "yes")]
    pub isolation: bool,
    /// Which of the host's knobs are set for each run: `stock`, `isolated`, `realtime`, or the path of a file; `stock` when absent. It is not used
    /// where `isolation` is off.
    #[serde(default)]
    #[schemars(with = "String")]
    pub profile: Option<String>,
    /// Single knobs, in place of what the profile says of them or besides. One that is named here must hold, or there is no run.
    #[serde(default)]
    pub knobs: Knobs,
    /// The nodes under test, in the order packets pass them unless `[links]` says otherwise.
    pub nodes: Named<Node>,
    /// Environments with settings, to be named by `environment`.
    #[serde(default)]
    pub environments: Named<Environment>,
    /// Pairs of ends, each `generator`, `sink` or a node's port: `<node>:in`, `<node>:out` or one that its `paths` name; or tables that say what
    /// the link is made of besides. Without any, packets pass the nodes in file order.
    #[serde(default)]
    pub links: Named<Link>,
    /// Nodes, links and streams drawn at random, in place of those written down.
    #[serde(default)]
    #[schemars(with = "Topology")]
    pub topology: Option<Topology>,
    /// The load. Without it there must be `[throughput]`, `[lifecycle]` or `[noise]`.
    #[serde(default)]
    #[schemars(with = "Traffic")]
    pub traffic: Option<Traffic>,
    /// A search for how much is carried, in place of one load.
    #[serde(default)]
    #[schemars(with = "Throughput")]
    pub throughput: Option<Throughput>,
    /// What is measured of the lives of environments, in place of packets.
    #[serde(default)]
    #[schemars(with = "Lifecycle")]
    pub lifecycle: Option<Lifecycle>,
    /// How quiet cores are, in place of packets.
    #[serde(default)]
    #[schemars(with = "Noise")]
    pub noise: Option<Noise>,
    /// The load generator, which is the sink as well.
    #[serde(default)]
    pub generator: Generator,
    /// Which cores keep the house, and what else is asked of the placement.
    #[serde(default)]
    pub placement: Placement,
    /// A third party that records the packets before and behind the nodes; none unless there is this table.
    #[serde(default)]
    #[schemars(with = "Capture")]
    pub capture: Option<Capture>,
    /// What is recorded of the host while there is traffic.
    #[serde(default)]
    pub proof: Proof,
    /// When a run does not count.
    #[serde(default)]
    pub validity: Validity,
    /// Deadlines: whether they were held is judged and said, and with `--fail-on-slo` decides the exit code.
    #[serde(default)]
    pub slo: Vec<Slo>,
    /// Keys that are varied.
    #[serde(default)]
    pub sweep: Sweep,
}

/// The order of runs within a round of repeats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// Shuffled, with the experiment's seed.
    #[default]
    Shuffled,
    /// As the sweep lists them.
    Sequential,
}

/// The load generator and sink.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Generator {
    /// Cores it runs on, in the kernel's numbering; chosen when empty.
    #[serde(default)]
    pub cpus: Vec<usize>,
}

fn five() -> u32 {
    5
}

fn three() -> u32 {
    3
}

fn one() -> u64 {
    1
}

fn yes() -> bool {
    true
}
