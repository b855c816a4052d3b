//! Says how eagerly the kernel compacts memory in the background.

use crate::knob::means::Means;
use crate::knob::{About, Accepts, Knob, WRITTEN};
use crate::step::Form;

const FILE: &str = "/proc/sys/vm/compaction_proactiveness";

pub(super) const KNOB: Knob = Knob {
    name: "compaction",
    unit: "a percentage",
    what: "Says how eagerly the kernel compacts memory in the background.",
    why: "Pages that are being moved cannot be used meanwhile, and every core is told to forget where they were.",
    source: "Documentation/admin-guide/sysctl/vm.rst, compaction_proactiveness",
    about: About::Host,
    accepts: Accepts::Number(0, 100),
    standard: "0",
    files: &[FILE],
    form: Form::Text,
    manner: WRITTEN,
    plan: |knob, value, place| Means::first_file(knob, value, "how eagerly memory is compacted", place),
};
