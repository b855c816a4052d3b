//! UDP datagrams (RFC 768).

use std::ops::Range;

/// Length of the header, bytes.
pub const HEADER: usize = 8;

const SOURCE: Range<usize> = 0..2;
const DESTINATION: Range<usize> = 2..4;
const LENGTH: Range<usize> = 4..6;
const CHECKSUM: Range<usize> = 6..8;

/// A view of a datagram.
#[derive(Debug, Clone, Copy)]
pub struct Datagram<T>(T);

impl<T: AsRef<[u8]>> Datagram<T> {
    /// Views the bytes as a datagram; `None` when its length does not fit the bytes there are.
    #[inline]
    pub fn parse(bytes: T) -> Option<Self> {
        let view = Self(bytes);
        if view.0.as_ref().len() < HEADER {
            return None;
        }
        let length = view.length();
        (length >= HEADER && length <= view.0.as_ref().len()).then_some(view)
    }

    /// What follows the header.
    #[inline]
    pub fn payload(&self) -> &[u8] {
        &self.0.as_ref()[HEADER..self.length()]
    }

    /// Port it is for.
    pub fn destination(&self) -> u16 {
        super::word(self.0.as_ref(), DESTINATION.start)
    }

    #[inline]
    fn length(&self) -> usize {
        usize::from(super::word(self.0.as_ref(), LENGTH.start))
    }
}

/// Writes the header before a payload that fills the rest of `datagram`; `false` when the datagram is too short or too long to be one.
///
/// The checksum is zero, that is "not computed", which RFC 768 allows over IPv4: it would have to be computed anew for each packet.
#[must_use]
pub fn write_header(datagram: &mut [u8], source: u16, destination: u16) -> bool {
    let Ok(length) = u16::try_from(datagram.len()) else { return false };
    let Some(header) = datagram.get_mut(..HEADER) else { return false };
    header[SOURCE].copy_from_slice(&source.to_be_bytes());
    header[DESTINATION].copy_from_slice(&destination.to_be_bytes());
    header[LENGTH].copy_from_slice(&length.to_be_bytes());
    header[CHECKSUM].fill(0);
    true
}

/// Takes the checksum out: zero is "not computed" (RFC 768).
pub fn clear_checksum(datagram: &mut [u8]) {
    if let Some(checksum) = datagram.get_mut(CHECKSUM) {
        checksum.fill(0);
    }
}

/// Writes other ports, of which only 16 bits count.
#[inline]
pub fn set_ports(datagram: &mut [u8], source: u32, destination: u32) {
    let Some(header) = datagram.get_mut(..HEADER) else { return };
    header[SOURCE].copy_from_slice(&source.to_be_bytes()[2..]);
    header[DESTINATION].copy_from_slice(&destination.to_be_bytes()[2..]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_bytes_parse_or_are_refused(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            if let Some(datagram) = Datagram::parse(&bytes) {
                prop_assert!(datagram.payload().len() <= bytes.len() - HEADER);
            }
        }

        #[test]
        fn what_is_written_parses(source in any::<u16>(), destination in any::<u16>(), length in HEADER..1600usize) {
            let mut bytes = vec![0xaa; length];
            prop_assert!(write_header(&mut bytes, source, destination));
            let datagram = Datagram::parse(&bytes).unwrap();
            prop_assert_eq!(datagram.destination(), destination);
            prop_assert_eq!(datagram.payload().len(), length - HEADER);
        }
    }
}
