//! What belongs on a packet core, and what does not.
//!
//! The packet loop belongs there, the timer's tick, and the softirqs in which the kernel carries the packets that the loop sends. On a core whose
//! loop sleeps the interrupts that wake it belong there too. Everything else takes time from packets, however short.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use tailbed_format::proof::{CoreProof, Culprit, Disturber, LoopProof, PacketCore};

/// The tick of a core's timer (arch/x86/kernel/irq.c; drivers/clocksource/arm_arch_timer.c, as a per-cpu line).
const TICKS: [&str; 2] = ["LOC", "arch_timer"];

/// Wakes a core that sleeps, or has it choose a task anew (x86; arm64 calls it IPI0).
const WAKE_UPS: [&str; 2] = ["RES", "IPI0"];

/// Softirqs of the tick, of the kernel's own book-keeping that comes with it, and of packets (include/linux/interrupt.h).
const SOFTIRQS: [&str; 6] = ["TIMER", "SCHED", "HRTIMER", "RCU", "NET_RX", "NET_TX"];

pub(super) fn interrupt_belongs(source: &str, name: &str, core: &PacketCore) -> bool {
    TICKS.contains(&source) || TICKS.contains(&name) || (!core.spins && WAKE_UPS.contains(&source))
}

pub(super) fn softirq_belongs(name: &str) -> bool {
    SOFTIRQS.contains(&name)
}

/// Threads of a node belong on its cores, and the kernel's thread for softirqs that were put off on its own (kernel/softirq.c).
pub(super) fn task_belongs(name: &str, node: Option<&str>, core: &PacketCore) -> bool {
    let softirqs = name.strip_prefix("ksoftirqd/").is_some_and(|cpu| cpu.parse() == Ok(core.cpu));
    softirqs || node.is_some_and(|node| core.nodes.iter().any(|own| own == node))
}

/// What did not belong on a core, gravest first: what is known to have taken long, then what came often.
pub(super) fn culprits(core: &CoreProof, loops: &[LoopProof], throttled: &BTreeMap<String, (u64, u64)>) -> Vec<Culprit> {
    let mut culprits = Vec::new();
    let mut add = |what, times, took| culprits.push(Culprit { what, times, took });
    for task in core.tasks.iter().filter(|task| !task.expected) {
        // one of another node's: the timestamper's, where it has no core of its own
        let name = task.node.as_ref().map_or_else(|| task.name.clone(), |node| format!("{} of {node}", task.name));
        add(Disturber::Task { name, tid: task.tid }, task.turns, Some(task.ran));
    }
    for interrupt in core.interrupts.iter().filter(|interrupt| !interrupt.expected) {
        let what = Disturber::Interrupt { source: interrupt.source.clone(), name: interrupt.name.clone() };
        add(what, Some(interrupt.count), None);
    }
    for softirq in core.softirqs.iter().filter(|softirq| !softirq.expected) {
        add(Disturber::Softirq { name: softirq.source.clone() }, Some(softirq.count), None);
    }
    if let Some(steal) = core.steal.filter(|steal| *steal > 0) {
        add(Disturber::Steal, None, Some(steal));
    }
    if let Some(hot) = core.hot.filter(|hot| *hot > 0) {
        add(Disturber::Heat, Some(hot), None);
    }
    if let Some((least, greatest)) = core.frequency.filter(|(least, greatest)| greatest - least.min(greatest) > greatest / 20) {
        add(Disturber::Frequency { least, greatest }, None, None);
    }
    for (node, (times, took)) in throttled.iter().filter(|(node, (times, _))| core.core.nodes.contains(node) && *times > 0) {
        add(Disturber::Throttled { node: node.clone() }, Some(*times), Some(*took));
    }
    for one in loops.iter().filter(|one| core.core.nodes.contains(&one.node)) {
        let (node, account) = (|| one.node.clone(), one.account);
        let faults = account.minor_faults.saturating_add(account.major_faults);
        let stops = if core.core.spins { account.involuntary } else { 0 };
        let moves = account.migrations.unwrap_or_default();
        for (times, what) in [
            (faults, Disturber::PageFaults { node: node() }),
            (stops, Disturber::Preemptions { node: node() }),
            (moves, Disturber::Migrations { node: node() }),
        ] {
            if times > 0 {
                add(what, Some(times), None);
            }
        }
    }
    culprits.sort_by_key(|culprit| (Reverse(culprit.took), Reverse(culprit.times)));
    culprits
}
