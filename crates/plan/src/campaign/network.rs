//! Names and addresses along a path: every interface of a run, in the order packets pass them.

use tailbed_format::mac::MacAddress;

use crate::plan::GENERATOR;
use crate::setup::{End, Environment, Link, Node, Port};
use crate::step::VethEnd;

/// Interface names are at most 15 bytes (IFNAMSIZ in linux/if.h is 16 with the closing zero).
const LONGEST_INTERFACE: usize = 15;

/// Kind of [`MacAddress::local`] that interfaces have.
const INTERFACE: u8 = 1;

/// Kind of [`MacAddress::local`] that frames are sent to. It is never an interface's own: the receiving kernel then takes each frame
/// for another host's (`PACKET_OTHERHOST`), drops it at the door of its IP layer, and the packet socket, which sees all frames,
/// has it to itself.
const TRAFFIC: u8 = 2;

/// One end of a link as it will be on the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Interface {
    pub(super) end: End,
    pub(super) veth: VethEnd,
    /// Where frames that shall arrive here are sent.
    pub(super) towards: MacAddress,
}

/// Both interfaces of every link of the path.
pub(super) fn interfaces(path: &[Link], nodes: &[Node], token: &str) -> Vec<[Interface; 2]> {
    let mut number = 0;
    let mut interface = |end: End| {
        let (namespace, name) = place(end, nodes, token);
        let veth = VethEnd { namespace, name, mac: MacAddress::local(INTERFACE, number) };
        let towards = MacAddress::local(TRAFFIC, number);
        number += 1;
        Interface { end, veth, towards }
    };
    path.iter().map(|[near, far]| [interface(*near), interface(*far)]).collect()
}

/// The name of a role's network namespace and of its agent's container.
pub(super) fn named(token: &str, role: &str) -> String {
    format!("tb-{token}-{role}")
}

/// A node's network namespace; `None` for the host's own.
pub(super) fn namespace(node: &Node, token: &str) -> Option<String> {
    let own = !matches!(node.environment, Environment::Host { own_namespace: false });
    own.then(|| named(token, &node.name))
}

fn place(end: End, nodes: &[Node], token: &str) -> (Option<String>, String) {
    match end {
        End::Generator => (Some(named(token, GENERATOR)), "tx".to_owned()),
        End::Sink => (Some(named(token, GENERATOR)), "rx".to_owned()),
        End::Node(number, port) => match namespace(&nodes[number], token) {
            Some(namespace) => (Some(namespace), port.to_string()),
            None => (None, name_on_host(token, number, port)),
        },
    }
}

/// A name that no other interface of the host has: our prefix, as much of the token as there is room for, the node's number, the port.
fn name_on_host(token: &str, node: usize, port: Port) -> String {
    let end = format!("{node}{port}");
    let room = LONGEST_INTERFACE.saturating_sub("tb".len() + end.len());
    let token: String = token.chars().filter(char::is_ascii_alphanumeric).take(room).collect();
    format!("tb{token}{end}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_on_the_host_fit_whatever_the_token() {
        assert_eq!(name_on_host("a1b2c3", 0, Port::In), "tba1b2c30in");
        for token in ["", "a", "0123456789abcdef", "ä-/"] {
            for node in [0, 49, 9_999] {
                let name = name_on_host(token, node, Port::Out);
                assert!(name.len() <= LONGEST_INTERFACE && name.ends_with(&format!("{node}out")), "{name}");
            }
        }
    }
}
