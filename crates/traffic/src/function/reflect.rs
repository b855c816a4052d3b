//! Every frame goes back where it came from.

use tailbed_format::function::Reason;

use super::{Buffer, Exit, Exits, NetworkFunction};
use crate::packet::{ethernet, ipv4, udp, word};

const TCP: u8 = 6;

/// Swaps source and destination: MAC addresses always, IPv4 addresses where there is a header, UDP and TCP ports where there are any.
/// Checksums stay right, since the sum of swapped words is the same (RFC 1071, section 2 A). The time to live is left alone.
#[derive(Debug, Clone)]
pub struct Reflect(Exits);

impl Reflect {
    /// On these exits.
    pub fn new(exits: Exits) -> Self {
        Self(exits)
    }
}

impl NetworkFunction for Reflect {
    /// A frame for a group is dropped: nobody may send with a group's address (IEEE 802.3, section 3.2.3).
    #[inline]
    fn process(&mut self, frame: &mut Buffer<'_>, rule: usize) -> Result<Exit, Reason> {
        let exit = self.0.back(rule).ok_or(Reason::NoRoute)?;
        let (header, packet) = frame.bytes_mut().split_first_chunk_mut::<{ ethernet::HEADER }>().ok_or(Reason::Malformed)?;
        if header[0] & 1 != 0 {
            return Err(Reason::LinkBroadcast);
        }
        let is_ip = word(header, 12) == ethernet::IPV4;
        let (destination, source) = header.split_at_mut(6);
        destination.swap_with_slice(&mut source[..6]);
        if is_ip {
            swap_packet(packet)?;
        }
        Ok(exit)
    }
}

#[inline]
fn swap_packet(packet: &mut [u8]) -> Result<(), Reason> {
    let view = ipv4::Packet::parse(&*packet).ok_or(Reason::Malformed)?;
    let (protocol, first, payload) = (view.protocol(), view.is_first_fragment(), view.payload().len());
    let (source, destination) = packet[12..20].split_at_mut(4);
    source.swap_with_slice(destination);
    if matches!(protocol, ipv4::UDP | TCP) && first {
        if payload < udp::HEADER {
            return Err(Reason::Malformed);
        }
        let header = usize::from(packet[0] & 0x0f) * 4;
        let (source, destination) = packet[header..header + 4].split_at_mut(2);
        source.swap_with_slice(destination);
    }
    Ok(())
}
