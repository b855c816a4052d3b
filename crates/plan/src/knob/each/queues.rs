//! How many queues the interfaces of links have.

use crate::knob::means::Means;
use crate::knob::{About, Accepts, Knob, TUNED};
use crate::step::{Form, Tunable};

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
    manner: TUNED,
    plan: |knob, value, _| {
        let value = value.parse().map_err(|_| format!("{value} is no number"))?;
        Ok(Means::tune(knob, Tunable::Queues, value))
    },
};
