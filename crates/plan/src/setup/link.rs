//! What the links of a path are made of.

use tailbed_format::memory::{FEWEST_SLOTS, MOST_SLOTS};

use super::topology::{End, SINK};
use super::{Environment, Link, Node};
use crate::experiment::{self, LinkKind, Named};
use crate::plan::GENERATOR;
use crate::step::Machine;
use crate::text::error::Fault;
use crate::text::tree::{self, Table};

/// What a link is made of, with its settings.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) enum Medium {
    /// A pair of virtual Ethernet interfaces.
    #[default]
    Veth,
    /// Two ports of a bridge.
    Bridge,
    /// Two macvlan interfaces.
    Macvlan {
        /// The interface of the host they hang on.
        parent: Option<String>,
    },
    /// Rings in shared memory.
    Memory {
        /// Slots of each.
        slots: u32,
        /// From hugetlbfs.
        hugepages: bool,
    },
}

impl Medium {
    /// How it is called in the file.
    pub(crate) fn kind(&self) -> LinkKind {
        match self {
            Self::Veth => LinkKind::Veth,
            Self::Bridge => LinkKind::Bridge,
            Self::Macvlan { .. } => LinkKind::Macvlan,
            Self::Memory { .. } => LinkKind::Memory,
        }
    }
}

/// A link of the path: its name in the file, and what it is made of.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Via {
    /// Empty where it has none.
    pub(crate) name: String,
    pub(crate) medium: Medium,
}

/// Those of a path, in its order; keys that the kind of their link has no use for are added to `unused`.
pub(super) fn of_path(
    path: &[Link],
    nodes: &[Node],
    links: &Named<experiment::Link>,
    tree: &Table<'_>,
    unused: &mut Vec<String>,
) -> Result<Vec<Via>, Fault> {
    let via = |link: &Link| {
        let written = link.map(|end| written(end, nodes));
        let declared = links.0.iter().find(|(_, declared)| written.iter().all(|end| declared.ends.contains(end)));
        let Some((name, declared)) = declared else { return Ok(Via::default()) };
        unused.extend(without_use(name, declared, tree));
        let medium = medium(name, declared, tree)?;
        possible(name, &medium, link, nodes, tree)?;
        Ok(Via { name: name.clone(), medium })
    };
    path.iter().map(via).collect()
}

/// How an end is written in the file.
fn written(end: End, nodes: &[Node]) -> String {
    match end {
        End::Generator => GENERATOR.to_owned(),
        End::Sink => SINK.to_owned(),
        End::Node(node, port) => format!("{}:{port}", nodes[node].name),
    }
}

/// Keys that are there for another kind of link. They are no mistake: the kind may be swept.
fn without_use(name: &str, link: &experiment::Link, tree: &Table<'_>) -> Vec<String> {
    let keys = [("parent", LinkKind::Macvlan), ("slots", LinkKind::Memory), ("hugepages", LinkKind::Memory)];
    let unused = keys.iter().filter(|(key, kind)| link.kind != *kind && tree::get(tree, &["links", name, key]).is_some());
    unused.map(|(key, _)| format!("links.{name}.{key}")).collect()
}

/// Linux's own limit (IFNAMSIZ in linux/if.h, the closing zero left out).
const LONGEST_INTERFACE: usize = 15;

fn medium(name: &str, link: &experiment::Link, tree: &Table<'_>) -> Result<Medium, Fault> {
    let at = |key: &str| tree::span(tree, &["links", name, key]);
    let slots = link.slots;
    if !slots.is_power_of_two() || !(FEWEST_SLOTS..=MOST_SLOTS).contains(&slots) {
        return Err(Fault::file(format!("a ring of {slots} slots cannot be made"))
            .at(at("slots"), format!("a power of two from {FEWEST_SLOTS} to {MOST_SLOTS} is wanted"))
            .help(format!("the nearest is {}", slots.clamp(FEWEST_SLOTS, MOST_SLOTS).next_power_of_two())));
    }
    if let Some(parent) = &link.parent {
        let wrong = parent.is_empty()
            || parent.len() > LONGEST_INTERFACE
            || parent.chars().any(|c| c == '/' || c == ':' || c.is_whitespace() || c.is_control());
        if wrong {
            return Err(Fault::file(format!("`{}` cannot be the name of an interface", parent.escape_debug()))
                .at(at("parent"), "not a name for an interface")
                .help("`ip link` lists those of this host; leave `parent` out to have one made"));
        }
    }
    Ok(match link.kind {
        LinkKind::Veth => Medium::Veth,
        LinkKind::Bridge => Medium::Bridge,
        LinkKind::Macvlan => Medium::Macvlan { parent: link.parent.clone() },
        LinkKind::Memory => Medium::Memory { slots, hugepages: link.hugepages },
    })
}

/// Whether both ends can have such a link.
fn possible(name: &str, medium: &Medium, link: &Link, nodes: &[Node], tree: &Table<'_>) -> Result<(), Fault> {
    let ends = link.iter().filter_map(|end| match end {
        End::Node(node, _) => Some(&nodes[*node]),
        End::Generator | End::Sink => None,
    });
    for node in ends {
        let Some((what, key, label, help)) = obstacle(medium, node) else { continue };
        return Err(Fault::file(format!("node `{}` cannot have a {} link: {what}", node.name, medium.kind()))
            .at(tree::span(tree, &["links", name, "kind"]), "not for this node")
            .beside(tree::span(tree, &["nodes", &node.name, key]), label)
            .help(help));
    }
    Ok(())
}

/// What is in the way, the key of the node that says so with a label for it, and the way out.
fn obstacle(medium: &Medium, node: &Node) -> Option<(&'static str, &'static str, &'static str, &'static str)> {
    match (medium, &node.environment) {
        (Medium::Macvlan { .. }, Environment::Vm { .. }) => Some((
            "a virtual machine's interface is a tap, and no macvlan",
            "environment",
            "a virtual machine",
            "use kind = \"veth\", which to a machine is a tap, or \"bridge\"",
        )),
        (Medium::Memory { .. }, Environment::Vm { spec, .. }) if spec.machine == Machine::Microvm => Some((
            "a microvm has no PCI, by which machines see shared memory",
            "environment",
            "a microvm",
            "use machine = \"q35\"",
        )),
        (Medium::Memory { .. }, _) if !node.scripts.command.is_empty() => Some((
            "programs other than tailbed's forwarder know nothing of it",
            "command",
            "runs in place of the forwarder",
            "use another kind of link, or leave `command` out",
        )),
        (Medium::Memory { .. }, _) if node.forwarding.workers > 1 => Some((
            "a ring has one reader, and nobody to deal its frames out among workers",
            "workers",
            "several",
            "use workers = 1, or another kind of link",
        )),
        _ => None,
    }
}
