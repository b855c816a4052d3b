//! Callbacks of read-copy-update on the cores for packets.

use crate::check::cores::Cores;
use crate::check::cpus::{Cpus, list, named};
use crate::check::finding::{Effect, Finding};
use crate::check::host::Host;

const TOPIC: &str = "RCU callbacks";
const CMDLINE: &str = "/proc/cmdline";
const SOURCE: &str = "Documentation/admin-guide/kernel-per-CPU-kthreads.rst; kernel-parameters.txt, rcu_nocbs";

pub(super) fn findings(host: &Host<'_>, cores: &Cores) -> Vec<Finding> {
    if cores.chosen.is_empty() {
        return Vec::new();
    }
    let record = host.record;
    if host.command_line().is_none() {
        return vec![Finding::unknown(record, TOPIC, CMDLINE, "Where callbacks run")];
    }
    let given =
        |name: &str| host.parameter(name).map(|value| value.map_or(Some(host.online.clone()), |text| host.boot_list(text)));
    // nohz_full brings it along
    let asked: Vec<Option<Cpus>> = ["rcu_nocbs", "nohz_full"].into_iter().filter_map(given).collect();
    if asked.iter().any(Option::is_none) {
        let word = host.parameter("rcu_nocbs").flatten().unwrap_or("nohz_full");
        let finding = Finding::unknown(record, TOPIC, CMDLINE, "Where callbacks run");
        return vec![finding.note(format!("`{}` on the command line is no list of CPUs", super::super::finding::short(word)))];
    }
    let freed: Cpus = asked.into_iter().flatten().flatten().collect();
    let open: Cpus = cores.chosen.difference(&freed).copied().collect();
    if open.is_empty() {
        let is = format!("those of {} run elsewhere", named(&cores.chosen));
        return vec![Finding::fine(TOPIC, is).read(record, CMDLINE)];
    }
    let is = format!("Callbacks of {} run on the spot.", named(&open));
    let why =
        "What the kernel has put off is done in a soft interrupt, or a thread, on the core: tens of microseconds at a time.";
    let none =
        if freed.is_empty() { "no rcu_nocbs, no nohz_full".to_owned() } else { format!("callbacks moved from {}", list(&freed)) };
    let finding = Finding::costly(TOPIC, Effect::TensOfMicroseconds, is, why, SOURCE).seen(CMDLINE, none);
    let finding = match host.has_option("CONFIG_RCU_NOCB_CPU") {
        Some(false) => finding.note("boot a kernel with CONFIG_RCU_NOCB_CPU=y: this one cannot move them"),
        _ => finding.boot(format!("rcu_nocbs={} rcu_nocb_poll", list(&cores.chosen))),
    };
    let housekeeping = list(&cores.housekeeping);
    vec![if freed.is_empty() {
        finding
    } else {
        finding.run(format!("for p in $(pgrep '^rcuo'); do taskset -pc {housekeeping} $p; done"))
    }]
}
