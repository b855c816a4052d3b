//! The ports of a node, and which way packets go that come in by each.

use tailbed_format::function::Route;

use super::Port;
use crate::experiment::{Experiment, Function, L3fwd, Node};
use crate::text::Span;
use crate::text::error::Fault;
use crate::text::tree::{self, Table};

/// Ports, `in` and `out` first, and what is said of the way from one to another.
pub(super) type Ports = (Vec<Port>, Vec<(Port, Port)>);

/// Checks a node's `paths`, and adds the ports that streams begin or end at.
pub(super) fn of_node(name: &str, node: &Node, experiment: &Experiment, tree: &Table<'_>) -> Result<Ports, Fault> {
    let by_table = match &node.forward {
        Function::L3fwd(_) => Some("`l3fwd` goes by its routes"),
        Function::Bng(_) => Some("`bng` goes by its tables"),
        Function::Reflect => Some("`reflect` sends everything back"),
        _ if !node.command.is_empty() => Some("a program goes its own way"),
        _ => None,
    };
    if let (Some(why), false) = (by_table, node.paths.0.is_empty()) {
        return Err(Fault::file(format!("the paths of node `{name}` would not be taken: {why}"))
            .at(tree::span(tree, &["nodes", name, "paths"]), "without effect")
            .help("leave them out"));
    }
    let mut ports = vec![Port::IN, Port::OUT];
    let mut add = |port: Port| {
        if !ports.contains(&port) {
            ports.push(port);
        }
    };
    if let Function::L3fwd(L3fwd { table: Some(lines), .. }) = &node.forward {
        let routes = lines.iter().filter_map(|line| line.parse::<Route>().ok());
        // what is no route is refused where the table is read
        routes.filter_map(|route| Port::named(&route.port.to_string())).for_each(&mut add);
    }
    let mut paths = Vec::new();
    for (from, to) in &node.paths.0 {
        let key = tree::key_span(tree, &["nodes", name, "paths", from]).unwrap_or_default();
        let ends = [port(from, key)?, port(to, tree::span(tree, &["nodes", name, "paths", from]))?];
        ends.into_iter().for_each(&mut add);
        paths.push((ends[0], ends[1]));
    }
    let streams = experiment.traffic.iter().flat_map(|traffic| &traffic.streams.0);
    for (stream, settings) in streams {
        for (key, end) in [("from", &settings.from), ("to", &settings.to)] {
            let own = end.as_ref().and_then(|end| end.split_once(':')).filter(|(node, _)| *node == name);
            if let Some((_, its)) = own {
                add(port(its, tree::span(tree, &["traffic", "streams", stream, key]))?);
            }
        }
    }
    Ok((ports, paths))
}

fn port(name: &str, place: Span) -> Result<Port, Fault> {
    Port::named(name).ok_or_else(|| {
        Fault::file(format!("`{}` cannot be the name of a port", name.escape_debug()))
            .at(place, "not a name for a port")
            .help(format!("use 1 to {} letters, digits, `-` and `_`, the first a letter, for example left", Port::LONGEST))
    })
}
