use super::*;
use crate::packet::SHORTEST_FRAME;
use crate::packet::template::{Head, Template};
use proptest::prelude::*;
use tailbed_format::mac::MacAddress;

const SEQUENCE: u64 = 3;
const FOUND: Identifier = Identifier { tag: 7, flow: 0, sequence: SEQUENCE };

fn frame() -> Vec<u8> {
    let (source, destination) = (MacAddress::local(0, 1), MacAddress::local(0, 2));
    let mut template = Template::new(&Head { source, destination, tag: 7, length: SHORTEST_FRAME }).unwrap();
    template.numbered(SEQUENCE).to_vec()
}

/// A header and what it is put before.
#[derive(Debug, Clone, Copy)]
enum Wrap {
    Tag(u16),
    /// GRE with so many of checksum, key and sequence number; what it carries is an Ethernet frame, or IPv4 alone.
    Gre(u8, bool),
    /// So many labels before an Ethernet frame, with or without a control word.
    Mpls(u8, bool),
    /// So many labels before IPv4 alone.
    MplsOfIpv4(u8),
    IpInIp,
}

fn ethernet_of(ethertype: u16, payload: &[u8]) -> Vec<u8> {
    [&[0x4e; 12], ethertype.to_be_bytes().as_slice(), payload].concat()
}

fn ipv4_of(protocol: u8, payload: &[u8]) -> Vec<u8> {
    let mut packet = [&[0; 20], payload].concat();
    let header = ipv4::Header { source: [10, 0, 0, 1].into(), destination: [10, 0, 0, 2].into(), protocol };
    assert!(header.write(&mut packet));
    packet
}

fn labels(count: u8) -> Vec<u8> {
    (0..=count).flat_map(|label| [0, label, u8::from(label == count), 64]).collect()
}

/// The frame within another header. `inner` is an Ethernet frame whose payload is IPv4 or a tag; only what is whole can be wrapped.
fn wrap(inner: &[u8], wrap: Wrap) -> Vec<u8> {
    let (ethertype, payload) = (word(inner, 12), &inner[14..]);
    match wrap {
        Wrap::Tag(tag) => ethernet_of(tag, &[&[0x20, 0x05], ethertype.to_be_bytes().as_slice(), payload].concat()),
        Wrap::Gre(options, whole) => {
            let flags: u16 = [0, 0x8000, 0xa000, 0xb000][usize::from(options)];
            let (kind, carried) = if whole { (BRIDGED_ETHERNET, inner) } else { (ethertype, payload) };
            let head = [flags.to_be_bytes(), kind.to_be_bytes()].concat();
            ethernet_of(
                ethernet::IPV4,
                &ipv4_of(ipv4::GRE, &[&head, vec![0; 4 * usize::from(options)].as_slice(), carried].concat()),
            )
        }
        Wrap::Mpls(count, controlled) => {
            let control = if controlled { &[0_u8; 4][..] } else { &[] };
            ethernet_of(MPLS[0], &[&labels(count), control, inner].concat())
        }
        Wrap::MplsOfIpv4(count) if ethertype == ethernet::IPV4 => ethernet_of(MPLS[0], &[&labels(count), payload].concat()),
        Wrap::IpInIp if ethertype == ethernet::IPV4 => ethernet_of(ethernet::IPV4, &ipv4_of(ipv4::IPV4, payload)),
        Wrap::MplsOfIpv4(_) | Wrap::IpInIp => inner.to_vec(),
    }
}

fn wraps() -> impl Strategy<Value = Wrap> {
    prop_oneof![
        prop_oneof![Just(ethernet::VLAN), Just(vlan::OUTER), Just(vlan::OUTER_BEFORE)].prop_map(Wrap::Tag),
        (0u8..4, any::<bool>()).prop_map(|(options, whole)| Wrap::Gre(options, whole)),
        (0u8..4, any::<bool>()).prop_map(|(count, controlled)| Wrap::Mpls(count, controlled)),
        (0u8..4).prop_map(Wrap::MplsOfIpv4),
        Just(Wrap::IpInIp),
    ]
}

/// What a broadband network gateway does: two tags from the subscriber, GRE and MPLS towards the core (as GRE carries it: RFC 4023).
#[test]
fn a_packet_is_found_on_both_sides_of_a_gateway() {
    let subscriber = wrap(&wrap(&frame(), Wrap::Tag(ethernet::VLAN)), Wrap::Tag(vlan::OUTER));
    assert_eq!(identify(&subscriber), Some(FOUND));
    let core = [&[0, 0, 0x88, 0x47], labels(1).as_slice(), &frame()[14..]].concat();
    assert_eq!(identify(&ethernet_of(ethernet::IPV4, &ipv4_of(ipv4::GRE, &core))), Some(FOUND));
}

#[test]
fn what_is_not_udp_in_ipv4_is_not_ours() {
    for (at, value) in [(12, 0x86), (23, 6), (42, b'x')] {
        let mut frame = frame();
        frame[at] = value;
        assert_eq!(identify(&frame), None, "byte {at}");
    }
    let version_1 = [&[0, 1, 8, 0], &frame()[14..]].concat();
    assert_eq!(identify(&ethernet_of(ethernet::IPV4, &ipv4_of(ipv4::GRE, &version_1))), None);
}

proptest! {
    #[test]
    fn any_bytes_are_identified_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = (identify(&bytes), room(&bytes));
    }

    /// Headers that lead to one another, with anything between them: deeper than random bytes get.
    #[test]
    fn endless_headers_come_to_an_end(
        first in prop_oneof![Just(ethernet::IPV4), Just(ethernet::VLAN), Just(MPLS[0])],
        fill in prop_oneof![Just(vec![0x00, 0x00, 0x01, 0x40]), Just(vec![0x88, 0x47]), Just(vec![0x81, 0x00, 0x81, 0x00]), Just(vec![0x45])],
        repeats in 1usize..2_000,
    ) {
        let _ = identify(&ethernet_of(first, &fill.repeat(repeats)));
    }

    /// Whatever a packet is wrapped in, up to three times, and however it is padded: it is found.
    #[test]
    fn a_wrapped_packet_is_found(
        around in proptest::collection::vec(wraps(), 0..=3),
        addresses in any::<[u8; 12]>(),
        padding in 0usize..20,
    ) {
        let mut wrapped = around.iter().fold(frame(), |inner, &around| wrap(&inner, around));
        wrapped[..12].copy_from_slice(&addresses);
        wrapped.extend(vec![0xaa; padding]);
        prop_assert_eq!(identify(&wrapped), Some(FOUND), "{:?}", around);
        let at = room(&wrapped).unwrap();
        prop_assert_eq!(&wrapped[at + 8..at + 26], &frame()[42..60]);
    }

    /// Time to live, type of service, addresses and checksums are rewritten on the way.
    #[test]
    fn a_routed_packet_is_found(tos in any::<u8>(), ttl in any::<u8>(), sum in any::<[u8; 2]>(), addresses in any::<[u8; 8]>()) {
        let mut frame = frame();
        (frame[15], frame[22]) = (tos, ttl);
        frame[24..26].copy_from_slice(&sum);
        frame[26..34].copy_from_slice(&addresses);
        frame[40..42].copy_from_slice(&sum);
        prop_assert_eq!(identify(&frame), Some(FOUND));
    }

    /// Damage to a good frame is survived too: it reaches deeper than random bytes do.
    #[test]
    fn a_damaged_frame_is_identified_or_refused(at in 0usize..60, value in any::<u8>(), length in 0usize..60) {
        let mut frame = frame();
        frame[at] = value;
        let _ = identify(&frame);
        prop_assert!(identify(&frame[..length]).is_none());
    }
}
