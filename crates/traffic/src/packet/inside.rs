//! The packet that a frame carries for its sender, whatever a gateway has put around it.

use super::{ethernet, gre, ipv4, mpls, vlan, word};

/// Tags and tunnels that are looked into: two tags, and one tunnel.
const DEEPEST: usize = 4;

/// The innermost IPv4 packet of a frame: behind VLAN tags (802.1Q, 802.1ad), and within MPLS in GRE over IPv4 (RFC 4023). Checksums are
/// not verified, except that of GRE where it has one.
pub fn packet(frame: &[u8]) -> Option<&[u8]> {
    let mut kind = word(frame.first_chunk::<{ ethernet::HEADER }>()?, ethernet::HEADER - 2);
    let mut inside = &frame[ethernet::HEADER..];
    for _ in 0..DEEPEST {
        match kind {
            vlan::CUSTOMER | vlan::SERVICE => {
                kind = word(inside.first_chunk::<{ vlan::TAG }>()?, 2);
                inside = &inside[vlan::TAG..];
            }
            ethernet::IPV4 => {
                let packet = ipv4::Packet::parse(inside)?;
                if packet.protocol() != gre::PROTOCOL {
                    return Some(inside);
                }
                let start = inside.len().min(usize::from(inside[0] & 0x0f) * 4);
                let tunnelled = &inside[start..][..packet.payload().len()];
                (kind, inside) = match gre::parse(tunnelled).ok()? {
                    (gre::MPLS, length) => (ethernet::IPV4, below_labels(&tunnelled[length..])?),
                    (other, length) => (other, &tunnelled[length..]),
                };
            }
            _ => return None,
        }
    }
    None
}

/// What follows the bottom of a label stack.
fn below_labels(mut stack: &[u8]) -> Option<&[u8]> {
    loop {
        let entry = mpls::Entry::read(stack)?;
        stack = &stack[mpls::ENTRY..];
        if entry.bottom {
            return Some(stack);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use tailbed_format::mac::MacAddress;

    use super::super::SHORTEST_FRAME;
    use super::super::identifier::Identifier;
    use super::super::template::{FLOW, Head, Template};

    fn frame() -> Vec<u8> {
        let head = Head { source: MacAddress::local(0, 1), destination: MacAddress::local(0, 2), tag: 7, length: SHORTEST_FRAME };
        Template::new(&head).unwrap().numbered(3).to_vec()
    }

    /// A header of protocol GRE before the packet of a frame.
    fn tunnelled(around: &[u8]) -> Vec<u8> {
        let frame = frame();
        let mut outer = [&frame[..14], &[0; 20][..], around, &frame[14..]].concat();
        let length = outer.len() - 14;
        let header = ipv4::Header { source: [1, 1, 1, 1].into(), destination: [2, 2, 2, 2].into(), protocol: gre::PROTOCOL };
        assert!(header.write(&mut outer[14..34]));
        outer[16..18].copy_from_slice(&u16::try_from(length).unwrap().to_be_bytes());
        outer
    }

    #[test]
    fn the_identifier_is_found_behind_tags_and_in_tunnels() {
        let plain = frame();
        let with = |at: usize, bytes: &[u8]| [&plain[..at], bytes, &plain[at..]].concat();
        let seen = |frame: &[u8]| super::super::identify(frame);
        let expected = Some(Identifier { tag: 7, flow: FLOW, sequence: 3 });
        assert_eq!(seen(&plain), expected);
        assert_eq!(seen(&with(12, &[0x81, 0, 0, 5])), expected);
        assert_eq!(seen(&with(12, &[0x88, 0xa8, 0, 5, 0x81, 0, 0, 7])), expected);
        assert_eq!(seen(&tunnelled(&[0, 0, 0x88, 0x47, 0, 1, 1, 64])), expected);
        assert_eq!(seen(&tunnelled(&[0, 0, 0x88, 0x47, 0, 1, 0, 64, 0, 2, 1, 64])), expected);
        assert_eq!(seen(&tunnelled(&[0, 0, 8, 0])), expected);
        assert_eq!(seen(&tunnelled(&[0, 0, 0x88, 0x47, 0, 1, 0, 64])), None, "the stack has no bottom");
        assert_eq!(seen(&with(12, &[0x81, 0, 0, 5].repeat(5))), None, "deeper than anything is sent");
    }

    proptest! {
        #[test]
        fn any_bytes_hold_a_packet_or_none(mut bytes in proptest::collection::vec(any::<u8>(), 0..120), kind in 0usize..4) {
            if let Some(kinds) = bytes.get_mut(12..14) {
                kinds.copy_from_slice(&[[0x81, 0], [0x88, 0xa8], [8, 0], [0x86, 0xdd]][kind]);
            }
            let _ = super::super::identify(&bytes);
        }

        #[test]
        fn damage_is_survived(at in 0usize..90, value in any::<u8>(), length in 0usize..90) {
            let mut bytes = tunnelled(&[0, 0, 0x88, 0x47, 0, 1, 1, 64]);
            if let Some(byte) = bytes.get_mut(at) {
                *byte = value;
            }
            let _ = super::super::identify(&bytes[..length.min(bytes.len())]);
        }
    }
}
