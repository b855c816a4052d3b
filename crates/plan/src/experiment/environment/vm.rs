//! `[….vm]`: a virtual machine.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tailbed_format::unit::{Bytes, Time};

/// A virtual machine of QEMU. Without a root or an image it boots a kernel with nothing but the agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Vm {
    /// How its instructions are run.
    pub accel: Accel,
    /// The machine type.
    pub machine: Machine,
    /// CPU model of QEMU's list; the best the accelerator gives when absent.
    #[schemars(with = "String")]
    pub cpu: Option<String>,
    /// Virtual CPUs; as many as the node has cores when absent.
    #[schemars(with = "u32", range(min = 1))]
    pub vcpus: Option<u32>,
    /// Memory.
    pub memory: Bytes,
    /// Whether the memory comes from hugetlbfs.
    pub hugepages: bool,
    /// Whether all memory is touched before the guest starts.
    pub preallocate: bool,
    /// Whether the emulator's memory is locked.
    pub lock_memory: bool,
    /// `newest` (a cloud kernel where there is one), `host`, a release below /boot, a flavour of those (`rt-amd64`), or the path of a kernel
    /// image.
    pub kernel: String,
    /// Added to the guest kernel's command line.
    pub command_line: String,
    /// A root file system for the guest of the kernel: the folder that `tailbed image build` makes, `….image`, or a disk that is one ext4
    /// file system. Never written to.
    #[schemars(with = "String")]
    pub root: Option<String>,
    /// A disk image to boot instead of a kernel; never written to.
    #[schemars(with = "String")]
    pub image: Option<String>,
    /// Further arguments of QEMU.
    pub qemu: Vec<String>,
    /// How long it may take from power-on to the agent's first word.
    pub boot_timeout: Time,
}

impl Default for Vm {
    fn default() -> Self {
        Self {
            accel: Accel::Auto,
            machine: Machine::Q35,
            cpu: None,
            vcpus: None,
            memory: Bytes(256 << 20),
            hugepages: false,
            preallocate: false,
            lock_memory: false,
            kernel: "newest".to_owned(),
            command_line: String::new(),
            root: None,
            image: None,
            qemu: Vec::new(),
            boot_timeout: one_minute(),
        }
    }
}

/// How a virtual machine's instructions are run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Accel {
    /// KVM where a guest really runs under it, else TCG; which one is said everywhere.
    #[default]
    Auto,
    /// KVM or nothing.
    Kvm,
    /// Emulation, also where KVM would do.
    Tcg,
}

/// A machine type of QEMU.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Machine {
    /// PCI Express.
    #[default]
    Q35,
    /// No PCI; boots faster.
    Microvm,
}

/// How long things may take to start: boot times vary threefold with the load of the host.
pub(super) fn one_minute() -> Time {
    Time(60_000_000_000)
}
