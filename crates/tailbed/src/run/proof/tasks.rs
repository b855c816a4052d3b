//! All tasks of the host, and which of them belong to a node.

use std::collections::BTreeMap;
use std::fs;

use tailbed_stats::proof::group::{candidates, throttled as throttled_in};
use tailbed_stats::proof::task::Scanned;

use crate::run::descendants::descendants;

/// Every task, as /proc shows it now.
pub(super) fn all() -> Vec<Scanned> {
    numbers("/proc").into_iter().flat_map(threads).filter_map(scan).collect()
}

fn scan((process, tid): (i32, u32)) -> Option<Scanned> {
    let text = |file: &str| fs::read_to_string(format!("/proc/{process}/task/{tid}/{file}")).ok();
    // without it (CONFIG_SCHED_INFO) how long a task has run is not known to the nanosecond, and not said
    Scanned::parse(&text("stat")?, &text("schedstat").unwrap_or_else(|| "0".to_owned()))
}

/// The node of each thread that descends from what the node's environment hangs on.
pub(super) fn owners(roots: &[(String, Vec<i32>)]) -> BTreeMap<u32, String> {
    let mut owners = BTreeMap::new();
    for (node, roots) in roots {
        for (_, tid) in descendants(roots).into_iter().flat_map(threads) {
            owners.insert(tid, node.clone());
        }
    }
    owners
}

/// How often and how long, ns, the control group of each node was held back by a limit on processor time; of several groups of a node the one
/// that was most.
pub(super) fn throttled(owners: &BTreeMap<u32, String>) -> BTreeMap<String, (u64, u64)> {
    let mut found: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    for (tid, node) in owners {
        let group = fs::read_to_string(format!("/proc/{tid}/cgroup")).unwrap_or_default();
        let stat = candidates(&group).iter().find_map(|file| fs::read_to_string(file).ok());
        if let Some(held_back) = stat.and_then(|stat| throttled_in(&stat)) {
            let most = found.entry(node.clone()).or_default();
            *most = held_back.max(*most);
        }
    }
    found
}

fn threads(process: i32) -> Vec<(i32, u32)> {
    let threads = numbers(&format!("/proc/{process}/task")).into_iter();
    threads.filter_map(|thread| Some((process, u32::try_from(thread).ok()?))).collect()
}

/// The entries of a folder that are numbers; none where it is gone.
fn numbers(folder: &str) -> Vec<i32> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_thread_is_among_all_and_belongs_to_this_process() {
        // a thread that was never off the core since it began may not have been charged for its time yet; sched_yield(2) charges it
        std::thread::yield_now();
        let me = u32::try_from(rustix::thread::gettid().as_raw_nonzero().get()).unwrap();
        let own = all().into_iter().find(|task| task.tid == me).unwrap();
        assert!(own.ran > 0 && !own.name.is_empty());
        let process = i32::try_from(std::process::id()).unwrap();
        assert_eq!(owners(&[("dut".to_owned(), vec![process])]).get(&me).map(String::as_str), Some("dut"));
    }
}
