use proptest::prelude::*;
use tailbed_format::function::Prefix;

use super::*;

/// As the definition says: the first rule of which all that it says holds.
fn by_definition<'a>(rules: &'a [Rule], packet: &Packet<'_>) -> Option<&'a Rule> {
    let within = |range: &Option<function::PortRange>, port: Option<u16>| {
        range.as_ref().is_none_or(|range| port.is_some_and(|port| range.contains(&port)))
    };
    rules.iter().find(|rule| {
        rule.protocol.is_none_or(|protocol| protocol == packet.protocol)
            && rule.source.holds(packet.source)
            && rule.destination.holds(packet.destination)
            && within(&rule.source_ports, packet.ports.map(|ports| ports.0))
            && within(&rule.destination_ports, packet.ports.map(|ports| ports.1))
            && rule.payload.as_ref().is_none_or(|text| packet.payload.windows(text.len()).any(|window| window == text))
    })
}

fn prefix() -> impl Strategy<Value = Prefix> {
    (0u32..4, prop_oneof![Just(0), Just(31), Just(32)]).prop_map(|(address, length)| Prefix::of(address, length))
}

fn ports() -> impl Strategy<Value = Option<function::PortRange>> {
    proptest::option::of((0u16..4, 0u16..3).prop_map(|(first, more)| first..=first + more))
}

fn rule() -> impl Strategy<Value = Rule> {
    let payload = proptest::option::of(proptest::collection::vec(0u8..2, 1..4));
    let protocol = proptest::option::of(prop_oneof![Just(17u8), Just(6), Just(1)]);
    (any::<bool>(), protocol, prefix(), ports(), prefix(), ports(), payload).prop_map(
        |(accept, protocol, source, source_ports, destination, destination_ports, payload)| Rule {
            action: if accept { Action::Accept } else { Action::Drop },
            protocol,
            source,
            source_ports,
            destination,
            destination_ports,
            payload,
        },
    )
}

fn rules(rules: Vec<Rule>) -> (Rules, Found) {
    let payloads = Payloads::new(&rules).unwrap();
    let found = payloads.none();
    (Rules { tuples: tuples(&rules), payloads, list: rules }, found)
}

proptest! {
    #[test]
    fn the_first_match_is_found(
        list in proptest::collection::vec(rule(), 0..40),
        packets in proptest::collection::vec(
            (0u32..4, 0u32..4, prop_oneof![Just(17u8), Just(6), Just(1), Just(0)], (0u16..5, 0u16..5), any::<bool>(),
             proptest::collection::vec(0u8..2, 0..6)), 20),
    ) {
        let (table, mut found) = rules(list);
        for (source, destination, protocol, ports, first, payload) in &packets {
            let ports = (*first && matches!(protocol, 17 | 6)).then_some(*ports);
            let packet = Packet { protocol: *protocol, source: *source, destination: *destination, ports, payload };
            let expected = by_definition(&table.list, &packet).cloned();
            prop_assert_eq!(table.first_match(&packet, &mut found).cloned(), expected, "{:?}", packet);
        }
    }

    #[test]
    fn any_bytes_are_a_packet_or_not(bytes in proptest::collection::vec(any::<u8>(), 0..80), protocol in prop_oneof![Just(17u8), Just(6), any::<u8>()]) {
        let mut bytes = bytes;
        if bytes.len() >= 20 {
            bytes[0] = 0x40 | (5 + bytes[0] % 3);
            bytes[2] = 0;
            bytes[9] = protocol;
        }
        if let Some(packet) = parse(&bytes) {
            prop_assert!(packet.payload.len() <= bytes.len());
        }
    }
}

#[test]
fn generated_rules_leave_the_generators_packets_alone() {
    let list = generate::generated(5_000, 9);
    assert_eq!((list.len(), &list), (5_000, &generate::generated(5_000, 9)));
    let (table, mut found) = rules(list);
    assert!(table.tuples.len() < 150, "{}", table.tuples.len());
    let packet = Packet {
        protocol: 17,
        source: 0xc612_0001,
        destination: 0xc613_0001,
        ports: Some((49_152, 9)),
        payload: b"tb\0\0\0\x07\0\0\0\0\0\0\0\0\0\0\0\x01",
    };
    assert!(table.first_match(&packet, &mut found).is_none());
    let hit = table.list[4_000].clone();
    let port = |range: &Option<function::PortRange>| range.as_ref().map_or(0, |range| *range.start());
    let packet = Packet {
        protocol: hit.protocol.unwrap(),
        source: hit.source.address(),
        destination: hit.destination.address(),
        ports: Some((port(&hit.source_ports), port(&hit.destination_ports))),
        payload: &[],
    };
    assert_eq!(table.first_match(&packet, &mut found), Some(&hit));
}
