//! What a router does with an IPv4 header before and after it has found the way (RFC 1812, chapters 4.2 and 5).
//!
//! No ICMP error is sent: the forwarder's interfaces have no addresses that one could come from. What would be answered is counted.

use tailbed_format::function::Reason;

use crate::packet::{ethernet, ipv4, word};

const TOTAL_LENGTH: usize = 2;
const TIME_TO_LIVE: usize = 8;
const CHECKSUM: usize = 10;
const SOURCE: usize = 12;
const DESTINATION: usize = 16;

/// A header that is right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    /// Bytes of the header, options included.
    pub(super) length: usize,
    /// Bytes of the packet; what follows is padding of the frame.
    pub(super) total: usize,
    /// Sender.
    pub(super) source: u32,
    /// Receiver.
    pub(super) destination: u32,
}

/// The packet of a frame for one host.
#[inline]
pub(super) fn packet(frame: &[u8]) -> Result<&[u8], Reason> {
    let (header, packet) = frame.split_first_chunk::<{ ethernet::HEADER }>().ok_or(Reason::Malformed)?;
    if header[0] & 1 != 0 {
        return Err(Reason::LinkBroadcast);
    }
    if word(header, 12) == ethernet::IPV4 { Ok(packet) } else { Err(Reason::NotIp) }
}

/// The checks of RFC 1812, section 5.2.2: version, lengths, checksum.
#[inline]
pub(super) fn header(packet: &[u8]) -> Result<Header, Reason> {
    let plain = packet.first_chunk::<{ ipv4::HEADER }>().ok_or(Reason::Malformed)?;
    let length = usize::from(plain[0] & 0x0f) * 4;
    let total = usize::from(word(plain, TOTAL_LENGTH));
    if plain[0] >> 4 != 4 || length < ipv4::HEADER || total < length || total > packet.len() {
        return Err(Reason::Malformed);
    }
    let holds = if length == ipv4::HEADER { sums_up(plain) } else { sums_up(&packet[..length]) };
    if !holds {
        return Err(Reason::BadChecksum);
    }
    Ok(Header { length, total, source: number(plain, SOURCE), destination: number(plain, DESTINATION) })
}

/// The receiver of the packet that begins at a place in a frame, unchecked; 0 when the frame is too short.
#[inline]
pub(super) fn destination(frame: &[u8], packet: usize) -> u32 {
    frame.get(packet..packet + ipv4::HEADER).map_or(0, |header| number(header, DESTINATION))
}

/// Whether a header with these addresses may be forwarded at all, and its options let it.
#[inline]
pub(super) fn may_pass(packet: &[u8], header: &Header) -> Result<(), Reason> {
    if is_martian(header.source) || is_martian(header.destination) {
        return Err(Reason::Martian);
    }
    if header.length > ipv4::HEADER { options(&packet[ipv4::HEADER..header.length]) } else { Ok(()) }
}

/// Addresses of no single host that could be elsewhere: this network, loopback, groups, reserved ones and the limited broadcast
/// (RFC 1812, sections 4.2.2.11, 5.3.7; multicast routing is not done here).
#[inline]
fn is_martian(address: u32) -> bool {
    let network = address >> 24;
    network == 0 || network == 127 || network >= 224
}

/// Options are passed on as they are. RFC 1812, section 4.2.2.1: unknown ones must be; record route and timestamp have nothing to
/// be filled with by a router without addresses, and a loose source route concerns the router it names. A strict one that comes by
/// here has strayed from its way.
#[cold]
fn options(mut options: &[u8]) -> Result<(), Reason> {
    const END: u8 = 0;
    const NO_OPERATION: u8 = 1;
    const STRICT_SOURCE_ROUTE: u8 = 137;
    while let Some((&kind, rest)) = options.split_first() {
        options = match kind {
            END => return Ok(()),
            NO_OPERATION => rest,
            STRICT_SOURCE_ROUTE => return Err(Reason::SourceRoute),
            _ => {
                let length = usize::from(*rest.first().ok_or(Reason::Malformed)?);
                if length < 2 {
                    return Err(Reason::Malformed);
                }
                options.get(length..).ok_or(Reason::Malformed)?
            }
        };
    }
    Ok(())
}

/// One hop: the time to live becomes `from` less one, and the checksum follows. Refused when nothing would be left (RFC 1812,
/// section 5.3.1). `packet` holds a header.
#[inline]
pub(super) fn hop(packet: &mut [u8], from: u8) -> Result<(), Reason> {
    let header = packet.first_chunk_mut::<{ ipv4::HEADER }>().ok_or(Reason::Malformed)?;
    if from <= 1 {
        return Err(Reason::TtlExpired);
    }
    let before = word(header, TIME_TO_LIVE);
    header[TIME_TO_LIVE] = from - 1;
    let checksum = updated(word(header, CHECKSUM), before, word(header, TIME_TO_LIVE));
    header[CHECKSUM..CHECKSUM + 2].copy_from_slice(&checksum.to_be_bytes());
    Ok(())
}

/// The time to live of a packet that holds a header.
#[inline]
pub(super) fn time_to_live(packet: &[u8]) -> u8 {
    packet[TIME_TO_LIVE]
}

/// The checksum after one word has changed: HC' = ~(~HC + ~m + m'), RFC 1624, equation 3.
#[inline]
fn updated(checksum: u16, before: u16, after: u16) -> u16 {
    !folded(u64::from(!checksum) + u64::from(!before) + u64::from(after))
}

/// Whether a header's checksum is right. The sum is the same in either order of bytes, but for their order (RFC 1071, section 2 B),
/// and of a right header it is all ones.
#[inline]
fn sums_up(header: &[u8]) -> bool {
    let (words, _) = header.as_chunks::<4>();
    folded(words.iter().map(|&word| u64::from(u32::from_ne_bytes(word))).sum()) == u16::MAX
}

/// The one's complement sum of a sum's 16-bit words.
#[inline]
#[allow(clippy::cast_possible_truncation, reason = "the last fold leaves 16 bits")]
pub(super) fn folded(sum: u64) -> u16 {
    let sum = (sum >> 32) + (sum & 0xffff_ffff);
    let sum = (sum >> 32) + (sum & 0xffff_ffff);
    let sum = (sum >> 16) + (sum & 0xffff);
    let sum = (sum >> 16) + (sum & 0xffff);
    let sum = (sum >> 16) + (sum & 0xffff);
    sum as u16
}

#[inline]
fn number(bytes: &[u8], at: usize) -> u32 {
    u32::from(word(bytes, at)) << 16 | u32::from(word(bytes, at + 2))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn packet_of(ttl: u8, options: &[u8]) -> Vec<u8> {
        let length = 20 + options.len();
        let mut packet = vec![0; length];
        packet[0] = 0x40 | u8::try_from(length / 4).unwrap();
        packet[2..4].copy_from_slice(&u16::try_from(length).unwrap().to_be_bytes());
        packet[8] = ttl;
        packet[12..20].copy_from_slice(&[198, 18, 0, 1, 198, 19, 0, 1]);
        packet[20..].copy_from_slice(options);
        let sum = ipv4::checksum(&packet);
        packet[10..12].copy_from_slice(&sum.to_be_bytes());
        packet
    }

    /// The header of RFC 1624, section 4: HC = 0xDD2F, m = 0x5555, m' = 0x3285; the right answer is 0x0000, not 0xFFFF.
    #[test]
    fn the_example_of_rfc_1624() {
        assert_eq!(updated(0xdd2f, 0x5555, 0x3285), 0x0000);
    }

    #[test]
    fn options_are_walked() {
        let passes = |options: &[u8]| {
            let packet = packet_of(9, options);
            header(&packet).and_then(|header| may_pass(&packet, &header))
        };
        assert_eq!(passes(&[]), Ok(()));
        assert_eq!(passes(&[1, 1, 1, 0]), Ok(()));
        assert_eq!(passes(&[7, 7, 4, 0, 0, 0, 0, 0]), Ok(()));
        assert_eq!(passes(&[1, 137, 3, 4]), Err(Reason::SourceRoute));
        assert_eq!(passes(&[0, 137, 3, 4]), Ok(()));
        for broken in [[7, 1, 0, 0], [7, 5, 0, 0], [1, 1, 1, 7]] {
            assert_eq!(passes(&broken), Err(Reason::Malformed), "{broken:?}");
        }
    }

    proptest! {
        #[test]
        fn after_a_hop_the_checksum_is_that_of_the_header(ttl in any::<u8>(), words in any::<[u16; 4]>(), protocol in any::<u8>()) {
            let mut packet = packet_of(ttl, &[]);
            packet[9] = protocol;
            for (at, word) in [(4, words[0]), (12, words[1]), (16, words[2]), (18, words[3])] {
                packet[at..at + 2].copy_from_slice(&word.to_be_bytes());
            }
            packet[10..12].fill(0);
            let sum = ipv4::checksum(&packet);
            packet[10..12].copy_from_slice(&sum.to_be_bytes());
            prop_assert!(header(&packet).is_ok());
            let from = time_to_live(&packet);
            if hop(&mut packet, from).is_ok() {
                prop_assert_eq!(packet[8], ttl - 1);
                let found = word(&packet, 10);
                packet[10..12].fill(0);
                prop_assert_eq!(found, ipv4::checksum(&packet));
            } else {
                prop_assert!(ttl <= 1);
            }
        }

        #[test]
        fn a_header_is_right_when_the_parser_of_the_formats_says_so(
            mut bytes in proptest::collection::vec(any::<u8>(), 0..80), version in 3u8..6, right in any::<bool>(),
        ) {
            if bytes.len() >= 20 {
                bytes[0] = version << 4 | (bytes[0] % 8);
                bytes[2] = 0;
                let length = usize::from(bytes[0] & 15) * 4;
                if right && (20..=bytes.len()).contains(&length) {
                    bytes[10..12].fill(0);
                    let sum = ipv4::checksum(&bytes[..length]);
                    bytes[10..12].copy_from_slice(&sum.to_be_bytes());
                }
            }
            let expected = match ipv4::Packet::parse(&bytes) {
                Option::None => Err(Reason::Malformed),
                Some(packet) if !packet.checksum_holds() => Err(Reason::BadChecksum),
                Some(_) => Ok(()),
            };
            let found = header(&bytes);
            prop_assert_eq!(found.map(|_| ()), expected);
            if let Ok(header) = found {
                let _ = may_pass(&bytes, &header);
            }
        }
    }
}
