//! Lets a CPU that is idle hand its timers to one that is busy (1), or keep them (0).

use crate::knob::means::Means;
use crate::knob::{About, Accepts, Knob, WRITTEN};
use crate::step::Form;

const FILE: &str = "/proc/sys/kernel/timer_migration";

pub(super) const KNOB: Knob = Knob {
    name: "timer_migration",
    unit: "a number",
    what: "Lets a CPU that is idle hand its timers to one that is busy (1), or keep them (0).",
    why: "A packet loop is always busy: without nohz_full its core is the one that the timers of others come to.",
    source: "Documentation/admin-guide/sysctl/kernel.rst, timer_migration; get_nohz_timer_target in kernel/sched/core.c",
    about: About::Host,
    accepts: Accepts::Number(0, 1),
    standard: "0",
    files: &[FILE],
    form: Form::Text,
    manner: WRITTEN,
    plan: |knob, value, place| Means::first_file(knob, value, "whether timers of idle CPUs come to busy ones", place),
};
