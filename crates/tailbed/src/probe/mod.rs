//! Facts: what this host is, read from the kernel's own files.

mod cgroup;
mod cpu;
mod engine;
mod huge_pages;
pub(crate) mod kvm;
mod privilege;
mod record;
mod settings;
pub(crate) mod stat;

use std::fs;
use std::path::{Path, PathBuf};

use tailbed_format::facts::{Cgroup, Facts};

use crate::apply::vm;

pub(crate) use record::record;

pub(crate) use engine::docker::{answer as docker_answer, socket as docker_socket};

/// Looks at the host. What cannot be read is recorded as unknown rather than guessed.
pub(crate) fn facts() -> Facts {
    let system = rustix::system::uname();
    let text = |part: &std::ffi::CStr| part.to_string_lossy().into_owned();
    let privilege = privilege::probe();
    let cpus = cpu::allowed();
    Facts {
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        tool_commit: option_env!("TAILBED_COMMIT").map(str::to_owned),
        hostname: text(system.nodename()),
        cpu_model: cpu::model(),
        processors: cpu::processors(&cpus),
        cpus,
        cards: cpu::cards(),
        memory_nodes: cpu::memory_nodes(),
        memory: memory(),
        kernel: format!("{} {}", text(system.release()), text(system.version())),
        command_line: read("/proc/cmdline"),
        mitigations: mitigations(Path::new("/sys/devices/system/cpu/vulnerabilities")),
        clocksource: read("/sys/devices/system/clocksource/clocksource0/current_clocksource"),
        invariant_tsc: cpu::has_flags(&["constant_tsc", "nonstop_tsc"]),
        hypervisor: cpu::hypervisor(),
        cgroup: cgroup::probe(privilege.root),
        no_packet_sockets: privilege::no_packet_sockets(privilege),
        privilege,
        rt_runtime_us: read("/proc/sys/kernel/sched_rt_runtime_us").parse().ok(),
        engines: engine::probe(privilege),
        kvm: kvm::known(),
        kernels: vm::releases(Path::new(vm::ROOT)),
        huge_pages: huge_pages::pools(Path::new("/sys")),
        settings: settings::probe(),
    }
}

/// Whether this process is root in the initial user namespace; the same before and after entering one of our own.
pub(crate) fn is_root() -> bool {
    privilege::probe().root
}

/// How control groups are mounted now, as far as we may write to them.
pub(crate) fn cgroup() -> Cgroup {
    cgroup::probe(is_root())
}

/// Whether the first CPU has a flag of /proc/cpuinfo.
pub(crate) fn has_cpu_flag(flag: &str) -> bool {
    cpu::has_flags(&[flag])
}

/// Where a program lies: the first executable file of its name in the folders of PATH.
pub(crate) fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file() && rustix::fs::access(file, rustix::fs::Access::EXEC_OK).is_ok())
}

/// A one-line file of the kernel's, trimmed; empty when it is not there.
pub(crate) fn read(path: impl AsRef<Path>) -> String {
    fs::read_to_string(path).map(|text| text.trim().to_owned()).unwrap_or_default()
}

/// `MemTotal` of /proc/meminfo (proc_meminfo(5)), in bytes; 0 when unknown.
fn memory() -> u64 {
    let meminfo = read("/proc/meminfo");
    let kib = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:")?.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    kib.unwrap_or(0) * 1024
}

fn mitigations(folder: &Path) -> Vec<(String, String)> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut mitigations: Vec<_> =
        entries.map(|entry| (entry.file_name().to_string_lossy().into_owned(), read(entry.path()))).collect();
    mitigations.sort();
    mitigations
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_host_has_a_cpu_memory_and_a_kernel() {
        let facts = facts();
        assert!(!facts.cpus.is_empty());
        assert!(facts.memory > 0);
        assert!(!facts.memory_nodes.is_empty());
        assert!(facts.kernel.contains(char::is_numeric), "{}", facts.kernel);
    }
}
