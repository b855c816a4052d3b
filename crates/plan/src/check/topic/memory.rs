//! What the kernel does to memory behind a program's back.

use crate::check::cores::Cores;
use crate::check::finding::{Effect, Finding};
use crate::check::host::Host;

const PAGES: &str = "/sys/kernel/mm/transparent_hugepage";

pub(super) fn findings(host: &Host<'_>, _: &Cores) -> Vec<Finding> {
    [transparent(host), defragmentation(host), merging(host), balancing(host), swap(host), compaction(host), statistics(host)]
        .into_iter()
        .flatten()
        .collect()
}

/// The word in brackets: `always [madvise] never`.
fn chosen(text: &str) -> Option<&str> {
    Some(text.split_once('[')?.1.split_once(']')?.0)
}

fn transparent(host: &Host<'_>) -> Option<Finding> {
    const TOPIC: &str = "transparent huge pages";
    let file = format!("{PAGES}/enabled");
    if !host.record.has(&file) {
        return None;
    }
    let read = |finding: Finding| finding.read(host.record, &file);
    Some(match host.record.text(&file).and_then(chosen) {
        Some("always") => {
            let is = "Any program's memory is made of huge pages where it can be.";
            let why = "Clearing one at a page fault takes some hundred microseconds, and khugepaged stops a program's memory while it \
                       joins small pages.";
            read(Finding::costly(TOPIC, Effect::HundredsOfMicroseconds, is, why, "Documentation/admin-guide/mm/transhuge.rst"))
                .run(format!("echo madvise > {file}"))
        }
        Some("madvise" | "never") => read(Finding::fine(TOPIC, "only for programs that ask for them, or for none")),
        _ => Finding::unknown(host.record, TOPIC, &file, "Whether memory is made of huge pages unasked"),
    })
}

fn defragmentation(host: &Host<'_>) -> Option<Finding> {
    let file = format!("{PAGES}/defrag");
    let is = "A program that needs a huge page compacts memory itself until there is one.";
    let why = "The page fault takes as long as the compaction, which may be milliseconds.";
    (host.record.text(&file).and_then(chosen) == Some("always")).then(|| {
        let source = "Documentation/admin-guide/mm/transhuge.rst";
        Finding::costly("huge page defragmentation", Effect::Milliseconds, is, why, source)
            .read(host.record, &file)
            .run(format!("echo defer > {file}"))
    })
}

fn merging(host: &Host<'_>) -> Option<Finding> {
    const FILE: &str = "/sys/kernel/mm/ksm/run";
    const TOPIC: &str = "same-page merging";
    if !host.record.has(FILE) {
        return None;
    }
    Some(match host.record.number(FILE) {
        Some(1) => {
            let is = "The kernel merges equal pages of programs that let it, as QEMU does with a guest's memory.";
            let why =
                "Writing to a merged page faults and copies it, and ksmd takes time and caches from a core while it compares.";
            Finding::costly(TOPIC, Effect::TensOfMicroseconds, is, why, "Documentation/admin-guide/mm/ksm.rst")
                .read(host.record, FILE)
                .run(format!("echo 2 > {FILE}  # takes merged pages apart again"))
        }
        Some(0 | 2) => Finding::fine(TOPIC, "off").read(host.record, FILE),
        _ => Finding::unknown(host.record, TOPIC, FILE, "Whether equal pages are merged"),
    })
}

fn balancing(host: &Host<'_>) -> Option<Finding> {
    const FILE: &str = "/proc/sys/kernel/numa_balancing";
    const TOPIC: &str = "NUMA balancing";
    if !host.record.has(FILE) {
        return None;
    }
    Some(match host.record.number(FILE) {
        Some(1..=3) if host.nodes.len() > 1 => {
            let is = "The kernel moves memory to the NUMA node where it thinks that it is used.";
            let why = "To find out, it takes pages away from a program again and again: each is a page fault, and one that moves the page \
                       takes longer.";
            Finding::costly(
                TOPIC,
                Effect::TensOfMicroseconds,
                is,
                why,
                "Documentation/admin-guide/sysctl/kernel.rst, numa_balancing",
            )
            .read(host.record, FILE)
            .run("sysctl -w kernel.numa_balancing=0")
        }
        Some(0..=3) => Finding::fine(TOPIC, "off, or without effect on one node").read(host.record, FILE),
        _ => Finding::unknown(host.record, TOPIC, FILE, "Whether memory is moved between NUMA nodes"),
    })
}

fn swap(host: &Host<'_>) -> Option<Finding> {
    const FILE: &str = "/proc/swaps";
    const TOPIC: &str = "swap";
    const WILLINGNESS: &str = "/proc/sys/vm/swappiness";
    if !host.record.has(FILE) {
        return None;
    }
    let Some(text) = host.record.text(FILE).filter(|text| text.starts_with("Filename")) else {
        return Some(Finding::unknown(host.record, TOPIC, FILE, "Whether there is swap"));
    };
    let areas: Vec<&str> = text.lines().skip(1).filter_map(|line| line.split_whitespace().next()).collect();
    if areas.is_empty() {
        return Some(Finding::fine(TOPIC, "none").read(host.record, FILE));
    }
    let is =
        format!("There is swap: {}.", areas.iter().map(|area| super::super::finding::short(area)).collect::<Vec<_>>().join(", "));
    let why = "A page that was swapped out comes back from the disk. Locked memory never goes there: that of packet loops is locked as root, \
               that of other programs in a node is not.";
    Some(
        Finding::costly(
            TOPIC,
            Effect::Milliseconds,
            is,
            why,
            "proc_swaps(5); Documentation/admin-guide/sysctl/vm.rst, swappiness",
        )
        .seen(FILE, areas.join(" "))
        .read(host.record, WILLINGNESS)
        .run("swapoff -a  # while measuring; swapon -a brings it back")
        .run("sysctl -w vm.swappiness=1  # where swap must stay"),
    )
}

fn compaction(host: &Host<'_>) -> Option<Finding> {
    const FILE: &str = "/proc/sys/vm/compaction_proactiveness";
    let value = host.record.number(FILE).filter(|value| *value > 0)?;
    let is = format!("The kernel compacts memory in the background (proactiveness {value}).");
    let why = "Pages that are being moved cannot be used meanwhile, and every core is told to forget where they were.";
    let source = "Documentation/admin-guide/sysctl/vm.rst, compaction_proactiveness";
    Some(
        Finding::costly("compaction", Effect::Microseconds, is, why, source)
            .read(host.record, FILE)
            .run("sysctl -w vm.compaction_proactiveness=0"),
    )
}

fn statistics(host: &Host<'_>) -> Option<Finding> {
    const FILE: &str = "/proc/sys/vm/stat_interval";
    /// Seconds from which on it hardly matters.
    const RARE: i64 = 10;
    let value = host.record.number(FILE).filter(|value| (0..RARE).contains(value))?;
    let is = format!("Each CPU's memory statistics are gathered every {value} s.");
    let why = "A worker of the kernel's runs on the core for it, and a task that spins there is set aside for some microseconds.";
    let source = "Documentation/admin-guide/sysctl/vm.rst, stat_interval";
    Some(
        Finding::costly("memory statistics", Effect::Microseconds, is, why, source)
            .read(host.record, FILE)
            .run("sysctl -w vm.stat_interval=120"),
    )
}
