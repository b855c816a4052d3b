//! Whether a control group was held back by its limit on processor time (cgroups(7); Documentation/admin-guide/cgroup-v2.rst, "cpu.stat";
//! Documentation/scheduler/sched-bwc.rst, "Statistics").

/// Where the statistics of the group of a process may be, by the text of its /proc/PID/cgroup; the first that is there counts.
pub fn candidates(cgroup: &str) -> Vec<String> {
    let mut files = Vec::new();
    for line in cgroup.lines() {
        let mut parts = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (parts.next(), parts.next()) else { continue };
        let path = path.trim_end_matches('/');
        if controllers.split(',').any(|controller| controller == "cpu") {
            files.insert(0, format!("/sys/fs/cgroup/{controllers}{path}/cpu.stat"));
            files.insert(1, format!("/sys/fs/cgroup/cpu{path}/cpu.stat"));
        }
        if controllers.is_empty() {
            files.push(format!("/sys/fs/cgroup{path}/cpu.stat"));
            files.push(format!("/sys/fs/cgroup/unified{path}/cpu.stat"));
        }
    }
    files
}

/// How often a group was held back, and for how long, ns; nothing where it has no limit that could be used up.
pub fn throttled(stat: &str) -> Option<(u64, u64)> {
    let value = |key: &str| stat.lines().find_map(|line| line.strip_prefix(key)?.trim().parse::<u64>().ok());
    let times = value("nr_throttled ")?;
    let version_2 = value("throttled_usec ").map(|us| us.saturating_mul(1_000));
    Some((times, version_2.or_else(|| value("throttled_time ")).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn both_versions_say_how_often_and_how_long() {
        assert_eq!(throttled("nr_periods 9\nnr_throttled 3\nthrottled_time 500000\n"), Some((3, 500_000)));
        assert_eq!(throttled("usage_usec 7\nnr_throttled 3\nthrottled_usec 500\n"), Some((3, 500_000)));
        assert_eq!(throttled("usage_usec 7\n"), None);
    }

    #[test]
    fn a_group_is_looked_for_where_its_version_is_mounted() {
        let files = candidates("12:cpu,cpuacct:/tb-x\n3:cpuset:/\n0::/a\n");
        let expected = ["cpu,cpuacct/tb-x", "cpu/tb-x", "a", "unified/a"].map(|path| format!("/sys/fs/cgroup/{path}/cpu.stat"));
        assert_eq!(files, expected);
    }

    proptest! {
        #[test]
        fn any_texts_are_read(text in any::<String>()) {
            candidates(&text);
            throttled(&text);
        }
    }
}
