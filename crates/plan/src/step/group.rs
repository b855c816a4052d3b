//! Control groups whose cores are kept from others.

use serde::{Deserialize, Serialize};

/// How far a group's cores are kept from others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exclusive {
    /// How far.
    pub partition: Partition,
    /// The cores of all groups of the run that have some to themselves: those of the group above them.
    pub together: Vec<usize>,
    /// The knob that asks for it.
    pub knob: String,
}

/// How far a group's cores are kept from others (Documentation/admin-guide/cgroup-v2.rst, "cpuset.cpus.partition"; cpuset(7)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Partition {
    /// No other group has them: `root` in version 2, `cpu_exclusive` in version 1.
    Root,
    /// Nor does the scheduler balance load over them: `isolated` in version 2, without `sched_load_balance` in version 1.
    Isolated,
}

impl Partition {
    /// What `cpuset.cpus.partition` says.
    pub fn word(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::Isolated => "isolated",
        }
    }
}

/// Cores for the tasks of a control group of version 2.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupLimit {
    /// Where the hierarchy is mounted.
    pub mount: String,
    /// The group's name below the root.
    pub group: String,
    /// The cores, in the kernel's list format.
    pub cpus: String,
    /// The knob that asks for it.
    pub knob: String,
}

impl GroupLimit {
    /// The file that limits it.
    pub fn path(&self) -> String {
        format!("{}/{}/cpuset.cpus", self.mount, self.group)
    }

    /// The file that says what came of it.
    pub fn effective(&self) -> String {
        format!("{}/{}/cpuset.cpus.effective", self.mount, self.group)
    }
}
