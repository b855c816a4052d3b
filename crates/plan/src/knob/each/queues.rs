//! How many queues the interfaces of links have.

use crate::knob::means::Means;
use crate::knob::{About, Accepts, Knob, Manner};
use crate::step::{Form, Step, Tunable, Tuning};

pub(super) const KNOB: Knob = Knob {
    name: "queues",
    unit: "queues",
    what: "Says how many queues the interfaces of links have, to receive and to send.",
    why: "Each queue is served on a core of its own: with more than one, packets spread over cores, and may pass each other.",
    source: "ethtool(8), --set-channels; Documentation/networking/scaling.rst",
    about: About::Links,
    accepts: Accepts::Number(1, 1024),
    standard: "1",
    files: &[],
    form: Form::Text,
    manner: Manner {
        read: "by ethtool's netlink family, as ethtool(8) does, in the namespace of each interface",
        set: "the same way, once the links are there",
        verified: "read back at once, and again when the work of the run is done",
        undone: "interfaces of ours go with the run; on one that the host lends the value found before is set again, unless somebody else has changed it since",
    },
    plan: |knob, value, _| {
        let value = value.parse().map_err(|_| format!("{value} is no number"))?;
        let (namespace, interface) = (None, String::new());
        Ok(Means::step(Step::TuneInterface(Tuning {
            namespace,
            interface,
            what: Tunable::Queues,
            value,
            knob: knob.name.to_owned(),
        })))
    },
};
