//! Lets the kernel move memory to the NUMA node where it thinks that it is used (1, 2) or leave it where it is (0).

use crate::knob::means::Means;
use crate::knob::{About, Accepts, Knob, WRITTEN};
use crate::step::Form;

const FILE: &str = "/proc/sys/kernel/numa_balancing";

pub(super) const KNOB: Knob = Knob {
    name: "numa_balancing",
    unit: "a number",
    what: "Lets the kernel move memory to the NUMA node where it thinks that it is used (1, 2) or leave it where it is (0).",
    why: "To find out, it takes pages away from a program again and again: each is a page fault, and one that moves the page takes longer.",
    source: "Documentation/admin-guide/sysctl/kernel.rst, numa_balancing",
    about: About::Host,
    accepts: Accepts::Number(0, 3),
    standard: "0",
    files: &[FILE],
    form: Form::Text,
    manner: WRITTEN,
    plan: |knob, value, place| Means::first_file(knob, value, "whether memory is moved between NUMA nodes", place),
};
