//! Which environment a node has, with its settings.

use tailbed_format::order::SimulatedWire;
use tailbed_format::unit::Share;

use super::traffic::ppm;
use crate::experiment::{self, Named, Namespace, Node};
use crate::text::advice;
use crate::text::error::Fault;
use crate::text::tree::{self, Table};

/// A node's environment with all settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Environment {
    /// A process of the host.
    Host {
        /// Whether it has a network namespace of its own.
        own_namespace: bool,
    },
    /// A container.
    Container {
        /// The most memory it may have, bytes.
        memory: Option<u64>,
    },
    /// A model of the path; its seed is that of the run.
    Simulated(SimulatedWire),
}

/// The kinds, as they are called in the file.
pub(super) const KINDS: [&str; 3] = ["host", "container", "simulated"];

/// A container cannot even start the agent with less.
const LEAST_MEMORY: u64 = 1 << 20;

/// The environment of a node: the one it names, else the one it has a table for. Tables that stay unused are added to `unused`.
pub(super) fn of_node(
    name: &str,
    node: &Node,
    environments: &Named<experiment::Environment>,
    tree: &Table<'_>,
    unused: &mut Vec<String>,
) -> Result<Environment, Fault> {
    let given = [node.host.is_some(), node.container.is_some(), node.simulated.is_some()];
    let tables: Vec<&str> = KINDS.into_iter().zip(given).filter(|(_, given)| *given).map(|(kind, _)| kind).collect();
    let chosen = match (&node.environment, tables.as_slice()) {
        (Some(chosen), _) => chosen.as_str(),
        (None, [table]) => table,
        (None, []) => return Err(no_environment(name, tree)),
        (None, [first, second, ..]) => return Err(two_environments(name, first, second, tree)),
    };
    unused.extend(tables.iter().filter(|table| **table != chosen).map(|table| format!("nodes.{name}.{table}")));
    let at = ["nodes", name, chosen];
    match chosen {
        "host" => Ok(host(&node.host.clone().unwrap_or_default())),
        "container" => container(&node.container.clone().unwrap_or_default(), &at, tree),
        "simulated" => simulated(&node.simulated.clone().unwrap_or_default(), &at, tree),
        other => named(name, other, environments, tree),
    }
}

fn named(
    name: &str,
    chosen: &str,
    environments: &Named<experiment::Environment>,
    tree: &Table<'_>,
) -> Result<Environment, Fault> {
    let at = |kind| ["environments", chosen, kind];
    match environments.get(chosen) {
        Some(experiment::Environment::Host(settings)) => Ok(host(settings)),
        Some(experiment::Environment::Container(settings)) => container(settings, &at("container"), tree),
        Some(experiment::Environment::Simulated(settings)) => simulated(settings, &at("simulated"), tree),
        None => {
            let known: Vec<&str> = KINDS.into_iter().chain(environments.0.iter().map(|(name, _)| name.as_str())).collect();
            let fault = Fault::file(format!("there is no environment `{chosen}`"))
                .at(tree::span(tree, &["nodes", name, "environment"]), "not known here");
            Err(advice::suggest(fault, chosen, "environments", &known).help(
                "a configured one is an entry of its own, for example\n[environments.small.container]\nmemory = \"256MiB\"",
            ))
        }
    }
}

fn no_environment(name: &str, tree: &Table<'_>) -> Fault {
    Fault::file(format!("node `{name}` has no environment"))
        .at(tree::span(tree, &["nodes", name]), "where does it run?")
        .help(format!("add environment = \"host\", or give it a table: [nodes.{name}.container]"))
}

fn two_environments(name: &str, first: &str, second: &str, tree: &Table<'_>) -> Fault {
    Fault::file(format!("node `{name}` has two environments"))
        .at(tree::span(tree, &["nodes", name, second]), "a second one")
        .beside(tree::span(tree, &["nodes", name, first]), "a first one")
        .help(format!(
            "say which: environment = \"{first}\", or sweep \"nodes.{name}.environment\" = [\"{first}\", \"{second}\"]"
        ))
}

fn host(settings: &experiment::Host) -> Environment {
    Environment::Host { own_namespace: settings.namespace == Namespace::Own }
}

fn container(settings: &experiment::Container, at: &[&str], tree: &Table<'_>) -> Result<Environment, Fault> {
    let memory = settings.memory.map(|memory| memory.0);
    if let Some(memory) = memory.filter(|memory| *memory < LEAST_MEMORY) {
        let at: Vec<&str> = at.iter().copied().chain(["memory"]).collect();
        return Err(Fault::file(format!("{memory} bytes are too little memory for a container"))
            .at(tree::span(tree, &at), "at least 1MiB is needed")
            .help("write it like memory = \"256MiB\""));
    }
    Ok(Environment::Container { memory })
}

fn simulated(settings: &experiment::Simulated, at: &[&str], tree: &Table<'_>) -> Result<Environment, Fault> {
    let share = |key: &str, share: Share| {
        let at: Vec<&str> = at.iter().copied().chain([key]).collect();
        ppm(share, &at, tree)
    };
    Ok(Environment::Simulated(SimulatedWire {
        seed: 0,
        base: settings.base.0,
        mean_extra: settings.mean_extra.0,
        spike_share: share("spike_share", settings.spike_share)?,
        spike: settings.spike.0,
        loss: share("loss", settings.loss)?,
        duplicates: share("duplicates", settings.duplicates)?,
        reordered: share("reordered", settings.reordered)?,
    }))
}
