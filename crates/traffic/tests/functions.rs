//! Network functions on real packets: an agent that forwards between virtual Ethernet pairs, frames sent and caught around it.
//!
//! Where these may not be made, a test counts as skipped and says why; with `TAILBED_REQUIRE_HOST_TESTS=1` it fails instead.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use support::client::Client;
use support::network::{on_host, veth};
use tailbed_format::function::{Bng, Drops, Function, Reason, Table};
use tailbed_format::mac::MacAddress;
use tailbed_format::message::{Command, Reply, RuleCount};
use tailbed_format::order::{BATCH, Forward, ForwardRule, Order, Scheduling, Wait};
use tailbed_traffic::packet::template::{Head, Template};
use tailbed_traffic::packet::{SHORTEST_FRAME, identify};
use tailbed_traffic::port::{FanoutGroup, PacketRing, PacketSocket, Receive, Steering, Transmit};
use tailbed_traffic::stop::Stop;

/// Ends of the links beside the forwarder, whose own are `b` and `c`: in at `a`, out at `d`.
const IN: &str = "tb-test-a";
const OUT: &str = "tb-test-d";

/// A forwarder between two pairs, and both of their other ends.
struct Bench {
    agent: Client,
    inward: (PacketRing, PacketSocket),
    outward: (PacketRing, PacketSocket),
}

impl Bench {
    fn new(function: Function, workers: u32) -> Self {
        veth(IN, "tb-test-b");
        veth("tb-test-c", OUT);
        let rule = |receive: &str, transmit: &str, number: u32| ForwardRule {
            receive: receive.to_owned(),
            transmit: transmit.to_owned(),
            source: MacAddress::local(7, number),
            destination: MacAddress::local(8, number),
        };
        let rules = if function == Function::Reflect {
            vec![rule("tb-test-b", "tb-test-b", 0)]
        } else {
            vec![rule("tb-test-b", "tb-test-c", 0), rule("tb-test-c", "tb-test-b", 1)]
        };
        let scheduling = Scheduling { cpus: vec![], priority: None, lock_memory: false, wait: Wait::Block };
        let mut agent = Client::start();
        let order = Order::Forward(Forward {
            function,
            rules,
            ports: tailbed_format::port::Ports::FORWARDER,
            memory: Vec::new(),
            sockets: Vec::new(),
            workers,
            batch: BATCH,
            scheduling,
        });
        assert_eq!(agent.prepare(&order), Ok(vec![]));
        agent.send(&Command::Start);
        let end = |name: &str| (PacketRing::open(name, 512).unwrap(), PacketSocket::open(name).unwrap());
        Self { agent, inward: end(IN), outward: end(OUT) }
    }

    /// Stops the forwarder; what it counted.
    fn stop(mut self) -> Vec<RuleCount> {
        self.agent.send(&Command::Stop);
        let Reply::Forwarded(forwarded) = self.agent.reply() else { panic!("it has not forwarded") };
        self.agent.quit().unwrap();
        forwarded.rules
    }
}

/// The next so many frames; waits for them in the kernel.
fn take(ring: &mut PacketRing, count: usize) -> Vec<Vec<u8>> {
    let stop = Stop::new().unwrap();
    let (mut frames, mut waited) = (Vec::new(), false);
    while frames.len() < count {
        if let Some(frame) = ring.receive(|incoming| incoming.bytes.to_vec()) {
            frames.push(frame);
            waited = false;
        } else {
            assert!(!waited, "after {} of {count} frames nothing came for 20 s", frames.len());
            waited = ring.idle(Wait::Block, 20_000_000_000, &stop);
        }
    }
    frames
}

/// A frame of the load generator's with another port and time to live.
fn frame(sequence: u64, port: u16, ttl: u8) -> Vec<u8> {
    let head = Head { source: MacAddress::local(1, 1), destination: MacAddress::local(2, 1), tag: 7, length: SHORTEST_FRAME };
    let mut frame = Template::new(&head).unwrap().numbered(sequence).to_vec();
    frame[34..36].copy_from_slice(&port.to_be_bytes());
    frame[22] = ttl;
    with_checksum(&mut frame, 14);
    frame
}

fn with_checksum(frame: &mut [u8], at: usize) {
    frame[at + 10..at + 12].fill(0);
    let sum = ones(&frame[at..at + 20]);
    frame[at + 10..at + 12].copy_from_slice(&(!sum).to_be_bytes());
}

/// The one's complement sum: all ones over a header whose checksum is right (RFC 1071).
fn ones(header: &[u8]) -> u16 {
    let sum = header.as_chunks::<2>().0.iter().fold(0u32, |sum, word| sum + u32::from(u16::from_be_bytes(*word)));
    u16::try_from((sum & 0xffff) + (sum >> 16)).unwrap()
}

#[test]
fn l3fwd_routes_both_ways_and_counts_what_it_drops() {
    on_host(|| {
        let mut bench =
            Bench::new(Function::L3fwd { routes: Table::Generated { count: 1_000, seed: 1 }, further: Vec::new() }, 1);
        for sequence in 0..100 {
            bench.inward.1.send(&frame(sequence, 9, 64)).unwrap();
        }
        for dropped in [
            frame(0, 9, 1),
            {
                let mut bad = frame(0, 9, 9);
                bad[24] ^= 1;
                bad
            },
            frame(0, 9, 64)[..30].to_vec(),
        ] {
            bench.inward.1.send(&dropped).unwrap();
        }
        let mut back = frame(5, 9, 3);
        back[26..34].copy_from_slice(&[198, 19, 0, 1, 198, 18, 0, 1]);
        with_checksum(&mut back, 14);
        bench.outward.1.send(&back).unwrap();
        for (sequence, found) in (0..).zip(take(&mut bench.outward.0, 100)) {
            assert_eq!((found[22], ones(&found[14..34]), found.len()), (63, 0xffff, SHORTEST_FRAME));
            assert_eq!(&found[..12], [MacAddress::local(8, 0).0, MacAddress::local(7, 0).0].concat());
            assert_eq!(identify(&found).unwrap().sequence, sequence);
        }
        let found = take(&mut bench.inward.0, 1).remove(0);
        assert_eq!((found[22], &found[..6], ones(&found[14..34])), (2, &MacAddress::local(8, 1).0[..], 0xffff));
        let counts = bench.stop();
        let dropped = Drops::default().with(Reason::TtlExpired, 1).with(Reason::BadChecksum, 1);
        assert_eq!(counts[0], RuleCount { received: 103, sent: 100, malformed: 1, dropped, ..RuleCount::default() });
        assert_eq!(counts[1], RuleCount { received: 1, sent: 1, ..RuleCount::default() });
    });
}

/// Up through the gateway and down again the same packet comes back, two hops older, to the same pair of VLANs.
#[test]
fn bng_carries_subscribers_to_the_core_and_back() {
    on_host(|| {
        let settings = Bng {
            subscribers: Table::Text { name: "lines".to_owned(), text: "100 7 1000\n100 8 1001\n".to_owned() },
            routes: Table::Generated { count: 16, seed: 1 },
            local: Ipv4Addr::new(198, 19, 255, 1),
            remote: Ipv4Addr::new(198, 19, 255, 2),
        };
        let mut bench = Bench::new(Function::Bng(settings), 1);
        let tagged = |customer: u8| {
            let mut frame = frame(3, 9, 64);
            frame.splice(12..12, [0x88, 0xa8, 0, 100, 0x81, 0, 0, customer]);
            frame
        };
        bench.inward.1.send(&tagged(9)).unwrap();
        bench.inward.1.send(&frame(3, 9, 64)).unwrap();
        bench.inward.1.send(&tagged(8)).unwrap();
        let up = take(&mut bench.outward.0, 1).remove(0);
        assert_eq!((up.len(), ones(&up[14..34]), up[23]), (SHORTEST_FRAME + 28, 0xffff, 47));
        assert_eq!(up[26..34], [198, 19, 255, 1, 198, 19, 255, 2]);
        assert_eq!(up[34..42], [0, 0, 0x88, 0x47, 0, 0x3e, 0x91, 63], "label 1001, bottom of the stack");
        assert_eq!((up[50], ones(&up[42..62])), (63, 0xffff));

        let mut down = up.clone();
        down[26..34].copy_from_slice(&[198, 19, 255, 2, 198, 19, 255, 1]);
        with_checksum(&mut down, 14);
        let mut strange = down.clone();
        strange[39] ^= 1;
        bench.outward.1.send(&strange).unwrap();
        bench.outward.1.send(&down).unwrap();
        let found = take(&mut bench.inward.0, 1).remove(0);
        let mut expected = tagged(8);
        expected[..12].copy_from_slice(&[MacAddress::local(8, 1).0, MacAddress::local(7, 1).0].concat());
        expected[22 + 8] = 62;
        with_checksum(&mut expected, 22);
        assert_eq!(found, expected);

        let counts = bench.stop();
        let dropped = Drops::default().with(Reason::UnknownSubscriber, 1).with(Reason::Untagged, 1);
        assert_eq!(counts[0], RuleCount { received: 3, sent: 1, dropped, ..RuleCount::default() });
        let dropped = Drops::default().with(Reason::UnknownLabel, 1);
        assert_eq!(counts[1], RuleCount { received: 2, sent: 1, dropped, ..RuleCount::default() });
    });
}

#[test]
fn a_mirror_sends_back_and_swaps() {
    on_host(|| {
        let mut bench = Bench::new(Function::Reflect, 1);
        let sent = frame(1, 4_000, 64);
        bench.inward.1.send(&sent).unwrap();
        let found = take(&mut bench.inward.0, 1).remove(0);
        assert_eq!(found[..12], [&sent[6..12], &sent[..6]].concat());
        assert_eq!(found[26..38], [&sent[30..34], &sent[26..30], &sent[36..38], &sent[34..36]].concat());
        assert_eq!((&found[12..26], &found[38..]), (&sent[12..26], &sent[38..]));
        assert_eq!(ones(&found[14..34]), 0xffff);
        assert_eq!(bench.stop(), [RuleCount { received: 1, sent: 1, ..RuleCount::default() }]);
    });
}

#[test]
fn a_filter_lets_through_what_its_rules_accept() {
    on_host(|| {
        let text =
            "accept udp from any port 1000\ndrop udp from any port 1000-1999\ndrop payload \"tb\\x00\\x00\\x00\\x08\"".to_owned();
        let mut bench = Bench::new(Function::Filter { rules: Table::Text { name: "rules".to_owned(), text } }, 1);
        for port in 998..1_005 {
            bench.inward.1.send(&frame(port.into(), port, 1)).unwrap();
        }
        let mut other = frame(9, 9, 1);
        other[47] = 8;
        bench.inward.1.send(&other).unwrap();
        let found = take(&mut bench.outward.0, 3);
        assert_eq!(found.iter().map(|frame| identify(frame).unwrap().sequence).collect::<Vec<_>>(), [998, 999, 1_000]);
        let dropped = Drops::default().with(Reason::Filtered, 5);
        assert_eq!(bench.stop()[0], RuleCount { received: 8, sent: 3, dropped, ..RuleCount::default() });
    });
}

/// Two workers together forward every frame once, and those of a flow in order.
#[test]
fn several_workers_keep_every_flow_in_order() {
    on_host(|| {
        let mut bench = Bench::new(Function::L2fwd, 2);
        let sent: Vec<_> = (0..400u64).map(|sequence| (sequence, 5_000 + u16::try_from(sequence % 20).unwrap())).collect();
        for (sequence, port) in &sent {
            bench.inward.1.send(&frame(*sequence, *port, 64)).unwrap();
        }
        let mut flows: BTreeMap<u16, Vec<u64>> = BTreeMap::new();
        for frame in take(&mut bench.outward.0, sent.len()) {
            let port = u16::from_be_bytes([frame[34], frame[35]]);
            flows.entry(port).or_default().push(identify(&frame).unwrap().sequence);
        }
        for (port, sequences) in &flows {
            let expected: Vec<_> = sent.iter().filter(|(_, other)| other == port).map(|(sequence, _)| *sequence).collect();
            assert_eq!(sequences, &expected, "{port}");
        }
        assert_eq!(flows.len(), 20);
        let counts = bench.stop();
        assert_eq!(counts[0], RuleCount { received: 400, sent: 400, ..RuleCount::default() });
        assert_eq!(counts[1], RuleCount::default(), "frames that leave are not taken for frames that come");
    });
}

/// The rings of a group share the frames: by flow some each, by label exactly as its remainder says.
#[test]
fn frames_are_dealt_out_by_flow_or_by_label() {
    on_host(|| {
        veth(IN, OUT);
        let mut socket = PacketSocket::open(IN).unwrap();
        let rings = |steering| {
            let mut group = FanoutGroup::new(steering);
            [0, 1].map(|_| {
                let mut ring = PacketRing::open(OUT, 512).unwrap();
                ring.join(&mut group).unwrap();
                ring
            })
        };
        let mut by_flow = rings(Steering::Flow);
        let mut by_label = rings(Steering::Label);
        for port in 0..64 {
            socket.send(&frame(port.into(), 2_000 + port, 64)).unwrap();
        }
        let all = |ring: &mut PacketRing| {
            let mut frames = Vec::new();
            while let Some(frame) = ring.receive(|incoming| incoming.bytes.to_vec()) {
                frames.push(frame);
            }
            frames
        };
        let counts = by_flow.each_mut().map(|ring| all(ring).len());
        assert!(counts[0] + counts[1] == 64 && counts.iter().all(|count| *count > 5), "{counts:?}");
        for ring in &mut by_label {
            drop(all(ring));
        }
        for label in [16u32, 17, 18, 21, 1_001] {
            let mut tunnelled = frame(0, 9, 64);
            tunnelled[23] = 47;
            tunnelled[34..38].copy_from_slice(&[0, 0, 0x88, 0x47]);
            tunnelled[38..42].copy_from_slice(&(label << 12 | 0x1_40).to_be_bytes());
            socket.send(&tunnelled).unwrap();
        }
        let labels = by_label.each_mut().map(|ring| {
            let label = |frame: &Vec<u8>| u32::from_be_bytes([0, frame[38], frame[39], frame[40]]) >> 4;
            all(ring).iter().map(label).collect::<Vec<_>>()
        });
        assert_eq!(labels, [vec![16, 18], vec![17, 21, 1_001]]);
    });
}
