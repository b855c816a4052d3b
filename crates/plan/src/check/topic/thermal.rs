//! Whether the processor had to slow down for heat.

use crate::check::cores::Cores;
use crate::check::cpus::Cpus;
use crate::check::finding::{Effect, Finding};
use crate::check::host::{CPU, Host};

const TOPIC: &str = "heat";

pub(super) fn findings(host: &Host<'_>, _: &Cores) -> Vec<Finding> {
    let file = |cpu: usize, what: &str| format!("{CPU}/cpu{cpu}/thermal_throttle/{what}_throttle_count");
    let count = |cpu: usize, what: &str| host.record.number(&file(cpu, what)).unwrap_or(0);
    let told = |cpu: &&usize| host.record.has(&file(**cpu, "core")) || host.record.has(&file(**cpu, "package"));
    let Some(first) = host.online.iter().find(told) else { return Vec::new() };
    let slowed: Cpus = host.online.iter().copied().filter(|cpu| count(*cpu, "core") > 0 || count(*cpu, "package") > 0).collect();
    let worst = slowed.iter().copied().max_by_key(|cpu| count(*cpu, "core").saturating_add(count(*cpu, "package")));
    let Some(worst) = worst else {
        return vec![
            Finding::fine(TOPIC, "no core was slowed down for heat since the boot").read(host.record, &file(*first, "core")),
        ];
    };
    let is = format!(
        "The processor has slowed down for heat since it booted: CPU {worst} by itself {} times, its package {} times.",
        count(worst, "core"),
        count(worst, "package")
    );
    let why = "While it lasts, the core skips clock cycles or runs at its lowest frequency: milliseconds and more at a fraction of its \
               speed.";
    vec![
        Finding::costly(TOPIC, Effect::Milliseconds, is, why, "drivers/thermal/intel/therm_throt.c")
            .read(host.record, &file(worst, "core"))
            .read(host.record, &file(worst, "package"))
            .note("see to its cooling, or switch turbo off; packet loops that spin heat a core all the time"),
    ]
}
