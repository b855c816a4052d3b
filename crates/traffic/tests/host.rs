//! On real packets, over virtual Ethernet pairs in network namespaces of their own.
//!
//! Where these may not be made, a test counts as skipped and says why; with `TAILBED_REQUIRE_HOST_TESTS=1` it fails instead.
//! Nothing here judges times: the machine may be busy.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::collections::HashSet;
use std::time::{Duration, Instant};

use support::client::{Answer, Client};
use support::network::{on_host, veth};
use tailbed_format::mac::MacAddress;
use tailbed_format::message::{Command, Forwarded, Reply, RuleCount};
use tailbed_format::order::{BATCH, Forward, ForwardRule, Function, Measure, Order, Path, Schedule, Scheduling, Wait};
use tailbed_format::port::Ports;
use tailbed_format::traffic::Shape;
use tailbed_traffic::packet::identify;
use tailbed_traffic::packet::template::{Head, Template};
use tailbed_traffic::port::{PacketRing, PacketSocket, PortError, Receive, Transmit};

const BLOCKING: Scheduling = Scheduling { cpus: vec![], priority: None, lock_memory: false, wait: Wait::Block };

fn source() -> MacAddress {
    MacAddress::local(1, 1)
}

fn destination() -> MacAddress {
    MacAddress::local(1, 2)
}

fn measure(transmit: &str, receive: &str) -> Measure {
    Measure {
        name: String::new(),
        path: Path::Interfaces { transmit: transmit.to_owned(), receive: receive.to_owned() },
        ports: Ports::LATENCY,
        frame: 60,
        source: source(),
        destination: destination(),
        shown: false,
        sockets: Vec::new(),
        tag: 77,
        schedule: Schedule { rate: 5_000, warm_up: 20_000_000, duration: 200_000_000 },
        shape: Shape::default(),
        drain: 100_000_000,
        gap: 1_000_000,
        scheduling: BLOCKING,
        more: Vec::new(),
    }
}

fn rule(receive: &str, transmit: &str) -> ForwardRule {
    ForwardRule {
        receive: receive.to_owned(),
        transmit: transmit.to_owned(),
        source: MacAddress::local(7, 1),
        destination: MacAddress::local(7, 2),
    }
}

fn forward(rules: Vec<ForwardRule>) -> Order {
    Order::Forward(Forward {
        function: Function::L2fwd,
        rules,
        ports: Ports::FORWARDER,
        memory: Vec::new(),
        sockets: Vec::new(),
        workers: 1,
        batch: BATCH,
        scheduling: BLOCKING,
    })
}

/// Every packet sent was received once or is lost; nothing came in that was not sent, nor before it was sent.
fn check(answer: &Answer, order: &Measure) {
    let scheduled = order.schedule.warm_up_packets() + order.schedule.packets();
    let sent = answer.departures.len() as u64;
    assert_eq!(sent + answer.measured.send_errors, scheduled);
    let received: HashSet<_> = answer.arrivals.iter().map(|arrival| arrival.sequence).collect();
    assert_eq!(received.len(), answer.arrivals.len(), "a virtual Ethernet pair doubles nothing");
    assert!(received.iter().all(|&sequence| sequence < scheduled));
    let lost = answer.departures.iter().filter(|departure| !received.contains(&departure.sequence)).count() as u64;
    assert_eq!(sent, received.len() as u64 + lost);
    assert!(lost <= answer.measured.receive_drops, "{lost} lost, {:?}", answer.measured);
    let bracket = answer.measured.clock.bracket.cast_signed();
    for arrival in &answer.arrivals {
        let departure = answer.departures.iter().find(|departure| departure.sequence == arrival.sequence).unwrap();
        assert!(departure.sent >= departure.due - bracket);
        assert!(arrival.kernel + bracket > departure.sent, "{departure:?} {arrival:?} {:?}", answer.measured.clock);
        assert!(arrival.user + 2 * bracket > arrival.kernel, "{arrival:?}");
    }
}

#[test]
fn packets_cross_a_wire() {
    on_host(|| {
        veth("tb-test-a", "tb-test-b");
        let order = measure("tb-test-a", "tb-test-b");
        let mut client = Client::start();
        assert_eq!(client.prepare(&Order::Measure(order.clone())), Ok(vec![]));
        let answer = client.measure().unwrap();
        check(&answer, &order);
        let clock = &answer.measured.clock;
        assert!(clock.realtime_shift.unsigned_abs() <= clock.bracket, "{clock:?}");
        client.quit().unwrap();
    });
}

#[test]
fn packets_cross_a_forwarder_and_are_rewritten() {
    on_host(|| {
        veth("tb-test-a", "tb-test-b");
        veth("tb-test-c", "tb-test-d");
        let mut watcher = PacketRing::open("tb-test-d", 1024 * 16).unwrap();
        let mut forwarder = Client::start();
        let rules = vec![rule("tb-test-b", "tb-test-c"), rule("tb-test-c", "tb-test-b")];
        assert_eq!(forwarder.prepare(&forward(rules)), Ok(vec![]));
        forwarder.send(&Command::Start);
        let order = measure("tb-test-a", "tb-test-d");
        let mut generator = Client::start();
        assert_eq!(generator.prepare(&Order::Measure(order.clone())), Ok(vec![]));
        let answer = generator.measure().unwrap();
        check(&answer, &order);
        forwarder.send(&Command::Stop);
        let sent = answer.departures.len() as u64;
        let there = RuleCount { received: sent, sent, ..RuleCount::default() };
        let Reply::Forwarded(Forwarded { rules, accounts }) = forwarder.reply() else { panic!("it was told to stop") };
        assert_eq!((rules, accounts.len()), (vec![there, RuleCount::default()], 1));

        let expected = [MacAddress::local(7, 2).0, MacAddress::local(7, 1).0].concat();
        let mut seen = 0;
        while let Some(sequence) = watcher.receive(|incoming| {
            assert_eq!((&incoming.bytes[..12], incoming.bytes.len()), (expected.as_slice(), 60));
            identify(incoming.bytes).map(|found| found.sequence)
        }) {
            assert_eq!(sequence, Some(seen), "all else in the frame is as it was");
            seen += 1;
        }
        assert_eq!(seen, sent);
        generator.quit().unwrap();
        forwarder.hang_up().unwrap();
    });
}

#[test]
fn a_vlan_tag_comes_through() {
    on_host(|| {
        veth("tb-test-a", "tb-test-b");
        let mut ring = PacketRing::open("tb-test-b", 512).unwrap();
        let mut socket = PacketSocket::open("tb-test-a").unwrap();
        let mut frame: Vec<u8> = (0..64).collect();
        frame[..12].fill(2);
        frame[12..16].copy_from_slice(&[0x81, 0x00, 0x20, 0x05]);
        socket.send(&frame).unwrap();
        assert_eq!(ring.receive(|incoming| incoming.bytes.to_vec()), Some(frame));
    });
}

#[test]
fn an_overrun_ring_counts_what_it_dropped() {
    on_host(|| {
        veth("tb-test-a", "tb-test-b");
        let mut ring = PacketRing::open("tb-test-b", 512).unwrap();
        let mut socket = PacketSocket::open("tb-test-a").unwrap();
        let head = Head { source: source(), destination: destination(), tag: 1, length: 60 };
        let mut template = Template::new(&head).unwrap();
        for sequence in 0..600 {
            socket.send(template.numbered(sequence)).unwrap();
        }
        let mut kept = Vec::new();
        while let Some(found) = ring.receive(|incoming| identify(incoming.bytes)) {
            kept.push(found.unwrap().sequence);
        }
        assert_eq!(kept, (0..512).collect::<Vec<_>>());
        assert_eq!((ring.drops(), ring.drops()), (88, 0));
        // The ring goes on where it was.
        socket.send(template.numbered(600)).unwrap();
        assert_eq!(ring.receive(|incoming| identify(incoming.bytes).unwrap().sequence), Some(600));
    });
}

#[test]
fn own_frames_are_not_seen_and_long_ones_are_marked() {
    on_host(|| {
        veth("tb-test-a", "tb-test-b");
        let mut sender = PacketRing::open("tb-test-a", 512).unwrap();
        let mut ring = PacketRing::open("tb-test-b", 512).unwrap();
        let mut socket = PacketSocket::open("tb-test-a").unwrap();
        // after the ring was made for what the interface let through then
        for end in ["tb-test-a", "tb-test-b"] {
            support::network::ip(&["link", "set", end, "mtu", "4000"]);
        }
        socket.send(&[2; 1514]).unwrap();
        socket.send(&[2; 3000]).unwrap();
        assert!(sender.receive(|_| ()).is_none());
        assert_eq!(ring.receive(|incoming| (incoming.bytes.len(), incoming.truncated)), Some((1514, false)));
        assert_eq!(ring.receive(|incoming| incoming.truncated), Some(true));
    });
}

#[test]
fn refused_sends_are_counted_not_retried() {
    on_host(|| {
        veth("tb-test-a", "tb-test-b");
        let order = measure("tb-test-a", "tb-test-b");
        let mut client = Client::start();
        assert_eq!(client.prepare(&Order::Measure(order.clone())), Ok(vec![]));
        support::network::ip(&["link", "set", "tb-test-a", "down"]);
        let answer = client.measure().unwrap();
        assert_eq!((answer.departures.len(), answer.arrivals.len()), (0, 0));
        assert_eq!(answer.measured.send_errors, 1_100);
        assert!(answer.measured.last_send_error.unwrap().starts_with("Network is down"));
        client.quit().unwrap();
    });
}

#[test]
fn interfaces_that_do_not_exist_are_named() {
    on_host(|| {
        let error = PacketRing::open("tb-test-none", 512).unwrap_err();
        assert!(matches!(&error, PortError::NoInterface { interface, .. } if interface == "tb-test-none"));
        let mut client = Client::start();
        let reason = client.prepare(&forward(vec![rule("tb-test-none", "lo")])).unwrap_err();
        assert!(reason.starts_with("interface `tb-test-none` does not exist in this network namespace"), "{reason}");
        client.quit().unwrap();
    });
}

/// A run of hours ends at once, be it sleeping or spinning, when it is told to or when the stream ends.
#[test]
fn running_loops_can_be_stopped() {
    on_host(|| {
        veth("tb-test-a", "tb-test-b");
        let begun = Instant::now();
        let schedule = Schedule { rate: 1, warm_up: 0, duration: 10_000_000_000_000 };
        for wait in [Wait::Block, Wait::Spin] {
            let scheduling = Scheduling { wait, ..BLOCKING };
            let order = Measure { schedule: schedule.clone(), scheduling, ..measure("tb-test-a", "tb-test-b") };
            let mut client = Client::start();
            assert_eq!(client.prepare(&Order::Measure(order.clone())), Ok(vec![]));
            client.send(&Command::Start);
            client.send(&Command::Stop);
            assert_eq!(client.reply(), Reply::Failed("the measurement was stopped before its schedule had ended".to_owned()));
            assert_eq!(client.prepare(&Order::Measure(order)), Ok(vec![]));
            client.send(&Command::Start);
            client.hang_up().unwrap();
        }
        let mut forwarder = Client::start();
        assert_eq!(forwarder.prepare(&forward(vec![rule("tb-test-a", "tb-test-b")])), Ok(vec![]));
        forwarder.send(&Command::Start);
        forwarder.hang_up().unwrap();
        assert!(begun.elapsed() < Duration::from_secs(1_000), "the schedule lasts ten times as long");
    });
}

/// The number of a policy: sched(7), include/uapi/linux/sched.h.
const SCHED_OTHER: i32 = 0;
const SCHED_FIFO: i32 = 1;

/// Where its loop has a priority: else a neighbour's threads on the only cores it may use could keep it from answering.
#[test]
fn who_answers_for_a_loop_with_a_priority_has_one_too() {
    on_host(|| {
        veth("tb-test-a", "tb-test-b");
        let Order::Forward(mut order) = forward(vec![rule("tb-test-a", "tb-test-b")]) else { unreachable!() };
        let mut client = Client::start();
        assert_eq!(client.policy(), SCHED_OTHER);
        for (priority, policy) in [(Some(1), SCHED_FIFO), (None, SCHED_OTHER)] {
            order.scheduling.priority = priority;
            let downgrades = client.prepare(&Order::Forward(order.clone())).unwrap();
            if !downgrades.is_empty() {
                println!("skipped: {downgrades:?}");
                return;
            }
            assert_eq!(client.policy(), policy);
            client.send(&Command::Start);
            client.send(&Command::Stop);
            assert!(matches!(client.reply(), Reply::Forwarded(_)));
        }
        client.quit().unwrap();
    });
}
