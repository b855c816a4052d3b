//! The frame that is sent: built once, then only its sequence number is written anew.

use std::net::Ipv4Addr;
use std::ops::Range;

use tailbed_format::mac::MacAddress;

use super::identifier::{self, Identifier};
use super::{LONGEST_FRAME, SHORTEST_FRAME, ethernet, ipv4, udp};

/// The flow of all packets: there is one per run.
pub const FLOW: u32 = 0;

/// Addresses set aside for the benchmarking of networks (RFC 2544, appendix C.2.2; RFC 6890): no host has them by accident.
const SOURCE: Ipv4Addr = Ipv4Addr::new(198, 18, 0, 1);
const DESTINATION: Ipv4Addr = Ipv4Addr::new(198, 19, 0, 1);

/// First of the ports no service is registered for (RFC 6335), and the discard service (RFC 863).
const PORTS: (u16, u16) = (49152, 9);

const SEQUENCE: Range<usize> = {
    let payload = ethernet::HEADER + ipv4::HEADER + udp::HEADER;
    payload + identifier::SEQUENCE.start..payload + identifier::SEQUENCE.end
};

/// What a template is made from.
#[derive(Debug, Clone, Copy)]
pub struct Head {
    /// Source address of the frames.
    pub source: MacAddress,
    /// Destination address of the frames.
    pub destination: MacAddress,
    /// Tag of the run.
    pub tag: u32,
    /// Bytes of each frame without frame check sequence, [`SHORTEST_FRAME`] to [`LONGEST_FRAME`].
    pub length: usize,
}

/// A frame whose sequence number is written before each send.
#[derive(Debug, Clone)]
pub struct Template(Vec<u8>);

/// No frame of this length can be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a frame of {0} bytes (without frame check sequence) cannot be made: it must be {SHORTEST_FRAME} to {LONGEST_FRAME} bytes long"
)]
pub struct WrongLength(pub usize);

impl Template {
    /// Builds the frame; the bytes after the identifier are zero.
    ///
    /// # Errors
    /// When the length is out of range.
    pub fn new(head: &Head) -> Result<Self, WrongLength> {
        let wrong = WrongLength(head.length);
        if !(SHORTEST_FRAME..=LONGEST_FRAME).contains(&head.length) {
            return Err(wrong);
        }
        let mut bytes = vec![0; head.length];
        let mut frame = ethernet::Frame::parse(bytes.as_mut_slice()).ok_or(wrong)?;
        frame.set_source(head.source);
        frame.set_destination(head.destination);
        frame.set_ethertype(ethernet::IPV4);
        let packet = frame.payload_mut();
        let identifier = Identifier { tag: head.tag, flow: FLOW, sequence: 0 };
        let header = ipv4::Header { source: SOURCE, destination: DESTINATION, protocol: ipv4::UDP };
        let written = header.write(packet)
            && udp::write_header(&mut packet[ipv4::HEADER..], PORTS.0, PORTS.1)
            && identifier.write(&mut packet[ipv4::HEADER + udp::HEADER..]);
        if written { Ok(Self(bytes)) } else { Err(wrong) }
    }

    /// The frame with this sequence number.
    #[inline]
    pub fn numbered(&mut self, sequence: u64) -> &[u8] {
        self.0[SEQUENCE].copy_from_slice(&sequence.to_be_bytes());
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::super::identify;
    use super::*;
    use proptest::prelude::*;

    fn head(tag: u32, length: usize) -> Head {
        Head { source: MacAddress::local(0, 1), destination: MacAddress::local(0, 2), tag, length }
    }

    proptest! {
        #[test]
        fn a_frame_is_identified_by_what_it_was_made_from(
            tag in any::<u32>(), sequence in any::<u64>(), length in SHORTEST_FRAME..=LONGEST_FRAME,
        ) {
            let mut template = Template::new(&head(tag, length)).unwrap();
            let frame = template.numbered(sequence);
            prop_assert_eq!(frame.len(), length);
            prop_assert_eq!(identify(frame), Some(Identifier { tag, flow: FLOW, sequence }));
            prop_assert!(ipv4::Packet::parse(&frame[ethernet::HEADER..]).unwrap().checksum_holds());
        }
    }

    #[test]
    fn packets_differ_in_the_bytes_captures_are_matched_by() {
        let mut template = Template::new(&head(1, SHORTEST_FRAME)).unwrap();
        let first = template.numbered(0)[12..].to_vec();
        assert_ne!(first, template.numbered(1)[12..]);
    }

    #[test]
    fn other_lengths_are_refused() {
        assert_eq!(Template::new(&head(1, 59)).err(), Some(WrongLength(59)));
        assert_eq!(Template::new(&head(1, 1515)).err(), Some(WrongLength(1515)));
    }
}
