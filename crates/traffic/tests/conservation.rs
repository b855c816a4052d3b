//! Packets counted by ourselves, by the kernel's interfaces and by tcpdump, in one run: all must agree.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use support::client::Client;
use support::network::{in_fresh_namespace, ip, veth};
use tailbed_format::mac::MacAddress;
use tailbed_format::order::{Measure, Order, Path, Schedule, Scheduling, Wait};
use tailbed_format::port::Ports;
use tailbed_format::traffic::{Flows, Mix, Pattern, Rule, Shape, SizeShare, Tag};
use tailbed_traffic::packet::identify;

/// Why the test cannot run here; it fails in place of that with `TAILBED_REQUIRE_HOST_TESTS=1`.
fn skip(reason: &str) {
    assert!(std::env::var_os("TAILBED_REQUIRE_HOST_TESTS").is_none_or(|value| value != "1"), "{reason}");
    eprintln!("skipped: {reason}");
}

/// 30 flows with two tags each, of 72 to 9 018 bytes on the wire, in bursts of 10.
fn order() -> Measure {
    let share = |frame, weight| SizeShare { frame, weight };
    let tag = |ethertype, first, every| Tag { ethertype, id: Rule { first, count: 10, every } };
    let flows = Flows {
        count: 30,
        tags: vec![tag(0x88a8, 100, 10), tag(0x8100, 1000, 1)],
        source: Rule { first: 0x0a00_0001, count: 30, every: 1 },
        source_port: Rule { first: 5000, count: 30, every: 1 },
        ..Flows::default()
    };
    Measure {
        name: String::new(),
        path: Path::Interfaces { transmit: "tb-test-a".to_owned(), receive: "tb-test-b".to_owned() },
        ports: Ports::LATENCY,
        frame: 9014,
        source: MacAddress::local(1, 1),
        destination: MacAddress::local(1, 2),
        shown: false,
        sockets: Vec::new(),
        tag: 77,
        schedule: Schedule { rate: 5_000, warm_up: 20_000_000, duration: 300_000_000 },
        shape: Shape {
            pattern: Pattern::Burst { size: 10, gap: None },
            mix: Mix { shares: vec![share(68, 7), share(590, 4), share(9014, 1)] },
            flows,
        },
        drain: 200_000_000,
        gap: 1_000_000,
        scheduling: Scheduling { cpus: vec![], priority: None, lock_memory: false, wait: Wait::Block },
        more: Vec::new(),
    }
}

/// Packets and bytes that an interface has counted (rtnetlink's `IFLA_STATS64`): sent, received, and received but dropped.
fn counters(interface: &str) -> [u64; 5] {
    let output = Command::new("ip").args(["-s", "-j", "link", "show", "dev", interface]).output().unwrap();
    let link: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let count = |way: &str, what: &str| link[0]["stats64"][way][what].as_u64().unwrap();
    [count("tx", "packets"), count("tx", "bytes"), count("rx", "packets"), count("rx", "bytes"), count("rx", "dropped")]
}

/// The frames of a capture with microsecond or nanosecond stamps in this machine's byte order, as tcpdump writes them (pcap-savefile(5)).
fn frames(file: &[u8]) -> Vec<&[u8]> {
    let word = |bytes: &[u8], at: usize| u32::from_ne_bytes(bytes[at..at + 4].try_into().unwrap());
    assert!([0xa1b2_c3d4, 0xa1b2_3c4d].contains(&word(file, 0)));
    let mut rest = &file[24..];
    let mut frames = Vec::new();
    while !rest.is_empty() {
        let (captured, original) = (word(rest, 8) as usize, word(rest, 12) as usize);
        assert_eq!(captured, original, "captured whole");
        frames.push(&rest[16..16 + captured]);
        rest = &rest[16 + captured..];
    }
    frames
}

#[test]
fn all_counts_agree() {
    if !Command::new("tcpdump").arg("--version").output().is_ok_and(|output| output.status.success()) {
        return skip("tcpdump is not installed");
    }
    let test = || {
        veth("tb-test-a", "tb-test-b");
        for end in ["tb-test-a", "tb-test-b"] {
            ip(&["link", "set", end, "mtu", "9000"]);
        }
        let order = order();
        let scheduled = order.warm_up_packets() + order.packets();
        let folder = std::env::temp_dir().join(format!("tailbed-conservation-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let capture = folder.join("b.pcap");
        // It ends by itself when it has seen all; if some were missing, it would be ended after a minute, and the counts would say so.
        let mut tcpdump = Command::new("timeout")
            .args(["--signal=INT", "60", "tcpdump", "-i", "tb-test-b", "-Q", "in", "-s", "0", "-B", "65536", "--immediate-mode"])
            .args(["-Z", "root", "-c", &scheduled.to_string(), "-w"])
            .arg(&capture)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(tcpdump.stderr.take().unwrap()).lines();
        assert!(said.any(|line| line.unwrap().contains("listening on")), "tcpdump did not start");

        let before = [counters("tb-test-a"), counters("tb-test-b")];
        let mut client = Client::start();
        assert_eq!(client.prepare(&Order::Measure(order.clone())), Ok(vec![]));
        let answer = client.measure().unwrap();
        client.quit().unwrap();
        let after = [counters("tb-test-a"), counters("tb-test-b")];
        tcpdump.wait().unwrap();
        let seen = std::fs::read(&capture).unwrap();
        std::fs::remove_dir_all(&folder).unwrap();

        // By flow: sent, received (each once), and captured by tcpdump.
        let mut flows: BTreeMap<u32, [u64; 3]> = BTreeMap::new();
        let length = order.lengths();
        for departure in &answer.departures {
            flows.entry(departure.flow).or_default()[0] += 1;
        }
        for arrival in &answer.arrivals {
            flows.entry(arrival.flow).or_default()[1] += 1;
        }
        let mut next: BTreeMap<u32, u64> = BTreeMap::new();
        for frame in frames(&seen) {
            let found = identify(frame).expect("ours");
            assert_eq!(found.tag, order.tag);
            assert_eq!(frame.len(), length(found.flow, found.sequence) as usize);
            let next = next.entry(found.flow).or_default();
            assert_eq!(found.sequence, *next, "flow {} in order and whole", found.flow);
            *next += 1;
            flows.entry(found.flow).or_default()[2] += 1;
        }
        assert_eq!(flows.len(), 30);
        for (flow, [sent, received, captured]) in &flows {
            // A virtual Ethernet pair loses nothing by itself, and nothing is under way when the drain is over.
            assert_eq!((sent, captured), (received, sent), "flow {flow}");
        }
        let sent: u64 = flows.values().map(|counts| counts[0]).sum();
        assert_eq!((sent + answer.measured.send_errors, answer.measured.receive_drops), (scheduled, 0));
        let bytes: u64 = answer.departures.iter().map(|packet| u64::from(length(packet.flow, packet.sequence))).sum();
        let [a, b] = [0, 1].map(|end: usize| {
            let mut difference = after[end];
            difference.iter_mut().zip(before[end]).for_each(|(after, before)| *after -= before);
            difference
        });
        assert_eq!(a[..2], [sent, bytes], "the sending interface");
        assert_eq!(b[2..4], [sent, bytes], "the receiving interface");
    };
    if let Err(reason) = in_fresh_namespace(test) {
        skip(&reason);
    }
}
