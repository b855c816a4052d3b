//! How much of each second real-time tasks may have.

use crate::knob::means::{Means, setting};
use crate::knob::{About, Accepts, Knob, WRITTEN};
use crate::step::Form;

const FILE: &str = "/proc/sys/kernel/sched_rt_runtime_us";

pub(super) const KNOB: Knob = Knob {
    name: "rt_throttling",
    unit: "µs of each second; -1 for all",
    what: "Says how much of each second real-time tasks may have.",
    why: "A loop that polls under SCHED_FIFO without ever sleeping would otherwise be stopped for 50 ms in each second.",
    source: "sched(7), \"Limiting the CPU usage of real-time and deadline processes\"",
    about: About::Host,
    accepts: Accepts::Number(-1, 1_000_000),
    standard: "-1",
    files: &[FILE],
    form: Form::Text,
    manner: WRITTEN,
    plan: |knob, value, place| {
        // the facts have had the value for longer than what knobs read; without real-time priority it is in nobody's way
        let now = place.facts.rt_runtime_us.map(|us| us.to_string());
        if !place.real_time || now.is_none() || now.as_deref() == Some(value) {
            return Ok(Means::default());
        }
        let reason = "a loop that spins under SCHED_FIFO would be stopped for 50 ms each second";
        let mut setting = setting(knob.name, FILE, knob.form, value, reason);
        if value != "-1" {
            "real-time tasks may have this much of each second".clone_into(&mut setting.reason);
        }
        Ok(Means::step(crate::step::Step::WriteSetting(setting)))
    },
};
