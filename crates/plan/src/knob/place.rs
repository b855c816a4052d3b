//! Where knobs are set: which cores packets have to themselves, and which are for all else.

use std::collections::BTreeSet;

use tailbed_format::facts::{Cgroup, Facts};
use tailbed_format::settings::Settings;

use crate::check::cpus::{Cpus, MOST, list, parse_list};

/// Who runs on which cores.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Role {
    /// Name of the node, or of the generator.
    pub(crate) name: String,
    /// Its cores; empty where the kernel chooses.
    pub(crate) cpus: Vec<usize>,
    /// Who makes its control group.
    pub(crate) group: Group,
    /// Whether things run in its environment besides the packet loop, that we may move.
    pub(crate) inside: bool,
    /// Whether it disturbs on purpose: cores are not kept for it.
    pub(crate) disturbs: bool,
}

/// Who makes a control group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Group {
    /// We do, and the agent can be moved there.
    Ours,
    /// The Docker engine does, below that of its own services.
    Docker,
    /// Somebody else, or nobody.
    Others,
}

/// A host and a placement, as knobs ask of them.
#[derive(Debug)]
pub(crate) struct Place<'a> {
    pub(crate) facts: &'a Facts,
    /// Cores that packets, or tests of cores, have to themselves: those of all roles but the ones that keep the house.
    pub(crate) reserved: Cpus,
    /// Other threads of those cores, that no role runs on.
    pub(crate) siblings: Cpus,
    /// CPUs for all else.
    pub(crate) housekeeping: Cpus,
    /// Nodes and generator.
    pub(crate) roles: Vec<Role>,
    /// Whether any packet loop has real-time priority.
    pub(crate) real_time: bool,
    /// Marks what is made on the host.
    pub(crate) token: String,
    /// Why nobody has a core alone, where that is so: a clause.
    pub(crate) nobody: &'static str,
}

const CPU: &str = "/sys/devices/system/cpu";

impl<'a> Place<'a> {
    /// Works it out; `house` are the cores that keep the house, and `idle_siblings` keeps other threads of the cores for packets out of housekeeping.
    pub(crate) fn new(
        facts: &'a Facts,
        house: &[usize],
        roles: Vec<Role>,
        real_time: bool,
        idle_siblings: bool,
        token: &str,
    ) -> Self {
        let settings = &facts.settings;
        let allowed: Cpus = facts.cpus.iter().copied().collect();
        let online = settings.text(&format!("{CPU}/online")).and_then(parse_list).filter(|cpus| !cpus.is_empty());
        let online = online.unwrap_or(allowed);
        let used: Cpus = roles.iter().flat_map(|role| role.cpus.iter().copied()).collect();
        let kept_for = roles.iter().filter(|role| !role.disturbs).flat_map(|role| role.cpus.iter().copied());
        let reserved: Cpus = kept_for.filter(|cpu| !house.contains(cpu)).collect();
        let threads = reserved
            .iter()
            .filter_map(|cpu| settings.text(&format!("{CPU}/cpu{cpu}/topology/thread_siblings_list")).and_then(parse_list));
        let siblings: Cpus =
            threads.flatten().filter(|cpu| online.contains(cpu) && !used.contains(cpu) && !house.contains(cpu)).collect();
        let kept = |cpu: &usize| !(reserved.contains(cpu) || idle_siblings && siblings.contains(cpu));
        let housekeeping = online.iter().copied().filter(kept).collect();
        let nobody = "no core is packets' alone: the first keeps the house, and nothing else is placed on another";
        Self { facts, reserved, siblings, housekeeping, roles, real_time, token: token.to_owned(), nobody }
    }

    /// What was read of the host.
    pub(super) fn settings(&self) -> &'a Settings {
        &self.facts.settings
    }

    /// The cores packets have to themselves.
    ///
    /// # Errors
    /// There are none.
    pub(super) fn cores(&self) -> Result<&Cpus, String> {
        if self.reserved.is_empty() || self.housekeeping.is_empty() {
            return Err(self.nobody.to_owned());
        }
        Ok(&self.reserved)
    }

    /// The CPUs for all else, in the kernel's list format, where packets have cores to themselves.
    pub(super) fn house(&self) -> Result<String, String> {
        self.cores().map(|_| list(&self.housekeeping))
    }

    /// NUMA nodes of the cores packets have to themselves.
    pub(super) fn memory_nodes(&self) -> BTreeSet<usize> {
        let node = |path: &str| -> Option<usize> {
            path.strip_prefix("/sys/devices/system/node/node")?.strip_suffix("/cpulist")?.parse().ok().filter(|node| *node < MOST)
        };
        let nodes = self.settings().matching("/sys/devices/system/node/node", "/cpulist");
        let ours = nodes.filter(|(_, cpus)| parse_list(cpus).is_some_and(|cpus| !cpus.is_disjoint(&self.reserved)));
        ours.filter_map(|(path, _)| node(path)).collect()
    }

    /// Where control groups of version 2 are mounted, with the controller of cpusets.
    pub(super) fn version_2(&self) -> Option<&'a str> {
        match &self.facts.cgroup {
            Cgroup::V2 { mount, controllers } if controllers.iter().any(|name| name == "cpuset") => Some(mount),
            _ => None,
        }
    }
}
