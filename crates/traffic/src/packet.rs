//! Wire formats: typed views over bytes, and the frame that is sent.
//!
//! A view is made by `parse`, which refuses bytes too short or inconsistent to hold the header; after that every field can be
//! read. Named ranges say where each field lies.

pub mod ethernet;
pub mod gre;
pub mod identifier;
pub mod inside;
pub mod ipv4;
pub mod mpls;
pub mod template;
pub mod udp;
pub mod vlan;

use identifier::Identifier;

/// Shortest frame that holds Ethernet, IPv4 and UDP headers and the identifier, without frame check sequence: with it, exactly
/// the 64 bytes of the shortest Ethernet frame (IEEE 802.3, 4A.4.2 `minFrameSize`).
pub const SHORTEST_FRAME: usize = ethernet::HEADER + ipv4::HEADER + udp::HEADER + identifier::LENGTH;

/// Longest frame sent: an MTU of 1 500 bytes and the Ethernet header.
pub const LONGEST_FRAME: usize = ethernet::HEADER + 1500;

const _: () = assert!(SHORTEST_FRAME == 60);

/// The identifier of a frame, where it is one of ours: UDP in IPv4 in Ethernet with the identifier first in the payload. It is found
/// behind VLAN tags and in a tunnel as well ([`inside`]), so that a gateway can be measured.
///
/// Checksums are not verified: the frame may have been changed on its way, the identifier says whether it is ours.
#[inline]
pub fn identify(frame: &[u8]) -> Option<Identifier> {
    let view = ethernet::Frame::parse(frame)?;
    let plain = (view.ethertype() == ethernet::IPV4).then(|| ipv4::Packet::parse(view.payload())).flatten();
    let packet = match plain {
        Some(packet) if packet.protocol() == ipv4::UDP => packet,
        _ => unwrapped(frame)?,
    };
    Identifier::read(udp::Datagram::parse(packet.payload())?.payload())
}

#[cold]
fn unwrapped(frame: &[u8]) -> Option<ipv4::Packet<&[u8]>> {
    ipv4::Packet::parse(inside::packet(frame)?).filter(|packet| packet.protocol() == ipv4::UDP)
}

/// Two bytes in network order; the callers have checked that they exist.
#[inline]
pub(crate) fn word(bytes: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([bytes[at], bytes[at + 1]])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_bytes_are_identified_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = identify(&bytes);
        }

        /// Damage to a good frame is survived too: it reaches deeper than random bytes do.
        #[test]
        fn a_damaged_frame_is_identified_or_refused(
            at in 0usize..60, value in any::<u8>(), length in 0usize..60,
        ) {
            let mut template = template::Template::new(&template::Head {
                source: tailbed_format::mac::MacAddress::local(0, 1),
                destination: tailbed_format::mac::MacAddress::local(0, 2),
                tag: 7,
                length: SHORTEST_FRAME,
            }).unwrap();
            let mut frame = template.numbered(3).to_vec();
            frame[at] = value;
            let _ = identify(&frame);
            prop_assert!(identify(&frame[..length]).is_none());
        }
    }
}
