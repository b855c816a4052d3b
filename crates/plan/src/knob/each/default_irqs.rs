//! Where interrupts go that do not exist yet.

use crate::check::cpus::mask;
use crate::knob::means::Means;
use crate::knob::{About, Accepts, Knob, WRITTEN};
use crate::step::Form;

const FILE: &str = "/proc/irq/default_smp_affinity";

pub(super) const KNOB: Knob = Knob {
    name: "default_irqs",
    unit: "CPUs",
    what: "Sends interrupts of devices that are yet to come to the CPUs for all else.",
    why: "A device that appears during a run would have its interrupts on any core.",
    source: "Documentation/core-api/irq/irq-affinity.rst",
    about: About::Cores,
    accepts: Accepts::Switch,
    standard: "true",
    files: &[FILE],
    form: Form::Mask,
    manner: WRITTEN,
    plan: |knob, _, place| {
        place.cores()?;
        Means::first_file(knob, mask(&place.housekeeping), "interrupts yet to come stay off packet cores", place)
    },
};
