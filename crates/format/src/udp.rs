//! UDP sockets on the interfaces of a path: their addresses and ports.

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

/// The port that datagrams are sent from: the first that no service is registered for (RFC 6335, section 6).
pub const FROM: u16 = 49152;

/// The port that they are sent to: the one after it. No port below 1024 is taken, which would need a capability (ip(7)).
pub const TO: u16 = 49153;

/// Bytes of a frame before the payload of its datagram: Ethernet, IPv4 without options, UDP.
pub const HEADERS: usize = 14 + 20 + 8;

/// The addresses of one end of a link between UDP sockets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UdpPort {
    /// The interface.
    pub name: String,
    /// Its address.
    pub own: Ipv4Addr,
    /// That of the interface at the other end.
    pub peer: Ipv4Addr,
}

impl UdpPort {
    /// Bits of a link's network: two hosts, its own address and that for all.
    pub const PREFIX: u8 = 30;

    /// More links than this have no addresses of their own: the networks of two hosts within 198.18.0.0/15.
    pub const MOST_LINKS: usize = 1 << 15;

    /// The addresses of the near and the far end of a link, counted from 0: a network of its own among the addresses set aside for the
    /// benchmarking of networks (RFC 2544, appendix C.2.2). Beyond [`Self::MOST_LINKS`] they begin again.
    pub fn of_link(number: usize) -> [Ipv4Addr; 2] {
        let number = u32::try_from(number % Self::MOST_LINKS).unwrap_or_default();
        let network = u32::from(Ipv4Addr::new(198, 18, 0, 0)) + number * 4;
        [network + 1, network + 2].map(Ipv4Addr::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_link_has_a_network_of_its_own_within_the_block() {
        assert_eq!(UdpPort::of_link(0), [Ipv4Addr::new(198, 18, 0, 1), Ipv4Addr::new(198, 18, 0, 2)]);
        assert_eq!(UdpPort::of_link(65), [Ipv4Addr::new(198, 18, 1, 5), Ipv4Addr::new(198, 18, 1, 6)]);
        assert_eq!(UdpPort::of_link(UdpPort::MOST_LINKS - 1)[1], Ipv4Addr::new(198, 19, 255, 254));
    }
}
