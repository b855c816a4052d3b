//! Figures others have published about the lives of environments, on other hardware: to stand beside a measurement, never in its place.

use tailbed_format::lifecycle::Phase;

/// Where a figure was published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// Virtualizing Intelligent River: KVM, Xen and Linux Containers compared; Clemson University, 2013, tables 5.1 to 5.3.
    Clemson,
    /// Container and KVM virtualization for NFV; Intel white paper, 2015, table 3 and section 3.5.
    Intel,
}

impl Source {
    /// How it is called in a table.
    pub fn name(self) -> &'static str {
        match self {
            Self::Clemson => "Clemson 2013",
            Self::Intel => "Intel 2015",
        }
    }
}

/// A published time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublishedTime {
    /// What took that long, in the publication's words.
    pub what: &'static str,
    /// The kind of environment it stands beside, as in the experiment file.
    pub kind: &'static str,
    /// The phase it stands beside.
    pub phase: Phase,
    /// ns.
    pub time: u64,
    /// Where it was published.
    pub source: Source,
}

const fn clemson(what: &'static str, kind: &'static str, phase: Phase, milliseconds: u64) -> PublishedTime {
    PublishedTime { what, kind, phase, time: milliseconds * 1_000_000, source: Source::Clemson }
}

const fn intel(what: &'static str, kind: &'static str, milliseconds: u64) -> PublishedTime {
    PublishedTime { what, kind, phase: Phase::Boot, time: milliseconds * 1_000_000, source: Source::Intel }
}

/// Times. To provision meant there to install an operating system, which is more than our phase of that name.
pub const TIMES: [PublishedTime; 14] = [
    clemson("KVM", "vm", Phase::Provision, 532_000),
    clemson("Xen", "xen", Phase::Provision, 718_500),
    clemson("LXC", "lxc", Phase::Provision, 27_500),
    clemson("KVM", "vm", Phase::Boot, 5_860),
    clemson("Xen", "xen", Phase::Boot, 5_340),
    clemson("LXC", "lxc", Phase::Boot, 53),
    clemson("KVM", "vm", Phase::Reboot, 38_000),
    clemson("Xen", "xen", Phase::Reboot, 11_000),
    clemson("LXC", "lxc", Phase::Reboot, 10_000),
    clemson("KVM, qcow2", "vm", Phase::Clone, 35_000),
    clemson("Xen, raw", "xen", Phase::Clone, 215_000),
    clemson("LXC", "lxc", Phase::Clone, 553),
    intel("container, default and not optimised", "container", 1_500),
    intel("VM, default and not optimised", "vm", 21_000),
];

/// A published amount of memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublishedMemory {
    /// Of what.
    pub what: &'static str,
    /// The kind of environment it stands beside.
    pub kind: &'static str,
    /// Megabytes, as published.
    pub megabytes: u64,
    /// Where it was published.
    pub source: Source,
}

/// Memory an idle environment takes.
pub const MEMORY: [PublishedMemory; 2] = [
    PublishedMemory { what: "container", kind: "container", megabytes: 17, source: Source::Intel },
    PublishedMemory { what: "VM of 256 MB, about", kind: "vm", megabytes: 125, source: Source::Intel },
];
