//! How a core's frequency is chosen.

use crate::knob::means::{Means, setting};
use crate::knob::{About, Accepts, Knob, Manner, Place, WRITTEN};
use crate::step::Form;

pub(super) const KNOB: Knob = Knob {
    name: "governor",
    unit: "a word",
    what: "Chooses how the frequency of the cores for packets is set.",
    why: "A core that has slowed down handles the first packets of a burst slowly, and to change its frequency takes tens of microseconds.",
    source: "Documentation/admin-guide/pm/cpufreq.rst; intel_pstate.rst, \"performance\"; amd-pstate.rst",
    about: About::Cores,
    accepts: Accepts::Words(&["performance", "powersave", "ondemand", "conservative", "schedutil"]),
    standard: "performance",
    files: &[
        "/sys/devices/system/cpu/cpu*/cpufreq/scaling_governor",
        "/sys/devices/system/cpu/cpu*/cpufreq/scaling_available_governors",
        "/sys/devices/system/cpu/cpu*/cpufreq/scaling_driver",
        "/sys/devices/system/cpu/cpu*/cpufreq/energy_performance_preference",
    ],
    form: Form::Text,
    manner: Manner {
        set: "by writing the file; of `performance` intel_pstate and amd-pstate-epp make the preference (EPP) `performance` as well, so that this is written first",
        undone: "the value found before is written back, then that of the preference, unless somebody else has changed it since",
        ..WRITTEN
    },
    plan,
};

/// Drivers that set the preference themselves when the governor becomes `performance` (`intel_pstate_hwp_set` in drivers/cpufreq/intel_pstate.c,
/// `amd_pstate_epp_update_limit` in amd-pstate.c; Linux 6.3 calls the latter by another name). That of AMD leaves it so when the governor goes back.
const PREFERRING: [&str; 3] = ["intel_pstate", "amd-pstate-epp", "amd_pstate_epp"];

const PREFERENCE: &str = "energy_performance_preference";

fn plan(knob: &Knob, value: &str, place: &Place<'_>) -> Result<Means, String> {
    let folder = |cpu: &usize| format!("/sys/devices/system/cpu/cpu{cpu}/cpufreq");
    let cores = place.cores()?;
    for cpu in cores {
        let there = place.settings().text(&format!("{}/scaling_available_governors", folder(cpu)));
        if let Some(there) = there.filter(|there| !there.split_whitespace().any(|word| word == value)) {
            return Err(format!("CPU {cpu} has no governor {value}; it has {there}"));
        }
    }
    let says = |cpu: &usize, file: &str| place.settings().text(&format!("{}/{file}", folder(cpu)));
    let preferring = |cpu: &&usize| {
        let driver = says(cpu, "scaling_driver").is_some_and(|driver| PREFERRING.contains(&driver.trim()));
        value == "performance" && driver && says(cpu, PREFERENCE).is_some()
    };
    let write = |cpu: &usize, file: &str, reason| setting(knob.name, format!("{}/{file}", folder(cpu)), knob.form, value, reason);
    // each is known before the governor changes it, and is put back after the governor, which under `performance` lets nobody do so
    let preferences = cores.iter().filter(preferring).map(|cpu| write(cpu, PREFERENCE, "as the governor makes it"));
    let governors = cores.iter().map(|cpu| write(cpu, "scaling_governor", "the frequency of packet cores"));
    Means::write_all(preferences.chain(governors), place.settings())
}
