//! The path packets take: from the generator through every node to the sink.

use std::fmt;

use super::{Environment, Node};
use crate::experiment::{self, Named};
use crate::plan::GENERATOR;
use crate::text::Span;
use crate::text::advice;
use crate::text::error::Fault;
use crate::text::tree::{self, Table};

/// How the receiving end of the path is called in `[links]`.
pub(super) const SINK: &str = "sink";

/// Both ends of a link: the nearer one to the generator first.
pub(crate) type Link = [End; 2];

/// One end of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// Where packets leave the load generator.
    Generator,
    /// Where they come in again.
    Sink,
    /// A port of the node of that number.
    Node(usize, Port),
}

/// A forwarder's port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Port {
    /// `in`.
    In,
    /// `out`.
    Out,
}

impl Port {
    /// Where packets leave that came in here.
    pub(crate) fn other(self) -> Self {
        match self {
            Self::In => Self::Out,
            Self::Out => Self::In,
        }
    }
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::In => "in",
            Self::Out => "out",
        })
    }
}

/// The links in the order packets take them. Without `[links]` packets pass the nodes in the order of the file.
pub(super) fn path(nodes: &[Node], links: &Named<experiment::Link>, tree: &Table<'_>) -> Result<Vec<Link>, Fault> {
    if let Some(node) = nodes.iter().find(|node| matches!(node.environment, Environment::Simulated(_))) {
        return simulated(node, nodes, links, tree);
    }
    if links.0.is_empty() { line(nodes, tree) } else { walk(nodes, &ends(nodes, links, tree)?, tree) }
}

fn simulated(node: &Node, nodes: &[Node], links: &Named<experiment::Link>, tree: &Table<'_>) -> Result<Vec<Link>, Fault> {
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
    Ok(Vec::new())
}

/// A path ends at a node that reflects: packets go back from there to the generator.
fn line(nodes: &[Node], tree: &Table<'_>) -> Result<Vec<Link>, Fault> {
    let last = nodes.iter().position(Node::reflects);
    if let Some((mirror, behind)) = last.and_then(|last| Some((&nodes[last], nodes.get(last + 1)?))) {
        return Err(beyond(mirror, behind, tree));
    }
    let from = |node: usize| if node == 0 { End::Generator } else { End::Node(node - 1, Port::Out) };
    let to = |node: usize| if node == nodes.len() { End::Sink } else { End::Node(node, Port::In) };
    Ok((0..=last.unwrap_or(nodes.len())).map(|link| [from(link), to(link)]).collect())
}

fn beyond(mirror: &Node, behind: &Node, tree: &Table<'_>) -> Fault {
    Fault::file(format!("no packet ever passes node `{}`: `{}` before it sends all of them back", behind.name, mirror.name))
        .at(tree::span(tree, &["nodes", &behind.name]), "behind a node that reflects")
        .beside(tree::span(tree, &["nodes", &mirror.name, "forward"]), "packets go back from here")
        .help("a node that reflects is the last of the path")
}

/// The ends of each declared link; no end is there twice.
fn ends(nodes: &[Node], links: &Named<experiment::Link>, tree: &Table<'_>) -> Result<Vec<Link>, Fault> {
    let mut found = Vec::new();
    let mut seen: Vec<(End, Span)> = Vec::new();
    for (name, declared) in &links.0 {
        let mut link = [End::Generator; 2];
        for (number, text) in declared.ends.iter().enumerate() {
            // a table has its ends by that name, a pair is them
            let pair = tree::get(tree, &["links", name, "ends"]).or_else(|| tree::get(tree, &["links", name]));
            let span = pair.and_then(|pair| pair.get_ref().get(number)).map(tree::Value::span);
            let span = span.unwrap_or_default();
            let end = end(text, nodes, &span)?;
            if let Some((_, first)) = seen.iter().find(|(other, _)| *other == end) {
                return Err(Fault::file(format!("`{text}` is the end of two links"))
                    .at(span, "here again")
                    .beside(first.clone(), "first here")
                    .help("each end takes one link; a node in between has two, `in` and `out`"));
            }
            seen.push((end, span));
            link[number] = end;
        }
        found.push(link);
    }
    Ok(found)
}

fn end(text: &str, nodes: &[Node], span: &Span) -> Result<End, Fault> {
    let (name, port) = match text.split_once(':') {
        None if text == GENERATOR => return Ok(End::Generator),
        None if text == SINK => return Ok(End::Sink),
        None => (text, None),
        Some((name, port)) => (name, Some(port)),
    };
    let names: Vec<&str> = nodes.iter().map(|node| node.name.as_str()).collect();
    let Some(node) = names.iter().position(|known| *known == name) else {
        let known: Vec<&str> = names.into_iter().chain([GENERATOR, SINK]).collect();
        let fault = Fault::file(format!("there is no node `{name}`")).at(span.clone(), "not known here");
        return Err(advice::suggest(fault, name, "ends", &known));
    };
    match port {
        Some("in") => Ok(End::Node(node, Port::In)),
        Some("out") => Ok(End::Node(node, Port::Out)),
        Some(port) => {
            let fault = Fault::file(format!("node `{name}` has no port `{port}`")).at(span.clone(), "a forwarder has two ports");
            Err(advice::suggest(fault, port, "ports", &["in", "out"]))
        }
        None => Err(Fault::file(format!("at which port of `{name}` does the link end?"))
            .at(span.clone(), "a node without a port")
            .help(format!("write \"{name}:in\" or \"{name}:out\""))),
    }
}

/// Follows the packets. Each end has at most one link, so the walk ends; what it does not pass lies in a ring.
fn walk(nodes: &[Node], links: &[Link], tree: &Table<'_>) -> Result<Vec<Link>, Fault> {
    all_linked(nodes, links, tree)?;
    let mut path = Vec::new();
    let mut passed = vec![false; nodes.len()];
    let mut here = End::Generator;
    while let Some(link) = links.iter().find(|link| link.contains(&here)) {
        let there = if link[0] == here { link[1] } else { link[0] };
        path.push([here, there]);
        let End::Node(node, port) = there else { break };
        passed[node] = true;
        if nodes[node].reflects() {
            break;
        }
        here = End::Node(node, port.other());
    }
    let mirror = path.last().and_then(|[_, end]| match end {
        End::Node(node, _) => Some(&nodes[*node]),
        _ => None,
    });
    match nodes.iter().zip(&passed).find(|(_, passed)| !**passed) {
        None => Ok(path),
        Some((behind, _)) if let Some(mirror) = mirror => Err(beyond(mirror, behind, tree)),
        Some((node, _)) => Err(Fault::file(format!("no packet ever passes node `{}`: its links form a ring", node.name))
            .at(tree::span(tree, &["nodes", &node.name]), "not between generator and sink")
            .help("link the nodes in a line from `generator` to `sink`")),
    }
}

fn all_linked(nodes: &[Node], links: &[Link], tree: &Table<'_>) -> Result<(), Fault> {
    let linked = |end: End| links.iter().any(|link| link.contains(&end));
    let back = nodes.iter().any(Node::reflects);
    for (end, name) in [(End::Generator, GENERATOR), (End::Sink, SINK)] {
        let needed = end == End::Generator || !back;
        if needed && !linked(end) {
            return Err(Fault::file(format!("no link ends at `{name}`"))
                .at(tree::span(tree, &["links"]), "not among these")
                .help(format!("add one, for example {name} = [\"{name}\", \"{}\"]", example(nodes, end))));
        }
    }
    for (number, node) in nodes.iter().enumerate() {
        for port in [Port::In, Port::Out] {
            let needed = !node.reflects() || !linked(End::Node(number, port.other()));
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
    let (node, port) = if end == End::Generator { (nodes.first(), Port::In) } else { (nodes.last(), Port::Out) };
    node.map_or_else(String::new, |node| format!("{}:{port}", node.name))
}

#[cfg(test)]
mod tests {
    use tailbed_format::function::Function;

    use super::*;
    use crate::setup::Forwarding;

    fn node(name: &str) -> Node {
        Node {
            name: name.to_owned(),
            environment: Environment::Host { own_namespace: true },
            forwarding: Forwarding::default(),
            cpus: 1,
            scripts: crate::setup::Scripts::default(),
        }
    }

    fn mirror(name: &str) -> Node {
        Node { forwarding: Forwarding { function: Function::Reflect, ..Forwarding::default() }, ..node(name) }
    }

    fn walked(links: &[(&str, &str)]) -> Vec<Link> {
        walked_by(&[node("a"), node("b")], links).unwrap()
    }

    fn walked_by(nodes: &[Node], links: &[(&str, &str)]) -> Result<Vec<Link>, Fault> {
        let link = |(number, (one, other)): (usize, &(&str, &str))| {
            let ends = [(*one).to_owned(), (*other).to_owned()];
            let kind = experiment::LinkKind::Veth;
            (number.to_string(), experiment::Link { ends, kind, parent: None, slots: 2, hugepages: false })
        };
        let links = Named(links.iter().enumerate().map(link).collect());
        path(nodes, &links, &Table::new())
    }

    #[test]
    fn a_path_ends_at_a_node_that_reflects() {
        let (a, b) = (|port| End::Node(0, port), |port| End::Node(1, port));
        let expected = vec![[End::Generator, a(Port::In)], [a(Port::Out), b(Port::In)]];
        let nodes = [node("a"), mirror("b")];
        assert_eq!(walked_by(&nodes, &[]), Ok(expected.clone()));
        assert_eq!(walked_by(&nodes, &[("generator", "a:in"), ("b:in", "a:out")]), Ok(expected.clone()));
        let by_its_other_port = walked_by(&nodes, &[("generator", "a:in"), ("b:out", "a:out")]);
        assert_eq!(by_its_other_port, Ok(vec![expected[0], [a(Port::Out), b(Port::Out)]]));
        // also where its other port has a link
        assert_eq!(walked_by(&nodes, &[("generator", "a:in"), ("b:in", "a:out"), ("b:out", "sink")]), Ok(expected));
        assert!(walked_by(&[mirror("a"), node("b")], &[]).is_err());
        assert!(walked_by(&[mirror("a"), node("b")], &[("generator", "a:in"), ("a:out", "b:in"), ("b:out", "sink")]).is_err());
        assert!(walked_by(&nodes, &[("generator", "a:in")]).is_err());
    }

    #[test]
    fn without_links_packets_pass_the_nodes_in_order() {
        let (a, b) = (|port| End::Node(0, port), |port| End::Node(1, port));
        assert_eq!(walked(&[]), [[End::Generator, a(Port::In)], [a(Port::Out), b(Port::In)], [b(Port::Out), End::Sink]]);
    }

    #[test]
    fn links_may_stand_in_any_order_and_either_way_round() {
        let (a, b) = (|port| End::Node(0, port), |port| End::Node(1, port));
        assert_eq!(
            walked(&[("sink", "a:in"), ("b:in", "generator"), ("a:out", "b:out")]),
            [[End::Generator, b(Port::In)], [b(Port::Out), a(Port::Out)], [a(Port::In), End::Sink]]
        );
    }
}
