//! Finding the identifier of a packet that a device may have changed on its way.
//!
//! Devices rewrite MAC addresses, put VLAN tags on and take them off, rewrite addresses and time to live, mend checksums, and put whole
//! packets into others. So headers are followed from the outermost inwards until there is a UDP payload that begins with an identifier:
//! Ethernet with any number of VLAN tags, MPLS, IPv4, GRE, IPv4 in IPv4, and Ethernet or IPv4 within these. Checksums are not verified:
//! the identifier says whether a packet is ours.

use super::identifier::{self, Identifier};
use super::{ethernet, ipv4, udp, vlan, word};

/// EtherTypes of MPLS (RFC 3032, section 5): unicast and multicast.
const MPLS: [u16; 2] = [0x8847, 0x8848];

/// EtherType of bridged Ethernet in GRE (RFC 1701, section 2, "Trans Ether Bridging").
const BRIDGED_ETHERNET: u16 = 0x6558;

/// Bytes of an entry of an MPLS label stack (RFC 3032, section 2.1), and of a pseudowire's control word (RFC 4385, section 3).
const LABEL: usize = 4;

/// Headers followed at most, more than a tunnel with two tags within another takes; it bounds the search in what is not ours.
const DEEPEST: u32 = 12;

/// What bytes are the beginning of.
#[derive(Debug, Clone, Copy)]
enum Header {
    Ethernet,
    /// What an EtherType says.
    Typed(u16),
}

/// The identifier of a frame, where it is one of ours.
#[inline]
pub fn identify(frame: &[u8]) -> Option<Identifier> {
    match plain(frame) {
        Some(found) => Some(found),
        None => search(frame),
    }
}

/// UDP in IPv4 in Ethernet, as most are.
#[inline]
fn plain(frame: &[u8]) -> Option<Identifier> {
    let frame = ethernet::Frame::parse(frame)?;
    if frame.ethertype() != ethernet::IPV4 {
        return None;
    }
    let packet = ipv4::Packet::parse(frame.payload())?;
    if packet.protocol() != ipv4::UDP {
        return None;
    }
    Identifier::read(udp::Datagram::parse(packet.payload())?.payload())
}

fn search(frame: &[u8]) -> Option<Identifier> {
    let read = |datagram: &[u8]| Identifier::read(udp::Datagram::parse(datagram)?.payload());
    follow(Header::Ethernet, frame, DEEPEST, &read)
}

/// Where the innermost UDP header begins behind which there is room for an identifier, bytes from the beginning of the frame.
pub fn room(frame: &[u8]) -> Option<usize> {
    let place = |datagram: &[u8]| {
        let roomy = udp::Datagram::parse(datagram)?.payload().len() >= identifier::LENGTH;
        roomy.then(|| datagram.as_ptr().addr() - frame.as_ptr().addr())
    };
    follow(Header::Ethernet, frame, DEEPEST, &place)
}

/// Follows headers inwards, `left` of them at most, to what is made of a UDP datagram.
fn follow<T>(header: Header, bytes: &[u8], left: u32, read: &impl Fn(&[u8]) -> Option<T>) -> Option<T> {
    let left = left.checked_sub(1)?;
    match header {
        Header::Ethernet => {
            let frame = ethernet::Frame::parse(bytes)?;
            follow(Header::Typed(frame.ethertype()), &bytes[ethernet::HEADER..], left, read)
        }
        Header::Typed(ethernet::IPV4) => in_ipv4(bytes, left, read),
        Header::Typed(BRIDGED_ETHERNET) => follow(Header::Ethernet, bytes, left, read),
        Header::Typed(tag) if vlan::is_tag(tag) => {
            let tag = bytes.first_chunk::<{ vlan::TAG }>()?;
            follow(Header::Typed(word(tag, 2)), &bytes[vlan::TAG..], left, read)
        }
        Header::Typed(label) if MPLS.contains(&label) => in_mpls(bytes, left, read),
        Header::Typed(_) => None,
    }
}

fn in_ipv4<T>(bytes: &[u8], left: u32, read: &impl Fn(&[u8]) -> Option<T>) -> Option<T> {
    let packet = ipv4::Packet::parse(bytes)?;
    match packet.protocol() {
        ipv4::UDP => read(packet.payload()),
        ipv4::GRE => in_gre(packet.payload(), left, read),
        ipv4::IPV4 => follow(Header::Typed(ethernet::IPV4), packet.payload(), left, read),
        _ => None,
    }
}

/// A GRE header of version 0 (RFC 2784, with the key and sequence number of RFC 2890): four bytes, and four for each of checksum, key and
/// sequence number that its flags announce.
fn in_gre<T>(bytes: &[u8], left: u32, read: &impl Fn(&[u8]) -> Option<T>) -> Option<T> {
    const CHECKSUM: u16 = 0x8000;
    const ROUTING: u16 = 0x4000;
    const KEY: u16 = 0x2000;
    const SEQUENCE: u16 = 0x1000;
    const VERSION: u16 = 0x0007;
    let head = bytes.first_chunk::<4>()?;
    let flags = word(head, 0);
    if flags & (ROUTING | VERSION) != 0 {
        return None;
    }
    let options = [CHECKSUM, KEY, SEQUENCE].into_iter().filter(|flag| flags & flag != 0).count();
    follow(Header::Typed(word(head, 2)), bytes.get(4 + 4 * options..)?, left, read)
}

/// A stack of labels does not say what it is put before: IPv4 begins with a 4 (RFC 4928, section 2), and what is not an IPv4 packet
/// of ours may be an Ethernet frame, with or without a control word before it (RFC 4448, section 4.6).
fn in_mpls<T>(bytes: &[u8], left: u32, read: &impl Fn(&[u8]) -> Option<T>) -> Option<T> {
    const BOTTOM: u8 = 0x01;
    let (labels, _) = bytes.as_chunks::<LABEL>();
    let bottom = labels.iter().take(DEEPEST as usize).position(|label| label[2] & BOTTOM != 0)?;
    let inner = &bytes[(bottom + 1) * LABEL..];
    let packet = if inner.first()? >> 4 == 4 { follow(Header::Typed(ethernet::IPV4), inner, left, read) } else { None };
    let frame = || follow(Header::Ethernet, inner, left, read);
    let controlled =
        || inner.get(LABEL..).filter(|_| inner[0] >> 4 == 0).and_then(|frame| follow(Header::Ethernet, frame, left, read));
    packet.or_else(frame).or_else(controlled)
}

#[cfg(test)]
mod tests;
