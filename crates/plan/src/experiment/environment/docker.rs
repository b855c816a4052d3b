//! `[….docker]`: a container of the Docker engine.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tailbed_format::unit::{Bytes, Time};

use super::vm::one_minute;
use super::{HugePages, Seccomp};

/// A container of the Docker engine. Without an image it holds nothing but the agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Docker {
    /// An image the engine has, or the path of an archive as `docker save` writes it, of an OCI layout or of what `tailbed image build` makes:
    /// it ends in `.tar`, `.tar.gz` and the like or in `.image`, or starts with `.` or `/`.
    #[schemars(with = "String")]
    pub image: Option<String>,
    /// The most memory it may have; unlimited when absent.
    #[schemars(with = "Bytes")]
    pub memory: Option<Bytes>,
    /// Capabilities kept besides those the agent needs.
    pub capabilities: Vec<String>,
    /// Which system calls are allowed.
    pub seccomp: Seccomp,
    /// AppArmor profile; the engine's default when absent.
    #[schemars(with = "String")]
    pub apparmor: Option<String>,
    /// Resource limits by name: `nofile = 1024`.
    pub rlimits: BTreeMap<String, u64>,
    /// Device nodes passed in: `/dev/vfio/vfio`; and PCI devices by their address, `0000:01:00.0`, with the nodes that user space has them
    /// by.
    pub devices: Vec<String>,
    /// The most memory in huge pages, by the size of the pages: it has a hugetlbfs of that size at /dev/hugepages. Pages that are not there
    /// are set aside for the run.
    pub hugepages: HugePages,
    /// Whether /sys shows it no cores but its own and no PCI devices but those passed in.
    pub masks: bool,
    /// Files and folders passed in: `/on/the/host:/inside:ro`.
    pub volumes: Vec<String>,
    /// Everything is allowed and nothing masked.
    pub privileged: bool,
    /// How long it may take to start.
    pub boot_timeout: Time,
}

impl Default for Docker {
    fn default() -> Self {
        Self {
            image: None,
            memory: None,
            capabilities: Vec::new(),
            seccomp: Seccomp::Default,
            apparmor: None,
            rlimits: BTreeMap::new(),
            devices: Vec::new(),
            hugepages: HugePages::default(),
            masks: false,
            volumes: Vec::new(),
            privileged: false,
            boot_timeout: one_minute(),
        }
    }
}
