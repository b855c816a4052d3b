//! Whether packets are joined and cut apart on their way.

use crate::knob::means::Means;
use crate::knob::{About, Accepts, Knob, TUNED};
use crate::step::{Form, Tunable};

pub(super) const KNOB: Knob = Knob {
    name: "offloads",
    unit: "a word",
    what: "Says whether the interfaces of links join packets that belong together and cut large ones apart (GRO, GSO, TSO, LRO).",
    why: "A packet that may be joined with the next waits for it; and what is joined is neither counted nor timed packet by packet.",
    source: "ethtool(8), --features; Documentation/networking/segmentation-offloads.rst",
    about: About::Links,
    accepts: Accepts::Words(&["on", "off"]),
    standard: "off",
    files: &[],
    form: Form::Text,
    manner: TUNED,
    plan: |knob, value, _| {
        let value = u32::from(value == "on");
        Ok(Means::tune(knob, Tunable::Offloads, value))
    },
};
