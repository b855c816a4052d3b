//! Whether the cores for packets go without the scheduler's tick.

use crate::check::cpus::{Cpus, list, named, parse_list};
use crate::knob::means::Means;
use crate::knob::{About, Accepts, Knob, Manner, Place};
use crate::step::Form;

const FILE: &str = "/sys/devices/system/cpu/nohz_full";

pub(super) const KNOB: Knob = Knob {
    name: "nohz_full",
    unit: "CPUs",
    what: "Sees whether the cores for packets go without the scheduler's tick while one task runs there. It cannot be set: only nohz_full on \
           the kernel's command line does.",
    why: "The tick interrupts a loop up to a thousand times a second, for some microseconds each.",
    source: "Documentation/timers/no_hz.rst, \"Omit Scheduling-Clock Ticks For CPUs With Only One Runnable Task\"",
    about: About::Cores,
    accepts: Accepts::Switch,
    standard: "true",
    files: &[FILE],
    form: Form::List,
    manner: Manner {
        read: "from the file",
        set: "not at all: it says what the kernel was booted with",
        verified: "the list holds every core for packets when the plan is made; it cannot change afterwards",
        undone: "there is nothing to undo",
    },
    plan,
};

fn plan(_: &Knob, _: &str, place: &Place<'_>) -> Result<Means, String> {
    let cores = place.cores()?;
    let Some(said) = place.settings().text(FILE) else {
        return Err("the kernel was built without it (CONFIG_NO_HZ_FULL)".to_owned());
    };
    let full: Cpus = parse_list(said).unwrap_or_default();
    let ticking: Cpus = cores.difference(&full).copied().collect();
    if ticking.is_empty() {
        return Ok(Means { steps: Vec::new(), remarks: vec![format!("{} go without it ({FILE})", named(cores))] });
    }
    Err(format!("{FILE} leaves out {}: boot with nohz_full={}", named(&ticking), list(cores)))
}
