//! IPv4 packets (RFC 791).

use std::net::Ipv4Addr;
use std::ops::Range;

/// Length of a header without options, bytes.
pub const HEADER: usize = 20;

/// Protocol number of UDP (RFC 768).
pub const UDP: u8 = 17;

/// Protocol number of generic routing encapsulation (RFC 2784).
pub const GRE: u8 = 47;

/// Protocol number of IPv4 in IPv4 (RFC 2003).
pub const IPV4: u8 = 4;

const VERSION_AND_LENGTH: usize = 0;
const TOTAL_LENGTH: Range<usize> = 2..4;
const FLAGS_AND_OFFSET: Range<usize> = 6..8;
const TIME_TO_LIVE: usize = 8;
const PROTOCOL: usize = 9;
const CHECKSUM: Range<usize> = 10..12;
const SOURCE: Range<usize> = 12..16;
const DESTINATION: Range<usize> = 16..20;

/// A view of a packet.
#[derive(Debug, Clone, Copy)]
pub struct Packet<T>(T);

impl<T: AsRef<[u8]>> Packet<T> {
    /// Views the bytes as a packet; `None` when the version is not 4 or the lengths in the header do not fit the bytes there are.
    /// Bytes beyond the total length (Ethernet padding) are left out of the payload.
    #[inline]
    pub fn parse(bytes: T) -> Option<Self> {
        let view = Self(bytes);
        let bytes = view.0.as_ref();
        if bytes.len() < HEADER || bytes[VERSION_AND_LENGTH] >> 4 != 4 {
            return None;
        }
        let (header, total) = (view.header_length(), view.total_length());
        (header >= HEADER && header <= total && total <= bytes.len()).then_some(view)
    }

    /// The protocol of the payload.
    #[inline]
    pub fn protocol(&self) -> u8 {
        self.0.as_ref()[PROTOCOL]
    }

    /// Sender.
    #[inline]
    pub fn source(&self) -> Ipv4Addr {
        self.address(SOURCE)
    }

    /// Receiver.
    #[inline]
    pub fn destination(&self) -> Ipv4Addr {
        self.address(DESTINATION)
    }

    /// Whether the payload begins with that of the whole packet: the header of the next protocol is there.
    #[inline]
    pub fn is_first_fragment(&self) -> bool {
        const OFFSET: u16 = 0x1fff;
        super::word(self.0.as_ref(), FLAGS_AND_OFFSET.start) & OFFSET == 0
    }

    /// What follows the header and its options.
    #[inline]
    pub fn payload(&self) -> &[u8] {
        &self.0.as_ref()[self.header_length()..self.total_length()]
    }

    /// Whether the header checksum is right.
    pub fn checksum_holds(&self) -> bool {
        checksum(&self.0.as_ref()[..self.header_length()]) == 0
    }

    #[inline]
    fn address(&self, range: Range<usize>) -> Ipv4Addr {
        let mut octets = [0; 4];
        octets.copy_from_slice(&self.0.as_ref()[range]);
        octets.into()
    }

    #[inline]
    fn header_length(&self) -> usize {
        usize::from(self.0.as_ref()[VERSION_AND_LENGTH] & 0x0f) * 4
    }

    #[inline]
    fn total_length(&self) -> usize {
        usize::from(super::word(self.0.as_ref(), TOTAL_LENGTH.start))
    }
}

/// What a header without options says, apart from lengths and checksum.
#[derive(Debug, Clone, Copy)]
pub struct Header {
    /// Sender.
    pub source: Ipv4Addr,
    /// Receiver.
    pub destination: Ipv4Addr,
    /// Protocol of the payload.
    pub protocol: u8,
}

impl Header {
    /// Writes the header before a payload that fills the rest of `packet`; `false` when the packet is too short or too long to be one.
    ///
    /// The packet is atomic (don't-fragment set, identification 0: RFC 6864, section 4) and starts with a time to live of 64
    /// (RFC 1700).
    #[must_use]
    pub fn write(&self, packet: &mut [u8]) -> bool {
        let Ok(total) = u16::try_from(packet.len()) else { return false };
        let Some(header) = packet.get_mut(..HEADER) else { return false };
        header.fill(0);
        header[VERSION_AND_LENGTH] = 0x45;
        header[TOTAL_LENGTH].copy_from_slice(&total.to_be_bytes());
        header[FLAGS_AND_OFFSET].copy_from_slice(&0x4000u16.to_be_bytes());
        header[TIME_TO_LIVE] = 64;
        header[PROTOCOL] = self.protocol;
        header[SOURCE].copy_from_slice(&self.source.octets());
        header[DESTINATION].copy_from_slice(&self.destination.octets());
        let sum = checksum(header);
        header[CHECKSUM].copy_from_slice(&sum.to_be_bytes());
        true
    }
}

/// Writes other addresses, as numbers, into a header without options, and its checksum anew.
#[inline]
pub fn set_addresses(packet: &mut [u8], source: u32, destination: u32) {
    let Some(header) = packet.first_chunk_mut::<HEADER>() else { return };
    header[SOURCE].copy_from_slice(&source.to_be_bytes());
    header[DESTINATION].copy_from_slice(&destination.to_be_bytes());
    header[CHECKSUM].fill(0);
    let sum = checksum(header);
    header[CHECKSUM].copy_from_slice(&sum.to_be_bytes());
}

/// The Internet checksum (RFC 1071): the complement of the one's complement sum of 16-bit words. Zero over a header that holds its
/// right checksum.
pub(crate) fn checksum(bytes: &[u8]) -> u16 {
    let (words, rest) = bytes.as_chunks::<2>();
    let odd = rest.first().map_or(0, |&last| u32::from(last) << 8);
    let mut sum = words.iter().map(|&word| u32::from(u16::from_be_bytes(word))).sum::<u32>() + odd;
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The header that RFC 1071's sum is commonly shown with: its checksum is b861.
    #[test]
    fn the_checksum_of_a_known_header() {
        let header = [0x45, 0, 0, 0x73, 0, 0, 0x40, 0, 0x40, 0x11, 0, 0, 0xc0, 0xa8, 0, 0x01, 0xc0, 0xa8, 0, 0xc7u8];
        assert_eq!(checksum(&header), 0xb861);
    }

    proptest! {
        #[test]
        fn any_bytes_parse_or_are_refused(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            if let Some(packet) = Packet::parse(&bytes) {
                prop_assert!(packet.payload().len() <= bytes.len() - HEADER);
                let _ = (packet.protocol(), packet.checksum_holds());
            }
        }

        #[test]
        fn what_is_written_parses_with_its_checksum(
            source in any::<u32>(), destination in any::<u32>(), protocol in any::<u8>(), length in HEADER..1600usize,
        ) {
            let mut bytes = vec![0xaa; length];
            let header = Header { source: source.into(), destination: destination.into(), protocol };
            prop_assert!(header.write(&mut bytes));
            let packet = Packet::parse(&bytes).unwrap();
            prop_assert!(packet.checksum_holds());
            prop_assert_eq!(packet.protocol(), protocol);
            prop_assert_eq!(packet.payload().len(), length - HEADER);
        }
    }
}
