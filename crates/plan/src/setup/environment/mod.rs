//! Which environment a node has, with its settings. One file a kind.

mod container;
mod docker;
mod huge_pages;
mod lxc;
mod vm;

use tailbed_format::order::SimulatedWire;
use tailbed_format::unit::Share;

use super::traffic::ppm;
use crate::experiment::{self, Accel, Named, Namespace, Node};
use crate::step::{ContainerSpec, DockerSpec, LxcSpec, VmSpec};
use crate::text::advice;
use crate::text::error::Fault;
use crate::text::tree::{self, Table};

/// A node's environment with all settings. What depends on the run (names, cores, interfaces) is filled in when the run is planned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Environment {
    /// A process of the host.
    Host {
        /// Whether it has a network namespace of its own.
        own_namespace: bool,
    },
    /// A container.
    Container {
        /// Everything but its names.
        spec: Box<ContainerSpec>,
        /// The most memory it may have, bytes.
        memory: Option<u64>,
    },
    /// A system container of LXC.
    Lxc(Box<LxcSpec>),
    /// A container of the Docker engine.
    Docker(Box<DockerSpec>),
    /// A virtual machine.
    Vm {
        /// Everything but its names, cores and accelerator; no virtual CPU when there are to be as many as the node has cores.
        spec: Box<VmSpec>,
        /// Which accelerator is asked for.
        accel: Accel,
    },
    /// A model of the path; its seed is that of the run.
    Simulated(SimulatedWire),
}

impl Environment {
    /// How the kind is called in the file.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Host { .. } => "host",
            Self::Container { .. } => "container",
            Self::Lxc(_) => "lxc",
            Self::Docker(_) => "docker",
            Self::Vm { .. } => "vm",
            Self::Simulated(_) => "simulated",
        }
    }
}

/// The kinds, as they are called in the file.
pub(super) const KINDS: [&str; 6] = ["host", "container", "lxc", "docker", "vm", "simulated"];

/// Where a table of settings stands in the file.
#[derive(Debug, Clone, Copy)]
struct Place<'a> {
    /// The path of the table.
    at: &'a [&'a str],
    tree: &'a Table<'a>,
    /// The folder of the experiment file, which paths in it are relative to.
    folder: &'a str,
}

impl Place<'_> {
    /// A fault that points at a key of the table.
    fn fault(&self, key: &str, what: String, label: &str) -> Fault {
        let at: Vec<&str> = self.at.iter().copied().chain([key]).collect();
        Fault::file(what).at(tree::span(self.tree, &at), label.to_owned())
    }
}

/// A path that stands in the experiment file, seen from where tailbed was started.
pub(super) fn beside(folder: &str, path: &str) -> String {
    if path.starts_with('/') || folder.is_empty() { path.to_owned() } else { format!("{}/{path}", folder.trim_end_matches('/')) }
}

/// The environment of a node: the one it names, else the one it has a table for. Tables that stay unused are added to `unused`.
pub(super) fn of_node(
    name: &str,
    node: &Node,
    environments: &Named<experiment::Environment>,
    folder: &str,
    tree: &Table<'_>,
    unused: &mut Vec<String>,
) -> Result<Environment, Fault> {
    let given = [
        node.host.is_some(),
        node.container.is_some(),
        node.lxc.is_some(),
        node.docker.is_some(),
        node.vm.is_some(),
        node.simulated.is_some(),
    ];
    let tables: Vec<&str> = KINDS.into_iter().zip(given).filter(|(_, given)| *given).map(|(kind, _)| kind).collect();
    let chosen = match (&node.environment, tables.as_slice()) {
        (Some(chosen), _) => chosen.as_str(),
        (None, [table]) => table,
        (None, []) => return Err(no_environment(name, tree)),
        (None, [first, second, ..]) => return Err(two_environments(name, first, second, tree)),
    };
    unused.extend(tables.iter().filter(|table| **table != chosen).map(|table| format!("nodes.{name}.{table}")));
    let at = ["nodes", name, chosen];
    let place = Place { at: &at, tree, folder };
    match chosen {
        "host" => Ok(host(&node.host.clone().unwrap_or_default())),
        "container" => container::resolve(&node.container.clone().unwrap_or_default(), &place),
        "lxc" => lxc::resolve(&node.lxc.clone().unwrap_or_default(), &place),
        "docker" => docker::resolve(&node.docker.clone().unwrap_or_default(), &place),
        "vm" => vm::resolve(&node.vm.clone().unwrap_or_default(), &place),
        "simulated" => simulated(&node.simulated.clone().unwrap_or_default(), &at, tree),
        other => named(name, other, environments, folder, tree),
    }
}

fn named(
    name: &str,
    chosen: &str,
    environments: &Named<experiment::Environment>,
    folder: &str,
    tree: &Table<'_>,
) -> Result<Environment, Fault> {
    use experiment::Environment as Table;
    let at = |kind| ["environments", chosen, kind];
    let place = |at| Place { at, tree, folder };
    match environments.get(chosen) {
        Some(Table::Host(settings)) => Ok(host(settings)),
        Some(Table::Container(settings)) => container::resolve(settings, &place(&at("container"))),
        Some(Table::Lxc(settings)) => lxc::resolve(settings, &place(&at("lxc"))),
        Some(Table::Docker(settings)) => docker::resolve(settings, &place(&at("docker"))),
        Some(Table::Vm(settings)) => vm::resolve(settings, &place(&at("vm"))),
        Some(Table::Simulated(settings)) => simulated(settings, &at("simulated"), tree),
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
        capacity: capacity(settings, at, tree)?,
        queue: settings.queue,
    }))
}

fn capacity(settings: &experiment::Simulated, at: &[&str], tree: &Table<'_>) -> Result<Option<u64>, Fault> {
    let at: Vec<&str> = at.iter().copied().chain(["capacity"]).collect();
    match settings.capacity {
        Some(rate) if rate.0 == 0 => Err(Fault::file("a capacity of 0 lets nothing through")
            .at(tree::span(tree, &at), "too low")
            .help("write it like capacity = \"100kpps\", or leave it out")),
        capacity => Ok(capacity.map(|rate| rate.0)),
    }
}
