//! Random topologies: drawn from a seed, and written into the experiment as if somebody had typed them.
//!
//! All that comes afterwards knows only nodes, links, paths and streams, and checks a drawn topology like any other.

mod shapes;

use std::borrow::Cow;

use serde::Deserialize;
use tailbed_format::summary::Parameter;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::experiment::{Shape, Topology};
use crate::text::Span;
use crate::text::Texts;
use crate::text::advice::{self, Wording};
use crate::text::error::Fault;
use crate::text::tree::{self, Table, Value};
use shapes::Drawn;

/// More nodes than this are no small network any more.
const MOST_NODES: u32 = 64;

/// What must be said of a topology.
const WORDING: Wording = Wording {
    required: &[("nodes", "nodes = 8"), ("node", "what every node is:\n[topology.node]\nenvironment = \"host\"")],
    list: advice::EXPERIMENT.list,
};

/// Draws what `[topology]` asks for and puts it in the place of `[nodes]`, `[links]` and `[traffic.streams]`; says what was drawn.
/// Nothing is done where there is no such table.
pub(crate) fn expand(root: &mut Table<'_>, texts: &Texts) -> Result<Option<Parameter>, Fault> {
    let Some(value) = root.get("topology") else { return Ok(None) };
    let span = tree::span(root, &["topology"]);
    let DeValue::Table(table) = value.get_ref().clone() else {
        return Err(Fault::file("`topology` is not a table").at(span, "a table is wanted").help("write [topology]"));
    };
    let node = table.get("node").cloned();
    let deserializer = toml::de::Deserializer::from(Spanned::new(value.span(), table));
    let settings = Topology::deserialize(deserializer).map_err(|error| advice::fault_in(&error, texts, &WORDING))?;
    check(&settings, root)?;
    let drawn = shapes::draw(settings.shape, settings.least.unwrap_or(settings.nodes), settings.nodes, settings.seed);
    let said = Parameter { key: "topology".to_owned(), value: format!("{} of {}", drawn.shape, drawn.paths.len()) };
    write(root, &drawn, node.as_ref(), &span)?;
    Ok(Some(said))
}

fn check(settings: &Topology, root: &Table<'_>) -> Result<(), Fault> {
    let at = |path: &[&str]| tree::span(root, path);
    for path in [&["nodes"][..], &["links"], &["traffic", "streams"]] {
        if tree::get(root, path).is_some() {
            return Err(Fault::file(format!("both [topology] and [{}] say what is linked to what", path.join(".")))
                .at(at(path), "one of the two")
                .beside(at(&["topology"]), "draws nodes, links and streams")
                .help("leave one of them out; what every node is goes into [topology.node]"));
        }
    }
    if tree::get(root, &["traffic"]).is_none() {
        return Err(Fault::file("a topology is drawn with the streams that pass it, and there is no [traffic]")
            .at(at(&["topology"]), "without traffic")
            .help("add [traffic] with a rate and a duration"));
    }
    let fewest = if settings.shape == Shape::Ring { 2 } else { 1 };
    let least = settings.least.unwrap_or(settings.nodes);
    for (key, count) in [("nodes", settings.nodes), ("least", least)] {
        if !(fewest..=MOST_NODES).contains(&count) {
            return Err(Fault::file(format!("`{key}` is {count}"))
                .at(at(&["topology", key]), format!("{fewest} to {MOST_NODES} is allowed")));
        }
    }
    if least > settings.nodes {
        return Err(Fault::file(format!("there is no number between {least} and {}", settings.nodes))
            .at(at(&["topology", "least"]), "more than `nodes`")
            .beside(at(&["topology", "nodes"]), "the most"));
    }
    Ok(())
}

/// Everything stands where the topology is asked for, except what the nodes are.
fn write<'i>(root: &mut Table<'i>, drawn: &Drawn, node: Option<&Value<'i>>, span: &Span) -> Result<(), Fault> {
    let text = |text: &str| Spanned::new(span.clone(), DeValue::String(Cow::Owned(text.to_owned())));
    let key = |name: &str| Spanned::new(span.clone(), Cow::Owned(name.to_owned()));
    let table = |table: DeTable<'i>| Spanned::new(span.clone(), DeValue::Table(table));
    let mut nodes = DeTable::new();
    let drawn_routes = drawn.routes.iter().map(Some).chain(std::iter::repeat(None));
    for ((name, paths), lines) in drawn.paths.iter().zip(drawn_routes) {
        let mut own = match node.map(Spanned::get_ref) {
            Some(DeValue::Table(own)) => own.clone(),
            _ => DeTable::new(),
        };
        if own.contains_key("paths") {
            return Err(Fault::file("the paths of a drawn topology are drawn, too")
                .at(tree::span(root, &["topology", "node", "paths"]), "not here")
                .help("leave them out"));
        }
        if let Some(lines) = lines {
            if own.contains_key("forward") {
                return Err(Fault::file("the nodes of a fan are routers, and their routes are drawn")
                    .at(tree::span(root, &["topology", "node", "forward"]), "not here")
                    .help("leave `forward` out, or draw a tree: shape = \"tree\""));
            }
            let lines = Spanned::new(span.clone(), DeValue::Array(lines.iter().map(|line| text(line)).collect()));
            let l3fwd = table([(key("table"), lines)].into_iter().collect());
            own.insert(key("forward"), table([(key("l3fwd"), l3fwd)].into_iter().collect()));
        }
        if !paths.is_empty() {
            own.insert(key("paths"), table(paths.iter().map(|(from, to)| (key(from), text(to))).collect()));
        }
        nodes.insert(key(name), table(own));
    }
    let link = |(name, ends): &(String, [String; 2])| {
        let ends = DeValue::Array(ends.iter().map(|end| text(end)).collect());
        (key(name), Spanned::new(span.clone(), ends))
    };
    let links: DeTable<'i> = drawn.links.iter().map(link).collect();
    // what else is said of the flows stays as it is
    let flows = match tree::get(root, &["traffic", "flows"]).map(Spanned::get_ref) {
        Some(DeValue::Table(flows)) => flows.clone(),
        _ => DeTable::new(),
    };
    let destinations = drawn.destinations.iter().map(Some).chain(std::iter::repeat(None));
    let stream = |((name, [from, to]), destination): (&(String, [String; 2]), Option<&String>)| {
        let ends = [("from", from), ("to", to)];
        let mut own: DeTable<'i> = ends.into_iter().map(|(end, place)| (key(end), text(place))).collect();
        if let Some(destination) = destination {
            let mut flows = flows.clone();
            flows.insert(key("destination"), text(destination));
            own.insert(key("flows"), table(flows));
        }
        (key(name), table(own))
    };
    let streams: DeTable<'i> = drawn.streams.iter().zip(destinations).map(stream).collect();
    root.insert(key("nodes"), table(nodes));
    root.insert(key("links"), table(links));
    if let Some(DeValue::Table(traffic)) = root.get_mut("traffic").map(Spanned::get_mut) {
        traffic.insert(key("streams"), table(streams));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
