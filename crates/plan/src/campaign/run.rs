//! One run: what is done to the host, and what each agent does.

use tailbed_format::facts::{Cgroup, Facts};
use tailbed_format::order::{Forward, ForwardRule, Measure, Order, Path, Scheduling, SimulatedWire, Wait};
use tailbed_format::summary::{Parameter, RunKind};
use tailbed_format::throughput::Method;
use tailbed_format::traffic::{Pattern, Shape};

use super::cells::Planned;
use super::name::run_name;
use super::network::{self, Interface};
use super::{capture, environment, life, programs};
use crate::plan::{AgentOrder, Cell, GENERATOR, Hop, LifePlan, NodePrograms, Run, SearchPlan, TIMESTAMPER, ThroughPlan};
use crate::setup::{End, Forwarding, LifeGoals, Load, Node, Port, Purpose, SearchGoals};
use crate::step::{AgentEnvironment, Step};

/// A stretch of at least this long during which the generator's loop saw nothing is logged, ns: a timer interrupt on a virtual CPU
/// takes some microseconds, a lost time slice takes milliseconds.
const GAP: u64 = 20_000;

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
    through: Vec<ThroughPlan>,
    life: Option<LifePlan>,
    search: Option<SearchPlan>,
    /// ns.
    expected: u64,
}

/// Builds a run from what its cell was planned as.
pub(super) fn build(setting: &Setting<'_>, cell: &Cell, planned: &Planned, facts: &Facts) -> Run {
    let work = match (&planned.setup.purpose, planned.setup.load(), planned.setup.simulated()) {
        (Purpose::Life(goals), ..) => life(setting, goals, planned, facts),
        (_, Some(load), Some(wire)) => simulated(setting, load, wire),
        (_, Some(load), None) => real(setting, cell.kind, planned, load, facts),
        (_, None, _) => Work::default(),
    };
    let work = match &planned.setup.purpose {
        Purpose::Search(goals) => searched(work, goals),
        _ => work,
    };
    let Work { steps, agents, programs, hops, through, life, search, expected } = work;
    let name = run_name(setting.number, cell, setting.repeat);
    Run {
        name,
        cell: setting.cell,
        repeat: setting.repeat,
        steps,
        agents,
        programs,
        hops,
        through,
        trim: planned.setup.capture.as_ref().map_or(0, |capture| capture.trim),
        life,
        search,
        limits: planned.setup.limits,
        expected,
    }
}

/// The clock is part of the model, so the run takes no time of its own and needs neither core nor priority.
fn simulated(setting: &Setting<'_>, load: &Load, wire: &SimulatedWire) -> Work {
    let seed = setting.seed.wrapping_add(setting.number as u64);
    let path = Path::Simulated(SimulatedWire { seed, ..wire.clone() });
    let scheduling = Scheduling { cpus: Vec::new(), priority: None, lock_memory: false, wait: Wait::Block };
    let interfaces = network::interfaces(&[[End::Generator, End::Sink]], &[], setting.token);
    let agents = interfaces.iter().map(|[tx, rx]| measure(setting, load, path.clone(), tx, rx, &scheduling));
    let start = Step::StartAgent { node: GENERATOR.to_owned(), namespace: None, environment: AgentEnvironment::Host };
    Work { steps: vec![start], agents: agents.collect(), expected: AROUND, ..Work::default() }
}

/// The generator's order is that of the heaviest trial, from which those of all trials are made; the time is the longest it may take: a
/// trial that begins before the time is over is made to its end.
fn searched(work: Work, goals: &SearchGoals) -> Work {
    let SearchGoals { load, order } = goals;
    let settle = match order.method {
        Method::BackToBack { settle, .. } => settle,
        _ => load.drain,
    };
    Work { expected: work.expected + order.time, search: Some(SearchPlan { order: order.clone(), settle }), ..work }
}

/// A life has neither links nor generator.
fn life(setting: &Setting<'_>, goals: &LifeGoals, planned: &Planned, facts: &Facts) -> Work {
    let (life, expected) = life::of_node(setting, goals, planned, facts).unzip();
    let expected = expected.unwrap_or_default();
    Work { life, expected, ..Work::default() }
}

fn real(setting: &Setting<'_>, kind: RunKind, planned: &Planned, load: &Load, facts: &Facts) -> Work {
    let (setup, placement, token) = (&planned.setup, &planned.placement, setting.token);
    // The floor is the same path with a wire in place of the nodes: both ends of one link in the generator's namespace.
    let wire = [[End::Generator, End::Sink]];
    let (nodes, path) = match kind {
        RunKind::Floor => (&[][..], &wire[..]),
        RunKind::Measurement => (&setup.nodes[..], &setup.path[..]),
    };
    let links = network::with_mtu(network::interfaces(path, nodes, token), load.mtu);
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
    let mut steps: Vec<Step> = throttling(placement.generator.priority.is_some(), facts).into_iter().collect();
    let generator = network::named(token, GENERATOR);
    let own = started().filter(|(_, environment)| !environment.brings_namespace());
    let namespaces = [Some(generator.clone())].into_iter().chain(own.map(|(node, _)| network::namespace(node, token)));
    let namespaces = namespaces.flatten().chain(network::wire_namespaces(&links, token));
    steps.extend(namespaces.map(|name| Step::MakeNamespace { name }));
    steps
        .extend(placed().filter_map(|(_, (node, placed))| environment::cgroup(node, placed, facts, token)).map(Step::MakeCgroup));
    let provisioned = started().filter(|(_, environment)| environment.id().is_some());
    steps.extend(
        provisioned.map(|(node, environment)| Step::ProvisionNode { node: node.name.clone(), environment: environment.clone() }),
    );
    // a link can be made into a namespace only once it is there
    steps.extend(started().filter(|(_, environment)| environment.brings_namespace()).map(start));
    steps.extend(network::link_steps(&links, token));
    steps.extend(started().filter(|(_, environment)| !environment.brings_namespace()).map(start));
    let environment = AgentEnvironment::Host;
    let recorded = setup.capture.as_ref().map(|capture| capture::of_run(capture, load, nodes, &links, placement, facts, token));
    if recorded.is_some() {
        // in the host's own network: it goes into those of the links by itself
        steps.push(Step::StartAgent { node: TIMESTAMPER.to_owned(), namespace: None, environment: environment.clone() });
    }
    let (timestamper, through) = recorded.unzip();
    steps.push(Step::StartAgent { node: GENERATOR.to_owned(), namespace: Some(generator), environment });

    let forwards = placed().filter(|(_, (node, _))| node.scripts.command.is_empty());
    let mut agents: Vec<_> = forwards
        .map(|(number, (node, scheduling))| {
            let inside = environment::scheduling_inside(&environments[number], scheduling, node.forwarding.workers);
            forward(number, node, &inside, &links)
        })
        .collect();
    // before the generator: its ring is then served first of those on one interface
    let tapped = timestamper.is_some();
    agents.extend(timestamper);
    if let (Some([tx, next_hop]), Some([_, last])) = (links.first(), links.last()) {
        // a path that ends at a node leads back
        let rx = if last.end == End::Sink { last } else { tx };
        let shown = tapped && next_hop.guest;
        let path = Path::Interfaces { transmit: tx.veth.name.clone(), receive: rx.veth.name.clone(), shown };
        agents.push(measure(setting, load, path, tx, next_hop, &placement.generator));
    }
    let programs = placed().filter_map(|(number, (node, scheduling))| {
        programs::of_node(number, node, &environments[number], &scheduling.cpus, &links, setting)
    });
    let schedule = &load.schedule;
    let starting: u64 = environments.iter().map(environment::expected_start).max().unwrap_or_default();
    Work {
        programs: programs.collect(),
        hops: network::hops(&links, nodes),
        through: through.unwrap_or_default(),
        steps,
        agents,
        life: None,
        search: None,
        expected: schedule.warm_up + schedule.duration + load.drain + AROUND + starting,
    }
}

/// Lifts the limit on real-time tasks where it is in the way and may be lifted.
fn throttling(real_time: bool, facts: &Facts) -> Option<Step> {
    let limited = facts.rt_runtime_us.is_some_and(|us| us != -1);
    (real_time && facts.privilege.root && limited).then(|| Step::WriteSetting {
        path: "/proc/sys/kernel/sched_rt_runtime_us".to_owned(),
        value: "-1".to_owned(),
        reason: "a loop that spins under SCHED_FIFO would be stopped for 50 ms each second".to_owned(),
    })
}

/// Whether control groups may be made.
pub(super) fn cgroups(facts: &Facts) -> bool {
    facts.privilege.root && facts.cgroup != Cgroup::None
}

/// What comes in by one port leaves by the other, addressed to the far end of that link.
fn forward(number: usize, node: &Node, scheduling: &Scheduling, links: &[[Interface; 2]]) -> AgentOrder {
    let port = |port| network::own_and_peer(number, port, links);
    let rule = |receive: &Interface, (transmit, peer): (&Interface, &Interface)| ForwardRule {
        receive: receive.veth.name.clone(),
        transmit: transmit.veth.name.clone(),
        source: transmit.veth.mac,
        destination: peer.towards,
    };
    let back = |side: (&Interface, &Interface)| rule(side.0, side);
    let rules = match (port(Port::In), port(Port::Out)) {
        // one link only: the node reflects
        (Some(side), None) | (None, Some(side)) => vec![back(side)],
        (Some(inward), Some(outward)) if node.reflects() => vec![back(inward), back(outward)],
        (Some(inward), Some(outward)) => vec![rule(inward.0, outward), rule(outward.0, inward)],
        (None, None) => Vec::new(),
    };
    let Forwarding { function, workers, batch } = node.forwarding.clone();
    let order = Order::Forward(Forward { function, rules, workers, batch, scheduling: scheduling.clone() });
    AgentOrder { node: node.name.clone(), order }
}

fn measure(
    setting: &Setting<'_>,
    load: &Load,
    path: Path,
    from: &Interface,
    next_hop: &Interface,
    scheduling: &Scheduling,
) -> AgentOrder {
    let order = Order::Measure(Measure {
        path,
        frame: load.frame - FRAME_CHECK_SEQUENCE,
        source: from.veth.mac,
        destination: next_hop.towards,
        tag: tag(setting.token, setting.number),
        schedule: load.schedule.clone(),
        shape: shape(load, setting),
        drain: load.drain,
        gap: GAP,
        scheduling: scheduling.clone(),
    });
    AgentOrder { node: GENERATOR.to_owned(), order }
}

/// Random times differ from run to run, and are the same when the campaign is made again.
fn shape(load: &Load, setting: &Setting<'_>) -> Shape {
    let mut shape = load.shape.clone();
    if let Pattern::Poisson { seed } = &mut shape.pattern {
        *seed = setting.seed.wrapping_add(setting.number as u64);
    }
    shape
}

/// Bytes the interface appends to each frame (IEEE 802.3-2022, 3.2.9).
const FRAME_CHECK_SEQUENCE: u32 = 4;

/// Different for each run of a campaign, and most likely for runs of different campaigns: the run's number in the lower half,
/// FNV-1a (Fowler, Noll, Vo; RFC 9923) of the token in the upper.
fn tag(token: &str, number: usize) -> u32 {
    let hash = token.bytes().fold(0x811c_9dc5, |hash: u32, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    hash << 16 | u32::try_from(number & 0xffff).unwrap_or_default()
}
