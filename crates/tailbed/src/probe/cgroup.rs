//! How control groups are mounted.

use std::fs;

use tailbed_format::facts::Cgroup;

/// Controllers of version 1. A container runtime makes its group below each of them, so ours is made there before, to be known and
/// removed.
const CONTROLLERS: [&str; 12] =
    ["cpuset", "cpu", "cpuacct", "memory", "devices", "freezer", "pids", "blkio", "hugetlb", "perf_event", "net_cls", "net_prio"];

/// Reads the mount table. Only root may make groups; an unprivileged user may at best have a delegated subtree, which is not used.
pub(super) fn probe(root: bool) -> Cgroup {
    if !root {
        return Cgroup::None;
    }
    from_mounts(&fs::read_to_string("/proc/self/mounts").unwrap_or_default(), |mount| {
        super::read(format!("{mount}/cgroup.controllers")).split_whitespace().map(str::to_owned).collect()
    })
}

fn from_mounts(mounts: &str, unified_controllers: impl Fn(&str) -> Vec<String>) -> Cgroup {
    let mut first_version = Vec::new();
    let mut unified = None;
    for line in mounts.lines() {
        // fields of fstab(5): device, mount point, type, options
        let mut fields = line.split(' ').skip(1);
        let (Some(mount), Some(kind), Some(options)) = (fields.next(), fields.next(), fields.next()) else { continue };
        match kind {
            "cgroup" => {
                let ours = options.split(',').filter(|option| CONTROLLERS.contains(option));
                first_version.extend(ours.map(|controller| (controller.to_owned(), mount.to_owned())));
            }
            "cgroup2" => unified = Some(mount.to_owned()),
            _ => {}
        }
    }
    match unified {
        unified if !first_version.is_empty() => {
            let unified_controllers = unified.as_deref().map(&unified_controllers).unwrap_or_default();
            Cgroup::V1 { controllers: first_version, unified, unified_controllers }
        }
        Some(mount) => Cgroup::V2 { controllers: unified_controllers(&mount), mount },
        None => Cgroup::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hybrid_counts_as_version_1() {
        let mounts =
            "cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,cpu,cpuacct 0 0\ncgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n";
        let in_second = |_: &str| vec!["hugetlb".to_owned()];
        let Cgroup::V1 { controllers, unified, unified_controllers } = from_mounts(mounts, in_second) else {
            panic!("not version 1")
        };
        assert_eq!(unified_controllers, ["hugetlb"]);
        assert_eq!(controllers.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["cpu", "cpuacct"]);
        assert_eq!(unified.as_deref(), Some("/sys/fs/cgroup/unified"));
    }

    #[test]
    fn version_2_alone() {
        let cgroup = from_mounts("cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n", |_| vec!["cpuset".to_owned()]);
        assert_eq!(cgroup, Cgroup::V2 { mount: "/sys/fs/cgroup".to_owned(), controllers: vec!["cpuset".to_owned()] });
    }

    #[test]
    fn none_at_all() {
        assert_eq!(from_mounts("proc /proc proc rw 0 0\n", |_| Vec::new()), Cgroup::None);
    }
}
