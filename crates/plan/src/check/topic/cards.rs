//! Network cards: driver, queues, interrupts, NUMA node, virtual functions, time stamps.

use crate::check::cores::Cores;
use crate::check::finding::{Finding, short};
use crate::check::host::Host;

const NET: &str = "/sys/class/net";

pub(super) fn findings(host: &Host<'_>, _: &Cores) -> Vec<Finding> {
    let cards: Vec<&str> = cards(host).collect();
    if cards.is_empty() {
        let is = "none that is a device: links between namespaces and machines need none";
        return vec![Finding::fine("network cards", is).seen(format!("{NET}/*/device/driver"), "not there")];
    }
    cards.into_iter().map(|name| told(host, name)).collect()
}

/// Interfaces with a device and its driver; bridges, pairs and loops have none.
fn cards<'a>(host: &Host<'a>) -> impl Iterator<Item = &'a str> {
    let names = host.record.names_below(NET).collect::<Vec<_>>();
    names.into_iter().filter(|name| host.record.links.contains_key(&format!("{NET}/{name}/device/driver")))
}

/// The file that tells a card's NUMA node: of a virtio card its PCI function's, one folder up.
pub(super) fn node_file(host: &Host<'_>, name: &str) -> String {
    let file = format!("{NET}/{name}/device/numa_node");
    if host.record.has(&file) { file } else { format!("{NET}/{name}/device/../numa_node") }
}

fn node(host: &Host<'_>, name: &str) -> Option<usize> {
    host.record
        .number(&node_file(host, name))
        .and_then(|node| usize::try_from(node).ok())
        .filter(|node| host.nodes.contains_key(node))
}

/// The card that packets most likely come by, with its node: the fastest that is up, of equals the first.
pub(in crate::check) fn card<'a>(host: &Host<'a>) -> Option<(&'a str, usize)> {
    let speed = |name: &str| {
        let up = host.record.text(&format!("{NET}/{name}/operstate")) == Some("up");
        (up, host.record.number(&format!("{NET}/{name}/speed")).unwrap_or(0))
    };
    let mut found: Vec<(&str, usize)> = cards(host).filter_map(|name| Some((name, node(host, name)?))).collect();
    // stable: of equals the first by name stays first
    found.sort_by_key(|(name, _)| std::cmp::Reverse(speed(name)));
    found.first().copied()
}

fn told(host: &Host<'_>, name: &str) -> Finding {
    let record = host.record;
    let folder = format!("{NET}/{name}");
    let driver = format!("{folder}/device/driver");
    let queues = |kind: &str, file: &str| {
        let queues = format!("{folder}/queues");
        let is = |queue: &&str| queue.starts_with(kind) && record.has(&format!("{queues}/{queue}/{file}"));
        record.names_below(&queues).filter(is).count()
    };
    let mut parts = vec![format!("driver {}", record.links.get(&driver).map(|driver| short(driver)).unwrap_or_default())];
    parts.extend(record.text(&format!("{folder}/operstate")).map(short));
    parts.extend(record.number(&format!("{folder}/speed")).filter(|speed| *speed > 0).map(|speed| format!("{speed} Mbit/s")));
    let (receive, send) = (queues("rx-", "rps_cpus"), queues("tx-", "tx_timeout"));
    if receive + send > 0 {
        parts.push(format!("{receive} queues in, {send} out"));
    }
    let vectors = ["device", "device/.."].map(|device| record.names_below(&format!("{folder}/{device}/msi_irqs")).count());
    let interrupts: usize = vectors.iter().sum();
    if interrupts > 0 {
        parts.push(format!("{interrupts} interrupts"));
    }
    parts.extend(node(host, name).map(|node| format!("NUMA node {node}")));
    let functions = |file: &str| record.number(&format!("{folder}/device/{file}"));
    parts.push(match (functions("sriov_totalvfs"), functions("sriov_numvfs")) {
        (Some(most), Some(now)) if most > 0 => format!("{now} of {most} virtual functions"),
        _ => "no virtual functions".to_owned(),
    });
    let ptp = format!("{folder}/device/ptp");
    parts.push(match record.names_below(&ptp).next() {
        Some(clock) => format!("a clock of its own for time stamps ({})", short(clock)),
        None => "no clock of its own for time stamps: software ones only".to_owned(),
    });
    Finding::fine("network card", format!("{}: {}", short(name), parts.join(", "))).seen(folder, "")
}
