//! What one combination of swept values means: the experiment's values checked, defaults filled in, names resolved.

mod capture;
mod environment;
mod function;
mod life;
mod names;
mod script;
mod throughput;
mod topology;
mod traffic;

use tailbed_format::function::Function;
use tailbed_format::validity::Limits;

pub(crate) use capture::{AROUND_FILE, Recording, megabytes};
pub(crate) use environment::Environment;
pub(crate) use function::Forwarding;
pub(crate) use life::LifeGoals;
pub(crate) use script::Scripts;
pub(crate) use throughput::SearchGoals;
pub(crate) use topology::{End, Link, Port};
pub(crate) use traffic::Load;

use crate::experiment::Experiment;
use crate::text::advice;
use crate::text::error::Fault;
use crate::text::tree::{self, Table};

/// One combination, ready to be placed on a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Setup {
    /// At least one, in the order of the file.
    pub(crate) nodes: Vec<Node>,
    /// The links in the order packets take them, from the generator to the sink; none when the path is simulated.
    pub(crate) path: Vec<Link>,
    pub(crate) purpose: Purpose,
    /// Cores asked for by the load generator; empty when they are to be chosen.
    pub(crate) generator_cpus: Vec<usize>,
    pub(crate) isolation: bool,
    pub(crate) limits: Limits,
    /// What the timestamper records, where there is one.
    pub(crate) capture: Option<Recording>,
    /// Tables that were given and are not used in this combination.
    pub(crate) unused: Vec<String>,
}

/// What a combination is measured for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Packets.
    Traffic(Load),
    /// How many of them are carried.
    Search(SearchGoals),
    /// The lives of its node.
    Life(LifeGoals),
}

/// A node under test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) name: String,
    pub(crate) environment: Environment,
    pub(crate) forwarding: Forwarding,
    /// Cores asked for, at least 1.
    pub(crate) cpus: usize,
    pub(crate) scripts: Scripts,
}

impl Node {
    /// Whether packets go back from here.
    pub(crate) fn reflects(&self) -> bool {
        self.forwarding.function == Function::Reflect && self.scripts.command.is_empty()
    }
}

impl Setup {
    /// The load, where packets are sent; of a search that of its heaviest trial.
    pub(crate) fn load(&self) -> Option<&Load> {
        match &self.purpose {
            Purpose::Traffic(load) | Purpose::Search(SearchGoals { load, .. }) => Some(load),
            Purpose::Life(_) => None,
        }
    }

    /// The model of the path, where it is simulated.
    pub(crate) fn simulated(&self) -> Option<&tailbed_format::order::SimulatedWire> {
        self.nodes.iter().find_map(|node| match &node.environment {
            Environment::Simulated(wire) => Some(wire),
            _ => None,
        })
    }
}

/// Checks an experiment and works out what it means; the tree tells where each value stands, `folder` is that of the file.
pub(crate) fn resolve(experiment: &Experiment, tree: &Table<'_>, folder: &str) -> Result<Setup, Fault> {
    names::check(experiment, tree)?;
    let limits = traffic::limits(&experiment.validity, tree)?;
    let mut nodes = Vec::new();
    let mut unused = Vec::new();
    for (name, node) in &experiment.nodes.0 {
        if node.cpus == 0 {
            return Err(Fault::file(format!("node `{name}` has no core"))
                .at(tree::span(tree, &["nodes", name, "cpus"]), "at least 1 is needed")
                .help("a forwarder runs on one core or more: cpus = 1"));
        }
        let environment = environment::of_node(name, node, &experiment.environments, folder, tree, &mut unused)?;
        let scripts = script::of_node(name, node, folder, tree)?;
        let forwarding = function::of_node(name, node, folder, tree)?;
        nodes.push(Node { name: name.clone(), environment, forwarding, cpus: node.cpus as usize, scripts });
    }
    let purpose = match (&experiment.lifecycle, &experiment.throughput, &experiment.traffic) {
        (Some(settings), ..) => Purpose::Life(life::goals(settings, experiment, &nodes, tree)?),
        (None, Some(settings), _) => Purpose::Search(throughput::goals(settings, experiment, tree)?),
        (None, None, Some(settings)) => Purpose::Traffic(traffic::load(settings, folder, tree)?),
        (None, None, None) => return Err(advice::missing_key("traffic", 0..0, &advice::EXPERIMENT)),
    };
    let path = match purpose {
        Purpose::Traffic(_) | Purpose::Search(_) => topology::path(&nodes, &experiment.links, tree)?,
        Purpose::Life(_) => Vec::new(),
    };
    let capture = capture::of(experiment, &nodes, &path, &purpose, tree)?;
    Ok(Setup {
        capture,
        nodes,
        path,
        purpose,
        generator_cpus: experiment.generator.cpus.clone(),
        isolation: experiment.isolation,
        limits,
        unused,
    })
}
