//! Huge pages of control groups: their limits, and whether one was met (hugetlb.rst and cgroup-v2.rst in the kernel's documentation).

use std::fs;
use std::path::Path;

use anyhow::Context;
use tailbed_format::facts::{Cgroup, Hierarchy};
use tailbed_plan::step::HugePageLimit;

use super::set;
use crate::probe;

/// Limits the pages in use, and, where the kernel counts those, the pages that mappings have reserved: then a mapping that is too large is
/// refused when it is made (ENOMEM), else its first page too many ends the program (SIGBUS).
pub(super) fn limit(leaf: &Path, hierarchy: Hierarchy<'_>, limits: &[HugePageLimit]) -> anyhow::Result<()> {
    for limit in limits {
        let [used, reserved] = limit.limit_files(hierarchy);
        set(leaf, &used, &limit.limit.to_string())?;
        if leaf.join(&reserved).exists() {
            set(leaf, &reserved, &limit.limit.to_string())?;
        }
    }
    Ok(())
}

/// Puts a process into the group that counts its huge pages, in whichever hierarchy does.
pub(in crate::apply) fn join_counting(path: &str, pid: i32) -> anyhow::Result<()> {
    let cgroup = probe::cgroup();
    let Some(Hierarchy::First(mount) | Hierarchy::Second(mount)) = cgroup.hierarchy_of("hugetlb") else { return Ok(()) };
    set(&Path::new(mount).join(path), "cgroup.procs", &pid.to_string())
}

/// Limits the group that a process is in, where only version 2 is mounted; it goes with what made it.
pub(in crate::apply) fn limit_of(pid: i32, limits: &[HugePageLimit]) -> anyhow::Result<()> {
    let Cgroup::V2 { mount, .. } = probe::cgroup() else { return Ok(()) };
    let groups = fs::read_to_string(format!("/proc/{pid}/cgroup")).with_context(|| format!("process {pid} is gone"))?;
    // of version 2 there is one line: hierarchy 0, no controllers, the path (cgroups(7))
    let group = groups.lines().find_map(|line| line.strip_prefix("0::/")).context("its control group is not known")?;
    limit(&Path::new(&mount).join(group), Hierarchy::Second(""), limits)
}

/// How often the group was refused pages of a size; 0 where that is not counted.
pub(in crate::apply) fn refused(path: &str, limit: &HugePageLimit) -> u64 {
    let cgroup = probe::cgroup();
    let Some(hierarchy) = cgroup.hierarchy_of("hugetlb") else { return 0 };
    let size = limit.in_group_files();
    let read = |mount: &str, file: String| fs::read_to_string(Path::new(mount).join(path).join(file)).unwrap_or_default();
    match hierarchy {
        Hierarchy::First(mount) => {
            let count = |file: &str| read(mount, format!("hugetlb.{size}.{file}")).trim().parse::<u64>().unwrap_or(0);
            count("failcnt") + count("rsvd.failcnt")
        }
        Hierarchy::Second(mount) => most_met(&read(mount, format!("hugetlb.{size}.events"))),
    }
}

/// The count of `max`.
fn most_met(events: &str) -> u64 {
    events.lines().find_map(|line| line.strip_prefix("max ")?.trim().parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_counted() {
        assert_eq!((most_met("max 12\n"), most_met(""), most_met("maximum 3\n")), (12, 0, 0));
        let limit = HugePageLimit { page: 2 << 20, limit: 2 << 20 };
        assert_eq!(refused("tb-there-is-none", &limit), 0);
    }
}
