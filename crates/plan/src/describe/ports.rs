//! How packets get to and from the interfaces, as a table.

use tailbed_format::order::{Order, Path};
use tailbed_format::port::{Ports, ReceivePort, SendPort};

use super::role;
use crate::plan::Run;

/// Node, way to send and way to receive; nothing on a simulated path.
pub(super) fn table(run: &Run) -> Vec<[String; 2]> {
    let agents = run.agents.iter().filter_map(|agent| match &agent.order {
        Order::Capture(_) | Order::Noise(_) | Order::Load(_) => None,
        Order::Measure(measure) if matches!(measure.path, Path::Simulated(_)) => None,
        Order::Measure(measure) => Some((&agent.node, measure.ports)),
        Order::Forward(forward) => Some((&agent.node, forward.ports)),
    });
    agents.map(|(node, ports)| [role(node), words(ports)]).collect()
}

fn words(ports: Ports) -> String {
    let send = match ports.send {
        SendPort::Auto => "xdp-zero-copy, xdp-copy or packet-batch, the first that is granted".to_owned(),
        send => send.to_string(),
    };
    let receive = match ports.receive {
        ReceivePort::Auto => ReceivePort::PacketBlocks,
        receive => receive,
    };
    format!("sends by {send}; receives by {receive}")
}
