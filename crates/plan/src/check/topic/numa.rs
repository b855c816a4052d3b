//! Cores and cards on different NUMA nodes.

use std::collections::BTreeSet;

use crate::check::cores::{Cores, apart};
use crate::check::cpus::list;
use crate::check::finding::{Effect, Finding, short};
use crate::check::host::{Host, NODE};

const TOPIC: &str = "NUMA";
const SOURCE: &str = "Lightweight low-latency virtual networking (TU Munich 2022), 4.3, 6.2.1";
const WHY: &str = "Each packet crosses from one node to the other, published as about 1.7 µs more a packet, and shares the link between \
                   them with everything else that crosses.";

pub(super) fn findings(host: &Host<'_>, cores: &Cores) -> Vec<Finding> {
    if host.nodes.len() < 2 || cores.chosen.is_empty() {
        return Vec::new();
    }
    let mut found = Vec::new();
    let nodes: BTreeSet<usize> = cores.chosen.iter().filter_map(|cpu| host.node_of(*cpu)).collect();
    let names = |nodes: &BTreeSet<usize>| list(nodes);
    let distances = |finding: Finding| match nodes.first() {
        Some(first) => finding.read(host.record, &format!("{NODE}/node{first}/distance")),
        None => finding,
    };
    if nodes.len() > 1 {
        let is = format!("The cores for packets, {}, lie on NUMA nodes {}.", list(&cores.chosen), names(&nodes));
        let finding = Finding::costly(TOPIC, Effect::Microseconds, is, WHY, SOURCE);
        let one = nodes.first().and_then(|node| host.nodes.get(node)).map(|cpus| list(&apart(host, cpus))).unwrap_or_default();
        found.push(distances(finding).run(format!("tailbed check --cores {one}")));
    }
    let card = super::cards::card(host);
    if let Some((card, node)) = card.filter(|(_, node)| !nodes.contains(node)) {
        let is = format!("{} is on NUMA node {node}, the cores for packets are on {}.", short(card), names(&nodes));
        let near = host.nodes.get(&node).map(|cpus| list(&apart(host, cpus))).unwrap_or_default();
        found.push(
            Finding::costly(TOPIC, Effect::Microseconds, is, WHY, SOURCE)
                .read(host.record, &super::cards::node_file(host, card))
                .run(format!("tailbed check --cores {near}")),
        );
    }
    if found.is_empty() {
        let beside = card.map_or_else(String::new, |(card, _)| format!(", beside {}", short(card)));
        found.push(distances(Finding::fine(TOPIC, format!("the cores for packets are on one node, {}{beside}", names(&nodes)))));
    }
    found
}
