//! The plan: every run of the campaign in the order it will be made.

use serde::{Deserialize, Serialize};
use tailbed_format::order::{Order, Scheduling};
use tailbed_format::validity::Limits;

pub use tailbed_format::summary::Cell;

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
    /// Runs in the order they are made: floors first, then the measurements.
    pub runs: Vec<Run>,
    /// How often a run is attempted before it is given up as invalid, at least 1.
    pub attempts: u32,
    /// What the user should know: roles that share a core, what will not be granted, what was swept but makes no difference.
    pub notes: Vec<String>,
}

impl Plan {
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
    /// When the run does not count.
    pub limits: Limits,
    /// How long it should take, ns.
    pub expected: u64,
}

/// Name of the node that generates load and receives it again.
pub const GENERATOR: &str = "generator";

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
        match &self.order {
            Order::Measure(measure) => &measure.scheduling,
            Order::Forward(forward) => &forward.scheduling,
        }
    }
}
