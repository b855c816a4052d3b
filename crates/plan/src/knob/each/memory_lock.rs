//! Whether the memory of packet loops may leave.

use crate::knob::means::Means;
use crate::knob::{About, Accepts, Knob, Manner};
use crate::step::Form;

pub(super) const KNOB: Knob = Knob {
    name: "memory_lock",
    unit: "a switch",
    what: "Locks the memory of the nodes' packet loops.",
    why: "A page that was never touched, or was taken away, is a page fault of a microsecond, or a read from the disk.",
    source: "mlockall(2)",
    about: About::Nodes,
    accepts: Accepts::Switch,
    standard: "true",
    files: &[],
    form: Form::Text,
    manner: Manner {
        read: "from what the agent of each node answers to its order",
        set: "by the agent, on itself, before it takes packets; without this knob `isolation` decides",
        verified: "the agent says so where the kernel refuses it, which the run records",
        undone: "it ends with the agent",
    },
    plan: |_, _, place| {
        if place.facts.privilege.lock_memory {
            Ok(Means::default())
        } else {
            Err("memory cannot be locked: it needs root, or an unlimited memlock limit (ulimit -l)".to_owned())
        }
    },
};
