//! How packets get to and from the interfaces.

use tailbed_format::port::{Ports, ReceivePort, SendPort};

use crate::experiment::{Node, Throughput, Traffic};
use crate::text::error::Fault;
use crate::text::tree::{self, Table};

/// Those of a load generator that measures latency. They are the same whatever the rate, so that what is swept is the only difference.
pub(super) fn of_load(traffic: &Traffic, tree: &Table<'_>) -> Result<Ports, Fault> {
    agree(traffic.port.or(Ports::LATENCY), &["traffic", "port"], tree)
}

/// Those of a load generator that seeks a throughput: what carries most is found out where it runs.
pub(super) fn of_search(settings: &Throughput, tree: &Table<'_>) -> Result<Ports, Fault> {
    agree(settings.port, &["throughput", "port"], tree)
}

/// Those of a forwarder.
pub(super) fn of_node(name: &str, node: &Node, tree: &Table<'_>) -> Result<Ports, Fault> {
    let path = ["nodes", name, "port"];
    let ports = agree(node.port.or(Ports::FORWARDER), &path, tree)?;
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

/// UDP sockets are at both ends or at none: what they send are packets of the kernel's own making.
fn agree(ports: Ports, path: &[&str], tree: &Table<'_>) -> Result<Ports, Fault> {
    let by_udp = [ports.send == SendPort::Udp, ports.receive == ReceivePort::Udp];
    if by_udp[0] == by_udp[1] {
        return Ok(ports);
    }
    let (key, other) = if by_udp[0] { ("send", "receive") } else { ("receive", "send") };
    let at: Vec<&str> = path.iter().copied().chain([key]).collect();
    Err(Fault::file("the port `udp` sends and receives, or does neither")
        .at(tree::span(tree, &at), format!("`{other}` is not udp"))
        .help("write port = { send = \"udp\", receive = \"udp\" }"))
}
