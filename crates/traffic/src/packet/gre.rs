//! Generic routing encapsulation (RFC 2784).

use super::{ipv4, word};

/// Length of a header without checksum, bytes.
pub const HEADER: usize = 4;

/// IPv4 protocol number.
pub const PROTOCOL: u8 = 47;

/// Protocol type of MPLS with downstream-assigned labels (RFC 4023, section 3.2): the EtherType of MPLS unicast.
pub const MPLS: u16 = 0x8847;

/// The header that is sent: no checksum, version 0, MPLS follows.
pub const MPLS_HEADER: [u8; HEADER] = {
    let [high, low] = MPLS.to_be_bytes();
    [0, 0, high, low]
};

const CHECKSUM_PRESENT: u16 = 0x8000;
/// Bits that a receiver must not let be set (RFC 2784, section 2.3: bits 1 to 5) and those of the version (section 2.3.1).
const MUST_BE_ZERO: u16 = 0x7c07;

/// Why a packet is not unpacked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// Too short for what its header says.
    Short,
    /// Bits that mean what this version does not know, among them the key and sequence number of RFC 2890.
    Unknown,
    /// Its checksum is wrong.
    Checksum,
}

/// The protocol type of a packet and where its payload begins.
///
/// # Errors
/// When it must be discarded.
#[inline]
pub fn parse(packet: &[u8]) -> Result<(u16, usize), Refused> {
    let header = packet.first_chunk::<HEADER>().ok_or(Refused::Short)?;
    let flags = word(header, 0);
    if flags & MUST_BE_ZERO != 0 {
        return Err(Refused::Unknown);
    }
    let length = if flags & CHECKSUM_PRESENT == 0 { HEADER } else { with_checksum(packet)? };
    Ok((word(header, 2), length))
}

/// The checksum covers header and payload (RFC 2784, section 2.5); two reserved bytes follow it.
#[cold]
fn with_checksum(packet: &[u8]) -> Result<usize, Refused> {
    if packet.len() < 2 * HEADER {
        return Err(Refused::Short);
    }
    if ipv4::checksum(packet) == 0 { Ok(2 * HEADER) } else { Err(Refused::Checksum) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn headers_are_told_apart() {
        assert_eq!(parse(&MPLS_HEADER), Ok((MPLS, 4)));
        assert_eq!(parse(&[0, 0, 8]), Err(Refused::Short));
        assert_eq!(parse(&[0x20, 0, 8, 0, 1, 2, 3, 4]), Err(Refused::Unknown), "a key");
        assert_eq!(parse(&[0, 1, 8, 0]), Err(Refused::Unknown), "version 1");
        assert_eq!(parse(&[0x80, 0, 8, 0, 0, 0]), Err(Refused::Short));
        let mut packet = [0x80, 0, 8, 0, 0, 0, 0, 0, 7];
        let sum = ipv4::checksum(&packet);
        packet[4..6].copy_from_slice(&sum.to_be_bytes());
        assert_eq!(parse(&packet), Ok((0x0800, 8)));
        packet[8] = 6;
        assert_eq!(parse(&packet), Err(Refused::Checksum));
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_packet_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..20)) {
            if let Ok((_, length)) = parse(&bytes) {
                prop_assert!(length <= bytes.len());
            }
        }
    }
}
