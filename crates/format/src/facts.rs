//! The facts of a host: all that planning may know of it, and what must be recorded to repeat a run.

use serde::{Deserialize, Serialize};

use crate::settings::Settings;

/// What a host is, at the time of the campaign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// Version of tailbed that looked.
    pub tool_version: String,
    /// Commit it was built from, where known; ends in `-dirty` when the tree held changes.
    pub tool_commit: Option<String>,
    /// The host's name.
    pub hostname: String,
    /// CPU model.
    pub cpu_model: String,
    /// CPUs this process may use, in the kernel's numbering.
    pub cpus: Vec<usize>,
    /// How those CPUs lie to each other; one that is not listed is a core of its own, on memory node 0.
    #[serde(default)]
    pub processors: Vec<Processor>,
    /// Network cards, with where they lie.
    #[serde(default)]
    pub cards: Vec<Card>,
    /// NUMA memory nodes that exist.
    pub memory_nodes: Vec<usize>,
    /// Memory of the host, bytes.
    pub memory: u64,
    /// Kernel release and version as uname(2) gives them.
    pub kernel: String,
    /// Kernel command line.
    pub command_line: String,
    /// `/sys/devices/system/cpu/vulnerabilities`, by name.
    pub mitigations: Vec<(String, String)>,
    /// The kernel's clocksource.
    pub clocksource: String,
    /// Whether the TSC runs at one rate in all states (`constant_tsc` and `nonstop_tsc`).
    pub invariant_tsc: bool,
    /// The hypervisor we are a guest of, where there is one.
    pub hypervisor: Option<String>,
    /// How control groups are mounted.
    pub cgroup: Cgroup,
    /// What this process may do.
    pub privilege: Privilege,
    /// `kernel.sched_rt_runtime_us`: microseconds per second that real-time tasks may have; -1 for all.
    pub rt_runtime_us: Option<i64>,
    /// Why packet sockets cannot be opened here, a clause; `None` when they can: seen by opening one.
    #[serde(default)]
    pub no_packet_sockets: Option<String>,
    /// Engines that environments need, with what is missing; a kind that is not listed needs none, or was not looked for.
    #[serde(default)]
    pub engines: Vec<Engine>,
    /// Whether guests run under KVM.
    #[serde(default)]
    pub kvm: Kvm,
    /// Releases of the kernels in /boot, which guests can boot.
    #[serde(default)]
    pub kernels: Vec<String>,
    /// Huge pages, by their size, of the host and of each of its memory nodes; none where the kernel has none.
    #[serde(default)]
    pub huge_pages: Vec<HugePagePool>,
    /// What knobs read.
    #[serde(default, skip_serializing_if = "Settings::is_empty")]
    pub settings: Settings,
}

impl Facts {
    /// The facts of a host whose record cannot be read: none. Two of them are of machines that may differ.
    pub fn unknown() -> Self {
        let unknown = || "unknown".to_owned();
        Self {
            tool_version: unknown(),
            tool_commit: None,
            hostname: "unknown host".to_owned(),
            cpu_model: unknown(),
            cpus: Vec::new(),
            processors: Vec::new(),
            cards: Vec::new(),
            memory_nodes: Vec::new(),
            memory: 0,
            kernel: unknown(),
            command_line: unknown(),
            mitigations: Vec::new(),
            clocksource: unknown(),
            invariant_tsc: false,
            hypervisor: None,
            cgroup: Cgroup::None,
            privilege: Privilege { root: false, user_namespaces: false, real_time: false, lock_memory: false },
            rt_runtime_us: None,
            no_packet_sockets: None,
            engines: Vec::new(),
            kvm: Kvm::Unknown,
            kernels: Vec::new(),
            huge_pages: Vec::new(),
            settings: Settings::default(),
        }
    }

    /// Whether they were read from a host at all.
    pub fn is_known(&self) -> bool {
        *self != Self::unknown()
    }

    /// What is known of a CPU.
    pub fn processor(&self, cpu: usize) -> Option<&Processor> {
        self.processors.iter().find(|processor| processor.cpu == cpu)
    }

    /// The NUMA node a CPU lies on.
    pub fn memory_node(&self, cpu: usize) -> usize {
        self.processor(cpu).map_or(0, |processor| processor.memory_node)
    }

    /// Whether two CPUs are threads of one core.
    pub fn share_a_core(&self, one: usize, other: usize) -> bool {
        one == other || self.processor(one).is_some_and(|processor| processor.threads.contains(&other))
    }

    /// Why environments of a kind cannot be made here; `None` when they can.
    pub fn missing(&self, kind: &str) -> Option<&Missing> {
        self.engines.iter().find(|engine| engine.kind == kind)?.missing.as_ref()
    }
}

/// A CPU as the kernel numbers them: a thread of a core.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Processor {
    /// Its number.
    pub cpu: usize,
    /// All threads of its core, itself among them (`topology/core_cpus_list`, Documentation/admin-guide/cputopology.rst).
    pub threads: Vec<usize>,
    /// The NUMA node it lies on.
    pub memory_node: usize,
    /// Whether the scheduler leaves it alone unless told otherwise (`isolcpus=domain`).
    pub isolated: bool,
}

/// A network card: an interface with a device behind it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Card {
    /// The interface.
    pub interface: String,
    /// The NUMA node its device lies on, where that is known.
    pub memory_node: Option<usize>,
}

/// What makes environments of a kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Engine {
    /// The kind, as in the experiment file; `kernel` for what virtual machines boot by default.
    pub kind: String,
    /// The engine's own version, where it has one and tells.
    pub version: Option<String>,
    /// What is missing; `None` when environments of the kind can be made.
    pub missing: Option<Missing>,
}

/// Why environments of a kind cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missing {
    /// What is not there, a clause: `lxc-start is not installed`.
    pub reason: String,
    /// How to get it.
    pub way_out: String,
}

/// Whether guests run under KVM: seen by running one, since a device that opens may still not carry a guest.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kvm {
    /// Not tried.
    #[default]
    Unknown,
    /// A guest ran.
    Works,
    /// No guest ran: the reason, a clause.
    Refused(String),
}

/// How a virtual machine's instructions are run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Accelerator {
    /// By the processor's own virtualization, through the kernel.
    Kvm,
    /// Translated by QEMU in software: times are the emulator's, not a virtual machine's.
    Tcg,
}

impl std::fmt::Display for Accelerator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Kvm => "KVM",
            Self::Tcg => "TCG",
        })
    }
}

/// Huge pages of one size that are set aside (hugetlbpage.rst in the kernel's documentation).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HugePagePool {
    /// The NUMA node they lie on; `None` for those of the whole host.
    pub node: Option<usize>,
    /// How large each is, bytes.
    pub page: u64,
    /// How many there are.
    pub total: u64,
    /// How many of them nobody has.
    pub free: u64,
}

impl HugePagePool {
    /// The file that says how many there are, and that is written to have more or fewer (hugetlbpage.rst, "Interaction of Task Memory
    /// Policy with Huge Page Allocation/Freeing").
    pub fn path(&self) -> String {
        let folder = self.node.map_or("/sys/kernel/mm".to_owned(), |node| format!("/sys/devices/system/node/node{node}"));
        format!("{folder}/hugepages/hugepages-{}kB/nr_hugepages", self.page >> 10)
    }
}

/// How control groups are mounted (cgroups(7)).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cgroup {
    /// Version 1 hierarchies, each controller with its mount point; a version 2 hierarchy may be mounted besides (hybrid).
    V1 {
        /// Controllers and where they are mounted.
        controllers: Vec<(String, String)>,
        /// Where version 2 is mounted besides.
        unified: Option<String>,
        /// Controllers that can be used there: those that no hierarchy of version 1 has.
        #[serde(default)]
        unified_controllers: Vec<String>,
    },
    /// Version 2 only.
    V2 {
        /// Where it is mounted.
        mount: String,
        /// Controllers that can be used there.
        controllers: Vec<String>,
    },
    /// None that we may write to.
    None,
}

/// A hierarchy of control groups, by where it is mounted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hierarchy<'a> {
    /// Of version 1.
    First(&'a str),
    /// Of version 2.
    Second(&'a str),
}

impl Cgroup {
    /// The hierarchy that has a controller; `None` where none has.
    pub fn hierarchy_of(&self, controller: &str) -> Option<Hierarchy<'_>> {
        let has = |names: &[String]| names.iter().any(|name| name == controller);
        match self {
            Self::V1 { controllers, unified, unified_controllers } => {
                let first = controllers.iter().find(|(name, _)| name == controller).map(|(_, mount)| Hierarchy::First(mount));
                first.or_else(|| unified.as_deref().filter(|_| has(unified_controllers)).map(Hierarchy::Second))
            }
            Self::V2 { mount, controllers } => has(controllers).then_some(Hierarchy::Second(mount)),
            Self::None => None,
        }
    }
}

/// What the process may do.
#[allow(clippy::struct_excessive_bools, reason = "four independent permissions, each granted or not")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Privilege {
    /// Effective user is root in the initial user namespace: namespaces, control groups and kernel settings may be changed.
    pub root: bool,
    /// An unprivileged user namespace can be made.
    pub user_namespaces: bool,
    /// `SCHED_FIFO` is permitted.
    pub real_time: bool,
    /// All memory may be locked.
    pub lock_memory: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_controller_is_found_in_either_version() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let hybrid = Cgroup::V1 {
            controllers: vec![("memory".to_owned(), "/sys/fs/cgroup/memory".to_owned())],
            unified: Some("/sys/fs/cgroup/unified".to_owned()),
            unified_controllers: names(&["hugetlb"]),
        };
        assert_eq!(hybrid.hierarchy_of("memory"), Some(Hierarchy::First("/sys/fs/cgroup/memory")));
        assert_eq!(hybrid.hierarchy_of("hugetlb"), Some(Hierarchy::Second("/sys/fs/cgroup/unified")));
        assert_eq!(hybrid.hierarchy_of("cpuset"), None);
        let second = Cgroup::V2 { mount: "/sys/fs/cgroup".to_owned(), controllers: names(&["cpuset"]) };
        assert_eq!(second.hierarchy_of("cpuset"), Some(Hierarchy::Second("/sys/fs/cgroup")));
        assert_eq!((second.hierarchy_of("hugetlb"), Cgroup::None.hierarchy_of("memory")), (None, None));
    }

    #[test]
    fn pools_are_the_kernels_files() {
        let pool = |node, page| HugePagePool { node, page, total: 0, free: 0 }.path();
        assert_eq!(pool(Some(1), 2 << 20), "/sys/devices/system/node/node1/hugepages/hugepages-2048kB/nr_hugepages");
        assert_eq!(pool(None, 1 << 30), "/sys/kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages");
    }
}
