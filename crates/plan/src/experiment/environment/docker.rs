//! `[….docker]`: a container of the Docker engine.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tailbed_format::unit::{Bytes, Time};

use super::Seccomp;
use super::vm::one_minute;

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
    /// Device nodes passed in: `/dev/vfio/vfio`.
    pub devices: Vec<String>,
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
            volumes: Vec::new(),
            privileged: false,
            boot_timeout: one_minute(),
        }
    }
}
