//! Environments as steps name them: everything a driver needs to provision one and to start the agent in it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tailbed_format::facts::Accelerator;
use tailbed_format::mac::MacAddress;

use super::HugePageLimit;

/// Where an agent runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AgentEnvironment {
    /// A process of the host.
    Host,
    /// A container by the OCI runtime specification.
    Container(ContainerSpec),
    /// A system container of LXC, with an init of its own.
    Lxc(LxcSpec),
    /// A container of the Docker engine.
    Docker(DockerSpec),
    /// A virtual machine of QEMU.
    Vm(VmSpec),
}

impl AgentEnvironment {
    /// How the kind is called in the experiment file.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Container(_) => "container",
            Self::Lxc(_) => "lxc",
            Self::Docker(_) => "docker",
            Self::Vm(_) => "vm",
        }
    }

    /// The name the thing has on the host, `tb-<token>-<node>`; a process of the host has none.
    pub fn id(&self) -> Option<&str> {
        match self {
            Self::Host => None,
            Self::Container(ContainerSpec { id, .. })
            | Self::Lxc(LxcSpec { id, .. })
            | Self::Docker(DockerSpec { id, .. })
            | Self::Vm(VmSpec { id, .. }) => Some(id),
        }
    }

    /// Whether the environment makes its network namespace itself when it starts. The step that starts it then binds that namespace to
    /// the name it is given, so that links are made into it as into any other.
    pub fn brings_namespace(&self) -> bool {
        matches!(self, Self::Docker(_) | Self::Container(ContainerSpec { user_namespace: true, .. }))
    }
}

/// What a container may do, in the words of capabilities(7), seccomp(2) and getrlimit(2).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Confinement {
    /// Capabilities kept besides those the agent needs, `CAP_SYS_PTRACE`.
    pub capabilities: Vec<String>,
    /// System calls that are refused.
    pub seccomp: Seccomp,
    /// AppArmor profile (apparmor(7)); `None` for the host's default, where it has one.
    pub apparmor: Option<String>,
    /// Resource limits by their lower-case name without `RLIMIT_`, each soft and hard; clamped to what this process may give.
    pub rlimits: BTreeMap<String, u64>,
    /// Everything is allowed and nothing masked. Only when written.
    pub privileged: bool,
    /// The agent opens no packet sockets: it does without `CAP_NET_RAW`, unless that is named.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub no_raw: bool,
}

/// Which system calls a container may make.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Seccomp {
    /// Those on the list that ships with tailbed.
    #[default]
    Default,
    /// All.
    Unconfined,
}

/// A file or folder of the host, seen inside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Volume {
    /// On the host, absolute.
    pub source: String,
    /// Inside, absolute.
    pub target: String,
    /// May not be written inside.
    pub read_only: bool,
    /// Made by an earlier step: there is nothing to be found before.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub made: bool,
}

/// A container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainerSpec {
    /// Its id, `tb-<token>-<node>`.
    pub id: String,
    /// Its control group, made by an earlier step; `None` where control groups may not be written.
    pub cgroup: Option<String>,
    /// What its root file system is made of: an OCI layout, a `docker save` archive, a folder or a tarball of a root file system.
    /// `None` for one that holds only this binary.
    pub image: Option<String>,
    /// The root file system cannot be written; otherwise what is written lies in memory and goes with the container.
    pub read_only: bool,
    /// Root inside is nobody outside (user_namespaces(7)).
    pub user_namespace: bool,
    /// Device nodes passed in, absolute paths; and PCI devices, by their address.
    pub devices: Vec<String>,
    /// Files and folders passed in.
    pub volumes: Vec<Volume>,
    /// Huge pages it may have, each size in a hugetlbfs of its own.
    pub hugepages: Vec<HugePageLimit>,
    /// The NUMA node that its memory comes from first (`MPOL_PREFERRED` of set_mempolicy(2)).
    pub preferred_node: Option<usize>,
    /// What /sys shows it of cores and PCI devices; `None` for all there is.
    pub masks: Option<Masks>,
    /// What it may do.
    pub confinement: Confinement,
}

/// What /sys shows a container: PCI devices that are passed in, and no others; and of cores these.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Masks {
    /// Cores, in the kernel's numbering; empty shows all.
    pub cpus: Vec<usize>,
}

/// What a container that an engine makes gets of the hardware besides cores and memory.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Hardware {
    /// The control group that counts its huge pages, made by an earlier step, where version 1 is mounted and the engine's own groups cannot be given the
    /// limit; `None` where they can, or there is nothing to count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cgroup: Option<String>,
    /// Device nodes passed in, absolute paths; and PCI devices, by their address.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub devices: Vec<String>,
    /// Huge pages it may have, each size in a hugetlbfs of its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hugepages: Vec<HugePageLimit>,
    /// What /sys shows it of cores and PCI devices; `None` for all there is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub masks: Option<Masks>,
}

/// A system container of LXC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LxcSpec {
    /// Its name, `tb-<token>-<node>`.
    pub id: String,
    /// What its root file system is made of.
    pub source: LxcSource,
    /// Further lines of its configuration (lxc.container.conf(5)).
    pub config: Vec<String>,
    /// Cores, in the kernel's numbering; empty leaves them alone.
    pub cpus: Vec<usize>,
    /// The most memory it may have, bytes.
    pub memory: Option<u64>,
    /// Huge pages, devices, and what /sys shows.
    #[serde(flatten)]
    pub hardware: Hardware,
    /// Where it lies, and how long it may take to start, ns.
    pub boot_timeout: u64,
}

/// What a system container's root file system is made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LxcSource {
    /// A template of lxc-create(1) with its options.
    Template {
        /// `busybox`, `debian`, or a path.
        name: String,
        /// What stands behind `--`.
        options: Vec<String>,
    },
    /// An image: a folder with `metadata.tar.*` and `rootfs.tar.*`, or as for containers.
    Image(String),
}

/// A container of the Docker engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DockerSpec {
    /// Its name, `tb-<token>-<node>`.
    pub id: String,
    /// An image the engine has, or the path of an archive as `docker save` writes it or of an OCI layout; `None` for one that holds only this
    /// binary.
    pub image: Option<String>,
    /// Cores, in the kernel's numbering; empty leaves them alone.
    pub cpus: Vec<usize>,
    /// The most memory it may have, bytes.
    pub memory: Option<u64>,
    /// Huge pages, devices, and what /sys shows.
    #[serde(flatten)]
    pub hardware: Hardware,
    /// Files and folders passed in.
    pub volumes: Vec<Volume>,
    /// What it may do.
    pub confinement: Confinement,
    /// How long it may take to start, ns.
    pub boot_timeout: u64,
}

/// A virtual machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VmSpec {
    /// Its name, `tb-<token>-<node>`.
    pub id: String,
    /// How its instructions are run: never chosen silently, see [`tailbed_format::facts::Facts::kvm`].
    pub accelerator: Accelerator,
    /// The machine.
    pub machine: Machine,
    /// CPU model of QEMU's list; `None` for the best the accelerator gives.
    pub cpu: Option<String>,
    /// Virtual CPUs.
    pub vcpus: usize,
    /// Cores its threads run on, virtual CPU n on the n-th in turn; empty leaves them alone.
    pub cpus: Vec<usize>,
    /// `SCHED_FIFO` priority of its threads, where that is safe ([`VmSpec::real_time`]), else they come before other ordinary ones; `None`
    /// leaves their scheduling alone.
    pub priority: Option<u8>,
    /// Memory, bytes.
    pub memory: u64,
    /// Memory from hugetlbfs.
    pub hugepages: bool,
    /// All memory is touched before the guest starts.
    pub preallocate: bool,
    /// All memory of the emulator is locked (mlockall(2)).
    pub lock_memory: bool,
    /// What it boots.
    pub boot: Boot,
    /// Its network interfaces, in order.
    pub interfaces: Vec<GuestInterface>,
    /// Further arguments of QEMU.
    pub arguments: Vec<String>,
    /// How long it may take from power-on to the agent's first word, ns.
    pub boot_timeout: u64,
}

impl VmSpec {
    /// The `SCHED_FIFO` priority its threads can have. Where a thread spins until another gives up a lock, and that one waits for the core
    /// under it, real-time priority makes both wait for ever: QEMU's own threads do so under TCG (`page_lock` in
    /// accel/tcg/translate-all.c), and virtual CPUs that share a core when their guest has one wait for another.
    pub fn real_time(&self) -> Option<u8> {
        self.priority.filter(|_| self.accelerator == Accelerator::Kvm && self.vcpus <= self.cpus.len())
    }
}

/// A machine type of QEMU.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Machine {
    /// PCI Express, as most machines are.
    #[default]
    Q35,
    /// No PCI, virtio over memory-mapped registers (QEMU, docs/system/i386/microvm.rst).
    Microvm,
}

/// What a virtual machine boots.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Boot {
    /// A kernel with an initial RAM file system made by us: this binary as /init, and the modules it needs.
    Kernel {
        /// Which kernel.
        kernel: Kernel,
        /// Added to the kernel's command line.
        command_line: String,
        /// Path of a disk, one ext4 file system, that becomes the guest's root under a layer of memory; it is never written to. `None` for
        /// a guest that has nothing but the initial RAM file system.
        root: Option<String>,
    },
    /// A disk image, booted through its own loader; the agent comes by a second disk (cloud-init's NoCloud).
    Disk {
        /// Path of the image; it is never written to.
        image: String,
    },
}

/// Which kernel a virtual machine boots.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kernel {
    /// The newest of Debian's cloud kernels on the host, else the newest kernel there.
    #[default]
    Newest,
    /// The one the host runs.
    Host,
    /// A kernel image by its path, or by its release below /boot, or the newest there of a flavour: `rt-amd64`.
    Named(String),
}

impl Kernel {
    /// Whether a name means the kernel of this release: the release itself, or its flavour, which is how it ends.
    pub fn is_named(release: &str, name: &str) -> bool {
        release == name || release.strip_suffix(name).is_some_and(|rest| rest.ends_with('-'))
    }
}

/// A network interface of a virtual machine: virtio-net on a tap made by an earlier step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuestInterface {
    /// Its name in the guest, at most 15 bytes.
    pub name: String,
    /// Its address.
    pub mac: MacAddress,
    /// The longest packet it carries, bytes, where that is not the kernel's 1 500.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mtu: Option<u32>,
    /// The namespace its tap lies in; `None` for the host's own.
    pub tap_namespace: Option<String>,
    /// The tap's name there.
    pub tap: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn real_time_priority_is_for_virtual_cpus_of_kvm_with_a_core_each() {
        let spec = |accelerator, vcpus, cores: &[usize]| VmSpec {
            id: "tb-1-dut".to_owned(),
            accelerator,
            machine: Machine::Q35,
            cpu: None,
            vcpus,
            cpus: cores.to_vec(),
            priority: Some(49),
            memory: 1 << 28,
            hugepages: false,
            preallocate: false,
            lock_memory: false,
            boot: Boot::Disk { image: String::new() },
            interfaces: Vec::new(),
            arguments: Vec::new(),
            boot_timeout: 1,
        };
        assert_eq!(spec(Accelerator::Kvm, 2, &[1, 2]).real_time(), Some(49));
        assert_eq!(spec(Accelerator::Kvm, 2, &[1]).real_time(), None);
        assert_eq!(spec(Accelerator::Tcg, 1, &[1]).real_time(), None);
    }
}
