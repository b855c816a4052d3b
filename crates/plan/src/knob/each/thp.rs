//! Decides whether programs' memory is made of huge pages unasked.

use crate::knob::means::Means;
use crate::knob::{About, Accepts, Knob, WRITTEN};
use crate::step::Form;

const FILE: &str = "/sys/kernel/mm/transparent_hugepage/enabled";

pub(super) const KNOB: Knob = Knob {
    name: "thp",
    unit: "a word",
    what: "Decides whether programs' memory is made of huge pages unasked.",
    why: "Clearing a huge page at a page fault takes some hundred microseconds, and khugepaged stops a program's memory while it joins small ones.",
    source: "Documentation/admin-guide/mm/transhuge.rst",
    about: About::Host,
    accepts: Accepts::Words(&["always", "madvise", "never"]),
    standard: "madvise",
    files: &[FILE],
    form: Form::Choice,
    manner: WRITTEN,
    plan: |knob, value, place| Means::first_file(knob, value, "whether memory is made of huge pages unasked", place),
};
