//! Hardware threads that share a core with a packet loop.

use crate::check::cores::{Cores, apart};
use crate::check::cpus::{Cpus, list, named};
use crate::check::finding::{Effect, Finding, for_each};
use crate::check::host::{CPU, Host};

const TOPIC: &str = "sibling threads";

pub(super) fn findings(host: &Host<'_>, cores: &Cores) -> Vec<Finding> {
    let record = host.record;
    if cores.chosen.is_empty() {
        return Vec::new();
    }
    let file = |cpu: usize| format!("{CPU}/cpu{cpu}/topology/thread_siblings_list");
    let untold = |cpu: &usize| record.list(&file(*cpu)).is_none_or(|threads| threads.is_empty());
    let mut found = Vec::new();
    if let Some(cpu) = cores.chosen.iter().copied().find(untold) {
        found.push(Finding::unknown(record, TOPIC, &file(cpu), "Which threads share a core"));
    }
    let others = host.idle_siblings(&cores.chosen);
    let shared: Cpus =
        cores.chosen.iter().copied().filter(|cpu| host.siblings.get(cpu).is_some_and(|all| all.len() > 1)).collect();
    let Some(first) = shared.first().copied() else {
        if found.is_empty() {
            found.push(
                Finding::fine(TOPIC, "none: each CPU for packets is a core by itself")
                    .read(record, &file(cores.chosen.first().copied().unwrap_or_default())),
            );
        }
        return found;
    };
    let why = "Two threads of a core share its execution units and its caches: while both are busy, each runs at a fraction of its speed, \
               instruction by instruction.";
    let source = "Documentation/admin-guide/kernel-parameters.txt, nosmt; Lightweight low-latency virtual networking (TU Munich 2022), 5.5.3";
    let read = |finding: Finding| finding.read(record, &file(first)).read(record, &format!("{CPU}/smt/active"));
    if others.is_empty() {
        let is = format!("{} are threads of the same cores.", named(&shared));
        let finding = Finding::costly(TOPIC, Effect::Microseconds, is, why, source);
        found.push(read(finding).run(format!("tailbed check --cores {}", list(&apart(host, &cores.chosen)))));
    } else {
        let is = format!("On the same cores as those for packets there are also {}.", named(&others));
        let finding = Finding::costly(TOPIC, Effect::Microseconds, is, why, source);
        found.push(read(finding).run(for_each(&others, &format!("echo 0 > {CPU}/cpu$n/online"))).boot("nosmt"));
    }
    found
}
