//! Says how often each CPU's memory statistics are gathered.

use crate::knob::means::Means;
use crate::knob::{About, Accepts, Knob, WRITTEN};
use crate::step::Form;

const FILE: &str = "/proc/sys/vm/stat_interval";

pub(super) const KNOB: Knob = Knob {
    name: "stat_interval",
    unit: "s",
    what: "Says how often each CPU's memory statistics are gathered.",
    why: "A worker of the kernel's runs on the core for it, and a task that spins there is set aside for some microseconds.",
    source: "Documentation/admin-guide/sysctl/vm.rst, stat_interval",
    about: About::Host,
    accepts: Accepts::Number(1, 3600),
    standard: "120",
    files: &[FILE],
    form: Form::Text,
    manner: WRITTEN,
    plan: |knob, value, place| Means::first_file(knob, value, "how often statistics of memory are gathered", place),
};
