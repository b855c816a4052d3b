//! Work that the kernel puts off to threads of its own.

use crate::check::cores::Cores;
use crate::check::cpus::{mask, named, parse_mask};
use crate::check::finding::{Effect, Finding};
use crate::check::host::Host;

const TOPIC: &str = "work queues";
const FILE: &str = "/sys/devices/virtual/workqueue/cpumask";

pub(super) fn findings(host: &Host<'_>, cores: &Cores) -> Vec<Finding> {
    if cores.chosen.is_empty() {
        return Vec::new();
    }
    let Some(cpus) = host.record.text(FILE).and_then(parse_mask) else {
        return vec![Finding::unknown(host.record, TOPIC, FILE, "Where the kernel's put-off work runs")];
    };
    if cpus.is_disjoint(&cores.chosen) {
        let is = format!("put-off work that is bound to no CPU stays off {}", named(&cores.chosen));
        return vec![Finding::fine(TOPIC, is).read(host.record, FILE)];
    }
    let is = format!("Put-off work of the kernel's may run on {}.", named(&cores.chosen));
    let why = "A worker thread runs it there, for as long as it takes: writing back to disks, freeing memory, drivers' chores.";
    vec![
        Finding::costly(TOPIC, Effect::TensOfMicroseconds, is, why, "Documentation/core-api/workqueue.rst, \"Affinity Scopes\"")
            .read(host.record, FILE)
            .run(format!("echo {} > {FILE}", mask(&cores.housekeeping))),
    ]
}
