//! What one combination of swept values means: the experiment's values checked, defaults filled in, names resolved.

mod capture;
mod cores;
mod environment;
mod function;
mod life;
mod link;
mod names;
mod noise;
mod paths;
mod port;
mod proof;
mod script;
pub(crate) mod slo;
mod sockets;
mod throughput;
mod topology;
mod traffic;
mod udp;

use tailbed_format::function::Function;
use tailbed_format::slo::Slo;
use tailbed_format::validity::Limits;

pub(crate) use capture::{AROUND_FILE, Recording, megabytes};
pub(crate) use environment::Environment;
pub(crate) use function::Forwarding;
pub(crate) use life::LifeGoals;
pub(crate) use link::{Medium, Via};
pub(crate) use noise::NoiseGoals;
pub(crate) use port::Port;
pub(crate) use proof::Proof;
pub(crate) use script::Scripts;
pub(crate) use throughput::SearchGoals;
pub(crate) use topology::{End, Link, Part, Pass, Taken, Topology, Way, parts, taken};
pub(crate) use traffic::{Load, StreamLoad};

use crate::experiment::{Cores, Experiment, Placement};
use crate::text::advice;
use crate::text::error::Fault;
use crate::text::tree::Table;

/// One combination, ready to be placed on a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Setup {
    /// At least one, in the order of the file.
    pub(crate) nodes: Vec<Node>,
    /// The links, and the way of each stream along them; no links when the path is simulated.
    pub(crate) topology: Topology,
    /// What each of the links is made of.
    pub(crate) via: Vec<Via>,
    pub(crate) purpose: Purpose,
    /// Cores asked for by the load generator; empty when they are to be chosen.
    pub(crate) generator_cpus: Vec<usize>,
    /// What else is asked of the placement.
    pub(crate) placement: Placement,
    pub(crate) isolation: bool,
    pub(crate) limits: Limits,
    /// What the timestamper records, where there is one.
    pub(crate) capture: Option<Recording>,
    /// What is recorded of the host.
    pub(crate) proof: Proof,
    /// Deadlines that its packets are held against.
    pub(crate) slos: Vec<Slo>,
    /// Why packets go by UDP sockets although nothing is said of it: what was in the way of packet sockets, a clause.
    pub(crate) no_packet_sockets: Option<String>,
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
    /// How quiet the cores of its node are.
    Noise(NoiseGoals),
}

/// A node under test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) name: String,
    pub(crate) environment: Environment,
    pub(crate) forwarding: Forwarding,
    /// Its ports, `in` and `out` first.
    pub(crate) ports: Vec<Port>,
    /// Which way packets go, where something is said of it.
    pub(crate) paths: Vec<(Port, Port)>,
    /// Cores asked for, at least 1.
    pub(crate) cpus: Cores,
    pub(crate) scripts: Scripts,
}

impl Node {
    /// Whether packets go back from here.
    pub(crate) fn reflects(&self) -> bool {
        self.forwarding.function == Function::Reflect && !self.is_program()
    }

    /// Whether a program forwards in place of a function.
    pub(crate) fn is_program(&self) -> bool {
        !self.scripts.command.is_empty()
    }

    /// The port that packets leave by that came in by another, unless tables of the function decide.
    pub(crate) fn exit(&self, inward: Port) -> Port {
        let said = self.paths.iter().find(|(from, _)| *from == inward).map(|(_, to)| *to);
        match said {
            _ if self.reflects() => inward,
            Some(to) => to,
            None if inward == Port::OUT => Port::IN,
            None => Port::OUT,
        }
    }
}

impl Setup {
    /// The interface of the host that packets leave it by, where there is one.
    pub(crate) fn card(&self) -> Option<&str> {
        self.via.iter().find_map(|via| match &via.medium {
            Medium::Macvlan { parent } => parent.as_deref(),
            _ => None,
        })
    }

    /// The load, where packets are sent; of a search that of its heaviest trial.
    pub(crate) fn load(&self) -> Option<&Load> {
        match &self.purpose {
            Purpose::Traffic(load) | Purpose::Search(SearchGoals { load, .. }) => Some(load),
            Purpose::Life(_) | Purpose::Noise(_) => None,
        }
    }

    /// Whether only cores are tested, by a process of the host in the host's own network.
    pub(crate) fn is_of_cores_alone(&self) -> bool {
        let hosts_own = |node: &Node| matches!(node.environment, Environment::Host { own_namespace: false });
        matches!(self.purpose, Purpose::Noise(_)) && self.nodes.iter().all(hosts_own)
    }

    /// The model of the path, where it is simulated.
    pub(crate) fn simulated(&self) -> Option<&tailbed_format::order::SimulatedWire> {
        self.nodes.iter().find_map(|node| match &node.environment {
            Environment::Simulated(wire) => Some(wire),
            _ => None,
        })
    }
}

/// Checks an experiment and works out what it means; the tree tells where each value stands, `folder` is that of the file,
/// `no_packet_sockets` why the host lets none be opened, where it does not.
pub(crate) fn resolve(
    experiment: &Experiment,
    tree: &Table<'_>,
    folder: &str,
    no_packet_sockets: Option<&str>,
) -> Result<Setup, Fault> {
    names::check(experiment, tree)?;
    let limits = traffic::limits(&experiment.validity, tree)?;
    let mut nodes = Vec::new();
    let mut unused = Vec::new();
    for (name, node) in &experiment.nodes.0 {
        cores::of_node(name, &node.cpus, tree)?;
        let environment = environment::of_node(name, node, &experiment.environments, folder, tree, &mut unused)?;
        let scripts = script::of_node(name, node, folder, tree)?;
        let forwarding = function::of_node(name, node, folder, tree)?;
        let (ports, paths) = paths::of_node(name, node, experiment, tree)?;
        nodes.push(Node { name: name.clone(), environment, forwarding, ports, paths, cpus: node.cpus.clone(), scripts });
    }
    cores::of_placement(&experiment.placement, tree)?;
    let measured = (&experiment.noise, &experiment.lifecycle, &experiment.throughput, &experiment.traffic);
    let (purpose, topology) = match measured {
        (Some(settings), ..) => {
            let goals = noise::goals(settings, experiment, &nodes, tree)?;
            (Purpose::Noise(goals), Topology::default())
        }
        (None, Some(settings), ..) => {
            let goals = life::goals(settings, experiment, &nodes, tree)?;
            (Purpose::Life(goals), Topology::default())
        }
        (None, None, Some(settings), _) => {
            let goals = throughput::goals(settings, experiment, tree)?;
            let declared = traffic::Declared::of_search(settings.bidirectional);
            let topology = topology_of(&nodes, experiment, &declared, &goals.load, tree)?;
            throughput::comes_through(&goals.load, &topology, &nodes, tree)?;
            (Purpose::Search(goals), topology)
        }
        (None, None, None, Some(settings)) => {
            let declared = traffic::declared(settings, tree)?;
            let load = traffic::load(&declared, folder, tree)?;
            let topology = topology_of(&nodes, experiment, &declared, &load, tree)?;
            (Purpose::Traffic(load), topology)
        }
        (None, None, None, None) => return Err(advice::missing_key("traffic", 0..0, &advice::EXPERIMENT)),
    };
    let via = link::of_links(&topology.links, &nodes, &experiment.links, tree, &mut unused)?;
    let capture = capture::of(experiment, &nodes, &topology, &via, &purpose, tree)?;
    let setup = Setup {
        proof: proof::of(&experiment.proof, tree)?,
        slos: slo::of(experiment, &purpose, tree)?,
        capture,
        nodes,
        topology,
        via,
        purpose,
        generator_cpus: experiment.generator.cpus.clone(),
        placement: experiment.placement.clone(),
        isolation: experiment.isolation,
        limits,
        no_packet_sockets: None,
        unused,
    };
    udp::settle(setup, experiment, no_packet_sockets, tree)
}

fn topology_of(
    nodes: &[Node],
    experiment: &Experiment,
    streams: &[traffic::Declared],
    load: &Load,
    tree: &Table<'_>,
) -> Result<Topology, Fault> {
    let destinations = load.streams.iter().map(|stream| stream.shape.flows.destination);
    let destinations: Vec<_> = destinations.map(|rule| (rule.first, rule.last())).collect();
    topology::of(nodes, &experiment.links, streams, &destinations, tree)
}
