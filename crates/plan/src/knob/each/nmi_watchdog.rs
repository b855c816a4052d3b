//! Has a performance counter of each core interrupt it to find one that hangs (1), or not (0).

use crate::knob::means::Means;
use crate::knob::{About, Accepts, Knob, WRITTEN};
use crate::step::Form;

const FILE: &str = "/proc/sys/kernel/nmi_watchdog";

pub(super) const KNOB: Knob = Knob {
    name: "nmi_watchdog",
    unit: "a number",
    what: "Has a performance counter of each core interrupt it to find one that hangs (1), or not (0).",
    why: "An interrupt that nothing can hold off comes every ten seconds or so of a core that spins, and a counter is gone.",
    source: "Documentation/admin-guide/lockup-watchdogs.rst",
    about: About::Host,
    accepts: Accepts::Number(0, 1),
    standard: "0",
    files: &[FILE],
    form: Form::Text,
    manner: WRITTEN,
    plan: |knob, value, place| Means::first_file(knob, value, "whether cores are interrupted to see if they hang", place),
};
