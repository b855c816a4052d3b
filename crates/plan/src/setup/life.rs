//! What is measured of a life.

use tailbed_format::lifecycle::Phase;

use super::{Environment, Node};
use crate::experiment::{Density, Experiment, Lifecycle};
use crate::text::error::Fault;
use crate::text::tree::{self, Table};

/// Which phases, and how many nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LifeGoals {
    /// In the order of a life, each once, at least one.
    pub(crate) phases: Vec<Phase>,
    pub(crate) density: Option<Density>,
}

/// More nodes than this on one host are a slip.
const MOST_NODES: u32 = 1000;

/// Checks `[lifecycle]`, and that nothing stands beside it that would not be used.
pub(super) fn goals(settings: &Lifecycle, experiment: &Experiment, nodes: &[Node], tree: &Table<'_>) -> Result<LifeGoals, Fault> {
    let at = |path: &[&str]| tree::span(tree, path);
    if experiment.traffic.is_some() {
        return Err(Fault::file("an experiment measures packets or lives, not both")
            .at(at(&["lifecycle"]), "lives")
            .beside(at(&["traffic"]), "packets")
            .help("put [lifecycle] into an experiment file of its own"));
    }
    if experiment.throughput.is_some() {
        return Err(Fault::file("an experiment measures packets or lives, not both")
            .at(at(&["lifecycle"]), "lives")
            .beside(at(&["throughput"]), "packets")
            .help("put [lifecycle] into an experiment file of its own"));
    }
    if let [_, second, ..] = nodes {
        return Err(Fault::file("lives are measured of one node at a time")
            .at(at(&["nodes", &second.name]), "a second node")
            .help("sweep the environment of one node: \"nodes.dut.environment\" = [\"container\", \"vm\"]"));
    }
    if let Some(node) = nodes.iter().find(|node| matches!(node.environment, Environment::Simulated(_))) {
        return Err(Fault::file(format!("node `{}` is simulated and has no life to measure", node.name))
            .at(at(&["nodes", &node.name]), "simulated")
            .help("give it an environment that starts something: host, container, lxc, docker or vm"));
    }
    if let Some(node) = nodes.iter().find(|node| node.scripts.any()) {
        return Err(Fault::file(format!("node `{}` has scripts, which are not run where lives are measured", node.name))
            .at(at(&["nodes", &node.name]), "with scripts")
            .help("leave them out, or measure packets with [traffic]"));
    }
    if let Some((name, _)) = experiment.links.0.first() {
        return Err(Fault::file("a node whose life is measured has no links")
            .at(tree::key_span(tree, &["links", name]).unwrap_or_default(), "a link")
            .help("leave [links] out"));
    }
    if settings.phases.is_empty() {
        return Err(Fault::file("no phase is to be measured")
            .at(at(&["lifecycle", "phases"]), "empty")
            .help("leave `phases` out to have all of them"));
    }
    if let Some(density) = settings.density.as_ref().filter(|density| !(1..=MOST_NODES).contains(&density.nodes)) {
        return Err(Fault::file(format!("`nodes` is {}", density.nodes))
            .at(at(&["lifecycle", "density", "nodes"]), format!("1 to {MOST_NODES} is allowed")));
    }
    let wanted: Vec<Phase> = settings.phases.iter().map(|phase| (*phase).into()).collect();
    let phases = Phase::ALL.into_iter().filter(|phase| wanted.contains(phase)).collect();
    Ok(LifeGoals { phases, density: settings.density.clone() })
}
