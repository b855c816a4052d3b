//! Names and addresses: every interface of a run, in the order packets pass them.

use std::net::Ipv4Addr;

use tailbed_format::mac::MacAddress;

use super::medium;
use crate::plan::GENERATOR;
use crate::plan::Hop;
use crate::setup::{End, Environment, Link, Medium, Node, Pass, Port, Way};
use crate::step::{GuestInterface, Step, Tap, VethEnd};

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
    /// Its name, its address and where it lies; in a virtual machine it lies in no namespace of the host's.
    pub(super) veth: VethEnd,
    /// Whether it is a virtual machine's.
    pub(super) guest: bool,
    /// Where frames that shall arrive here are sent.
    pub(super) towards: MacAddress,
    /// What its link is made of.
    pub(super) medium: Medium,
    /// Its address, where packets go by UDP sockets.
    pub(super) address: Option<Ipv4Addr>,
}

/// Both interfaces of every link.
pub(super) fn interfaces(links: &[Link], nodes: &[Node], token: &str) -> Vec<[Interface; 2]> {
    let mut number = 0;
    let mut beside = 0;
    let mut interface = |end: End| {
        beside += usize::from(matches!(end, End::Beside(..)));
        let (namespace, name) = place(end, nodes, token, beside);
        let veth = VethEnd { namespace, name, mac: MacAddress::local(INTERFACE, number), mtu: None };
        let towards = MacAddress::local(TRAFFIC, number);
        number += 1;
        let guest = matches!(end, End::Node(node, _) if is_guest(&nodes[node]));
        Interface { end, veth, guest, towards, medium: Medium::Veth, address: None }
    };
    links.iter().map(|[near, far]| [interface(*near), interface(*far)]).collect()
}

/// All of them carry packets of that size, where it is not the usual one.
pub(super) fn with_mtu(mut links: Vec<[Interface; 2]>, mtu: Option<u32>) -> Vec<[Interface; 2]> {
    links.iter_mut().flatten().for_each(|end| end.veth.mtu = mtu);
    links
}

/// The name of a role's network namespace and of its agent's container.
pub(super) fn named(token: &str, role: &str) -> String {
    format!("tb-{token}-{role}")
}

/// A node's network namespace; `None` for the host's own, and for virtual machines.
pub(super) fn namespace(node: &Node, token: &str) -> Option<String> {
    let without = matches!(node.environment, Environment::Host { own_namespace: false } | Environment::Vm { .. });
    (!without).then(|| named(token, &node.name))
}

fn is_guest(node: &Node) -> bool {
    matches!(node.environment, Environment::Vm { .. })
}

/// The interface at an end, and the one at the far end of its link.
pub(super) fn own_and_peer(end: End, links: &[[Interface; 2]]) -> Option<(&Interface, &Interface)> {
    let ends = links.iter().flat_map(|[near, far]| [(near, far), (far, near)]);
    ends.into_iter().find(|(own, _)| own.end == end)
}

/// The ports of a node that have links: `in`, `out`, then the others in the order in which packets come to them.
pub(super) fn ports(number: usize, links: &[[Interface; 2]]) -> Vec<Port> {
    let linked = links.iter().flatten().filter_map(|interface| match interface.end {
        End::Node(node, port) if node == number => Some(port),
        _ => None,
    });
    let mut ports: Vec<Port> = linked.collect();
    ports.sort_by_key(|port| [Port::IN, Port::OUT].iter().position(|usual| usual == port).unwrap_or(2));
    ports
}

/// The interfaces of a router's ports `out2`, `out3` and so on, up to the last that has a link; empty names between.
pub(super) fn further(number: usize, links: &[[Interface; 2]]) -> Vec<String> {
    let name = |port: u8| {
        let port = Port::named(&format!("out{port}"))?;
        own_and_peer(End::Node(number, port), links).map(|(own, _)| own.veth.name.clone())
    };
    let names: Vec<_> = (2..=tailbed_format::function::Port::MOST).map(name).collect();
    let count = names.iter().rposition(Option::is_some).map_or(0, |last| last + 1);
    names.into_iter().take(count).map(Option::unwrap_or_default).collect()
}

/// The nodes in the order packets of a way pass them; one that reflects has no way out.
pub(super) fn hops(way: &Way, links: &[[Interface; 2]], nodes: &[Node]) -> Vec<Hop> {
    let name = |node, port| own_and_peer(End::Node(node, port), links).map_or_else(String::new, |(own, _)| own.veth.name.clone());
    let hop = |pass: &Pass| Hop {
        node: nodes[pass.node].name.clone(),
        inward: name(pass.node, pass.inward),
        outward: if pass.outward == pass.inward { String::new() } else { name(pass.node, pass.outward) },
    };
    way.passes.iter().map(hop).collect()
}

/// Name of the namespace in the middle of a link, and of what lies in it.
fn wire(token: &str, link: usize) -> String {
    named(token, &format!("wire{link}"))
}

/// The namespaces in the middle of links: of a bridge, of the parent of macvlan interfaces, and between two virtual machines, neither of
/// which has one of its own where the taps could lie.
pub(super) fn wire_namespaces(links: &[[Interface; 2]], token: &str) -> Vec<String> {
    let middles = links.iter().enumerate().filter(|(_, ends)| medium::has_middle(ends));
    middles.map(|(number, _)| wire(token, number)).collect()
}

/// The steps that make the links. The other end of a virtual machine's interface is a tap, which takes the place of the far end of a
/// veth pair: so packets take no more hops than to a container. Between two virtual machines two taps are bridged.
pub(super) fn link_steps(links: &[[Interface; 2]], token: &str) -> Vec<Step> {
    let tap = |end: &VethEnd| {
        let VethEnd { namespace, name, mac, mtu } = end.clone();
        Step::MakeTap(Tap { namespace, name, mac, mtu })
    };
    let steps = links.iter().enumerate().flat_map(|(number, ends @ [near, far])| match (&near.medium, near.guest, far.guest) {
        // made before, by steps of their own
        (Medium::Memory { .. }, ..) => Vec::new(),
        (Medium::Macvlan { parent }, ..) => medium::macvlans(ends, &wire(token, number), parent.as_ref()),
        (Medium::Bridge, ..) | (Medium::Veth, true, true) => medium::bridged(ends, &wire(token, number)),
        (Medium::Veth, false, false) => vec![Step::MakeVeth { ends: [near.veth.clone(), far.veth.clone()] }],
        (Medium::Veth, true, false) => vec![tap(&far.veth)],
        (Medium::Veth, false, true) => vec![tap(&near.veth)],
    });
    steps.collect()
}

/// Where frames of a link can be seen as they reach one of its ends: namespace, interface, and whether they leave by it. They are seen where
/// they come in; what goes to a virtual machine, as it leaves by the tap on the host's side; between two machines and over a bridge, where it
/// comes in by the sender's port in the middle.
pub(super) fn seen(
    link: usize,
    sender: &Interface,
    receiver: &Interface,
    links: &[[Interface; 2]],
    token: &str,
) -> (Option<String>, String, bool) {
    let at = |end: &Interface| (end.veth.namespace.clone(), end.veth.name.clone());
    match (sender.guest, receiver.guest) {
        (_, false) => {
            let (namespace, name) = at(receiver);
            (namespace, name, false)
        }
        (false, true) if sender.medium != Medium::Bridge => {
            let (namespace, name) = at(sender);
            (namespace, name, true)
        }
        (_, true) => {
            let side = usize::from(links[link][1].end == sender.end);
            (Some(wire(token, link)), medium::PORTS[side].to_owned(), false)
        }
    }
}

/// The interfaces of a virtual machine, `in` before `out`, and these before others.
pub(super) fn guest_interfaces(number: usize, links: &[[Interface; 2]], token: &str) -> Vec<GuestInterface> {
    let interface = |port: Port| {
        let (own, peer) = own_and_peer(End::Node(number, port), links)?;
        if matches!(own.medium, Medium::Memory { .. }) {
            return None;
        }
        let (tap_namespace, tap) = if peer.guest || own.medium == Medium::Bridge {
            let link = links.iter().position(|link| link.iter().any(|end| end.end == own.end))?;
            let side = usize::from(links[link][1].end == own.end);
            (Some(wire(token, link)), medium::PORTS[side].to_owned())
        } else {
            (peer.veth.namespace.clone(), peer.veth.name.clone())
        };
        Some(GuestInterface { name: own.veth.name.clone(), mac: own.veth.mac, mtu: own.veth.mtu, tap_namespace, tap })
    };
    ports(number, links).into_iter().filter_map(interface).collect()
}

/// The namespace and the name of the interface at an end; the further ones of the measuring side are numbered.
fn place(end: End, nodes: &[Node], token: &str, beside: usize) -> (Option<String>, String) {
    match end {
        End::Generator => (Some(named(token, GENERATOR)), "tx".to_owned()),
        End::Sink => (Some(named(token, GENERATOR)), "rx".to_owned()),
        End::Beside(..) => (Some(named(token, GENERATOR)), format!("side{beside}")),
        End::Node(number, port) if is_guest(&nodes[number]) => (None, port.to_string()),
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
        assert_eq!(name_on_host("a1b2c3", 0, Port::IN), "tba1b2c30in");
        for token in ["", "a", "0123456789abcdef", "ä-/"] {
            for node in [0, 49, 9_999] {
                let name = name_on_host(token, node, Port::OUT);
                assert!(name.len() <= LONGEST_INTERFACE && name.ends_with(&format!("{node}out")), "{name}");
            }
        }
    }
}
