//! Names and counts that hold for the experiment as a whole.

use crate::experiment::Experiment;
use crate::plan::{GENERATOR, TIMESTAMPER};
use crate::setup::environment::KINDS;
use crate::setup::topology::SINK;
use crate::text::error::Fault;
use crate::text::tree::{self, Table};

/// A node's name becomes part of the names of namespaces, control groups and containers.
const LONGEST_NODE_NAME: usize = 32;

/// The experiment's name becomes that of a folder.
const LONGEST_NAME: usize = 64;

/// Repeats beyond this are a slip; so many runs are never planned anyhow.
const MOST_REPEATS: u32 = 10_000;

/// Attempts beyond this are a slip: a host that fails a hundred times will not do it the next time.
const MOST_ATTEMPTS: u32 = 100;

/// Checks all of them.
pub(super) fn check(experiment: &Experiment, tree: &Table<'_>) -> Result<(), Fault> {
    experiment_name(&experiment.name, tree)?;
    within("repeats", experiment.repeats, MOST_REPEATS, tree)?;
    within("attempts", experiment.attempts, MOST_ATTEMPTS, tree)?;
    if experiment.nodes.0.is_empty() {
        return Err(Fault::file("there is no node to measure")
            .at(tree::span(tree, &["nodes"]), "empty")
            .help("add a node:\n[nodes.dut]\nenvironment = \"host\""));
    }
    for (name, _) in &experiment.nodes.0 {
        node_name(name, tree)?;
    }
    for (name, _) in &experiment.environments.0 {
        environment_name(name, tree)?;
    }
    for (name, _) in experiment.traffic.iter().flat_map(|traffic| &traffic.streams.0) {
        stream_name(name, tree)?;
    }
    Ok(())
}

fn word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '-' || c == '_'
}

fn experiment_name(name: &str, tree: &Table<'_>) -> Result<(), Fault> {
    let wrong = |why: String| {
        Fault::file(why)
            .at(tree::span(tree, &["name"]), "not a name for a folder")
            .help("use letters, digits, `-`, `_` and `.`, for example first-look")
    };
    if name.is_empty() {
        return Err(wrong("the experiment's name is empty".to_owned()));
    }
    if name.len() > LONGEST_NAME {
        return Err(wrong(format!("the experiment's name has {} letters; at most {LONGEST_NAME} are allowed", name.len())));
    }
    if name.starts_with('.') {
        return Err(wrong("the experiment's name begins with a dot, which would hide its results".to_owned()));
    }
    match name.chars().find(|&c| !word(c) && c != '.') {
        Some(c) => Err(wrong(format!("the experiment's name holds `{}`", c.escape_debug()))),
        None => Ok(()),
    }
}

fn within(key: &str, value: u32, most: u32, tree: &Table<'_>) -> Result<(), Fault> {
    if (1..=most).contains(&value) {
        return Ok(());
    }
    Err(Fault::file(format!("`{key}` is {value}")).at(tree::span(tree, &[key]), format!("1 to {most} is allowed")))
}

fn node_name(name: &str, tree: &Table<'_>) -> Result<(), Fault> {
    let wrong = |why: String| Fault::file(why).at(tree::span(tree, &["nodes", name]), "not a name for a node");
    if [GENERATOR, SINK, TIMESTAMPER].contains(&name) {
        return Err(wrong(format!("`{name}` is the name of a role, not of a node"))
            .help("the load generator and sink are always there; call the device under test something else, for example dut"));
    }
    if name.is_empty() || name.len() > LONGEST_NODE_NAME || !name.chars().all(word) {
        return Err(wrong(format!("`{}` cannot be the name of a node", name.escape_debug()))
            .help(format!("use 1 to {LONGEST_NODE_NAME} letters, digits, `-` and `_`")));
    }
    Ok(())
}

fn stream_name(name: &str, tree: &Table<'_>) -> Result<(), Fault> {
    if name.is_empty() || name.len() > LONGEST_NODE_NAME || !name.chars().all(word) {
        return Err(Fault::file(format!("`{}` cannot be the name of a stream", name.escape_debug()))
            .at(tree::span(tree, &["traffic", "streams", name]), "not a name for a stream")
            .help(format!("use 1 to {LONGEST_NODE_NAME} letters, digits, `-` and `_`")));
    }
    Ok(())
}

fn environment_name(name: &str, tree: &Table<'_>) -> Result<(), Fault> {
    let at = || tree::span(tree, &["environments", name]);
    if KINDS.contains(&name) {
        return Err(Fault::file(format!("`{name}` is a kind of environment and cannot be the name of one"))
            .at(at(), "taken")
            .help(format!("choose a name of your own: [environments.my-{name}.{name}]")));
    }
    if name.is_empty() || !name.chars().all(word) {
        return Err(Fault::file(format!("`{}` cannot be the name of an environment", name.escape_debug()))
            .at(at(), "not a name")
            .help("use letters, digits, `-` and `_`"));
    }
    Ok(())
}
