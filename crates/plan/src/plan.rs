//! The plan: every run of the campaign in the order it will be made.

use serde::{Deserialize, Serialize};
use tailbed_format::lifecycle::Phase;
use tailbed_format::order::{Order, Scheduling};
use tailbed_format::proof::Watch;
use tailbed_format::slo::Slo;
use tailbed_format::summary::Parameter;
use tailbed_format::throughput::SearchOrder;
use tailbed_format::validity::Limits;

pub use tailbed_format::summary::Cell;

use crate::experiment::LinkKind;
use crate::knob::ProfilePlan;
use crate::step::Step;

/// All runs of a campaign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Name of the experiment.
    pub name: String,
    /// The question it asks.
    pub question: Option<String>,
    /// Marks everything made on the host: the middle part of every name, `tb-<token>-dut`.
    pub token: String,
    /// Seed of the order, and of what is simulated.
    pub seed: u64,
    /// Combinations of swept values, floors first.
    pub cells: Vec<Cell>,
    /// Combinations that this host cannot make, each with the reason.
    pub skipped: Vec<Skipped>,
    /// Runs in the order they are made: floors first, then the measurements.
    pub runs: Vec<Run>,
    /// How often a run is attempted before it is given up as invalid, at least 1.
    pub attempts: u32,
    /// Deadlines, judged in every measured cell.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub slos: Vec<Slo>,
    /// What the user should know: roles that share a core, what will not be granted, what was swept but makes no difference.
    pub notes: Vec<String>,
}

impl Plan {
    /// Whether it measures lives of environments, not packets.
    pub fn is_of_lives(&self) -> bool {
        self.runs.iter().any(|run| run.life.is_some())
    }

    /// Whether it seeks throughputs.
    pub fn is_of_searches(&self) -> bool {
        self.runs.iter().any(|run| run.search.is_some())
    }

    /// Whether it tests how quiet cores are.
    pub fn is_of_noise(&self) -> bool {
        self.runs.iter().flat_map(|run| &run.agents).any(|agent| matches!(agent.order, Order::Noise(_)))
    }

    /// How many repetitions of invalid runs a campaign makes in all: a quarter of its runs, and at least two. A machine that fails more
    /// often than that is not fit to measure at present, and going on would not make it so.
    pub fn most_repetitions(&self) -> usize {
        (self.runs.len() / 4).max(2)
    }
}

/// One run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Folder name, unique in the campaign: number in order, what varies, repeat: `0003-container-r1`.
    pub name: String,
    /// Index of the cell.
    pub cell: usize,
    /// Which repeat of the cell, from 0.
    pub repeat: u32,
    /// What is done to the host, first to last; undone last to first.
    pub steps: Vec<Step>,
    /// What each agent does. The measuring agent is the one named [`GENERATOR`]; it is started last.
    pub agents: Vec<AgentOrder>,
    /// What runs in the nodes besides their agents, in the order of the nodes; nodes without any are left out.
    pub programs: Vec<NodePrograms>,
    /// The nodes in the order packets pass them; with several streams every passage through a node once.
    pub hops: Vec<Hop>,
    /// What the links of the path are made of, in the order packets take them.
    #[serde(default)]
    pub links: Vec<LinkKind>,
    /// Cores for what is not packets, and who shares some.
    #[serde(default)]
    pub cores: Cores,
    /// The way of each stream that has a name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub streams: Vec<StreamPath>,
    /// From one tap of the timestamper to the next; empty without one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub through: Vec<ThroughPlan>,
    /// The lead-in that the timestamper's latencies leave out, ns.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub trim: u64,
    /// What is watched of the host while there is traffic, or cores are tested; nothing where the path is simulated, and of lives.
    #[serde(default)]
    pub proof: Option<Watch>,
    /// In place of traffic: the life of a node. Its steps are there; in `steps` are those of knobs alone.
    #[serde(default)]
    pub life: Option<LifePlan>,
    /// In place of one measurement: many, for a throughput. The generator's order is that of the heaviest.
    #[serde(default)]
    pub search: Option<SearchPlan>,
    /// What is asked of the host's knobs; nothing where the path is simulated.
    #[serde(default)]
    pub knobs: ProfilePlan,
    /// When the run does not count; of a search, each of its trials.
    pub limits: Limits,
    /// How long it should take, ns.
    pub expected: u64,
}

impl Run {
    /// Every step that the run may do, those of the nodes whose lives it goes through among them.
    pub fn every_step(&self) -> impl Iterator<Item = &Step> {
        let life = self.life.iter().flat_map(|life| {
            let more = life.density.iter().flat_map(|density| &density.nodes);
            [&life.original].into_iter().chain(&life.clone).chain(more)
        });
        self.steps.iter().chain(life.flat_map(Instance::steps))
    }
}

impl Instance {
    /// All its steps, in order.
    pub fn steps(&self) -> impl Iterator<Item = &Step> {
        self.before.iter().chain(&self.provision).chain([&self.start])
    }
}

/// Cores for what is not packets; those of the packet loops are in their orders. All in the kernel's numbering.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Cores {
    /// For everything that is not told where to run; empty where nothing runs.
    pub housekeeping: Vec<usize>,
    /// Of nodes that have more than their packet loops need: for what else they do.
    pub services: Vec<(String, Vec<usize>)>,
    /// For what disturbs on purpose.
    pub neighbours: Vec<usize>,
    /// Which roles share a core, a sentence each: there were too few.
    pub shared: Vec<String>,
}

/// A combination of swept values that is left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    /// The swept values.
    pub parameters: Vec<Parameter>,
    /// What is missing, a sentence without its full stop.
    pub reason: String,
    /// How to get it.
    pub way_out: String,
}

/// A node that packets pass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hop {
    /// The node.
    pub node: String,
    /// The interface they come in by.
    pub inward: String,
    /// The interface they leave by.
    pub outward: String,
}

/// The way of a stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamPath {
    /// The stream.
    pub name: String,
    /// The load generator's interface that it leaves by.
    pub from: String,
    /// The nodes in the order packets pass them; one that reflects is the last.
    pub hops: Vec<Hop>,
    /// The load generator's interface that it comes in by.
    pub to: String,
}

/// What lies between two taps of the timestamper.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThroughPlan {
    /// The nodes in between, in the order packets pass them.
    pub nodes: Vec<String>,
    /// Name of the tap before them, as in [`tailbed_format::capture::Tap::name`].
    pub before: String,
    /// Name of the tap behind them.
    pub behind: String,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde wants it so")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// What runs in a node, and on the host for it, besides its agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodePrograms {
    /// The node.
    pub node: String,
    /// In the node, before the traffic.
    pub setup: Option<ScriptSource>,
    /// In the node, while there is traffic.
    pub run: Option<ScriptSource>,
    /// In the node, after the traffic, also when something failed.
    pub teardown: Option<ScriptSource>,
    /// On the host, before `setup`.
    pub host_setup: Option<ScriptSource>,
    /// On the host, after `teardown`, also when something failed.
    pub host_teardown: Option<ScriptSource>,
    /// In the node while there is traffic, in place of a network function; empty when the agent forwards.
    pub command: Vec<String>,
    /// What the command prints once it forwards, part of a line; `None` where nobody waits for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready: Option<String>,
    /// Variables that tell all of them what they are part of.
    pub environment: Vec<(String, String)>,
    /// How long each script may take, ns.
    pub timeout: u64,
}

/// The life of a node, phase by phase.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LifePlan {
    /// What is reported, in the order of a life.
    pub phases: Vec<Phase>,
    /// Memory the node is given, bytes; `None` when it has no limit.
    pub memory: Option<u64>,
    /// The node.
    pub original: Instance,
    /// Another, made out of it.
    pub clone: Option<Instance>,
    /// As many as fit.
    pub density: Option<DensityPlan>,
}

/// A search for a throughput, trial by trial.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SearchPlan {
    /// What is sought, and how.
    pub order: SearchOrder,
    /// How long the sink listens after a burst, ns.
    pub settle: u64,
    /// How long nothing is sent between two trials, ns.
    #[serde(default)]
    pub pause: u64,
}

/// How many nodes are to be counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DensityPlan {
    /// Started one after the other.
    pub nodes: Vec<Instance>,
    /// No further one is started after this long, ns.
    pub time: u64,
    /// No further one is started that would leave the host with less memory, bytes.
    pub keep_free: u64,
    /// Memory each is given, bytes; `None` when it has no limit.
    pub memory: Option<u64>,
}

/// A node that lives by itself, without links.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    /// Its name.
    pub node: String,
    /// What must be there before: namespace, control group. Not timed.
    pub before: Vec<Step>,
    /// Makes what it needs to start; a process of the host needs nothing.
    pub provision: Option<Step>,
    /// Starts it.
    pub start: Step,
}

/// Where a script's text is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScriptSource {
    /// Here.
    Text(String),
    /// In a file of this path.
    File(String),
}

/// Name of the node that generates load and receives it again.
pub const GENERATOR: &str = "generator";

/// Name of the node that keeps cores busy while others are tested.
pub const NEIGHBOUR: &str = "neighbour";

/// Name of the node that records what passes links.
pub const TIMESTAMPER: &str = "timestamper";

/// An agent and its order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentOrder {
    /// The node it runs in, as in the step that starts it.
    pub node: String,
    /// What it does.
    pub order: Order,
}

impl AgentOrder {
    /// How its packet loop is run.
    pub fn scheduling(&self) -> &Scheduling {
        self.order.scheduling()
    }
}
