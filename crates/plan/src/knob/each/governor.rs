//! How a core's frequency is chosen.

use crate::knob::means::{Means, setting};
use crate::knob::{About, Accepts, Knob, Place, WRITTEN};
use crate::step::Form;

pub(super) const KNOB: Knob = Knob {
    name: "governor",
    unit: "a word",
    what: "Chooses how the frequency of the cores for packets is set.",
    why: "A core that has slowed down handles the first packets of a burst slowly, and to change its frequency takes tens of microseconds.",
    source: "Documentation/admin-guide/pm/cpufreq.rst",
    about: About::Cores,
    accepts: Accepts::Words(&["performance", "powersave", "ondemand", "conservative", "schedutil"]),
    standard: "performance",
    files: &[
        "/sys/devices/system/cpu/cpu*/cpufreq/scaling_governor",
        "/sys/devices/system/cpu/cpu*/cpufreq/scaling_available_governors",
    ],
    form: Form::Text,
    manner: WRITTEN,
    plan,
};

fn plan(knob: &Knob, value: &str, place: &Place<'_>) -> Result<Means, String> {
    let folder = |cpu: &usize| format!("/sys/devices/system/cpu/cpu{cpu}/cpufreq");
    let cores = place.cores()?;
    for cpu in cores {
        let there = place.settings().text(&format!("{}/scaling_available_governors", folder(cpu)));
        if let Some(there) = there.filter(|there| !there.split_whitespace().any(|word| word == value)) {
            return Err(format!("CPU {cpu} has no governor {value}; it has {there}"));
        }
    }
    let reason = "the frequency of packet cores";
    let each = cores.iter().map(|cpu| setting(knob.name, format!("{}/scaling_governor", folder(cpu)), knob.form, value, reason));
    Means::write_all(each, place.settings())
}
