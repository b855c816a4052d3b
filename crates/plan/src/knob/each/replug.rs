//! Shedding what has gathered on a core.

use crate::knob::means::Means;
use crate::knob::{About, Accepts, Knob, Manner, Place};
use crate::step::{Form, Step, Unplug};

pub(super) const KNOB: Knob = Knob {
    name: "replug",
    unit: "a switch",
    what: "Takes each core for packets off and brings it back, before anything runs there.",
    why: "Timers, tasks and pending work that have gathered on a core leave it when it goes, and do not come back by themselves: a timer that is \
          pinned nowhere stays where it was last armed.",
    source: "Documentation/core-api/cpu_hotplug.rst; timers_dead_cpu in kernel/time/timer.c, hrtimers_cpu_dying in kernel/time/hrtimer.c",
    about: About::Cores,
    accepts: Accepts::Switch,
    standard: "true",
    files: &["/sys/devices/system/cpu/cpu*/online"],
    form: Form::Text,
    manner: Manner {
        read: "from the file",
        set: "by writing 0, and then 1",
        verified: "the file says 0, and then 1; and 1 again when the work of the run is done",
        undone: "the core is brought back if it is off, and the CPUs of version 1 cpusets that lost it are written back",
    },
    plan,
};

fn plan(knob: &Knob, _: &str, place: &Place<'_>) -> Result<Means, String> {
    let unplug = |cpu: &usize| Unplug { cpu: *cpu, replug: true, knob: knob.name.to_owned() };
    let each: Vec<Unplug> = place.cores()?.iter().map(unplug).collect();
    match each.iter().find(|unplug| !place.settings().has(&unplug.path())) {
        Some(unplug) => Err(format!("there is no {}: this CPU cannot be taken off", unplug.path())),
        None => Ok(Means { steps: each.into_iter().map(Step::UnplugCpu).collect(), remarks: Vec::new() }),
    }
}
