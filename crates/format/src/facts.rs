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
