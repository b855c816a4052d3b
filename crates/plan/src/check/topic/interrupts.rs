//! Interrupts that may come to the cores for packets.

use std::collections::BTreeMap;

use crate::check::cores::Cores;
use crate::check::cpus::{Cpus, MOST, list, mask, named, parse_list, parse_mask};
use crate::check::finding::{Effect, Finding, Level, for_each, short};
use crate::check::host::{Host, Kin};

const TOPIC: &str = "interrupts";
const DEFAULT: &str = "/proc/irq/default_smp_affinity";
const SOURCE: &str =
    "Documentation/core-api/irq/irq-affinity.rst; Lightweight low-latency virtual networking (TU Munich 2022), 6.2.3";

pub(super) fn findings(host: &Host<'_>, cores: &Cores) -> Vec<Finding> {
    if cores.chosen.is_empty() {
        return Vec::new();
    }
    let mut found = vec![astray(host, cores)];
    found.extend(default(host, cores));
    found.extend(balancer(host, cores));
    found
}

/// Interrupts with somebody who handles them, by whether they may come to the cores for packets.
fn astray(host: &Host<'_>, cores: &Cores) -> Finding {
    let record = host.record;
    let number = |name: &str| name.parse::<usize>().ok().filter(|number| *number < MOST);
    let file = |number: usize| format!("/proc/irq/{number}/smp_affinity_list");
    let mut here: BTreeMap<usize, String> = BTreeMap::new();
    let mut unread = None;
    let mut told = 0;
    for number in record.names_below("/proc/irq").filter_map(number) {
        // what nobody handles never comes; without the file of handlers every number counts
        let actions = format!("/sys/kernel/irq/{number}/actions");
        let handled = record.text(&actions);
        if handled.is_none() && record.has(&actions) {
            continue;
        }
        match record.text(&file(number)).and_then(parse_list) {
            Some(cpus) => {
                told += 1;
                if !cpus.is_disjoint(&cores.chosen) {
                    here.insert(number, handled.map_or_else(|| format!("{number}"), |name| format!("{number} {}", short(name))));
                }
            }
            None => unread = unread.or(Some(number)),
        }
    }
    if let Some(number) = unread.filter(|_| here.is_empty()) {
        return Finding::unknown(record, TOPIC, &file(number), "Where an interrupt may come");
    }
    if told == 0 {
        let is = "Where interrupts may come is not known: /proc/irq has no file that tells.";
        return Finding {
            level: Level::Unknown,
            ..Finding::fine(TOPIC, is).seen("/proc/irq/*/smp_affinity_list", "(not there)")
        };
    }
    let Some(first) = here.keys().next().copied() else {
        let is = format!("none of {told} interrupts may come to {}", named(&cores.chosen));
        return Finding::fine(TOPIC, is).seen("/proc/irq/*/smp_affinity_list", "");
    };
    let count = here.len();
    let few: Vec<&str> = here.values().take(6).map(String::as_str).collect();
    let more = if count > few.len() { format!(" and {} more", count - few.len()) } else { String::new() };
    let is = format!("{count} of {told} interrupts may come to {}: {}{more}.", named(&cores.chosen), few.join(", "));
    let why = "A handler takes microseconds from the packet loop, the soft interrupt that follows it tens of them, and caches besides. \
               Interrupts that the kernel manages itself (EIO when written) leave only by isolcpus=managed_irq.";
    let numbers: Cpus = here.keys().copied().collect();
    Finding::costly(TOPIC, Effect::TensOfMicroseconds, is, why, SOURCE)
        .read(record, &file(first))
        .run(for_each(&numbers, &format!("echo {} > /proc/irq/$n/smp_affinity_list", list(&cores.housekeeping))))
        .boot(format!("irqaffinity={}", list(&cores.housekeeping)))
}

/// Where interrupts go that do not exist yet.
fn default(host: &Host<'_>, cores: &Cores) -> Option<Finding> {
    let cpus = match host.record.text(DEFAULT).map(parse_mask) {
        Some(Some(cpus)) => cpus,
        _ if !host.record.has(DEFAULT) => return None,
        _ => return Some(Finding::unknown(host.record, "new interrupts", DEFAULT, "Where new interrupts will come")),
    };
    let open: Cpus = cpus.intersection(&cores.chosen).copied().collect();
    let is = format!("New interrupts may come to {}, as those of links and machines that are made for a run.", named(&open));
    let why = "As above, but of devices that are yet to come.";
    (!open.is_empty()).then(|| {
        Finding::costly("new interrupts", Effect::Microseconds, is, why, SOURCE)
            .read(host.record, DEFAULT)
            .run(format!("echo {} > {DEFAULT}", mask(&cores.housekeeping)))
    })
}

/// A daemon that moves interrupts about, also back to where they were moved away from.
fn balancer(host: &Host<'_>, cores: &Cores) -> Option<Finding> {
    let running = host.record.calls.running.iter().any(|name| name == "irqbalance");
    let banned = list(&cores.chosen);
    let is = "irqbalance is running.";
    let why = "It moves interrupts every 10 s, also onto the cores for packets, unless they are isolated or banned.";
    let ban = format!("IRQBALANCE_BANNED_CPULIST={banned}");
    let write = |finding: Finding, file: &str| finding.run(format!("echo {ban} >> {file}  # to keep it off them instead"));
    running.then(|| {
        let finding = Finding::costly("irqbalance", Effect::TensOfMicroseconds, is, why, "irqbalance(1)")
            .seen("/proc/*/comm", "irqbalance")
            .run("systemctl disable --now irqbalance");
        // where the service takes its environment from
        match host.kin() {
            Kin::Debian => write(finding, "/etc/default/irqbalance"),
            Kin::Fedora => write(finding, "/etc/sysconfig/irqbalance"),
            Kin::Other => finding.note(format!("{ban} in the environment of its service keeps it off them instead")),
        }
    })
}
