//! The links, and the way that each stream takes along them: from where it sets out, through nodes, to where it is to come in.

mod ends;
mod faults;
mod taken;
mod walk;

use super::traffic::Declared;
use super::{Environment, Node, Port};
use crate::experiment::{self, Named};
use crate::text::error::Fault;
use crate::text::tree::{self, Table};
use ends::Joined;
use walk::walk;

pub(crate) use taken::{Part, Taken, parts, taken};
pub(crate) use walk::Pass;

/// How the receiving end of the path is called in `[links]`.
pub(super) const SINK: &str = "sink";

/// Both ends of a link: the one that packets come to first, first.
pub(crate) type Link = [End; 2];

/// One end of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// Where packets leave the load generator.
    Generator,
    /// Where they come in again.
    Sink,
    /// A further end of the measuring side: the one that is joined to this port of the node of that number.
    Beside(usize, Port),
    /// A port of the node of that number.
    Node(usize, Port),
}

/// The way of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Way {
    /// The end of the measuring side that it sets out from.
    pub(crate) from: End,
    /// The end of the measuring side that it comes in at.
    pub(crate) to: End,
    /// The nodes in the order packets pass them; a node that reflects is the last.
    pub(crate) passes: Vec<Pass>,
    /// Whether it goes against the usual direction, from the sink or as the other way of another stream.
    pub(crate) back: bool,
}

/// Links and ways.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Topology {
    /// Every link that packets take, in the order in which the first stream takes them, then the second.
    pub(crate) links: Vec<Link>,
    /// One for each stream.
    pub(crate) ways: Vec<Way>,
}

/// The links and the ways of the streams along them; `destinations` are the addresses, first and last, that the packets of each stream
/// go to. Without `[links]` packets pass the nodes in the order of the file.
pub(super) fn of(
    nodes: &[Node],
    links: &Named<experiment::Link>,
    streams: &[Declared],
    destinations: &[(u32, u32)],
    tree: &Table<'_>,
) -> Result<Topology, Fault> {
    if let Some(node) = nodes.iter().find(|node| matches!(node.environment, Environment::Simulated(_))) {
        return simulated(node, nodes, links, streams, tree);
    }
    let from_to = ends::of_streams(nodes, streams, tree)?;
    let declared = if links.0.is_empty() { line(nodes, tree)? } else { ends::of_links(nodes, links, tree)? };
    let joined = Joined::with(declared, &from_to, nodes, streams, tree)?;
    faults::all_linked(nodes, &joined.links, &joined.ways, tree)?;
    let mut topology = Topology::default();
    for ((stream, &(from, to)), &destination) in streams.iter().zip(&joined.ways).zip(destinations) {
        let way = walk(nodes, &joined.links, (from, to), destination, stream, tree)?;
        for link in way.links {
            if !topology.links.iter().any(|other| other.contains(&link[0])) {
                topology.links.push(link);
            }
        }
        let back = stream.back || from == End::Sink || to == Some(End::Generator);
        topology.ways.push(Way { from, to: way.to, passes: way.passes, back });
    }
    faults::all_passed(nodes, &topology, links, tree)?;
    Ok(topology)
}

fn simulated(
    node: &Node,
    nodes: &[Node],
    links: &Named<experiment::Link>,
    streams: &[Declared],
    tree: &Table<'_>,
) -> Result<Topology, Fault> {
    let help = "a simulated node stands for all that lies between generator and sink";
    if let Some(other) = nodes.iter().find(|other| other.name != node.name) {
        return Err(Fault::file(format!("node `{}` is simulated and cannot be linked to others", node.name))
            .at(tree::span(tree, &["nodes", &other.name]), "a second node")
            .beside(tree::span(tree, &["nodes", &node.name]), "the simulated one")
            .help(help));
    }
    if let Some((name, _)) = links.0.first() {
        return Err(Fault::file(format!("node `{}` is simulated and has no links", node.name))
            .at(tree::key_span(tree, &["links", name]).unwrap_or_default(), "a link")
            .help(help));
    }
    let way = |stream: &Declared| {
        let usual = stream.from.as_deref().unwrap_or("generator") == "generator" && stream.to.as_deref().unwrap_or(SINK) == SINK;
        if !usual || stream.back {
            return Err(Fault::file(format!(
                "{} cannot take its way: a simulated wire leads from generator to sink only",
                stream.called()
            ))
            .at(stream.span(if stream.back { "bidirectional" } else { "from" }, tree), "another way")
            .beside(tree::span(tree, &["nodes", &node.name]), "the simulated one")
            .help(help));
        }
        Ok(Way { from: End::Generator, to: End::Sink, passes: Vec::new(), back: false })
    };
    Ok(Topology { links: Vec::new(), ways: streams.iter().map(way).collect::<Result<_, _>>()? })
}

/// All nodes one after the other, from the generator to the sink or to a node that reflects: packets go back from there.
fn line(nodes: &[Node], tree: &Table<'_>) -> Result<Vec<Link>, Fault> {
    let last = nodes.iter().position(Node::reflects);
    if let Some((mirror, behind)) = last.and_then(|last| Some((&nodes[last], nodes.get(last + 1)?))) {
        return Err(faults::beyond(mirror, behind, tree));
    }
    let from = |node: usize| if node == 0 { End::Generator } else { End::Node(node - 1, Port::OUT) };
    let to = |node: usize| if node == nodes.len() { End::Sink } else { End::Node(node, Port::IN) };
    Ok((0..=last.unwrap_or(nodes.len())).map(|link| [from(link), to(link)]).collect())
}

#[cfg(test)]
mod tests;
