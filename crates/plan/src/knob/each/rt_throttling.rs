//! How much of each second real-time tasks may have.

use tailbed_format::facts::Facts;

use crate::knob::means::{Means, setting};
use crate::knob::{About, Accepts, Knob, WRITTEN};
use crate::step::{Form, Step};

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
        let steps = set(knob, value, place.real_time, place.facts).into_iter().collect();
        Ok(Means { steps, ..Means::default() })
    },
};

/// Writes a value that is not there yet. The facts have had it for longer than what knobs read; without real-time priority it is in
/// nobody's way.
fn set(knob: &Knob, value: &str, real_time: bool, facts: &Facts) -> Option<Step> {
    let now = facts.rt_runtime_us?.to_string();
    let reason = match value {
        "-1" => "a loop that spins under SCHED_FIFO would be stopped for 50 ms each second",
        _ => "real-time tasks may have this much of each second",
    };
    (real_time && now != value).then(|| Step::WriteSetting(setting(knob.name, FILE, knob.form, value, reason)))
}
