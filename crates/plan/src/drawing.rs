//! The path of a run, drawn in text from its steps and orders.

mod streams;

use tailbed_format::order::{Order, Path, Scheduling};

use crate::experiment::LinkKind;
use crate::plan::{AgentOrder, GENERATOR, Hop, Run};
use crate::step::{AgentEnvironment, Step};

/// A drawing wider than this does not fit beside a terminal's edge; the path then becomes a list.
const WIDEST: usize = 110;

/// Draws the path packets take in a run, one line each, without indentation:
///
/// ```text
/// ┌───────────┐      ┌────────────────┐      ┌───────────┐
/// │ generator │      │ dut            │      │ sink      │
/// │        tx ├──────┤ in         out ├──────┤ rx        │
/// │     cpu 1 │      │ host     cpu 2 │      │     cpu 1 │
/// └───────────┘      └────────────────┘      └───────────┘
/// ```
///
/// A link that is no plain pair has its kind written on it: `├─ memory ─┤`.
///
/// Several streams that take other ways than along one such line are listed, each with its way.
pub fn draw(run: &Run) -> Vec<String> {
    if run.streams.len() > 1 && run.agents.iter().any(|agent| path(agent).is_some()) {
        return streams::draw(run);
    }
    let boxes = boxes(run, &run.hops);
    let lines = row(&boxes);
    let widest = lines.iter().map(|line| line.chars().count()).max().unwrap_or(0);
    if widest <= WIDEST { lines } else { list(&boxes) }
}

/// A role in the path: its name, its interfaces, where it runs.
#[derive(Debug, Clone)]
struct Role {
    name: String,
    inward: String,
    outward: String,
    place: String,
    cores: String,
    /// The link packets come in by.
    by: LinkKind,
}

fn boxes(run: &Run, hops: &[Hop]) -> Vec<Role> {
    let cores_of = |node: &str| cores_of(run, node);
    let end = |name: &str, inward: &str, outward: &str| Role {
        name: name.to_owned(),
        inward: inward.to_owned(),
        outward: outward.to_owned(),
        place: String::new(),
        cores: cores_of(GENERATOR),
        by: LinkKind::Veth,
    };
    let Some((transmit, receive)) = run.agents.iter().find_map(path) else {
        return [GENERATOR, "simulated wire", "sink"].map(|name| Role { cores: String::new(), ..end(name, "", "") }).to_vec();
    };
    let mut roles = vec![end(GENERATOR, "", transmit)];
    for hop in hops {
        let ports = end(&hop.node, &hop.inward, &hop.outward);
        roles.push(Role { place: place(run, &hop.node), cores: cores_of(&hop.node), ..ports });
    }
    // a path that ends at a node leads back to where it began
    if hops.last().is_none_or(|last| !last.outward.is_empty()) {
        roles.push(end("sink", receive, ""));
    }
    for (role, link) in roles.iter_mut().skip(1).zip(&run.links) {
        role.by = *link;
    }
    roles
}

/// The cores a packet loop may run on.
pub(crate) fn cores(scheduling: &Scheduling) -> String {
    named(&scheduling.cpus)
}

fn named(cpus: &[usize]) -> String {
    match cpus {
        [] => "any cpu".to_owned(),
        cpus => format!("cpu {}", numbers(cpus)),
    }
}

/// Numbers with commas between.
pub(crate) fn numbers(cpus: &[usize]) -> String {
    cpus.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

fn path(agent: &AgentOrder) -> Option<(&str, &str)> {
    match &agent.order {
        Order::Measure(measure) => match &measure.path {
            Path::Interfaces { transmit, receive } | Path::Mixed { transmit, receive, .. } => Some((transmit, receive)),
            Path::Simulated(_) => None,
        },
        Order::Forward(_) | Order::Capture(_) | Order::Noise(_) | Order::Load(_) => None,
    }
}

/// The cores of the host that a role runs on.
fn cores_of(run: &Run, node: &str) -> String {
    match environment(run, node) {
        Some((_, AgentEnvironment::Vm(spec))) => named(&spec.cpus),
        _ => run.agents.iter().find(|agent| agent.node == node).map_or(String::new(), |agent| cores(agent.scheduling())),
    }
}

/// The namespace and the environment of a role.
fn environment<'a>(run: &'a Run, name: &str) -> Option<(Option<&'a String>, &'a AgentEnvironment)> {
    run.steps.iter().find_map(|step| match step {
        Step::StartAgent { node, namespace, environment } if node == name => Some((namespace.as_ref(), environment)),
        _ => None,
    })
}

fn place(run: &Run, name: &str) -> String {
    match environment(run, name) {
        Some((_, AgentEnvironment::Vm(spec))) => format!("vm ({})", spec.accelerator),
        Some((None, AgentEnvironment::Host)) => "host's own network".to_owned(),
        Some((_, environment)) => environment.kind().to_owned(),
        None => "host".to_owned(),
    }
}

/// The gap between two boxes: a wire on the line of the interfaces, where both have one.
const BETWEEN: usize = 6;

/// Boxes from left to right.
fn row(roles: &[Role]) -> Vec<String> {
    let last = roles.len().saturating_sub(1);
    let columns: Vec<_> = roles.iter().enumerate().map(|(number, role)| column(role, number == 0, number == last)).collect();
    (0..5).map(|line| columns.iter().map(|column| column[line].as_str()).collect()).collect()
}

/// A box of five lines with the gap before it: edge, name, interfaces, where it runs, edge.
fn column(role: &Role, first: bool, last: bool) -> [String; 5] {
    let ports = spaced(&role.inward, &role.outward);
    let place = spaced(&role.place, &role.cores);
    let width = [&role.name, &ports, &place].into_iter().map(|text| text.chars().count()).max().unwrap_or(0);
    let wire = wire(role.by);
    let gap = |fill: &str| if first { String::new() } else { fill.repeat(wire.chars().count()) };
    let wire = if first { "" } else { wire.as_str() };
    let (left, right) = (if first { "│" } else { "┤" }, if last { "│" } else { "├" });
    let edge = "─".repeat(width + 2);
    [
        format!("{}┌{edge}┐", gap(" ")),
        format!("{}│ {:width$} │", gap(" "), role.name),
        format!("{wire}{left} {} {right}", apart(&role.inward, &role.outward, width)),
        format!("{}│ {} │", gap(" "), apart(&role.place, &role.cores, width)),
        format!("{}└{edge}┘", gap(" ")),
    ]
}

/// A link as it lies between two boxes.
fn wire(kind: LinkKind) -> String {
    match kind {
        LinkKind::Veth => "─".repeat(BETWEEN),
        kind => format!("─ {kind} ─"),
    }
}

fn spaced(left: &str, right: &str) -> String {
    if left.is_empty() || right.is_empty() { format!("{left}{right}") } else { format!("{left}  {right}") }
}

fn apart(left: &str, right: &str, width: usize) -> String {
    let room = width.saturating_sub(left.chars().count());
    format!("{left}{right:>room$}")
}

/// One line per role, in the order packets pass them.
fn list(roles: &[Role]) -> Vec<String> {
    let name = roles.iter().map(|role| role.name.chars().count()).max().unwrap_or(0);
    let line = |role: &Role| {
        let ports = match (role.inward.as_str(), role.outward.as_str()) {
            ("", port) => format!("          ── {port}"),
            (port, "") => format!("{port} ──"),
            (inward, outward) => format!("{inward} ──── {outward}"),
        };
        let by = if role.by == LinkKind::Veth { String::new() } else { format!("  (in by {})", role.by) };
        format!("{:name$}  {ports:<16}  {}{by}", role.name, spaced(&role.place, &role.cores)).trim_end().to_owned()
    };
    roles.iter().map(line).collect()
}
