//! What a core that chooses its frequency itself is told.

use crate::knob::means::{Means, setting};
use crate::knob::{About, Accepts, Knob, Place, WRITTEN};
use crate::step::Form;

pub(super) const KNOB: Knob = Knob {
    name: "energy_preference",
    unit: "a word",
    what: "Tells the cores for packets, where they choose their frequency themselves, whether speed or energy counts (EPP).",
    why: "A core that saves energy is slow to speed up when packets come.",
    source: "Documentation/admin-guide/pm/intel_pstate.rst, \"Energy vs Performance Hints\"; amd-pstate.rst",
    about: About::Cores,
    accepts: Accepts::Words(&["performance", "balance_performance", "default", "balance_power", "power"]),
    standard: "performance",
    files: &["/sys/devices/system/cpu/cpu*/cpufreq/energy_performance_preference"],
    form: Form::Text,
    manner: WRITTEN,
    plan,
};

fn plan(knob: &Knob, value: &str, place: &Place<'_>) -> Result<Means, String> {
    let file = |cpu: &usize| format!("/sys/devices/system/cpu/cpu{cpu}/cpufreq/energy_performance_preference");
    let each = place.cores()?.iter().map(|cpu| setting(knob.name, file(cpu), knob.form, value, "speed or energy"));
    Means::write_all(each, place.settings())
}
