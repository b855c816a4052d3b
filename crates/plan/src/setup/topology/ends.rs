//! The ends of links and streams, as they are written and as they are joined.

use super::{End, Link, SINK};
use crate::experiment::{Link as Declaration, Named};
use crate::plan::GENERATOR;
use crate::setup::traffic::Declared;
use crate::setup::{Node, Port};
use crate::text::Span;
use crate::text::advice;
use crate::text::error::Fault;
use crate::text::tree::{self, Table};

/// The ends of each declared link; no end is there twice.
pub(super) fn of_links(nodes: &[Node], links: &Named<Declaration>, tree: &Table<'_>) -> Result<Vec<Link>, Fault> {
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
    let ports = &nodes[node].ports;
    match port {
        Some(port) => Port::named(port).filter(|port| ports.contains(port)).map(|port| End::Node(node, port)).ok_or_else(|| {
            let has = if ports.len() == 2 { "a forwarder has two ports" } else { "not one of its ports" };
            let known: Vec<_> = ports.iter().map(ToString::to_string).collect();
            let known: Vec<_> = known.iter().map(String::as_str).collect();
            let fault = Fault::file(format!("node `{name}` has no port `{port}`")).at(span.clone(), has);
            advice::suggest(fault, port, "ports", &known)
                .help(format!("further ports are those that [nodes.{name}.paths] names, for example left = \"out\""))
        }),
        None => Err(Fault::file(format!("at which port of `{name}` does the link end?"))
            .at(span.clone(), "a node without a port")
            .help(format!("write \"{name}:in\" or \"{name}:out\""))),
    }
}

/// Where each stream sets out and is to come in, as written. What is not said is the generator and the sink, or, for a stream that a
/// node sends back, where it came from.
pub(super) fn of_streams(nodes: &[Node], streams: &[Declared], tree: &Table<'_>) -> Result<Vec<(End, Option<End>)>, Fault> {
    let one = |stream: &Declared| {
        let read =
            |key: &str, text: &Option<String>| text.as_ref().map(|text| end(text, nodes, &stream.span(key, tree))).transpose();
        let from = read("from", &stream.from)?.unwrap_or(End::Generator);
        let to = read("to", &stream.to)?;
        if let (true, Some(mirror)) = (stream.back, nodes.iter().find(|node| node.reflects())) {
            return Err(Fault::file(format!("packets go both ways already: node `{}` sends all of them back", mirror.name))
                .at(stream.span("bidirectional", tree), "a second load the other way")
                .beside(tree::span(tree, &["nodes", &mirror.name, "forward"]), "packets go back from here")
                .help("leave `bidirectional` out"));
        }
        if stream.back {
            return Ok((to.unwrap_or(End::Sink), Some(from)));
        }
        if to == Some(from) {
            return Err(Fault::file(format!("{} ends where it begins", stream.called()))
                .at(stream.span("to", tree), "where it begins, too")
                .help("packets that a node sends back come in where they set out by themselves: leave `to` out"));
        }
        Ok((from, to))
    };
    streams.iter().map(one).collect()
}

/// The links with those that join the streams' ends to the measuring side.
pub(super) struct Joined {
    pub(super) links: Vec<Link>,
    /// Of each stream, both ends on the measuring side.
    pub(super) ways: Vec<(End, Option<End>)>,
}

impl Joined {
    /// Joins every port that a stream begins or ends at, unless it is joined already.
    pub(super) fn with(
        mut links: Vec<Link>,
        ways: &[(End, Option<End>)],
        nodes: &[Node],
        streams: &[Declared],
        tree: &Table<'_>,
    ) -> Result<Self, Fault> {
        let mut joined = Vec::new();
        for (stream, &(from, to)) in streams.iter().zip(ways) {
            let mut join = |end: End, key: &str| {
                let End::Node(node, port) = end else { return Ok(end) };
                let other =
                    links.iter().find(|link| link.contains(&end)).map(|[near, far]| if *near == end { *far } else { *near });
                match other {
                    Some(End::Node(other, its)) => Err(Fault::file(format!(
                        "{} cannot begin or end at `{}:{port}`, which is linked to `{}:{its}`",
                        stream.called(),
                        nodes[node].name,
                        nodes[other].name
                    ))
                    .at(stream.span(key, tree), "linked to another node")
                    .help(format!("name a port of its own, for example \"{}:side\"", nodes[node].name))),
                    Some(own) => Ok(own),
                    None => {
                        let own = End::Beside(node, port);
                        links.push([own, end]);
                        Ok(own)
                    }
                }
            };
            let [first, last] = if stream.back { ["to", "from"] } else { ["from", "to"] };
            joined.push((join(from, first)?, to.map(|to| join(to, last)).transpose()?));
        }
        Ok(Self { links, ways: joined })
    }
}
