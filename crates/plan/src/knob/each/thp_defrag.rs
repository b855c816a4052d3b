//! Decides whether a program that gets a huge page compacts memory for it itself.

use crate::knob::means::Means;
use crate::knob::{About, Accepts, Knob, WRITTEN};
use crate::step::Form;

const FILE: &str = "/sys/kernel/mm/transparent_hugepage/defrag";

pub(super) const KNOB: Knob = Knob {
    name: "thp_defrag",
    unit: "a word",
    what: "Decides whether a program that gets a huge page compacts memory for it itself.",
    why: "A page fault then takes as long as the compaction, which may be milliseconds.",
    source: "Documentation/admin-guide/mm/transhuge.rst",
    about: About::Host,
    accepts: Accepts::Words(&["always", "defer", "defer+madvise", "madvise", "never"]),
    standard: "defer",
    files: &[FILE],
    form: Form::Choice,
    manner: WRITTEN,
    plan: |knob, value, place| Means::first_file(knob, value, "who compacts memory for huge pages, and when", place),
};
