//! Links that are missing, and nodes that nothing passes.

use tailbed_format::function::Function;

use super::{End, Link, SINK, Topology};
use crate::experiment::{self, Named};
use crate::plan::GENERATOR;
use crate::setup::{Node, Port};
use crate::text::error::Fault;
use crate::text::tree::{self, Table};

/// A node is behind one that reflects.
pub(super) fn beyond(mirror: &Node, behind: &Node, tree: &Table<'_>) -> Fault {
    Fault::file(format!("no packet ever passes node `{}`: `{}` before it sends all of them back", behind.name, mirror.name))
        .at(tree::span(tree, &["nodes", &behind.name]), "behind a node that reflects")
        .beside(tree::span(tree, &["nodes", &mirror.name, "forward"]), "packets go back from here")
        .help("a node that reflects is the last of the path")
}

/// Whether all links are there that are needed whatever way packets take: those of generator and sink, where a stream begins or ends
/// there, and both of a node of which nothing more is said.
pub(super) fn all_linked(nodes: &[Node], links: &[Link], ways: &[(End, Option<End>)], tree: &Table<'_>) -> Result<(), Fault> {
    let linked = |end: End| links.iter().any(|link| link.contains(&end));
    let back = nodes.iter().any(Node::reflects);
    let used = |end: End| ways.iter().any(|(from, to)| *from == end || to.map_or(!back && end == End::Sink, |to| to == end));
    for (end, name) in [(End::Generator, GENERATOR), (End::Sink, SINK)] {
        if used(end) && !linked(end) {
            return Err(Fault::file(format!("no link ends at `{name}`"))
                .at(tree::span(tree, &["links"]), "not among these")
                .help(format!("add one, for example {name} = [\"{name}\", \"{}\"]", example(nodes, end))));
        }
    }
    for (number, node) in nodes.iter().enumerate() {
        let by_table = matches!(node.forwarding.function, Function::L3fwd { .. } | Function::Bng(_));
        if node.ports.len() > 2 && !by_table && !node.is_program() {
            continue;
        }
        for port in [Port::IN, Port::OUT] {
            let other = if port == Port::IN { Port::OUT } else { Port::IN };
            let needed = !node.reflects() || !linked(End::Node(number, other));
            if needed && !linked(End::Node(number, port)) {
                return Err(Fault::file(format!("node `{}` forwards, but no link ends at its port `{port}`", node.name))
                    .at(tree::span(tree, &["nodes", &node.name]), "needs a link at `in` and one at `out`")
                    .help(format!("add a link that names \"{}:{port}\"", node.name)));
            }
        }
    }
    Ok(())
}

fn example(nodes: &[Node], end: End) -> String {
    let (node, port) = if end == End::Generator { (nodes.first(), Port::IN) } else { (nodes.last(), Port::OUT) };
    node.map_or_else(String::new, |node| format!("{}:{port}", node.name))
}

/// Whether packets pass every node, and take every link but those at a node that reflects.
pub(super) fn all_passed(
    nodes: &[Node],
    topology: &Topology,
    links: &Named<experiment::Link>,
    tree: &Table<'_>,
) -> Result<(), Fault> {
    let on_the_way = || topology.ways.iter().flat_map(|way| &way.passes);
    let mirror = on_the_way().map(|pass| &nodes[pass.node]).find(|node| node.reflects());
    let passed = |number: usize| on_the_way().any(|pass| pass.node == number);
    match (nodes.iter().enumerate().find(|(number, _)| !passed(*number)), mirror) {
        (Some((_, behind)), Some(mirror)) => return Err(beyond(mirror, behind, tree)),
        (Some((_, node)), None) if topology.ways.len() == 1 && !links.0.is_empty() => {
            return Err(Fault::file(format!("no packet ever passes node `{}`: its links form a ring", node.name))
                .at(tree::span(tree, &["nodes", &node.name]), "not between generator and sink")
                .help("link the nodes in a line from `generator` to `sink`"));
        }
        (Some((_, node)), None) => {
            return Err(Fault::file(format!("no packet ever passes node `{}`", node.name))
                .at(tree::span(tree, &["nodes", &node.name]), "no stream comes by here")
                .help(format!("leave the node out, or add a stream that passes it, for example from = \"{}:side\"", node.name)));
        }
        (None, _) => {}
    }
    let end = |text: &String| {
        let (name, port) = text.split_once(':').unwrap_or((text, ""));
        let node = nodes.iter().position(|node| node.name == name)?;
        Port::named(port).map(|port| End::Node(node, port))
    };
    let reflects = |end: &End| matches!(end, End::Node(node, _) if nodes[*node].reflects());
    let taken = |end: &End| topology.links.iter().any(|link| link.contains(end));
    let idle = links.0.iter().find(|(_, declared)| {
        let ends: Vec<_> = declared.ends.iter().filter_map(end).collect();
        !ends.iter().any(taken) && !ends.iter().any(reflects)
    });
    match idle {
        Some((name, _)) => Err(Fault::file(format!("no packet ever takes the link `{name}`"))
            .at(tree::key_span(tree, &["links", name]).unwrap_or_default(), "no stream comes by here")
            .help("leave it out, or add a stream that takes it")),
        None => Ok(()),
    }
}
