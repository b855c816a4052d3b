//! Whether the kernel keeps connections of what comes in by links.

use crate::knob::means::Means;
use crate::knob::{About, Accepts, Knob, Manner};
use crate::step::{Form, Step, Untrack};

pub(super) const KNOB: Knob = Knob {
    name: "conntrack",
    unit: "a switch",
    what: "Has the kernel keep no connections of what comes in by links, whatever rules of a firewall are there.",
    why: "Looking up and making an entry for each flow takes a packet some hundred nanoseconds; when the table is full, packets are dropped.",
    source: "Documentation/networking/nf_conntrack-sysctl.rst; nft(8), NOTRACK STATEMENT",
    about: About::Links,
    accepts: Accepts::Switch,
    standard: "true",
    files: &[],
    form: Form::Text,
    manner: Manner {
        read: "by asking nftables for the table",
        set: "by a table of nftables in each namespace with ends of links, whose rules say notrack before connections are looked up",
        verified: "the kernel is asked for the table, at once and again when the work of the run is done",
        undone: "the table belongs to tailbed's socket, and goes when that is closed; when tailbed is killed, the kernel closes it",
    },
    plan: |knob, _, place| {
        let table = format!("tb_{}", place.token);
        Ok(Means::step(Step::Untrack(Untrack { namespace: None, interfaces: Vec::new(), table, knob: knob.name.to_owned() })))
    },
};
