//! Says how readily programs' memory is swapped out, against dropping what files have in memory.

use crate::knob::means::Means;
use crate::knob::{About, Accepts, Knob, WRITTEN};
use crate::step::Form;

const FILE: &str = "/proc/sys/vm/swappiness";

pub(super) const KNOB: Knob = Knob {
    name: "swappiness",
    unit: "a number",
    what: "Says how readily programs' memory is swapped out, against dropping what files have in memory.",
    why: "A page that was swapped out comes back from the disk, which takes milliseconds; memory of packet loops is locked, that of other programs in a node is not.",
    source: "Documentation/admin-guide/sysctl/vm.rst, swappiness",
    about: About::Host,
    accepts: Accepts::Number(0, 200),
    standard: "1",
    files: &[FILE],
    form: Form::Text,
    manner: WRITTEN,
    plan: |knob, value, place| Means::first_file(knob, value, "how readily memory is swapped out", place),
};
