//! Which idle states the cores for packets may enter.

use crate::knob::means::{Means, setting};
use crate::knob::{About, Accepts, Knob, Place, WRITTEN};
use crate::step::Form;

pub(super) const KNOB: Knob = Knob {
    name: "idle_states",
    unit: "µs",
    what: "Bars the cores for packets from idle states that take longer than this to leave.",
    why: "As `idle_latency`, but for these cores only: the others may still sleep, which leaves these more of the processor's power.",
    source: "Documentation/admin-guide/pm/cpuidle.rst, \"Representation of Idle States\"",
    about: About::Cores,
    accepts: Accepts::Number(0, 1_000_000),
    standard: "1",
    files: &["/sys/devices/system/cpu/cpu*/cpuidle/state*/disable", "/sys/devices/system/cpu/cpu*/cpuidle/state*/latency"],
    form: Form::Text,
    manner: WRITTEN,
    plan,
};

fn plan(knob: &Knob, value: &str, place: &Place<'_>) -> Result<Means, String> {
    let most: i64 = value.parse().map_err(|_| format!("{value} is no number of microseconds"))?;
    let settings = place.settings();
    let mut each = Vec::new();
    let mut told = 0;
    for cpu in place.cores()? {
        let start = format!("/sys/devices/system/cpu/cpu{cpu}/cpuidle/");
        for (path, latency) in settings.matching(&start, "/latency") {
            told += 1;
            if latency.parse::<i64>().is_ok_and(|latency| latency > most) {
                let file = path.trim_end_matches("latency").to_owned() + "disable";
                each.push(setting(knob.name, file, knob.form, "1", "this idle state takes too long to leave"));
            }
        }
    }
    if told == 0 {
        return Err("the kernel knows of no idle states (/sys/devices/system/cpu/cpu*/cpuidle)".to_owned());
    }
    Means::write_all(each, settings)
}
