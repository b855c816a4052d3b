//! The facts of a host: all that planning may know of it, and what must be recorded to repeat a run.

use serde::{Deserialize, Serialize};

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
}

impl Facts {
    /// Why environments of a kind cannot be made here; `None` when they can.
    pub fn missing(&self, kind: &str) -> Option<&Missing> {
        self.engines.iter().find(|engine| engine.kind == kind)?.missing.as_ref()
    }
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
