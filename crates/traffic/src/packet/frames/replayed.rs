//! Recorded frames, sent again.

use tailbed_format::order::Measure;
use tailbed_format::recording::Recording;

use super::super::identifier::{self, Identifier};
use super::super::{LONGEST_FRAME, ethernet, room, udp};

/// Recorded frames with an identifier in each. Of a frame these bytes are changed: both MAC addresses (the first twelve), the first 18
/// of the payload of the innermost UDP datagram, and that datagram's checksum, which becomes zero, "not computed" (RFC 768).
#[derive(Debug, Clone)]
pub(super) struct Replayed {
    recording: Recording,
    /// For each frame where its identifier begins.
    places: Vec<usize>,
    /// The frame written last.
    written: usize,
}

/// A recorded frame cannot be sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotReplayable {
    /// Nothing was recorded.
    #[error("there is no recorded packet to send; give a capture that holds one")]
    Nothing,
    /// No room for an identifier.
    #[error(
        "packet {0} of the capture cannot carry an identifier: it is no UDP datagram in IPv4 with {length} bytes of payload or more; \
         filter the capture, for example: tcpdump -r all.pcap -w udp.pcap 'udp and greater 60'",
        length = identifier::LENGTH
    )]
    NoRoom(usize),
    /// Longer than any link carries.
    #[error("packet {packet} of the capture has {length} bytes; no link carries more than {LONGEST_FRAME}")]
    TooLong {
        /// Its number, from 1.
        packet: usize,
        /// Its bytes.
        length: usize,
    },
}

/// Whether a recorded frame, the `packet`-th counted from 1, can be sent again.
///
/// # Errors
/// When it cannot, with the reason.
pub fn check(packet: usize, frame: &[u8]) -> Result<usize, NotReplayable> {
    if frame.len() > LONGEST_FRAME {
        return Err(NotReplayable::TooLong { packet, length: frame.len() });
    }
    room(frame).ok_or(NotReplayable::NoRoom(packet))
}

impl Replayed {
    pub(super) fn new(mut recording: Recording, order: &Measure) -> Result<Self, NotReplayable> {
        if recording.is_empty() {
            return Err(NotReplayable::Nothing);
        }
        let mut places = Vec::with_capacity(recording.len());
        for packet in 0..recording.len() {
            let bytes = recording.frame_mut(packet);
            let datagram = check(packet + 1, bytes)?;
            if let Some(mut frame) = ethernet::Frame::parse(&mut *bytes) {
                frame.set_source(order.source);
                frame.set_destination(order.destination);
            }
            udp::clear_checksum(&mut bytes[datagram..]);
            let place = datagram + udp::HEADER;
            let identifier = Identifier { tag: order.tag, flow: 0, sequence: 0 };
            if !identifier.write(&mut bytes[place..]) {
                return Err(NotReplayable::NoRoom(packet + 1));
            }
            places.push(place);
        }
        Ok(Self { recording, places, written: 0 })
    }

    /// All packets are of the flow with this number from now on.
    pub(super) fn number(&mut self, flow: u32) {
        for (packet, place) in self.places.iter().enumerate() {
            super::number(&mut self.recording.frame_mut(packet)[*place..], flow);
        }
    }

    #[inline]
    pub(super) fn write(&mut self, sequence: u64) {
        self.written = usize::try_from(sequence % self.places.len() as u64).unwrap_or(0);
        let at = self.places[self.written] + identifier::SEQUENCE.start;
        self.recording.frame_mut(self.written)[at..at + 8].copy_from_slice(&sequence.to_be_bytes());
    }

    #[inline]
    pub(super) fn written(&self) -> &[u8] {
        self.recording.frame(self.written)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::order;
    use super::*;
    use crate::packet::identify;
    use crate::packet::template::{Head, Template};
    use tailbed_format::mac::MacAddress;
    use tailbed_format::traffic::Shape;

    fn recorded(length: usize) -> Vec<u8> {
        let head = Head { source: MacAddress([9; 6]), destination: MacAddress([8; 6]), tag: 1, length };
        let mut frame = Template::new(&head).unwrap().numbered(77).to_vec();
        // a checksum, and a payload that is none of ours
        frame[40..].fill(0xcc);
        frame
    }

    #[test]
    fn frames_keep_all_but_what_is_said_to_change() {
        let mut recording = Recording::default();
        recording.push(0, &recorded(60));
        recording.push(5, &recorded(1200));
        let mut replayed = Replayed::new(recording, &order(60, Shape::default())).unwrap();
        for (sequence, length) in [(0, 60), (1, 1200), (2, 60), (3, 1200)] {
            replayed.write(sequence);
            let (frame, original) = (replayed.written(), recorded(length));
            assert_eq!(identify(frame), Some(Identifier { tag: 7, flow: 0, sequence }));
            assert_eq!(frame[..12], [MacAddress::local(1, 2).0, MacAddress::local(1, 1).0].concat());
            assert_eq!(frame[12..40], original[12..40]);
            assert_eq!(frame[40..42], [0, 0]);
            assert_eq!(frame[60..], original[60..]);
        }
    }

    #[test]
    fn what_cannot_carry_an_identifier_is_named() {
        let mut recording = Recording::default();
        recording.push(0, &recorded(60));
        let mut other = recorded(60);
        other[23] = 6;
        recording.push(5, &other);
        let error = |recording| Replayed::new(recording, &order(60, Shape::default())).unwrap_err();
        assert_eq!(error(recording), NotReplayable::NoRoom(2));
        assert_eq!(error(Recording::default()), NotReplayable::Nothing);
        assert_eq!(check(4, &[0; 9_015]), Err(NotReplayable::TooLong { packet: 4, length: 9_015 }));
        let mut short = recorded(60);
        short[39] = 25;
        assert_eq!(check(3, &short), Err(NotReplayable::NoRoom(3)));
    }
}
