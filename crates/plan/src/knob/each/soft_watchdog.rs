//! Has a timer and a thread of each core show that it does not hang (1), or not (0).

use crate::knob::means::Means;
use crate::knob::{About, Accepts, Knob, WRITTEN};
use crate::step::Form;

const FILE: &str = "/proc/sys/kernel/soft_watchdog";

pub(super) const KNOB: Knob = Knob {
    name: "soft_watchdog",
    unit: "a number",
    what: "Has a timer and a thread of each core show that it does not hang (1), or not (0).",
    why: "The timer comes every four seconds, and the thread that it wakes has the highest priority there is: a packet loop stands still for some microseconds.",
    source: "Documentation/admin-guide/lockup-watchdogs.rst",
    about: About::Host,
    accepts: Accepts::Number(0, 1),
    standard: "0",
    files: &[FILE],
    form: Form::Text,
    manner: WRITTEN,
    plan: |knob, value, place| Means::first_file(knob, value, "whether a thread of each core shows that it does not hang", place),
};
