//! What an idle environment takes from its host.

use std::fs;

use anyhow::Context;
use tailbed_format::lifecycle::Footprint;
use tailbed_plan::step::Step;

use crate::apply::Host;
use crate::run::descendants::descendants;

/// Looks at a node that was started and is idle.
pub(super) fn of(host: &mut Host, start: &Step, configured: Option<u64>) -> Option<Footprint> {
    let Step::StartAgent { node, environment, .. } = start else { return None };
    let (own, image) = Host::sizes_of(environment);
    let roots = host.agent(node).map(|agent| agent.processes()).unwrap_or_default();
    let processes = descendants(&roots).into_iter().filter_map(proportional_set).sum();
    Some(Footprint { configured, processes, own, image })
}

/// `Pss` of proc_pid_smaps_rollup(5), bytes: shared pages are counted in parts.
fn proportional_set(pid: i32) -> Option<u64> {
    kibibytes(&fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?, "Pss:")
}

/// `MemAvailable` of proc_meminfo(5), bytes.
pub(super) fn available() -> anyhow::Result<u64> {
    let text = fs::read_to_string("/proc/meminfo").context("cannot read /proc/meminfo")?;
    kibibytes(&text, "MemAvailable:").context("/proc/meminfo has no MemAvailable")
}

fn kibibytes(text: &str, key: &str) -> Option<u64> {
    let value = text.lines().find_map(|line| line.strip_prefix(key))?;
    Some(value.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()? * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_in_bytes() {
        assert_eq!(kibibytes("Rss: 5 kB\nPss:    12 kB\n", "Pss:"), Some(12 * 1024));
        assert_eq!(kibibytes("Rss: 5 kB\n", "Pss:"), None);
        assert!(available().unwrap() > 0);
    }

    #[test]
    fn a_process_takes_memory() {
        let mut child = std::process::Command::new("sleep").arg("1000").spawn().unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        assert!(proportional_set(pid).is_none_or(|bytes| bytes > 0));
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
