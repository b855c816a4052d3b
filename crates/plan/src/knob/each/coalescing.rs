//! How long a network card waits for more packets.

use crate::knob::means::Means;
use crate::knob::{About, Accepts, Knob, Manner};
use crate::step::{Form, Step, Tunable, Tuning};

pub(super) const KNOB: Knob = Knob {
    name: "coalescing",
    unit: "µs",
    what: "Says how long the cards of links wait for more packets before they interrupt. Virtual links have no cards, and refuse it.",
    why: "Each packet that comes alone waits that long for company.",
    source: "ethtool(8), --coalesce; Documentation/networking/ethtool-netlink.rst",
    about: About::Links,
    accepts: Accepts::Number(0, 10_000),
    standard: "0",
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
            what: Tunable::Coalescing,
            value,
            knob: knob.name.to_owned(),
        })))
    },
};
