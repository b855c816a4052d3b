//! Every random topology plans, without a loop, and its orders bring each stream to where it is to come in.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]

mod hosts;

use std::collections::{BTreeMap, BTreeSet};

use tailbed_format::function::{Function, Port, Route, Table};
use tailbed_format::order::{Measure, Order, Path};
use tailbed_format::summary::RunKind;
use tailbed_plan::plan::{GENERATOR, Plan, Run};
use tailbed_plan::step::{AgentEnvironment, Step, VethEnd};
use tailbed_plan::{Overrides, PlanError, Source, plan};

fn planned(text: &str) -> Result<Plan, PlanError> {
    plan(&Source { name: "x.toml", text: text.as_bytes() }, &Overrides::default(), &hosts::server(), "t1")
}

/// A drawn topology whose nodes are all of one environment.
fn random(shape: &str, environment: &str, least: usize, nodes: usize, seed: u64) -> Plan {
    let text = format!(
        "name = \"x\"\nrepeats = 1\n[topology]\nshape = \"{shape}\"\nleast = {least}\nnodes = {nodes}\nseed = {seed}\n\
         [topology.node]\nenvironment = \"{environment}\"\n[environments.open.host]\nnamespace = \"none\"\n\
         [traffic]\nrate = \"1kpps\"\nduration = \"1s\"\n"
    );
    planned(&text).unwrap_or_else(|error| panic!("{shape} {seed}: {error}"))
}

/// An interface: where it lies and its name.
type Interface = (String, String);

fn place(namespace: Option<&String>) -> String {
    namespace.cloned().unwrap_or_else(|| "host".to_owned())
}

/// Where each interface's link leads to, through taps and bridges too.
fn wires(run: &Run) -> BTreeMap<Interface, Interface> {
    let mut wires = BTreeMap::new();
    let mut join = |one: Interface, other: Interface| {
        assert!(wires.insert(one.clone(), other.clone()).is_none(), "{one:?} has two links");
        wires.insert(other, one);
    };
    let mut bridged: BTreeMap<String, Interface> = BTreeMap::new();
    for step in &run.steps {
        match step {
            Step::MakeVeth { ends: [one, other] } => {
                let place = |end: &VethEnd| (place(end.namespace.as_ref()), end.name.clone());
                join(place(one), place(other));
            }
            Step::StartAgent { environment: AgentEnvironment::Vm(spec), .. } => {
                for interface in &spec.interfaces {
                    let (own, tap) = ((spec.id.clone(), interface.name.clone()), interface.tap.clone());
                    let namespace = place(interface.tap_namespace.as_ref());
                    if tap != "near" && tap != "far" {
                        join(own, (namespace, tap));
                    } else if let Some(other) = bridged.remove(&namespace) {
                        join(own, other);
                    } else {
                        bridged.insert(namespace, own);
                    }
                }
            }
            _ => {}
        }
    }
    assert!(bridged.is_empty(), "{bridged:?}");
    wires
}

/// The node that receives on an interface, and which one it sends on by then.
fn rules(run: &Run) -> BTreeMap<Interface, (String, Interface)> {
    let mut rules = BTreeMap::new();
    for agent in &run.agents {
        let Order::Forward(forward) = &agent.order else { continue };
        let lies = run.steps.iter().find_map(|step| match step {
            Step::StartAgent { node, environment: AgentEnvironment::Vm(spec), .. } if *node == agent.node => {
                Some(spec.id.clone())
            }
            Step::StartAgent { node, namespace, .. } if *node == agent.node => Some(place(namespace.as_ref())),
            _ => None,
        });
        let lies = |name: &String| (lies.clone().unwrap(), name.clone());
        for rule in &forward.rules {
            let there = rules.insert(lies(&rule.receive), (agent.node.clone(), lies(&rule.transmit)));
            assert!(there.is_none(), "two rules receive on one interface");
        }
    }
    rules
}

/// Follows a packet by links and rules alone; the nodes it comes by, and the interface of the generator that it ends at.
fn follow(run: &Run, stream: &Measure) -> (Vec<String>, String) {
    let (wires, rules) = (wires(run), rules(run));
    let Path::Interfaces { transmit, .. } = &stream.path else { panic!("not simulated") };
    let mut here = (format!("tb-t1-{GENERATOR}"), transmit.clone());
    let mut passed = Vec::new();
    for _ in 0..=rules.len() {
        let there = &wires[&here];
        if there.0 == format!("tb-t1-{GENERATOR}") {
            return (passed, there.1.clone());
        }
        let (node, next) = &rules[there];
        passed.push(node.clone());
        here =
            routed(run, node, stream.shape.flows.destination.first).map_or_else(|| next.clone(), |name| (there.0.clone(), name));
    }
    panic!("{} goes round in a loop", stream.name);
}

/// Where a router whose table is written out sends packets for an address: the interface of the longest prefix's port.
fn routed(run: &Run, node: &str, address: u32) -> Option<String> {
    let order = run.agents.iter().find(|agent| agent.node == node).map(|agent| &agent.order);
    let Some(Order::Forward(forward)) = order else { return None };
    let Function::L3fwd { routes: Table::Text { text, .. }, further } = &forward.function else { return None };
    let lines = ["198.18.0.0/16 in", "198.19.0.0/16 out"].into_iter().chain(text.lines());
    let routes = lines.map(|line| line.parse::<Route>().unwrap()).filter(|route| route.prefix.holds(address));
    let interface = match routes.max_by_key(|route| route.prefix.length()).unwrap().port {
        Port::In => forward.rules[0].receive.clone(),
        Port::Out => forward.rules[0].transmit.clone(),
        Port::Further(number) => further[usize::from(number) - 2].clone(),
    };
    assert!(forward.rules.iter().any(|rule| rule.transmit == interface), "no rule leaves by {interface}");
    Some(interface)
}

fn measure(run: &Run) -> &Measure {
    let order = run.agents.iter().find(|agent| agent.node == GENERATOR).map(|agent| &agent.order);
    match order {
        Some(Order::Measure(measure)) => measure,
        _ => panic!("the generator does not measure"),
    }
}

/// Streams come in where they are to, by the nodes that the plan says, and none is left without any.
fn is_sound(plan: &Plan) {
    let run = plan.runs.iter().find(|run| plan.cells[run.cell].kind == RunKind::Measurement).unwrap();
    let measure = measure(run);
    let mut passed = BTreeSet::new();
    for (number, stream) in measure.streams().iter().enumerate() {
        let (nodes, end) = follow(run, stream);
        let Path::Interfaces { receive, .. } = &stream.path else { panic!("not simulated") };
        assert_eq!(&end, receive, "{}", stream.name);
        let path = &run.streams[number];
        let said: Vec<_> = path.hops.iter().map(|hop| hop.node.clone()).collect();
        assert_eq!((&path.name, &path.to, &nodes), (&stream.name, receive, &said));
        passed.extend(nodes);
    }
    let forwarders: BTreeSet<_> =
        run.agents.iter().filter(|agent| agent.node != GENERATOR).map(|agent| agent.node.clone()).collect();
    assert_eq!(passed, forwarders, "every node is passed");
    // the floor has the same streams over one wire
    let floor = plan.runs.iter().find(|run| plan.cells[run.cell].kind == RunKind::Floor).unwrap();
    assert_eq!(self::measure(floor).streams().len(), measure.streams().len());
    for stream in self::measure(floor).streams() {
        let Path::Interfaces { receive, .. } = &stream.path else { panic!("not simulated") };
        assert_eq!(&follow(floor, &stream), &(Vec::new(), receive.clone()));
    }
}

#[test]
fn thousands_of_random_topologies_are_sound() {
    let mut streams = BTreeSet::new();
    for seed in 0..700 {
        for shape in ["line", "tree", "ring"] {
            let plan = random(shape, "host", 2, 9, seed);
            is_sound(&plan);
            streams.insert(measure(plan.runs.last().unwrap()).streams().len());
        }
    }
    assert!(streams.len() > 5, "{streams:?}");
    is_sound(&random("any", "host", 64, 64, 1));
    is_sound(&random("tree", "host", 1, 1, 1));
    assert_eq!(random("any", "host", 2, 9, 17), random("any", "host", 2, 9, 17));
}

/// From the root to every leaf by routes; and back from each, where packets go both ways.
#[test]
fn fans_reach_every_leaf() {
    for seed in 0..300 {
        is_sound(&random("fan", "host", 1, 9, seed));
    }
    for environment in ["open", "vm", "container"] {
        is_sound(&random("fan", environment, 5, 9, 4));
    }
    let text = "name = \"x\"\nrepeats = 1\n[topology]\nshape = \"fan\"\nnodes = 9\nseed = 2\n[topology.node]\n\
                environment = \"host\"\n[traffic]\nrate = \"1kpps\"\nduration = \"1s\"\nbidirectional = true\nflows = { count = 3 }\n";
    let plan = planned(text).unwrap_or_else(|error| panic!("{error}"));
    is_sound(&plan);
    let streams = measure(plan.runs.last().unwrap()).streams();
    assert!(streams.len() > 4 && streams.iter().all(|stream| stream.shape.flows.count == 3));
}

/// Also where nodes have no namespace of their own, or taps and bridges stand between them.
#[test]
fn nodes_of_every_kind_have_as_many_interfaces_as_links() {
    for environment in ["container", "open", "lxc", "docker", "vm"] {
        for seed in 0..40 {
            let plan = random("any", environment, 2, 7, seed);
            is_sound(&plan);
        }
    }
}

/// A ring of nodes, with streams that set out at one of them and at the first, and one node that lets packets out, if any. A spare sink
/// that nothing leads to does not help.
fn ring(nodes: usize, from: usize, exit: Option<usize>, spare: bool) -> String {
    let links = (0..nodes).map(|node| format!("l{node} = [\"n{node}:out\", \"n{}:in\"]\n", (node + 1) % nodes));
    let out = exit.map(|exit| format!("exit = [\"n{exit}:exit\", \"sink\"]\n"));
    let besides = spare.then(|| "spare = [\"n0:spare\", \"sink\"]\n".to_owned());
    let node = |node: usize| {
        let out = (exit == Some(node)).then_some("in = \"exit\"");
        let besides = (spare && node == 0).then_some("spare = \"out\"");
        let paths: Vec<_> = out.into_iter().chain(besides).collect();
        format!("[nodes.n{node}]\nenvironment = \"host\"\npaths = {{ {} }}\n", paths.join(", "))
    };
    let streams = format!("[traffic.streams.round]\nfrom = \"n{from}:side\"\n[traffic.streams.all]\nfrom = \"n0:more\"\n");
    let head = "name = \"x\"\n[traffic]\nrate = \"1kpps\"\nduration = \"1s\"\n".to_owned();
    let parts = [head, streams, "[links]\n".to_owned()].into_iter().chain(links).chain(out).chain(besides);
    parts.chain((0..nodes).map(node)).collect()
}

/// A ring that lets nothing out is refused, wherever streams set out; one with an exit is not, if packets pass all of it.
#[test]
fn rings_with_a_loop_are_refused() {
    for (nodes, from) in (2..8).flat_map(|nodes| (0..nodes).map(move |from| (nodes, from))) {
        for exit in [from, (from + 1) % nodes] {
            let text = ring(nodes, from, Some(exit), false);
            // the stream of the first node or that of the exit itself goes all the way round
            let whole = exit == 0 || exit == from;
            match planned(&text) {
                Ok(_) => assert!(whole, "{text}"),
                Err(error) => assert!(!whole && error.render(false).contains("no packet ever"), "{error}\n{text}"),
            }
        }
        let error = planned(&ring(nodes, from, None, true)).unwrap_err();
        let said = error.render(false);
        assert!(error.exit_code() == 2 && said.contains("goes round in a loop") && said.contains("x.toml:"), "{said}");
    }
}
