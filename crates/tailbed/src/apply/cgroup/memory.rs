//! Memory of control groups: its limit, and whether it ran out (memory.rst and cgroup-v2.rst in the kernel's documentation).

use std::fs;
use std::path::{Path, PathBuf};

use tailbed_format::facts::Cgroup;

use super::set;
use crate::probe;

/// Version 1: limits memory, and memory and swap together, where the kernel counts swap, so that swap is no way round the limit.
pub(super) fn limit_v1(leaf: &Path, memory: u64) -> anyhow::Result<()> {
    set(leaf, "memory.limit_in_bytes", &memory.to_string())?;
    set_if_there(leaf, "memory.memsw.limit_in_bytes", memory)
}

/// Version 2: limits memory, and leaves no swap.
pub(super) fn limit_v2(leaf: &Path, memory: u64) -> anyhow::Result<()> {
    set(leaf, "memory.max", &memory.to_string())?;
    set_if_there(leaf, "memory.swap.max", 0)
}

fn set_if_there(leaf: &Path, file: &str, value: u64) -> anyhow::Result<()> {
    if leaf.join(file).exists() { set(leaf, file, &value.to_string()) } else { Ok(()) }
}

/// What to say if a process of the group was killed because its memory ran out; the group by its path below the hierarchy's root.
pub(in crate::apply) fn out_of_memory(path: &str) -> Option<String> {
    let (mount, events, limit) = match probe::cgroup() {
        Cgroup::V1 { controllers, .. } => {
            let (_, mount) = controllers.into_iter().find(|(controller, _)| controller == "memory")?;
            (mount, "memory.oom_control", "memory.limit_in_bytes")
        }
        Cgroup::V2 { mount, .. } => (mount, "memory.events", "memory.max"),
        Cgroup::None => return None,
    };
    let leaf = PathBuf::from(mount).join(path.trim_start_matches('/'));
    let kills = killed(&fs::read_to_string(leaf.join(events)).ok()?)?;
    let limit = fs::read_to_string(leaf.join(limit)).ok().and_then(|limit| limit.trim().parse().ok());
    (kills > 0).then(|| ran_out(limit))
}

/// The same of the group that a process is in, as the host numbers it.
pub(in crate::apply) fn out_of_memory_around(pid: i64) -> Option<String> {
    let groups = fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?;
    out_of_memory(group_of_memory(&groups)?)
}

/// What is said of memory that ran out, the same for every kind of environment; the limit in bytes.
pub(in crate::apply) fn ran_out(limit: Option<u64>) -> String {
    match limit.filter(|&bytes| bytes < UNLIMITED) {
        Some(bytes) => format!("out of memory: limit {}; a larger `memory` is the way out", readable(bytes)),
        None => "out of memory: it has no limit of its own, the host's memory ran out".to_owned(),
    }
}

/// Version 1 writes no limit as the greatest number of whole pages that fits a signed 64-bit number (`PAGE_COUNTER_MAX` in
/// include/linux/page_counter.h); no host has as much as this, bytes.
const UNLIMITED: u64 = 1 << 60;

/// The path of the group whose memory is counted, out of /proc/pid/cgroup: its lines are hierarchy, controllers, path (cgroups(7)).
fn group_of_memory(groups: &str) -> Option<&str> {
    let lines = groups.lines().filter_map(|line| {
        let mut fields = line.splitn(3, ':').skip(1);
        Some((fields.next()?, fields.next()?))
    });
    let of = |wanted: &str| {
        let mut lines = lines.clone();
        lines.find(|(controllers, _)| controllers.split(',').any(|name| name == wanted)).map(|(_, path)| path)
    };
    // in version 2 one hierarchy counts everything and names nothing
    of("memory").or_else(|| of(""))
}

/// The count of `oom_kill`, in either version's file.
fn killed(events: &str) -> Option<u64> {
    events.lines().find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse().ok())
}

/// Bytes as an experiment file would have them.
fn readable(bytes: u64) -> String {
    if bytes.is_multiple_of(1 << 20) { format!("{}MiB", bytes >> 20) } else { format!("{bytes} bytes") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kills_are_counted_in_both_versions_files() {
        assert_eq!(killed("oom_kill_disable 0\nunder_oom 0\noom_kill 3\n"), Some(3));
        assert_eq!(killed("low 0\nhigh 0\nmax 12\noom 1\noom_kill 1\noom_group_kill 0\n"), Some(1));
        assert_eq!(killed("oom_kill_disable 0\nunder_oom 0\n"), None);
        assert_eq!((readable(32 << 20), readable((32 << 20) + 1)), ("32MiB".into(), "33554433 bytes".into()));
    }

    #[test]
    fn no_limit_is_the_hosts() {
        assert!(ran_out(Some(64 << 20)).starts_with("out of memory: limit 64MiB;"));
        // what version 1 shows of a group that was given none
        for unlimited in [None, Some(0x7fff_ffff_ffff_f000)] {
            assert!(ran_out(unlimited).contains("the host's memory"));
        }
    }

    #[test]
    fn the_group_of_memory_is_found_in_both_versions() {
        assert_eq!(group_of_memory("5:cpuset:/a\n4:memory:/b:c\n0::/d\n"), Some("/b:c"));
        assert_eq!(group_of_memory("0::/docker/x\n"), Some("/docker/x"));
        assert_eq!(group_of_memory("5:cpuset:/a\n"), None);
    }

    #[test]
    fn a_group_that_is_not_there_says_nothing() {
        assert_eq!(out_of_memory("tb-there-is-none"), None);
    }
}
