//! Huge pages of control groups: their limits, and whether one was met (hugetlb.rst and cgroup-v2.rst in the kernel's documentation).

use std::fs;
use std::path::Path;

use tailbed_format::facts::Hierarchy;
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
