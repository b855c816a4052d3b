//! How long a network card waits for more packets.

use crate::knob::means::Means;
use crate::knob::{About, Accepts, Knob, TUNED};
use crate::step::{Form, Tunable};

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
    manner: TUNED,
    plan: |knob, value, _| {
        let value = value.parse().map_err(|_| format!("{value} is no number"))?;
        Ok(Means::tune(knob, Tunable::Coalescing, value))
    },
};
