//! Lets the kernel merge equal pages of programs (1), stops it (0), or takes merged pages apart again as well (2).

use crate::knob::means::Means;
use crate::knob::{About, Accepts, Knob, WRITTEN};
use crate::step::Form;

const FILE: &str = "/sys/kernel/mm/ksm/run";

pub(super) const KNOB: Knob = Knob {
    name: "ksm",
    unit: "a number",
    what: "Lets the kernel merge equal pages of programs (1), stops it (0), or takes merged pages apart again as well (2).",
    why: "Writing to a merged page faults and copies it, and ksmd takes time and caches from a core while it compares.",
    source: "Documentation/admin-guide/mm/ksm.rst",
    about: About::Host,
    accepts: Accepts::Number(0, 2),
    standard: "2",
    files: &[FILE],
    form: Form::Text,
    manner: WRITTEN,
    plan: |knob, value, place| Means::first_file(knob, value, "whether equal pages are merged", place),
};
