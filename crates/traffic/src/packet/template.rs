//! The frame that is sent: built once, then only its sequence number is written anew.

use std::ops::Range;

use tailbed_format::mac::MacAddress;
use tailbed_format::traffic::Flows;

use super::identifier::{self, Identifier};
use super::{LONGEST_FRAME, SHORTEST_FRAME, ethernet, ipv4, udp, vlan};

/// The flow of all packets of a template.
pub const FLOW: u32 = 0;

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
    "a frame of {length} bytes (without frame check sequence) cannot be made: it must be {shortest} to {LONGEST_FRAME} bytes long"
)]
pub struct WrongLength {
    /// Bytes that were asked for.
    pub length: usize,
    /// The fewest that hold all headers and the identifier.
    pub shortest: usize,
}

impl Template {
    /// Builds the frame; the bytes after the identifier are zero.
    ///
    /// # Errors
    /// When the length is out of range.
    pub fn new(head: &Head) -> Result<Self, WrongLength> {
        frame(head, &Flows::default()).map(Self)
    }

    /// The frame with this sequence number.
    #[inline]
    pub fn numbered(&mut self, sequence: u64) -> &[u8] {
        self.0[SEQUENCE].copy_from_slice(&sequence.to_be_bytes());
        &self.0
    }
}

/// The first packet of flow 0, with the VLAN tags of the flows; the bytes after the identifier are zero.
///
/// The UDP checksum is left out (zero), which RFC 768 allows over IPv4: it would have to be computed anew for each packet, and a device
/// that rewrites addresses need not mend it.
///
/// # Errors
/// When the length is out of range.
pub(super) fn frame(head: &Head, flows: &Flows) -> Result<Vec<u8>, WrongLength> {
    let tags = flows.tags.len() * vlan::TAG;
    let wrong = WrongLength { length: head.length, shortest: SHORTEST_FRAME + tags };
    if !(wrong.shortest..=LONGEST_FRAME).contains(&head.length) {
        return Err(wrong);
    }
    let mut bytes = vec![0; head.length];
    let mut frame = ethernet::Frame::parse(bytes.as_mut_slice()).ok_or(wrong)?;
    frame.set_source(head.source);
    frame.set_destination(head.destination);
    vlan::write(&mut bytes, &flows.tags, FLOW);
    let packet = bytes.get_mut(ethernet::HEADER + tags..).ok_or(wrong)?;
    let identifier = Identifier { tag: head.tag, flow: FLOW, sequence: 0 };
    let (source, destination) = (flows.source.of(FLOW).into(), flows.destination.of(FLOW).into());
    let header = ipv4::Header { source, destination, protocol: ipv4::UDP };
    let ports = [flows.source_port, flows.destination_port].map(|rule| u16::try_from(rule.of(FLOW)).unwrap_or(0));
    let written = header.write(packet)
        && udp::write_header(&mut packet[ipv4::HEADER..], ports[0], ports[1])
        && identifier.write(&mut packet[ipv4::HEADER + udp::HEADER..]);
    if written { Ok(bytes) } else { Err(wrong) }
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
        for length in [59, LONGEST_FRAME + 1] {
            assert_eq!(Template::new(&head(1, length)).err(), Some(WrongLength { length, shortest: 60 }));
        }
    }
}
