//! Where interrupts are handled.

use crate::check::cpus::{list, named, parse_list};
use crate::knob::means::{Means, setting};
use crate::knob::{About, Accepts, Knob, Manner, Place};
use crate::step::{Form, Setting, Step};

pub(super) const KNOB: Knob = Knob {
    name: "irqs",
    unit: "CPUs",
    what: "Moves the interrupts of devices to the CPUs for all else.",
    why: "A handler takes microseconds from a packet loop, the soft interrupt that follows it tens of them, and caches besides. Interrupts \
          that the kernel manages itself cannot be moved, and are named: they leave only by isolcpus=managed_irq on its command line.",
    source: "Documentation/core-api/irq/irq-affinity.rst; kernel/irq/proc.c; Lightweight low-latency virtual networking (TU Munich 2022), 6.2.3",
    about: About::Cores,
    accepts: Accepts::Switch,
    standard: "true",
    files: &["/proc/irq/*/smp_affinity_list", "/sys/kernel/irq/*/actions"],
    form: Form::List,
    manner: Manner {
        read: "from the file of each interrupt that somebody handles",
        set: "by writing the files of those that may come to the cores for packets",
        verified: "read back at once, and again when the work of the run is done; one that the kernel refuses (EIO, EPERM) is named in the results",
        undone: "the values found before are written back, unless somebody else has changed them since",
    },
    plan,
};

fn plan(knob: &Knob, _: &str, place: &Place<'_>) -> Result<Means, String> {
    let house = place.house()?;
    let settings = place.settings();
    let mut means = Means::default();
    let mut told = 0;
    let mut managed = Vec::new();
    for (path, said) in settings.matching("/proc/irq/", "/smp_affinity_list") {
        let number = path.trim_start_matches("/proc/irq/").trim_end_matches("/smp_affinity_list");
        let actions = settings.text(&format!("/sys/kernel/irq/{number}/actions"));
        let Some(cpus) = parse_list(said).filter(|_| actions != Some("")) else { continue };
        told += 1;
        // CPUs that are neither for packets nor online any more do not matter
        if cpus.is_disjoint(&place.reserved) {
            continue;
        }
        if settings.fixed.contains(path) {
            managed.push(format!("{number} ({}) stays on {}", actions.unwrap_or("nobody"), named(&cpus)));
            continue;
        }
        let moved = setting(knob.name, path, knob.form, &house, actions.unwrap_or("an interrupt"));
        means.steps.push(Step::WriteSetting(Setting { may_stay: true, ..moved }));
    }
    if told == 0 {
        return Err("no file in /proc/irq tells where interrupts are handled".to_owned());
    }
    if !managed.is_empty() {
        means.remarks.push(format!("interrupts that the kernel manages itself: {}", managed.join(", ")));
    }
    if means.steps.is_empty() && managed.is_empty() {
        means.remarks.push(format!("none of {told} interrupts may come to CPUs {}", list(&place.reserved)));
    }
    Ok(means)
}
