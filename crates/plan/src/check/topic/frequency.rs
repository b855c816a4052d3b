//! Who decides how fast a core runs.

use std::collections::BTreeMap;

use crate::check::cores::Cores;
use crate::check::cpus::{Cpus, named};
use crate::check::finding::{Effect, Finding, for_each, short};
use crate::check::host::{CPU, Host};

const TOPIC: &str = "frequency";
const SOURCE: &str = "Documentation/admin-guide/pm/cpufreq.rst";

pub(super) fn findings(host: &Host<'_>, cores: &Cores) -> Vec<Finding> {
    let record = host.record;
    let Some(first) = cores.chosen.first() else { return Vec::new() };
    let file = format!("{CPU}/cpu{first}/cpufreq/scaling_governor");
    if !record.has(&file) {
        let is = if host.is_guest() {
            "no frequency can be set in here: this machine's host decides"
        } else {
            "the kernel does not change the frequency: the firmware decides"
        };
        return vec![Finding::fine(TOPIC, is).seen(format!("{CPU}/cpu{first}/cpufreq"), "not there")];
    }
    let mut found = Vec::new();
    let mut governors: BTreeMap<&str, Cpus> = BTreeMap::new();
    let mut untold = None;
    for cpu in &cores.chosen {
        let file = format!("{CPU}/cpu{cpu}/cpufreq/scaling_governor");
        match record.text(&file) {
            Some(governor) => drop(governors.entry(governor).or_default().insert(*cpu)),
            None => untold = untold.or(Some(file)),
        }
    }
    if let Some(file) = untold {
        found.push(Finding::unknown(record, TOPIC, &file, "Who decides how fast a core runs"));
    }
    found.extend(governors.into_iter().map(|(governor, cpus)| judged(host, governor, &cpus)));
    found.extend(preference(host, cores));
    found.extend(turbo(host));
    found
}

fn judged(host: &Host<'_>, governor: &str, cpus: &Cpus) -> Finding {
    let first = cpus.first().copied().unwrap_or_default();
    let folder = format!("{CPU}/cpu{first}/cpufreq");
    let driver = format!("{folder}/scaling_driver");
    let name = short(governor);
    let read = |finding: Finding| finding.read(host.record, &format!("{folder}/scaling_governor")).read(host.record, &driver);
    if governor == "performance" {
        return read(Finding::fine(TOPIC, format!("governor performance on {}", named(cpus))));
    }
    let is = format!("The governor of {} is {name}.", named(cpus));
    let why = "A core that was idle is slow until the governor has seen load, and a change of frequency may halt it: packets that come \
               after a pause are the late ones.";
    read(Finding::costly(TOPIC, Effect::TensOfMicroseconds, is, why, SOURCE))
        .run(for_each(cpus, &format!("echo performance > {CPU}/cpu$n/cpufreq/scaling_governor")))
}

/// What the processor itself is asked to prefer, where it decides (intel_pstate and amd_pstate in active mode).
fn preference(host: &Host<'_>, cores: &Cores) -> Option<Finding> {
    let file = |cpu: usize| format!("{CPU}/cpu{cpu}/cpufreq/energy_performance_preference");
    let thrifty = |cpu: &usize| host.record.text(&file(*cpu)).is_some_and(|text| text != "performance" && text != "0");
    let cpus: Cpus = cores.chosen.iter().copied().filter(thrifty).collect();
    let first = *cpus.first()?;
    let is = format!("The processor is asked to prefer {} on {}.", short(host.record.text(&file(first))?), named(&cpus));
    let why = "It raises the frequency later than it could after a pause.";
    let source = "Documentation/admin-guide/pm/intel_pstate.rst, \"Energy vs Performance Hints\"";
    Some(
        Finding::costly("energy preference", Effect::TensOfMicroseconds, is, why, source)
            .read(host.record, &file(first))
            .run(for_each(&cpus, &format!("echo performance > {CPU}/cpu$n/cpufreq/energy_performance_preference"))),
    )
}

/// Frequencies above the one that is promised come and go with heat and with what the other cores do.
fn turbo(host: &Host<'_>) -> Option<Finding> {
    let (intel, others) = (format!("{CPU}/intel_pstate/no_turbo"), format!("{CPU}/cpufreq/boost"));
    let (file, off, command) = match (host.record.text(&intel), host.record.text(&others)) {
        (Some(text), _) => (intel, text == "1", "echo 1 > "),
        (None, Some(text)) => (others, text == "0", "echo 0 > "),
        (None, None) => return None,
    };
    if off {
        return Some(Finding::fine("turbo", "off: all repeats run at one frequency").read(host.record, &file));
    }
    let is = "The processor may run above its nominal frequency.";
    let why = "How far depends on heat and on what the other cores do: repeats differ, and each change of frequency may halt a core for \
               some microseconds.";
    let command = format!("{command}{file}  # the median gets slower, repeats get alike");
    Some(Finding::costly("turbo", Effect::Microseconds, is, why, SOURCE).read(host.record, &file).run(command))
}
