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

/// What to say if a process of the group was killed because its memory ran out.
pub(in crate::apply) fn out_of_memory(path: &str) -> Option<String> {
    let (mount, events, limit) = match probe::cgroup() {
        Cgroup::V1 { controllers, .. } => {
            let (_, mount) = controllers.into_iter().find(|(controller, _)| controller == "memory")?;
            (mount, "memory.oom_control", "memory.limit_in_bytes")
        }
        Cgroup::V2 { mount, .. } => (mount, "memory.events", "memory.max"),
        Cgroup::None => return None,
    };
    let leaf = PathBuf::from(mount).join(path);
    let kills = killed(&fs::read_to_string(leaf.join(events)).ok()?)?;
    let limit = fs::read_to_string(leaf.join(limit)).unwrap_or_default();
    (kills > 0).then(|| format!("out of memory: limit {}; a larger `memory` is the way out", readable(limit.trim())))
}

/// The count of `oom_kill`, in either version's file.
fn killed(events: &str) -> Option<u64> {
    events.lines().find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse().ok())
}

/// Bytes as an experiment file would have them.
fn readable(limit: &str) -> String {
    match limit.parse::<u64>() {
        Ok(bytes) if bytes % (1 << 20) == 0 => format!("{}MiB", bytes >> 20),
        Ok(bytes) => format!("{bytes} bytes"),
        Err(_) => limit.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kills_are_counted_in_both_versions_files() {
        assert_eq!(killed("oom_kill_disable 0\nunder_oom 0\noom_kill 3\n"), Some(3));
        assert_eq!(killed("low 0\nhigh 0\nmax 12\noom 1\noom_kill 1\noom_group_kill 0\n"), Some(1));
        assert_eq!(killed("oom_kill_disable 0\nunder_oom 0\n"), None);
        assert_eq!(
            (readable("33554432"), readable("33554433"), readable("max")),
            ("32MiB".into(), "33554433 bytes".into(), "max".into())
        );
    }
}
