//! How frames got to and from the interfaces, for the list of what the instrument was.

use maud::{Markup, html};
use tailbed_format::port::{NodePorts, Ports};

/// Each agent's ports; several where runs differed, as they do when ports are swept.
pub(super) fn facts<'a>(runs: impl Iterator<Item = &'a [NodePorts]>) -> Markup {
    let mut nodes: Vec<(&str, Vec<Ports>)> = Vec::new();
    for NodePorts { node, ports } in runs.flatten() {
        match nodes.iter_mut().find(|(known, _)| known == node) {
            Some((_, all)) if all.contains(ports) => {}
            Some((_, all)) => all.push(*ports),
            None => nodes.push((node, vec![*ports])),
        }
    }
    html! {
        @for (node, ports) in nodes {
            dt { "Ports of " (node) }
            dd { (ports.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_said_once_each() {
        let row = |node: &str, ports| NodePorts { node: node.to_owned(), ports };
        let first = [row("generator", Ports::LATENCY), row("dut", Ports::FORWARDER)];
        let runs = [first.to_vec(), first.to_vec(), vec![row("dut", Ports::LATENCY)]];
        let text = facts(runs.iter().map(Vec::as_slice)).into_string();
        assert_eq!(
            text,
            "<dt>Ports of generator</dt><dd>sends by packet, receives by packet</dd>\
             <dt>Ports of dut</dt><dd>sends by packet-batch, receives by packet; sends by packet, receives by packet</dd>"
        );
    }
}
