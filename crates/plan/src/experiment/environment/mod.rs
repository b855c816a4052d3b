//! Environments: where a node runs. One file a kind.

mod container;
mod docker;
mod host;
mod huge_pages;
mod lxc;
mod simulated;
mod vm;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use container::{Container, Seccomp};
pub use docker::Docker;
pub use host::{Host, Namespace};
pub use huge_pages::HugePages;
pub use lxc::Lxc;
pub use simulated::Simulated;
pub use vm::{Accel, Machine, Vm};

/// An environment with its settings: a table of exactly one kind, `[environments.guest.container]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Environment {
    /// A process of the host.
    Host(Host),
    /// A container.
    Container(Container),
    /// A system container of LXC.
    Lxc(Lxc),
    /// A container of the Docker engine.
    Docker(Docker),
    /// A virtual machine.
    Vm(Vm),
    /// No device at all: a model with a known answer, for testing the instrument.
    Simulated(Simulated),
}
