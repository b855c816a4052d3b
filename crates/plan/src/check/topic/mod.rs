//! What is judged, one file a topic.

mod cards;
mod cgroups;
mod clock;
mod cpus;
mod engines;
mod frequency;
mod huge_pages;
mod idle;
mod interrupts;
mod isolation;
mod kernel;
mod memory;
mod mitigations;
mod numa;
mod privilege;
mod rcu;
mod real_time;
mod siblings;
mod thermal;
mod tick;
mod tracking;
mod virtual_machine;
mod watchdogs;
mod workqueues;

use super::cores::Cores;
use super::finding::Finding;
use super::host::Host;
pub(super) use cards::card;

/// A topic: what it finds on a host, with cores for packets in mind.
type Topic = fn(&Host<'_>, &Cores) -> Vec<Finding>;

/// Every topic, in the order that findings of one effect are told in.
pub(super) const ALL: &[Topic] = &[
    virtual_machine::findings,
    privilege::findings,
    cpus::findings,
    isolation::findings,
    real_time::findings,
    kernel::findings,
    idle::findings,
    frequency::findings,
    thermal::findings,
    memory::findings,
    interrupts::findings,
    numa::findings,
    siblings::findings,
    tick::findings,
    rcu::findings,
    workqueues::findings,
    watchdogs::findings,
    clock::findings,
    huge_pages::findings,
    mitigations::findings,
    tracking::findings,
    cards::findings,
    cgroups::findings,
    engines::findings,
];

/// The host in a line.
pub(super) fn in_a_line(host: &Host<'_>) -> String {
    let record = host.record;
    let model =
        record.field("/proc/cpuinfo", "model name").map_or_else(|| "processor not told".to_owned(), super::finding::short);
    let release = record.text("/proc/sys/kernel/osrelease").map_or_else(|| "release not told".to_owned(), super::finding::short);
    let cpus = if host.online.len() == 1 { "CPU" } else { "CPUs" };
    let machine = match record.calls.machine.as_str() {
        "" => String::new(),
        machine => format!(" {}", super::finding::short(machine)),
    };
    let who = match record.calls.euid {
        None => "",
        Some(_) if host.is_root() => ", as root",
        Some(_) => ", without root",
    };
    let guest = if host.is_guest() { ", a virtual machine" } else { "" };
    format!("{model}, {} {cpus}{guest}, Linux {release}{machine}{who}", host.online.len())
}
