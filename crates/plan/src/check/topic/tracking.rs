//! Connection tracking, which looks at each packet.

use crate::check::cores::Cores;
use crate::check::finding::{Effect, Finding};
use crate::check::host::Host;

const TOPIC: &str = "connection tracking";
const COUNT: &str = "/proc/sys/net/netfilter/nf_conntrack_count";
const MOST: &str = "/proc/sys/net/netfilter/nf_conntrack_max";

pub(super) fn findings(host: &Host<'_>, _: &Cores) -> Vec<Finding> {
    let record = host.record;
    if !record.has(COUNT) {
        return vec![Finding::fine(TOPIC, "not in the kernel").seen(COUNT, "not there")];
    }
    let Some(count) = record.number(COUNT) else {
        return vec![Finding::unknown(record, TOPIC, COUNT, "How many connections are tracked")];
    };
    if count == 0 {
        return vec![Finding::fine(TOPIC, "no connection is tracked in this network namespace").read(record, COUNT)];
    }
    let full = record.number(MOST).is_some_and(|most| most > 0 && count >= most / 10 * 9);
    let is = format!("The kernel tracks {count} connections{}.", if full { ", nearly as many as it can" } else { "" });
    let why = if full {
        "Once the table is full, packets of new connections are dropped."
    } else {
        "Each packet through the kernel's IP is looked up in a table. The links of a run are in namespaces of their own, and see none of it \
         unless a script brings rules in."
    };
    // rules against it would take address translation and firewalls by state from the whole host with them
    let advice = if full {
        "raise net.netfilter.nf_conntrack_max (sysctl), or find out who opens so many"
    } else {
        "the knob `conntrack` of an experiment keeps it off the links of a run; the rest of the host needs nothing done"
    };
    let effect = if full { Effect::Milliseconds } else { Effect::Nanoseconds };
    vec![
        Finding::costly(TOPIC, effect, is, why, "Documentation/networking/nf_conntrack-sysctl.rst")
            .read(record, COUNT)
            .read(record, MOST)
            .note(advice),
    ]
}
