//! Huge pages that are set aside.

use std::collections::BTreeMap;

use crate::check::cores::Cores;
use crate::check::finding::{Effect, Finding};
use crate::check::host::{Host, NODE};

const TOPIC: &str = "huge pages";
const FOLDER: &str = "/sys/kernel/mm/hugepages";

pub(super) fn findings(host: &Host<'_>, cores: &Cores) -> Vec<Finding> {
    let record = host.record;
    let sizes: Vec<(u64, String)> = record
        .names_below(FOLDER)
        .filter_map(|name| Some((name.strip_prefix("hugepages-")?.strip_suffix("kB")?.parse().ok()?, format!("{FOLDER}/{name}"))))
        .collect();
    if sizes.is_empty() {
        let finding =
            Finding::unknown(record, TOPIC, &format!("{FOLDER}/hugepages-2048kB/nr_hugepages"), "How many are set aside");
        return vec![finding.note("they need a kernel with CONFIG_HUGETLBFS")];
    }
    let mut counts = BTreeMap::new();
    for (size, folder) in &sizes {
        let file = format!("{folder}/nr_hugepages");
        match record.number(&file) {
            Some(count) if count >= 0 => drop(counts.insert(*size, (count, folder))),
            _ => return vec![Finding::unknown(record, TOPIC, &file, "How many are set aside")],
        }
    }
    let set: Vec<String> = counts
        .iter()
        .filter(|(_, (count, _))| *count > 0)
        .map(|(size, (count, folder))| {
            let free =
                record.number(&format!("{folder}/free_hugepages")).map_or_else(String::new, |free| format!(" ({free} free)"));
            format!("{count} of {}{free}{}", megabytes(*size), by_node(host, *size))
        })
        .collect();
    let read = |finding: Finding| {
        sizes.iter().fold(finding, |finding, (_, folder)| finding.read(record, &format!("{folder}/nr_hugepages")))
    };
    if !set.is_empty() {
        return vec![read(Finding::fine(TOPIC, set.join(", ")))];
    }
    let is = "No huge pages are set aside.";
    let why = "Forwarders of DPDK want them and virtual machines gain by them: with small pages the processor looks addresses up in tables \
               far more often.";
    let source = "Documentation/admin-guide/mm/hugetlbpage.rst; Performance optimization for latency-sensitive workloads in virtual \
                  systems (Arizona State 2015), Table 3.1";
    let node = cores.chosen.first().and_then(|cpu| host.node_of(*cpu)).unwrap_or(0);
    let file = format!("{NODE}/node{node}/hugepages/hugepages-2048kB/nr_hugepages");
    let file = if record.has(&file) { file } else { format!("{FOLDER}/hugepages-2048kB/nr_hugepages") };
    vec![read(Finding::costly(TOPIC, Effect::Nanoseconds, is, why, source)).run(format!("echo 1024 > {file}  # 2 GiB"))]
}

/// Where there is more than one node, how many lie on each.
fn by_node(host: &Host<'_>, size: u64) -> String {
    if host.nodes.len() < 2 {
        return String::new();
    }
    let count = |node: &usize| host.record.number(&format!("{NODE}/node{node}/hugepages/hugepages-{size}kB/nr_hugepages"));
    let counts: Vec<String> = host.nodes.keys().filter_map(|node| Some(format!("node {node}: {}", count(node)?))).collect();
    if counts.is_empty() { String::new() } else { format!(" [{}]", counts.join(", ")) }
}

/// A size of pages, from KiB.
fn megabytes(size: u64) -> String {
    match size {
        _ if size.is_multiple_of(1 << 20) => format!("{} GiB", size >> 20),
        _ if size.is_multiple_of(1 << 10) => format!("{} MiB", size >> 10),
        _ => format!("{size} KiB"),
    }
}
