//! What is looked at, once, before any question is answered.

use std::fs;
use std::path::Path;

use serde_json::Value;
use tailbed_format::facts::{Cgroup, Facts};

use super::Answer;
use crate::probe::{self, docker_answer, facts, program};

/// This host, as far as the questions go.
#[allow(clippy::struct_excessive_bools, reason = "independent answers, each yes or no")]
pub(super) struct Seen {
    pub(super) facts: Facts,
    /// Release of the kernel.
    pub(super) release: String,
    /// Programs that were looked for and are there.
    programs: Vec<&'static str>,
    /// What the Docker engine says of itself.
    pub(super) docker: Option<Value>,
    /// Whether the kernel mounts overlays.
    pub(super) overlay: bool,
    /// Whether the kernel filters system calls.
    pub(super) seccomp: bool,
    /// Whether the kernel makes user namespaces at all.
    pub(super) user_namespaces: bool,
    /// Mandatory access control that is active: `apparmor`, `selinux`.
    pub(super) access_control: Vec<&'static str>,
    /// `vm.overcommit_memory` (proc_sys_vm(5)).
    pub(super) overcommit: String,
    /// Swap, KiB.
    pub(super) swap: u64,
    /// Whether equal pages of guests are merged.
    pub(super) same_page_merging: bool,
    /// Groups of devices behind an IOMMU.
    pub(super) iommu_groups: usize,
    /// The processor's own virtualization: `vmx` (VT-x), `svm` (AMD-V).
    pub(super) virtualization: Option<&'static str>,
    /// Why /dev/kvm cannot be used; `None` when it opens.
    pub(super) kvm_device: Option<String>,
}

/// Programs that answers depend on.
const PROGRAMS: [&str; 5] = ["criu", "lxc-checkpoint", "qemu-img", "qemu-system-x86_64", "newuidmap"];

impl Seen {
    /// Looks.
    pub(super) fn now() -> Self {
        let device = fs::File::options().read(true).write(true).open("/dev/kvm");
        Self {
            facts: facts(),
            release: rustix::system::uname().release().to_string_lossy().into_owned(),
            programs: PROGRAMS.into_iter().filter(|name| program(name).is_some()).collect(),
            docker: docker_answer("/info"),
            overlay: probe::read("/proc/filesystems").lines().any(|line| line.trim() == "nodev\toverlay"),
            seccomp: Path::new("/proc/sys/kernel/seccomp/actions_avail").exists(),
            user_namespaces: Path::new("/proc/self/ns/user").exists() && probe::read("/proc/sys/user/max_user_namespaces") != "0",
            access_control: access_control(),
            overcommit: probe::read("/proc/sys/vm/overcommit_memory"),
            swap: meminfo("SwapTotal:"),
            same_page_merging: probe::read("/sys/kernel/mm/ksm/run") == "1",
            iommu_groups: fs::read_dir("/sys/kernel/iommu_groups").map_or(0, Iterator::count),
            virtualization: ["vmx", "svm"].into_iter().find(|flag| probe::has_cpu_flag(flag)),
            kvm_device: device.err().map(|error| match error.kind() {
                std::io::ErrorKind::NotFound => "there is no /dev/kvm".to_owned(),
                _ => format!("/dev/kvm cannot be opened: {error}"),
            }),
        }
    }

    /// Whether a program is there.
    pub(super) fn has(&self, program: &str) -> bool {
        self.programs.contains(&program)
    }

    /// The engine's version, where it tells.
    pub(super) fn version(&self, kind: &str) -> Option<&str> {
        self.facts.engines.iter().find(|engine| engine.kind == kind)?.version.as_deref()
    }

    /// Why environments of a kind cannot be made, with the way out; `None` when they can.
    pub(super) fn missing(&self, kind: &str) -> Option<String> {
        self.facts.missing(kind).map(|missing| format!("{}; {}", missing.reason, missing.way_out))
    }

    /// The answer for a kind: none where it cannot be made, no where something more is lacking, else yes.
    pub(super) fn of(&self, kind: &str, lacking: Option<String>, why: impl Into<String>) -> Answer {
        self.missing(kind).map_or_else(|| Answer::unless(lacking, why), Answer::nothing)
    }

    /// A controller of control groups that we may write to.
    pub(super) fn has_controller(&self, name: &str) -> bool {
        match &self.facts.cgroup {
            Cgroup::V1 { controllers, .. } => controllers.iter().any(|(controller, _)| controller == name),
            Cgroup::V2 { controllers, .. } => controllers.iter().any(|controller| controller == name),
            Cgroup::None => false,
        }
    }

    /// Why there is no such controller.
    pub(super) fn no_controller(&self, name: &str) -> Option<String> {
        if self.has_controller(name) {
            return None;
        }
        Some(match self.facts.cgroup {
            Cgroup::None if !self.facts.privilege.root => "control groups are made by root only".to_owned(),
            Cgroup::None => "no control groups are mounted".to_owned(),
            _ => format!("the control groups have no controller {name}"),
        })
    }

    /// How control groups are mounted.
    pub(super) fn cgroup(&self) -> String {
        match &self.facts.cgroup {
            Cgroup::V1 { controllers, unified, .. } => {
                let names: Vec<_> = controllers.iter().map(|(name, _)| name.as_str()).collect();
                let hybrid = if unified.is_some() { " (and version 2 besides, for what version 1 lacks)" } else { "" };
                format!("version 1: {}{hybrid}", names.join(", "))
            }
            Cgroup::V2 { controllers, .. } => format!("version 2: {}", controllers.join(", ")),
            Cgroup::None => "none".to_owned(),
        }
    }

    /// The host in a line.
    pub(super) fn in_a_line(&self) -> String {
        let facts = &self.facts;
        let guest = facts.hypervisor.as_ref().map_or(String::new(), |name| {
            if name == "unknown" {
                ", itself a virtual machine".to_owned()
            } else {
                format!(", itself a virtual machine ({name})")
            }
        });
        let who = if facts.privilege.root { "as root" } else { "without root" };
        format!("{}: {}, {} cores{guest}, Linux {}, {who}", facts.hostname, facts.cpu_model, facts.cpus.len(), self.release)
    }
}

/// Which of the two is switched on.
fn access_control() -> Vec<&'static str> {
    let apparmor = (probe::read("/sys/module/apparmor/parameters/enabled") == "Y").then_some("apparmor");
    let selinux = Path::new("/sys/fs/selinux/enforce").exists().then_some("selinux");
    apparmor.into_iter().chain(selinux).collect()
}

/// A number of /proc/meminfo (proc_meminfo(5)), KiB.
fn meminfo(field: &str) -> u64 {
    let text = probe::read("/proc/meminfo");
    let value = text.lines().find_map(|line| line.strip_prefix(field)?.trim().strip_suffix(" kB")?.parse().ok());
    value.unwrap_or(0)
}
