//! Watchdogs that look after each CPU from time to time.

use crate::check::cores::Cores;
use crate::check::cpus::{list, parse_list};
use crate::check::finding::{Effect, Finding};
use crate::check::host::Host;

const SOURCE: &str = "Documentation/admin-guide/lockup-watchdogs.rst";
const HARD: &str = "/proc/sys/kernel/nmi_watchdog";
const SOFT: &str = "/proc/sys/kernel/soft_watchdog";
const WHERE: &str = "/proc/sys/kernel/watchdog_cpumask";

pub(super) fn findings(host: &Host<'_>, cores: &Cores) -> Vec<Finding> {
    if cores.chosen.is_empty() {
        return Vec::new();
    }
    let record = host.record;
    if !record.has(HARD) && !record.has(SOFT) {
        return vec![
            Finding::fine("watchdogs", "the kernel was built without them").seen(HARD, "not there").seen(SOFT, "not there"),
        ];
    }
    // the list is that of all CPUs where the kernel does not tell
    let elsewhere = record.text(WHERE).and_then(parse_list).is_some_and(|cpus| cpus.is_disjoint(&cores.chosen));
    let rest = list(&cores.housekeeping);
    let judged = |file: &'static str, topic: &'static str, is: &str, why: &str, command: &str| match record.number(file) {
        _ if !record.has(file) => None,
        Some(0) => Some(Finding::fine(topic, "off").read(record, file)),
        Some(1) if elsewhere => Some(Finding::fine(topic, "not on the cores for packets").read(record, file).read(record, WHERE)),
        Some(1) => Some(
            Finding::costly(topic, Effect::Microseconds, is, why, SOURCE)
                .read(record, file)
                .read(record, WHERE)
                .run(command)
                .run(format!("sysctl -w kernel.watchdog_cpumask={rest}  # to have it elsewhere only")),
        ),
        _ => Some(Finding::unknown(record, topic, file, "Whether it is on")),
    };
    let hard = judged(
        HARD,
        "hard lock-up watchdog",
        "A watchdog interrupts each core that cannot be interrupted otherwise.",
        "It counts cycles and comes by NMI every ten seconds or so of a busy core, past all masking.",
        "sysctl -w kernel.nmi_watchdog=0",
    );
    let soft = judged(
        SOFT,
        "soft lock-up watchdog",
        "A watchdog wakes up on each core every four seconds or so.",
        "A timer interrupts the core and a thread of the highest priority runs there to show that it can.",
        "sysctl -w kernel.soft_watchdog=0",
    );
    hard.into_iter().chain(soft).collect()
}
