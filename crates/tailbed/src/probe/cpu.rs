//! CPUs: model, flags, which of them we may use.

use std::fs;

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

/// CPUs this process may run on (`Cpus_allowed_list` of proc_pid_status(5)).
pub(super) fn allowed() -> Vec<usize> {
    let status = super::read("/proc/self/status");
    let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).unwrap_or("0");
    parse_list(list.trim())
}

/// NUMA nodes with memory that this process may use (`Mems_allowed_list`).
pub(super) fn memory_nodes() -> Vec<usize> {
    let status = super::read("/proc/self/status");
    let list = status.lines().find_map(|line| line.strip_prefix("Mems_allowed_list:")).unwrap_or("0");
    parse_list(list.trim())
}

/// The kernel's list format: `0-3,8` (cpuset(7), "List format").
fn parse_list(text: &str) -> Vec<usize> {
    let range = |part: &str| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        Some(first.trim().parse::<usize>().ok()?..=last.trim().parse().ok()?)
    };
    text.split(',').filter_map(range).flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read_as_the_kernel_writes_them() {
        assert_eq!(parse_list("0-2,8,10-11"), [0, 1, 2, 8, 10, 11]);
        assert_eq!(parse_list("0"), [0]);
        assert!(parse_list("").is_empty());
    }
}
