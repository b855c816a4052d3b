//! Whether packets are joined and cut apart on their way.

use crate::knob::means::Means;
use crate::knob::{About, Accepts, Knob, Manner};
use crate::step::{Form, Step, Tunable, Tuning};

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
    manner: Manner {
        read: "by ethtool's netlink family, as ethtool(8) does, in the namespace of each interface",
        set: "the same way, once the links are there",
        verified: "read back at once, and again when the work of the run is done",
        undone: "interfaces of ours go with the run; on one that the host lends the value found before is set again, unless somebody else has changed it since",
    },
    plan: |knob, value, _| {
        let value = u32::from(value == "on");
        let (namespace, interface) = (None, String::new());
        Ok(Means::step(Step::TuneInterface(Tuning {
            namespace,
            interface,
            what: Tunable::Offloads,
            value,
            knob: knob.name.to_owned(),
        })))
    },
};
