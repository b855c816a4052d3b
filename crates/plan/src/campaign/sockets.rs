//! UDP sockets on the interfaces of a run: their addresses, and the steps that give them.

use tailbed_format::udp::UdpPort;

use super::network::Interface;
use crate::setup::End;
use crate::step::{LinkAddress, Step};

/// Gives every interface the address of its end. Frames are then sent to the interface itself, or the kernel would not take them in.
pub(super) fn with_addresses(mut links: Vec<[Interface; 2]>) -> Vec<[Interface; 2]> {
    for (number, ends) in links.iter_mut().enumerate() {
        for (end, address) in ends.iter_mut().zip(UdpPort::of_link(number)) {
            end.address = Some(address);
            end.towards = end.veth.mac;
        }
    }
    links
}

/// Both directions of every link.
fn directions(links: &[[Interface; 2]]) -> impl Iterator<Item = (&Interface, &Interface)> {
    links.iter().flat_map(|[near, far]| [(near, far), (far, near)])
}

/// The steps: none where interfaces have no addresses.
pub(super) fn steps(links: &[[Interface; 2]]) -> Vec<Step> {
    let give = |(own, peer): (&Interface, &Interface)| {
        Some(Step::GiveAddress(LinkAddress {
            namespace: own.veth.namespace.clone(),
            interface: own.veth.name.clone(),
            own: own.address?,
            peer: peer.address?,
            peer_mac: peer.veth.mac,
            to_itself: own.veth.namespace.is_some() && own.veth.namespace == peer.veth.namespace,
        }))
    };
    directions(links).filter_map(give).collect()
}

/// What the agent at some of the ends is told.
fn ports(links: &[[Interface; 2]], is_own: impl Fn(End) -> bool) -> Vec<UdpPort> {
    let own = directions(links).filter(|(own, _)| is_own(own.end));
    own.filter_map(|(own, peer)| Some(UdpPort { name: own.veth.name.clone(), own: own.address?, peer: peer.address? })).collect()
}

/// What the measuring agent is told.
pub(super) fn generator_ports(links: &[[Interface; 2]]) -> Vec<UdpPort> {
    ports(links, |end| matches!(end, End::Generator | End::Sink | End::Beside(..)))
}

/// What the agent of a node is told.
pub(super) fn node_ports(number: usize, links: &[[Interface; 2]]) -> Vec<UdpPort> {
    ports(links, |end| matches!(end, End::Node(node, _) if node == number))
}
