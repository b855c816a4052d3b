//! Wire formats: typed views over bytes, and the frame that is sent.
//!
//! A view is made by `parse`, which refuses bytes too short or inconsistent to hold the header; after that every field can be
//! read. Named ranges say where each field lies.

pub mod ethernet;
pub mod frames;
pub mod gre;
pub mod identifier;
pub mod ipv4;
pub mod mpls;
mod search;
pub mod template;
pub mod udp;
pub mod vlan;

pub use search::{identify, room};

/// Shortest frame that holds Ethernet, IPv4 and UDP headers and the identifier, without frame check sequence: with it, exactly
/// the 64 bytes of the shortest Ethernet frame (IEEE 802.3, 4A.4.2 `minFrameSize`).
pub const SHORTEST_FRAME: usize = ethernet::HEADER + ipv4::HEADER + udp::HEADER + identifier::LENGTH;

/// Longest frame sent: an MTU of 9 000 bytes and the Ethernet header.
pub const LONGEST_FRAME: usize = ethernet::HEADER + 9000;

const _: () = assert!(SHORTEST_FRAME == 60);

/// Two bytes in network order; the callers have checked that they exist.
#[inline]
pub(crate) fn word(bytes: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([bytes[at], bytes[at + 1]])
}
