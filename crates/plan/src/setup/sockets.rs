//! How packets get to and from the interfaces.

use tailbed_format::port::{Ports, ReceivePort, SendPort};

use crate::experiment::{Node, Traffic};
use crate::text::error::Fault;
use crate::text::tree::{self, Table};

/// Those of a load generator that measures latency. They are the same whatever the rate, so that what is swept is the only difference.
pub(super) fn of_load(traffic: &Traffic) -> Ports {
    traffic.port.or(Ports::LATENCY)
}

/// Those of a forwarder.
pub(super) fn of_node(name: &str, node: &Node, tree: &Table<'_>) -> Result<Ports, Fault> {
    let ports = node.port.or(Ports::FORWARDER);
    if let (true, Some((key, port))) = (node.workers > 1, alone(ports)) {
        return Err(Fault::file(format!("node `{name}` cannot share an interface among {} workers by `{port}`", node.workers))
            .at(tree::span(tree, &["nodes", name, "port", key]), "one socket for each queue of an interface")
            .beside(tree::span(tree, &["nodes", name, "workers"]), format!("{} workers", node.workers))
            .help("write workers = 1, or leave the port out: several workers share a packet ring"));
    }
    Ok(ports)
}

/// What one worker has for itself.
fn alone(ports: Ports) -> Option<(&'static str, &'static str)> {
    let sends = matches!(ports.send, SendPort::XdpCopy | SendPort::XdpZeroCopy).then_some(("send", ports.send.name()));
    sends.or((ports.receive == ReceivePort::Xdp).then_some(("receive", ports.receive.name())))
}
