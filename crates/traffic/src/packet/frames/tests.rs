use super::*;
use crate::packet::{LONGEST_FRAME, SHORTEST_FRAME, identify};
use proptest::prelude::*;
use tailbed_format::mac::MacAddress;
use tailbed_format::order::{Path, Schedule, Scheduling, SimulatedWire, Wait};
use tailbed_format::port::Ports;
use tailbed_format::traffic::{Rule, Shape, SizeShare, Tag};

pub(super) fn order(frame: u32, shape: Shape) -> Measure {
    let wire = SimulatedWire {
        seed: 1,
        base: 1,
        mean_extra: 0,
        spike_share: 0,
        spike: 0,
        loss: 0,
        duplicates: 0,
        reordered: 0,
        capacity: None,
        queue: 0,
    };
    Measure {
        name: String::new(),
        path: Path::Simulated(wire),
        ports: Ports::LATENCY,
        frame,
        source: MacAddress::local(1, 1),
        destination: MacAddress::local(1, 2),
        shown: false,
        sockets: Vec::new(),
        tag: 7,
        schedule: Schedule { rate: 1, warm_up: 0, duration: 1 },
        shape,
        drain: 0,
        gap: 0,
        scheduling: Scheduling { cpus: vec![], priority: None, lock_memory: false, wait: Wait::Block },
        more: Vec::new(),
    }
}

fn frame(frames: &mut Frames, flow: u32, sequence: u64) -> &[u8] {
    frames.write(flow, sequence);
    frames.written()
}

/// Without anything special a frame is what it always was.
#[test]
fn the_plainest_frames_are_those_of_the_template() {
    let head = Head { source: MacAddress::local(1, 1), destination: MacAddress::local(1, 2), tag: 7, length: 60 };
    let mut template = template::Template::new(&head).unwrap();
    let mut frames = Frames::new(&order(60, Shape::default()), Recording::default()).unwrap();
    for sequence in [0, 1, 1 << 40] {
        assert_eq!(frame(&mut frames, 0, sequence), template.numbered(sequence));
    }
}

/// The bytes of one packet, checked by hand against IEEE 802.1Q, RFC 791 and RFC 768.
#[test]
fn a_tagged_packet_is_what_the_standards_say() {
    let tag = |ethertype, first| Tag { ethertype, id: Rule { first, count: 100, every: 1 } };
    let flows = Flows {
        count: 200,
        tags: vec![tag(vlan::OUTER, 100), tag(ethernet::VLAN, 1000)],
        source: Rule { first: 0x0a00_0001, count: 10, every: 1 },
        destination: Rule::fixed(0x0a01_0001),
        source_port: Rule { first: 5000, count: 200, every: 1 },
        destination_port: Rule::fixed(53),
    };
    let mut frames = Frames::new(&order(68, Shape { flows, ..Shape::default() }), Recording::default()).unwrap();
    let frame = frame(&mut frames, 13, 2);
    assert_eq!(frame.len(), 68);
    assert_eq!(frame[12..22], [0x88, 0xa8, 0, 113, 0x81, 0x00, 0x03, 0xf5, 0x08, 0x00]);
    assert_eq!(frame[22..32], [0x45, 0, 0, 46, 0, 0, 0x40, 0, 64, 17]);
    assert_eq!(frame[34..42], [10, 0, 0, 4, 10, 1, 0, 1]);
    assert_eq!(frame[42..50], [0x13, 0x95, 0, 53, 0, 26, 0, 0]);
    assert_eq!(identify(frame), Some(Identifier { tag: 7, flow: 13, sequence: 2 }));
}

#[test]
fn lengths_without_room_are_refused() {
    let tags = vec![Tag { ethertype: ethernet::VLAN, id: Rule::fixed(5) }];
    let tagged = Shape { flows: Flows { tags, ..Flows::default() }, ..Shape::default() };
    assert_eq!(
        Frames::new(&order(60, tagged.clone()), Recording::default()).err(),
        Some(NoFrames::Length(WrongLength { length: 60, shortest: 64 }))
    );
    assert!(Frames::new(&order(64, tagged), Recording::default()).is_ok());
    let mix = Mix { shares: vec![SizeShare { frame: 60, weight: 1 }, SizeShare { frame: 9015, weight: 1 }] };
    let mixed = Shape { mix, ..Shape::default() };
    assert_eq!(
        Frames::new(&order(9015, mixed), Recording::default()).err(),
        Some(NoFrames::Length(WrongLength { length: 9015, shortest: 60 }))
    );
}

fn rule(most: u32) -> impl Strategy<Value = Rule> {
    (0..most / 2, 1..most / 2, 1u32..50).prop_map(|(first, count, every)| Rule { first, count, every })
}

fn shapes() -> impl Strategy<Value = Shape> {
    let tag =
        (prop_oneof![Just(ethernet::VLAN), Just(vlan::OUTER)], rule(4094)).prop_map(|(ethertype, id)| Tag { ethertype, id });
    let ports = (rule(0xffff), rule(0xffff));
    let flows = (1u32..5_000, proptest::collection::vec(tag, 0..=2), rule(u32::MAX), rule(u32::MAX), ports);
    let flows = flows.prop_map(|(count, tags, source, destination, (source_port, destination_port))| Flows {
        count,
        tags,
        source,
        destination,
        source_port,
        destination_port,
    });
    let share = (68u32..=u32::try_from(LONGEST_FRAME).unwrap(), 1u32..12).prop_map(|(frame, weight)| SizeShare { frame, weight });
    let mix = proptest::collection::vec(share, 0..5).prop_map(|shares| Mix { shares });
    (flows, mix).prop_map(|(flows, mix)| Shape { flows, mix, ..Shape::default() })
}

proptest! {
    /// Whatever the rules: each packet is found again by what it was made from, is as long as the order says, has a right IPv4
    /// checksum, its flow's addresses, and nothing left of the packet before.
    #[test]
    fn every_packet_is_its_own(shape in shapes(), packets in proptest::collection::vec(any::<u32>(), 1..40)) {
        let order = order(200, shape.clone());
        let mut frames = Frames::new(&order, Recording::default()).unwrap();
        let length = order.lengths();
        for number in packets {
            let (flow, sequence) = Numbering::place(shape.flows.count, number.into());
            let frame = frame(&mut frames, flow, sequence).to_vec();
            let found = Identifier { tag: 7, flow, sequence };
            prop_assert_eq!(identify(&frame), Some(found));
            prop_assert_eq!(Numbering::number(shape.flows.count, &found), Some(number.into()));
            prop_assert_eq!(frame.len(), length(flow, sequence) as usize);
            let packet = ipv4::Packet::parse(&frame[ethernet::HEADER + shape.flows.tags.len() * vlan::TAG..]).unwrap();
            prop_assert!(packet.checksum_holds());
            let mut fresh = Frames::new(&order, Recording::default()).unwrap();
            fresh.write(flow, sequence);
            prop_assert_eq!(fresh.written(), frame);
        }
    }

    #[test]
    fn numbers_are_given_in_turn(flows in 1u32..20) {
        let numbering = Numbering::new(&Flows { count: flows, ..Flows::default() });
        for (number, place) in (0..200).zip(numbering) {
            prop_assert_eq!(place, Numbering::place(flows, number));
        }
    }
}

#[test]
fn the_shortest_frame_has_room_for_the_identifier_alone() {
    let mut frames = Frames::new(&order(u32::try_from(SHORTEST_FRAME).unwrap(), Shape::default()), Recording::default()).unwrap();
    assert!(identify(&frame(&mut frames, 0, 1)[..SHORTEST_FRAME - 1]).is_none());
}
