//! `[….container]`: a container by the OCI runtime specification.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tailbed_format::unit::Bytes;

use super::HugePages;

/// A container with process, mount, network, IPC and host-name namespaces of its own. Without an image it holds nothing but the agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Container {
    /// The most memory it may have; unlimited when absent.
    #[schemars(with = "Bytes")]
    pub memory: Option<Bytes>,
    /// An OCI layout, a `docker save` archive, a folder or a tarball of a root file system; never written to.
    #[schemars(with = "String")]
    pub image: Option<String>,
    /// Whether the root file system is read-only; otherwise what is written lies in memory and goes with the container.
    pub read_only: bool,
    /// Whether root inside is nobody outside.
    pub user_namespace: bool,
    /// Capabilities kept besides CAP_NET_RAW, CAP_SYS_NICE and CAP_IPC_LOCK, which the agent needs.
    pub capabilities: Vec<String>,
    /// Which system calls are allowed.
    pub seccomp: Seccomp,
    /// AppArmor profile; the host's default when absent.
    #[schemars(with = "String")]
    pub apparmor: Option<String>,
    /// Resource limits by name: `nofile = 1024`.
    pub rlimits: BTreeMap<String, u64>,
    /// Device nodes passed in: `/dev/vfio/vfio`; and PCI devices by their address, `0000:01:00.0`, with the nodes that user space has them
    /// by.
    pub devices: Vec<String>,
    /// Files and folders passed in: `/on/the/host:/inside:ro`.
    pub volumes: Vec<String>,
    /// The most memory in huge pages, by the size of the pages: it has a hugetlbfs of that size at /dev/hugepages, and its control group
    /// gives it no more. Pages that are not there are set aside for the run.
    pub hugepages: HugePages,
    /// The NUMA node that its memory comes from first.
    #[schemars(with = "usize")]
    pub preferred_node: Option<usize>,
    /// Whether /sys shows it no cores but its own and no PCI devices but those passed in. So by itself where it has an image or volumes.
    #[schemars(with = "bool")]
    pub masks: Option<bool>,
    /// Everything is allowed and nothing masked.
    pub privileged: bool,
}

impl Default for Container {
    fn default() -> Self {
        Self {
            memory: None,
            image: None,
            read_only: true,
            user_namespace: false,
            capabilities: Vec::new(),
            seccomp: Seccomp::Default,
            apparmor: None,
            rlimits: BTreeMap::new(),
            devices: Vec::new(),
            volumes: Vec::new(),
            hugepages: HugePages::default(),
            preferred_node: None,
            masks: None,
            privileged: false,
        }
    }
}

/// Which system calls a container may make.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Seccomp {
    /// Those that ordinary programs need.
    #[default]
    Default,
    /// All.
    Unconfined,
}
