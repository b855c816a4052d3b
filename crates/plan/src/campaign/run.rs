//! One run: what is done to the host, and what each agent does.

use tailbed_format::facts::{Cgroup, Facts};
use tailbed_format::function::Function;
use tailbed_format::memory::MemoryPort;
use tailbed_format::order::{Forward, ForwardRule, Order, Scheduling, SimulatedWire, Wait};
use tailbed_format::proof::Watch;
use tailbed_format::summary::{Parameter, RunKind};
use tailbed_format::throughput::{Method, SearchOrder};

use super::cells::Planned;
use super::generator::{Wire, measure};
use super::name::run_name;
use super::network::{self, Interface};
use super::{capture, environment, groups, huge_pages, life, medium, noise, programs, proof, sockets};
use crate::experiment::LinkKind;
use crate::placement::Placement;
use crate::plan::{
    AgentOrder, Cell, Cores, GENERATOR, Hop, LifePlan, NodePrograms, Run, SearchPlan, StreamPath, TIMESTAMPER, ThroughPlan,
};
use crate::setup::{End, Forwarding, LifeGoals, Load, Medium, Node, Port, Purpose, SearchGoals, StreamLoad, Topology, Via, Way};
use crate::step::{AgentEnvironment, Step};

/// What building up, starting and taking back take besides the traffic, ns.
const AROUND: u64 = 300_000_000;

/// Which run it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Setting<'a> {
    pub(super) number: usize,
    pub(super) cell: usize,
    pub(super) repeat: u32,
    pub(super) seed: u64,
    pub(super) token: &'a str,
    /// The swept values.
    pub(super) parameters: &'a [Parameter],
}

/// What a run consists of.
#[derive(Default)]
struct Work {
    steps: Vec<Step>,
    agents: Vec<AgentOrder>,
    programs: Vec<NodePrograms>,
    hops: Vec<Hop>,
    links: Vec<LinkKind>,
    cores: Cores,
    streams: Vec<StreamPath>,
    through: Vec<ThroughPlan>,
    proof: Option<Watch>,
    /// What the knob `hugepages` was given besides.
    besides: Vec<String>,
    life: Option<LifePlan>,
    search: Option<SearchPlan>,
    /// ns.
    expected: u64,
}

/// Builds a run from what its cell was planned as.
pub(super) fn build(setting: &Setting<'_>, cell: &Cell, planned: &Planned, facts: &Facts) -> Run {
    let work = match (&planned.setup.purpose, planned.setup.load(), planned.setup.simulated()) {
        (Purpose::Life(goals), ..) => life(setting, goals, planned, facts),
        (Purpose::Noise(goals), ..) => {
            let noise::Tested { steps, agents, proof, expected } =
                noise::of_node(setting, goals, planned, facts).unwrap_or_default();
            let cores = cores(&[], &planned.placement);
            Work { steps, agents, cores, proof, expected: expected.saturating_add(AROUND), ..Work::default() }
        }
        (_, Some(load), Some(wire)) => simulated(setting, load, &planned.setup.topology.ways, wire),
        (_, Some(load), None) => real(setting, cell.kind, planned, load, facts),
        (_, None, _) => Work::default(),
    };
    let work = match &planned.setup.purpose {
        Purpose::Search(goals) => searched(work, goals, cell.kind),
        _ => work,
    };
    let Work { steps, agents, programs, hops, links, cores, streams, through, proof, besides, life, search, expected } = work;
    let mut knobs = planned.knobs.plan.clone();
    knobs.knobs.iter_mut().filter(|knob| knob.knob == "hugepages").for_each(|knob| knob.remarks.extend(besides.clone()));
    let name = run_name(setting.number, cell, setting.repeat);
    Run {
        name,
        cell: setting.cell,
        repeat: setting.repeat,
        steps,
        agents,
        programs,
        hops,
        links,
        cores,
        streams,
        through,
        trim: planned.setup.capture.as_ref().map_or(0, |capture| capture.trim),
        proof,
        life,
        search,
        knobs,
        limits: planned.setup.limits,
        expected,
    }
}

/// The clock is part of the model, so the run takes no time of its own and needs neither core nor priority.
fn simulated(setting: &Setting<'_>, load: &Load, ways: &[Way], wire: &SimulatedWire) -> Work {
    let seed = setting.seed.wrapping_add(setting.number as u64);
    let wire = SimulatedWire { seed, ..wire.clone() };
    let scheduling = Scheduling { cpus: Vec::new(), priority: None, lock_memory: false, wait: Wait::Block };
    let links = network::interfaces(&[[End::Generator, End::Sink]], &[], setting.token);
    let agents = measure(setting, load, ways, &Wire::Simulated(wire), &links, &scheduling);
    let start = Step::StartAgent { node: GENERATOR.to_owned(), namespace: None, environment: AgentEnvironment::Host };
    Work { steps: vec![start], agents: agents.into_iter().collect(), expected: AROUND, ..Work::default() }
}

/// The generator's order is that of the heaviest trial, from which those of all trials are made; the time is the longest it may take: a
/// trial that begins before the time is over is made to its end. Of the wire alone nothing is sought but what it carries.
fn searched(work: Work, goals: &SearchGoals, kind: RunKind) -> Work {
    let SearchGoals { load, order, pause } = goals;
    let latency = if kind == RunKind::Floor { Vec::new() } else { order.latency.clone() };
    let settle = match order.method {
        Method::BackToBack { settle, .. } => settle,
        _ => load.drain,
    };
    Work {
        expected: work.expected + order.time,
        search: Some(SearchPlan { order: SearchOrder { latency, ..order.clone() }, settle, pause: *pause }),
        ..work
    }
}

/// A life has neither links nor generator.
fn life(setting: &Setting<'_>, goals: &LifeGoals, planned: &Planned, facts: &Facts) -> Work {
    let (life, expected) = life::of_node(setting, goals, planned, facts).unzip();
    let expected = expected.unwrap_or_default();
    Work { steps: planned.knobs.steps.clone(), life, expected, ..Work::default() }
}

fn real(setting: &Setting<'_>, kind: RunKind, planned: &Planned, load: &Load, facts: &Facts) -> Work {
    let (setup, placement, token) = (&planned.setup, &planned.placement, setting.token);
    // The floor is the same path with a wire in place of the nodes: both ends of one link in the generator's namespace.
    let wire = floor(&setup.topology);
    let (nodes, topology) = match kind {
        RunKind::Floor => (&[][..], &wire),
        RunKind::Measurement => (&setup.nodes[..], &setup.topology),
    };
    // The wire is made of what packets leave the generator by.
    let via: &[Via] = match kind {
        RunKind::Floor => setup.via.get(..1).unwrap_or_default(),
        RunKind::Measurement => &setup.via,
    };
    let links = network::with_mtu(network::interfaces(&topology.links, nodes, token), load.mtu);
    let links = medium::with_media(links, via);
    let links = if load.ports.any_udp() { sockets::with_addresses(links) } else { links };
    let placed = || nodes.iter().zip(&placement.nodes).enumerate();
    let environments: Vec<_> = placed()
        .map(|(number, (node, scheduling))| environment::of_node(number, node, scheduling, &links, facts, token))
        .collect();
    let started = || nodes.iter().zip(&environments);
    let start = |(node, environment): (&Node, &AgentEnvironment)| Step::StartAgent {
        node: node.name.clone(),
        namespace: network::namespace(node, token),
        environment: environment.clone(),
    };
    let mut steps = planned.knobs.steps.clone();
    let huge_pages::Reserved { steps: set_aside, besides } = huge_pages::reserve(nodes, &planned.knobs, &mut steps, facts);
    steps.extend(set_aside);
    let generator = network::named(token, GENERATOR);
    let own = started().filter(|(_, environment)| !environment.brings_namespace());
    let namespaces = [Some(generator.clone())].into_iter().chain(own.map(|(node, _)| network::namespace(node, token)));
    let namespaces = namespaces.flatten().chain(network::wire_namespaces(&links, token));
    steps.extend(namespaces.map(|name| Step::MakeNamespace { name }));
    steps.extend(medium::memory_steps(&links, token));
    let containers = placed().filter_map(|(_, (node, placed))| environment::cgroup(node, placed, facts, token)).collect();
    let names: Vec<&str> = nodes.iter().map(|node| node.name.as_str()).chain([GENERATOR]).collect();
    steps.extend(groups::steps(containers, &planned.knobs, &names, token));
    let provisioned = started().filter(|(_, environment)| environment.id().is_some());
    steps.extend(
        provisioned.map(|(node, environment)| Step::ProvisionNode { node: node.name.clone(), environment: environment.clone() }),
    );
    // a link can be made into a namespace only once it is there
    steps.extend(started().filter(|(_, environment)| environment.brings_namespace()).map(start));
    let made = network::link_steps(&links, token);
    let tuned = groups::tuned(&made, &planned.knobs);
    steps.extend(made);
    steps.extend(tuned);
    steps.extend(sockets::steps(&links));
    steps.extend(started().filter(|(_, environment)| !environment.brings_namespace()).map(start));
    let environment = AgentEnvironment::Host;
    let recorded = setup
        .capture
        .as_ref()
        .map(|capture| capture::of_run(capture, load, nodes, (&links, &topology.ways), placement, facts, token));
    if let Some((timestamper, _)) = &recorded {
        steps.extend(capture::steps(timestamper));
        // in the host's own network: it goes into those of the links by itself
        steps.push(Step::StartAgent { node: TIMESTAMPER.to_owned(), namespace: None, environment: environment.clone() });
    }
    let (timestamper, through) = recorded.unzip();
    steps.push(Step::StartAgent { node: GENERATOR.to_owned(), namespace: Some(generator), environment });
    steps.extend(groups::inside(nodes, placement, &planned.knobs));

    let forwards = placed().filter(|(_, (node, _))| node.scripts.command.is_empty());
    let mut agents: Vec<_> = forwards
        .map(|(number, (node, scheduling))| {
            let inside = environment::scheduling_inside(
                &environments[number],
                scheduling,
                &placement.services[number],
                node.forwarding.workers,
            );
            let memory = medium::node_ports(number, node, &links, token);
            forward(number, node, memory, &inside, &links)
        })
        .collect();
    // before the generator: its ring is then served first of those on one interface
    let tapped = timestamper.is_some();
    agents.extend(timestamper);
    let memory = medium::generator_ports(&links, token);
    let to_machine = |way: &Way| {
        let next_hop = network::own_and_peer(way.from, &links).map(|(_, next_hop)| next_hop);
        next_hop.is_some_and(|next_hop| next_hop.guest && next_hop.medium != Medium::Bridge)
    };
    let shown = tapped && topology.ways.iter().any(to_machine);
    agents.extend(measure(setting, load, &topology.ways, &Wire::Real { memory, shown }, &links, &placement.generator));
    let programs = placed().filter_map(|(number, (node, scheduling))| {
        let cores = programs::Cores { own: &scheduling.cpus, neighbours: &placement.neighbours };
        programs::of_node(number, node, &environments[number], cores, &links, setting)
    });
    let streams = streams(load, &topology.ways, &links, nodes);
    let starting: u64 = environments.iter().map(environment::expected_start).max().unwrap_or_default();
    Work {
        programs: programs.collect(),
        hops: all_hops(&topology.ways, &links, nodes),
        links: links.iter().map(|[near, _]| near.medium.kind()).collect(),
        cores: cores(nodes, placement),
        streams,
        through: through.unwrap_or_default(),
        proof: Some(proof::of_run(setup, nodes, placement, facts)),
        steps,
        agents,
        besides,
        expected: load.span() + AROUND + starting,
        ..Work::default()
    }
}

/// Cores for what is not packets. The floor has none of the nodes, and nobody for the generator to share with.
fn cores(nodes: &[Node], placement: &Placement) -> Cores {
    let services = nodes.iter().zip(&placement.services).filter(|(_, cpus)| !cpus.is_empty());
    Cores {
        housekeeping: placement.housekeeping.clone(),
        services: services.map(|(node, cpus)| (node.name.clone(), cpus.clone())).collect(),
        neighbours: placement.neighbours.clone(),
        shared: if nodes.is_empty() { Vec::new() } else { placement.shared.clone() },
    }
}

/// Whether control groups may be made.
pub(super) fn cgroups(facts: &Facts) -> bool {
    facts.privilege.root && facts.cgroup != Cgroup::None
}

/// One link, which every stream takes, in its direction.
fn floor(topology: &Topology) -> Topology {
    let way = |way: &Way| {
        let (from, to) = if way.back { (End::Sink, End::Generator) } else { (End::Generator, End::Sink) };
        Way { from, to, passes: Vec::new(), back: way.back }
    };
    Topology { links: vec![[End::Generator, End::Sink]], ways: topology.ways.iter().map(way).collect() }
}

/// The port of a rule's way out. A router's tables decide, and each of its ports must have a rule that leaves there: of a further port it is its
/// own.
fn exit(node: &Node, inward: Port) -> Port {
    let routes = matches!(node.forwarding.function, Function::L3fwd { .. });
    if routes && ![Port::IN, Port::OUT].contains(&inward) { inward } else { node.exit(inward) }
}

/// What comes in by one port leaves by another, addressed to the far end of that link. A port whose way out has no link has no rule: no
/// packet of a stream comes in there.
fn forward(number: usize, node: &Node, memory: Vec<MemoryPort>, scheduling: &Scheduling, links: &[[Interface; 2]]) -> AgentOrder {
    let side = |port| network::own_and_peer(End::Node(number, port), links);
    let rule = |inward: Port| {
        let (receive, _) = side(inward)?;
        let (transmit, peer) = side(exit(node, inward))?;
        Some(ForwardRule {
            receive: receive.veth.name.clone(),
            transmit: transmit.veth.name.clone(),
            source: transmit.veth.mac,
            destination: peer.towards,
        })
    };
    let rules = network::ports(number, links).into_iter().filter_map(rule).collect();
    let Forwarding { mut function, workers, batch, ports } = node.forwarding.clone();
    if let Function::L3fwd { further, .. } = &mut function {
        *further = network::further(number, links);
    }
    let sockets = sockets::node_ports(number, links);
    let order =
        Order::Forward(Forward { function, rules, ports, memory, sockets, workers, batch, scheduling: scheduling.clone() });
    AgentOrder { node: node.name.clone(), order }
}

/// The ways of streams that have names.
fn streams(load: &Load, ways: &[Way], links: &[[Interface; 2]], nodes: &[Node]) -> Vec<StreamPath> {
    let end = |end| network::own_and_peer(end, links).map_or_else(String::new, |(own, _)| own.veth.name.clone());
    let named = load.streams.iter().zip(ways).filter(|(stream, _)| !stream.name.is_empty());
    let path = |(stream, way): (&StreamLoad, &Way)| StreamPath {
        name: stream.name.clone(),
        from: end(way.from),
        hops: network::hops(way, links, nodes),
        to: end(way.to),
    };
    named.map(path).collect()
}

/// Every passage through a node once: those of the first stream in its order, then those that others have besides.
fn all_hops(ways: &[Way], links: &[[Interface; 2]], nodes: &[Node]) -> Vec<Hop> {
    let mut all: Vec<Hop> = Vec::new();
    for hop in ways.iter().flat_map(|way| network::hops(way, links, nodes)) {
        if !all.contains(&hop) {
            all.push(hop);
        }
    }
    all
}
