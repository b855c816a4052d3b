//! Where the kernel's workers run that are bound to no core.

use crate::check::cpus::mask;
use crate::knob::means::Means;
use crate::knob::{About, Accepts, Knob, WRITTEN};
use crate::step::Form;

const FILE: &str = "/sys/devices/virtual/workqueue/cpumask";

pub(super) const KNOB: Knob = Knob {
    name: "workqueues",
    unit: "CPUs",
    what: "Keeps the kernel's workers that are bound to no core on the CPUs for all else.",
    why: "A worker that is given a job on a core sets the packet loop aside for as long as the job takes, some microseconds or many.",
    source: "Documentation/core-api/workqueue.rst, \"Affinity Scopes\"; Documentation/admin-guide/kernel-per-CPU-kthreads.rst",
    about: About::Cores,
    accepts: Accepts::Switch,
    standard: "true",
    files: &[FILE],
    form: Form::Mask,
    manner: WRITTEN,
    plan: |knob, _, place| {
        place.cores()?;
        Means::first_file(knob, mask(&place.housekeeping), "workers of the kernel's stay off packet cores", place)
    },
};
