//! A stream's way, followed link by link.

use std::net::Ipv4Addr;

use tailbed_format::function::{self, Function, Route, Table as Routes};

use super::{End, Link};
use crate::setup::traffic::Declared;
use crate::setup::{Node, Port};
use crate::text::error::Fault;
use crate::text::tree::{self, Table};

/// A node that packets pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pass {
    pub(crate) node: usize,
    pub(crate) inward: Port,
    /// The same as `inward` when it reflects.
    pub(crate) outward: Port,
}

/// What a walk has found.
pub(super) struct Walked {
    /// In the order they are taken, each with the nearer end first.
    pub(super) links: Vec<Link>,
    pub(super) passes: Vec<Pass>,
    pub(super) to: End,
}

/// Follows the packets of a stream from one end of the measuring side to the next, which must be the one they are to come in at. That
/// they come to a port a second time is a loop, which no packet ever leaves.
pub(super) fn walk(
    nodes: &[Node],
    links: &[Link],
    (from, to): (End, Option<End>),
    destination: (u32, u32),
    stream: &Declared,
    tree: &Table<'_>,
) -> Result<Walked, Fault> {
    let mut walked = Walked { links: Vec::new(), passes: Vec::new(), to: from };
    let mut mirror = None;
    let mut seen: Vec<(usize, Port)> = Vec::new();
    let mut here = from;
    loop {
        let Some(link) = links.iter().find(|link| link.contains(&here)) else {
            return Err(dead_end(nodes, here, stream, tree));
        };
        let there = if link[0] == here { link[1] } else { link[0] };
        if mirror.is_none() {
            walked.links.push([here, there]);
        }
        let End::Node(node, inward) = there else {
            walked.to = there;
            break;
        };
        if seen.contains(&(node, inward)) {
            return Err(loops(nodes, [here, there], stream, tree));
        }
        seen.push((node, inward));
        let outward = exit(&nodes[node], inward, destination, stream, tree)?;
        if mirror.is_none() {
            walked.passes.push(Pass { node, inward, outward });
        }
        if nodes[node].reflects() {
            mirror = Some(node);
        }
        here = End::Node(node, outward);
    }
    let wanted = to.unwrap_or(if mirror.is_some() { from } else { End::Sink });
    if walked.to == wanted {
        return Ok(walked);
    }
    Err(elsewhere(nodes, walked.to, wanted, mirror, stream, tree))
}

/// Where a node sends packets on that came in by a port. A router goes by its routes: every table that is made has those of the load
/// generator's own addresses; of others nothing is known here, and packets are taken to pass.
fn exit(node: &Node, inward: Port, (first, last): (u32, u32), stream: &Declared, tree: &Table<'_>) -> Result<Port, Fault> {
    // 198.18.0.0/16 lies at `in`, 198.19.0.0/16 at `out`
    let half = |address: u32| address >> 16;
    match &node.forwarding.function {
        _ if node.is_program() => Ok(node.exit(inward)),
        Function::L3fwd { routes: Routes::Text { text, .. }, .. } => {
            let said = by_routes(text, first, last).and_then(|port| Port::named(&port.to_string()));
            Ok(said.unwrap_or_else(|| node.exit(inward)))
        }
        Function::L3fwd { routes: Routes::Generated { .. }, .. } if (half(first), half(last)) == (0xc612, 0xc612) => Ok(Port::IN),
        Function::L3fwd { routes: Routes::Generated { .. }, .. } if (half(first), half(last)) == (0xc613, 0xc613) => {
            Ok(Port::OUT)
        }
        Function::Bng(_) if inward != Port::IN => Err(Fault::file(format!(
            "{} comes to the gateway `{}` from its core, where only packets of its tunnel are taken",
            stream.called(),
            node.name
        ))
        .at(stream.span("to", tree), format!("to {}, by `{inward}`", Ipv4Addr::from(first)))
        .beside(tree::span(tree, &["nodes", &node.name, "forward"]), "subscribers are at `in`")
        .help("send upstream only: from the side of `in`")),
        _ => Ok(node.exit(inward)),
    }
}

/// The port that all packets to these addresses leave by, by the routes of a text and those of the load generator's addresses, which every table
/// has; `None` where the addresses have several ways, or none.
fn by_routes(text: &str, first: u32, last: u32) -> Option<function::Port> {
    let required = ["198.18.0.0/16 in", "198.19.0.0/16 out"];
    let lines = required.into_iter().chain(text.lines());
    let routes: Vec<Route> = lines.filter_map(|line| line.parse().ok()).collect();
    // of two with one prefix the latter counts: it takes the place of a required one
    let best = |address| {
        routes
            .iter()
            .filter(|route| route.prefix.holds(address))
            .max_by_key(|route| route.prefix.length())
            .map(|route| route.prefix)
    };
    let prefix = best(first).filter(|prefix| best(last) == Some(*prefix))?;
    let within = |route: &Route| route.prefix.length() > prefix.length() && (first..=last).contains(&route.prefix.address());
    if routes.iter().any(within) {
        return None;
    }
    routes.iter().rev().find(|route| route.prefix == prefix).map(|route| route.port)
}

/// Where the link stands that has these ends; the streams' own links stand nowhere.
fn link_span(nodes: &[Node], ends: Link, tree: &Table<'_>) -> Option<crate::text::Span> {
    let text = |end: &End| match end {
        End::Node(node, port) => format!("{}:{port}", nodes[*node].name),
        End::Generator => crate::plan::GENERATOR.to_owned(),
        End::Sink => super::SINK.to_owned(),
        End::Beside(..) => String::new(),
    };
    let wanted = ends.each_ref().map(text);
    let table = tree::get(tree, &["links"])?.get_ref().as_table()?;
    let strings = |value: &tree::Value<'_>| {
        let list = value.get_ref();
        let list = list.as_table().and_then(|link| link.get("ends")).map_or(list, |ends| ends.get_ref());
        [0, 1].map(|at| list.get(at).and_then(|end| end.get_ref().as_str()).unwrap_or_default().to_owned())
    };
    let same = |value: &tree::Value<'_>| {
        let [one, other] = strings(value);
        [one.clone(), other.clone()] == wanted || [other, one] == wanted
    };
    table.iter().find(|(_, value)| same(value)).map(|(_, value)| value.span())
}

fn loops(nodes: &[Node], [here, there]: Link, stream: &Declared, tree: &Table<'_>) -> Fault {
    let end = |end: End| match end {
        End::Node(node, port) => format!("{}:{port}", nodes[node].name),
        _ => "the load generator".to_owned(),
    };
    let at = link_span(nodes, [here, there], tree).unwrap_or_else(|| stream.span("from", tree));
    Fault::file(format!("{} goes round in a loop: it comes to `{}` again and again", stream.called(), end(there)))
        .at(at, "from here it comes round again")
        .beside(stream.span("from", tree), "the stream")
        .help("let it out of the ring: a node's `paths` say where packets go that come in by a port, for example in = \"exit\"")
}

fn dead_end(nodes: &[Node], here: End, stream: &Declared, tree: &Table<'_>) -> Fault {
    match here {
        End::Node(node, port) => {
            let name = &nodes[node].name;
            Fault::file(format!(
                "{} comes to an end: node `{name}` sends it to its port `{port}`, which no link ends at",
                stream.called()
            ))
            .at(tree::span(tree, &["nodes", name]), "nothing is linked there")
            .help(format!("add a link that names \"{name}:{port}\", or say another way in [nodes.{name}.paths]"))
        }
        End::Generator | End::Sink | End::Beside(..) => Fault::file(format!("{} sets out where no link ends", stream.called()))
            .at(stream.span("from", tree), "from here")
            .help("add a link that names it"),
    }
}

fn elsewhere(nodes: &[Node], found: End, wanted: End, mirror: Option<usize>, stream: &Declared, tree: &Table<'_>) -> Fault {
    let called = |end: End| match end {
        End::Generator => "the generator".to_owned(),
        End::Sink => "the sink".to_owned(),
        End::Beside(node, port) | End::Node(node, port) => format!("`{}:{port}`", nodes[node].name),
    };
    let fault = Fault::file(format!("{} never comes to {}: its way leads to {}", stream.called(), called(wanted), called(found)))
        .at(stream.span("to", tree), format!("leads to {}", called(found)));
    match mirror {
        Some(node) => fault
            .beside(tree::span(tree, &["nodes", &nodes[node].name, "forward"]), "sends all packets back")
            .help("leave `to` out: what is sent back comes in where it set out"),
        None => fault.help("say where it is to come in, or in the nodes' `paths` which way it goes"),
    }
}
