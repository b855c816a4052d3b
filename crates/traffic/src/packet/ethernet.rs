//! Ethernet II frames (IEEE 802.3, clause 3), without preamble and frame check sequence.

use std::ops::Range;

use tailbed_format::mac::MacAddress;

/// Length of the header, bytes.
pub const HEADER: usize = 14;

/// EtherType of IPv4 (RFC 894).
pub const IPV4: u16 = 0x0800;

/// EtherType of an IEEE 802.1Q VLAN tag.
pub const VLAN: u16 = 0x8100;

const DESTINATION: Range<usize> = 0..6;
const SOURCE: Range<usize> = 6..12;
const ETHERTYPE: Range<usize> = 12..14;

/// A view of a frame.
#[derive(Debug, Clone, Copy)]
pub struct Frame<T>(T);

impl<T: AsRef<[u8]>> Frame<T> {
    /// Views the bytes as a frame; `None` when they are fewer than a header.
    #[inline]
    pub fn parse(bytes: T) -> Option<Self> {
        (bytes.as_ref().len() >= HEADER).then_some(Self(bytes))
    }

    /// Whom it is for.
    pub fn destination(&self) -> MacAddress {
        self.address(DESTINATION)
    }

    /// Whom it is from.
    pub fn source(&self) -> MacAddress {
        self.address(SOURCE)
    }

    /// What the payload is.
    #[inline]
    pub fn ethertype(&self) -> u16 {
        super::word(self.0.as_ref(), ETHERTYPE.start)
    }

    /// What follows the header.
    #[inline]
    pub fn payload(&self) -> &[u8] {
        &self.0.as_ref()[HEADER..]
    }

    fn address(&self, range: Range<usize>) -> MacAddress {
        let mut octets = [0; 6];
        octets.copy_from_slice(&self.0.as_ref()[range]);
        MacAddress(octets)
    }
}

impl<T: AsRef<[u8]> + AsMut<[u8]>> Frame<T> {
    /// Writes whom it is for.
    #[inline]
    pub fn set_destination(&mut self, address: MacAddress) {
        self.0.as_mut()[DESTINATION].copy_from_slice(&address.0);
    }

    /// Writes whom it is from.
    #[inline]
    pub fn set_source(&mut self, address: MacAddress) {
        self.0.as_mut()[SOURCE].copy_from_slice(&address.0);
    }

    /// Writes what the payload is.
    pub fn set_ethertype(&mut self, ethertype: u16) {
        self.0.as_mut()[ETHERTYPE].copy_from_slice(&ethertype.to_be_bytes());
    }

    /// What follows the header, to be written.
    pub fn payload_mut(&mut self) -> &mut [u8] {
        &mut self.0.as_mut()[HEADER..]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn fields_lie_where_the_standard_puts_them() {
        let mut bytes = [0u8; 15];
        bytes[..14].copy_from_slice(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0x08, 0x00]);
        let frame = Frame::parse(&bytes).unwrap();
        assert_eq!(frame.destination(), MacAddress([1, 2, 3, 4, 5, 6]));
        assert_eq!(frame.source(), MacAddress([7, 8, 9, 10, 11, 12]));
        assert_eq!(frame.ethertype(), IPV4);
        assert_eq!(frame.payload(), [0]);
    }

    proptest! {
        #[test]
        fn any_bytes_parse_or_are_refused(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            match Frame::parse(&bytes) {
                Some(frame) => prop_assert_eq!(frame.payload().len(), bytes.len() - HEADER),
                None => prop_assert!(bytes.len() < HEADER),
            }
        }

        #[test]
        fn what_is_written_is_read(destination in any::<[u8; 6]>(), source in any::<[u8; 6]>(), ethertype in any::<u16>()) {
            let mut frame = Frame::parse([0u8; 20]).unwrap();
            frame.set_destination(MacAddress(destination));
            frame.set_source(MacAddress(source));
            frame.set_ethertype(ethertype);
            prop_assert_eq!(frame.destination(), MacAddress(destination));
            prop_assert_eq!(frame.source(), MacAddress(source));
            prop_assert_eq!(frame.ethertype(), ethertype);
        }
    }
}
