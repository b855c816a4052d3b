//! Which CPUs are watched.

use crate::knob::means::{Means, setting};
use crate::knob::{About, Accepts, Knob, WRITTEN};
use crate::step::Form;

const FILE: &str = "/proc/sys/kernel/watchdog_cpumask";

pub(super) const KNOB: Knob = Knob {
    name: "watchdog_cpus",
    unit: "CPUs",
    what: "Has the watchdogs look after the CPUs for all else only.",
    why: "Their timers and interrupts stay off the cores for packets, and the rest of the host is still looked after.",
    source: "Documentation/admin-guide/sysctl/kernel.rst, watchdog_cpumask",
    about: About::Cores,
    accepts: Accepts::Switch,
    standard: "true",
    files: &[FILE],
    form: Form::List,
    manner: WRITTEN,
    plan: |knob, _, place| {
        let setting = setting(knob.name, FILE, knob.form, place.house()?, "packet cores are not watched");
        Means::write(setting, place.settings())
    },
};
