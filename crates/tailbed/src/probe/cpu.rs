//! CPUs: model, flags, which of them we may use.

use std::fs;
use std::path::Path;

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use tailbed_format::facts::{Card, Processor};
use tailbed_plan::check::cpus::{Cpus, parse_list};

/// Where the kernel tells of its CPUs.
const CPUS: &str = "/sys/devices/system/cpu";

/// `model name` of the first CPU in /proc/cpuinfo.
pub(super) fn model() -> String {
    field("model name").unwrap_or_else(|| "unknown".to_owned())
}

/// Whether the first CPU has all of the flags.
pub(super) fn has_flags(wanted: &[&str]) -> bool {
    let flags = field("flags").unwrap_or_default();
    wanted.iter().all(|wanted| flags.split(' ').any(|flag| flag == *wanted))
}

/// The hypervisor's name when the CPU says we are a guest: from the firmware's vendor string, else just "unknown".
pub(super) fn hypervisor() -> Option<String> {
    has_flags(&["hypervisor"]).then(|| {
        let vendor = super::read("/sys/class/dmi/id/sys_vendor");
        if vendor.is_empty() { "unknown".to_owned() } else { vendor }
    })
}

fn field(name: &str) -> Option<String> {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").ok()?;
    cpuinfo.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.trim() == name).then(|| value.trim().to_owned())
    })
}

/// CPUs this process may use. Those that the scheduler leaves alone (`isolcpus=`) are in nobody's affinity unless asked for, though they
/// are what packets should have: they count, unless the process was kept to fewer CPUs than the rest on purpose, as taskset(1) does.
pub(super) fn allowed() -> Vec<usize> {
    let own = status_list("Cpus_allowed_list:");
    let permitted = permitted().unwrap_or_else(|| own.clone());
    let isolated = list_of(Path::new(CPUS).join("isolated"));
    let all_others = permitted.difference(&isolated).all(|cpu| own.contains(cpu));
    Vec::from_iter(if all_others { permitted } else { own })
}

/// What the control groups we are in leave us: the kernel cuts whatever affinity is asked for down to it (cpuset(7)). Asked by a thread of
/// its own, so that ours stays as it is.
fn permitted() -> Option<Cpus> {
    let ask = || {
        let mut all = CpuSet::new();
        (0..CpuSet::MAX_CPU).for_each(|cpu| all.set(cpu));
        sched_setaffinity(None, &all).ok()?;
        let left = sched_getaffinity(None).ok()?;
        Some((0..CpuSet::MAX_CPU).filter(|&cpu| left.is_set(cpu)).collect())
    };
    std::thread::spawn(ask).join().ok().flatten()
}

/// How the CPUs lie to each other (Documentation/admin-guide/cputopology.rst).
pub(super) fn processors(cpus: &[usize]) -> Vec<Processor> {
    let isolated = list_of(Path::new(CPUS).join("isolated"));
    let processor = |&cpu: &usize| {
        let folder = Path::new(CPUS).join(format!("cpu{cpu}"));
        let threads = list_of(folder.join("topology/core_cpus_list"));
        // kernels before 5.2 have the same under its older name
        let threads = if threads.is_empty() { list_of(folder.join("topology/thread_siblings_list")) } else { threads };
        let threads = if threads.is_empty() { Cpus::from([cpu]) } else { threads };
        let mut entries = fs::read_dir(&folder).into_iter().flatten().flatten();
        let node = entries.find_map(|entry| entry.file_name().to_str()?.strip_prefix("node")?.parse().ok());
        Processor { cpu, threads: Vec::from_iter(threads), memory_node: node.unwrap_or(0), isolated: isolated.contains(&cpu) }
    };
    cpus.iter().map(processor).collect()
}

/// Interfaces with a device behind them, in the order of their names. The kernel says -1 where it does not know the node
/// (Documentation/ABI/testing/sysfs-bus-pci, `numa_node`).
pub(super) fn cards() -> Vec<Card> {
    let entries = fs::read_dir("/sys/class/net").into_iter().flatten().flatten();
    let card = |entry: fs::DirEntry| {
        let interface = entry.file_name().to_str()?.to_owned();
        let device = entry.path().join("device");
        device.exists().then(|| Card { interface, memory_node: super::read(device.join("numa_node")).parse().ok() })
    };
    let mut cards: Vec<_> = entries.filter_map(card).collect();
    cards.sort_by(|one, other| one.interface.cmp(&other.interface));
    cards
}

/// NUMA nodes with memory that this process may use (`Mems_allowed_list`).
pub(super) fn memory_nodes() -> Vec<usize> {
    Vec::from_iter(status_list("Mems_allowed_list:"))
}

/// A list of /proc/self/status (proc_pid_status(5)); `0` where it has none.
fn status_list(name: &str) -> Cpus {
    let status = super::read("/proc/self/status");
    let list = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or("0");
    parse_list(list).unwrap_or_default()
}

/// A file that holds a list of CPUs; empty where it cannot be read.
fn list_of(path: impl AsRef<Path>) -> Cpus {
    parse_list(&super::read(path)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cpu_we_may_use_is_a_thread_of_its_own_core() {
        let cpus = allowed();
        let processors = processors(&cpus);
        assert_eq!(processors.iter().map(|processor| processor.cpu).collect::<Vec<_>>(), cpus);
        assert!(processors.iter().all(|processor| processor.threads.contains(&processor.cpu)));
    }

    #[test]
    fn asking_what_is_permitted_leaves_our_own_affinity_alone() {
        let before = status_list("Cpus_allowed_list:");
        assert!(permitted().is_some_and(|permitted| permitted.is_superset(&before)));
        assert_eq!(status_list("Cpus_allowed_list:"), before);
    }
}
