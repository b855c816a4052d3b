//! What the instrument itself costs, over a virtual Ethernet pair: round trips with one packet in flight, one-way times over a wire,
//! and how late packets leave. Prints a table; with `--json` one line of JSON, all times in ns; with
//! `--round-trip` a single try of the round trip, as JSON, to be run in turns with another program.
//!
//! Each figure is the median over several tries. Round trips are whole ones: `sockperf ping-pong --nonblocked` must be asked for them
//! with `--full-rtt`. The real-time throttle (`sched_rt_runtime_us`) is lifted while measuring, where that is permitted, and put back.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a bench fails by panicking")]

#[path = "../tests/support/mod.rs"]
mod support;
mod throttle;

use serde::Serialize;
use support::client::Client;
use support::network::{in_fresh_namespace, veth};
use tailbed_format::mac::MacAddress;
use tailbed_format::message::Command;
use tailbed_format::order::{BATCH, Forward, ForwardRule, Function, Measure, Order, Path, Schedule, Scheduling, Wait};
use tailbed_format::port::Ports;
use tailbed_format::traffic::Shape;
use tailbed_traffic::{PingPong, ping_pong, realtime};
use throttle::Throttle;

const TRIES: usize = 5;
const PRIORITY: u8 = 50;
const RATES: [u64; 3] = [1_000, 10_000, 100_000];

/// Percentiles of a time, ns.
#[derive(Debug, Clone, Copy, Serialize)]
struct Row {
    p50: u64,
    p99: u64,
    p99_9: u64,
}

/// All that is measured.
#[derive(Debug, Serialize)]
struct Figures {
    /// Whole round trips: sendto(2) and a TPACKET_V2 ring, both sides polling.
    round_trip: Row,
    /// Kernel stamp minus the stamp before the send call, 10 000 packets per second.
    one_way: Row,
    /// User space's stamp minus the stamp before the send call, 10 000 packets per second.
    one_way_to_user: Row,
    /// How late packets left, by rate.
    lateness: Vec<(u64, Row)>,
    /// What was not granted.
    downgrades: Vec<String>,
}

fn main() {
    let wanted = |name: &str| std::env::args().any(|argument| argument == name);
    let json = wanted("--json");
    let throttle = Throttle::lift();
    if wanted("--round-trip") {
        let row = in_fresh_namespace(one_round_trip_try);
        drop(throttle);
        match row {
            Err(reason) => eprintln!("skipped: {reason}"),
            Ok(row) => println!("{}", serde_json::to_string(&row).unwrap()),
        }
        return;
    }
    let figures = in_fresh_namespace(measure_all);
    drop(throttle);
    match figures {
        Err(reason) => eprintln!("skipped: {reason}"),
        Ok(figures) if json => println!("{}", serde_json::to_string(&figures).unwrap()),
        Ok(figures) => print(&figures),
    }
}

fn print(figures: &Figures) {
    let micro = |ns: u64| format!("{}.{:03}", ns / 1_000, ns % 1_000);
    println!("{:<28}{:>10}{:>10}{:>10}", "µs", "p50", "p99", "p99.9");
    let line = |name: &str, row: &Row| println!("{name:<28}{:>10}{:>10}{:>10}", micro(row.p50), micro(row.p99), micro(row.p99_9));
    line("round trip", &figures.round_trip);
    line("one way, 10 kpps", &figures.one_way);
    line("one way to user, 10 kpps", &figures.one_way_to_user);
    for (rate, row) in &figures.lateness {
        line(&format!("lateness, {} kpps", rate / 1_000), row);
    }
    for downgrade in &figures.downgrades {
        println!("not granted: {downgrade}");
    }
}

fn one_round_trip_try() -> Row {
    let (peer, own) = wire_up();
    row(round_trips(&scheduling(peer, Some(PRIORITY)), &scheduling(own, Some(PRIORITY)), 200_000))
}

/// Makes the pair and returns the cores of the peer and our own.
fn wire_up() -> (Vec<usize>, Vec<usize>) {
    veth("tb-test-a", "tb-test-b");
    // A few packets at ordinary priority first: two loops that spin at real-time priority and never meet would hold up the machine.
    let trial = round_trips(&scheduling(vec![], None), &scheduling(vec![], None), 100);
    assert!(trial.len() > 50, "frames do not come back over the pair");
    cores()
}

fn measure_all() -> Figures {
    let (peer, own) = wire_up();
    let mut downgrades = Vec::new();
    let round_trip = median_of_tries(|| {
        row(round_trips(&scheduling(peer.clone(), Some(PRIORITY)), &scheduling(own.clone(), Some(PRIORITY)), 100_000))
    });
    let mut lateness = Vec::new();
    let (mut one_way, mut one_way_to_user) = (round_trip, round_trip);
    for rate in RATES {
        let tries: Vec<_> = (0..TRIES).map(|_| wire(rate, scheduling(own.clone(), Some(PRIORITY)), &mut downgrades)).collect();
        let medians = |pick: fn(&Wire) -> Row| median(&tries.iter().map(pick).collect::<Vec<_>>());
        lateness.push((rate, medians(|wire| wire.lateness)));
        if rate == 10_000 {
            (one_way, one_way_to_user) = (medians(|wire| wire.kernel), medians(|wire| wire.user));
        }
    }
    downgrades.sort();
    downgrades.dedup();
    Figures { round_trip, one_way, one_way_to_user, lateness, downgrades }
}

/// The core of the peer and our own: the last two that this process may use.
fn cores() -> (Vec<usize>, Vec<usize>) {
    let home = realtime::home();
    let all: Vec<_> = (0..1024).filter(|&cpu| home.is_set(cpu)).collect();
    match all.as_slice() {
        [.., peer, own] => (vec![*peer], vec![*own]),
        _ => (vec![], vec![]),
    }
}

fn scheduling(cpus: Vec<usize>, priority: Option<u8>) -> Scheduling {
    Scheduling { cpus, priority, lock_memory: priority.is_some(), wait: Wait::Spin }
}

/// Round trips to a forwarder that sends each frame back where it came from.
fn round_trips(theirs: &Scheduling, ours: &Scheduling, count: u32) -> Vec<u64> {
    let (here, there) = (MacAddress::local(1, 1), MacAddress::local(1, 2));
    let interface = || "tb-test-b".to_owned();
    let back = ForwardRule { receive: interface(), transmit: interface(), source: there, destination: here };
    let mut peer = Client::start();
    let order = Forward {
        function: Function::L2fwd,
        rules: vec![back],
        ports: Ports::FORWARDER,
        memory: Vec::new(),
        sockets: Vec::new(),
        workers: 1,
        batch: BATCH,
        scheduling: theirs.clone(),
    };
    peer.prepare(&Order::Forward(order)).unwrap();
    peer.send(&Command::Start);
    let order = PingPong {
        count,
        warm_up: count / 10,
        source: here,
        destination: there,
        frame: 60,
        tag: 1,
        // Some may be lost until the peer has got going.
        patience: 10_000_000,
    };
    let ours = ours.clone();
    let ping = std::thread::spawn(move || {
        let _ = realtime::pin(&ours.cpus);
        let _ = ours.priority.and_then(realtime::prioritize);
        ping_pong("tb-test-a", &order)
    });
    let found = ping.join().unwrap().unwrap();
    peer.send(&Command::Stop);
    peer.reply();
    peer.quit().unwrap();
    assert!(found.lost <= 100, "{} round trips were lost", found.lost);
    found.times
}

/// One run over the wire without anything in between.
struct Wire {
    lateness: Row,
    kernel: Row,
    user: Row,
}

fn wire(rate: u64, scheduling: Scheduling, downgrades: &mut Vec<String>) -> Wire {
    let order = Measure {
        name: String::new(),
        path: Path::Interfaces { transmit: "tb-test-a".to_owned(), receive: "tb-test-b".to_owned() },
        ports: Ports::LATENCY,
        frame: 60,
        source: MacAddress::local(1, 1),
        destination: MacAddress::local(1, 2),
        shown: false,
        sockets: Vec::new(),
        tag: 2,
        schedule: Schedule { rate, warm_up: 200_000_000, duration: 1_000_000_000 },
        shape: Shape::default(),
        drain: 10_000_000,
        gap: 20_000,
        scheduling,
        more: Vec::new(),
    };
    let mut client = Client::start();
    downgrades.extend(client.prepare(&Order::Measure(order)).unwrap());
    let answer = client.measure().unwrap();
    client.quit().unwrap();
    let counted = || answer.departures.iter().filter(|departure| departure.due >= 0);
    let first = answer.departures.first().unwrap().sequence;
    let sent = |sequence: u64| answer.departures[usize::try_from(sequence - first).unwrap()];
    let arrived = || answer.arrivals.iter().map(|arrival| (arrival, sent(arrival.sequence))).filter(|(_, left)| left.due >= 0);
    let ns = |ns: i64| u64::try_from(ns.max(0)).unwrap();
    Wire {
        lateness: row(counted().map(|departure| ns(departure.sent - departure.due)).collect()),
        kernel: row(arrived().map(|(arrival, left)| ns(arrival.kernel - left.sent)).collect()),
        user: row(arrived().map(|(arrival, left)| ns(arrival.user - left.sent)).collect()),
    }
}

/// Nearest-rank percentiles.
fn row(mut times: Vec<u64>) -> Row {
    times.sort_unstable();
    let at = |per_mille: usize| times[(times.len() * per_mille).div_ceil(1000).max(1) - 1];
    Row { p50: at(500), p99: at(990), p99_9: at(999) }
}

fn median_of_tries(mut one: impl FnMut() -> Row) -> Row {
    median(&(0..TRIES).map(|_| one()).collect::<Vec<_>>())
}

/// The median of each percentile by itself.
fn median(rows: &[Row]) -> Row {
    let of = |pick: fn(&Row) -> u64| {
        let mut values: Vec<_> = rows.iter().map(pick).collect();
        values.sort_unstable();
        values[values.len() / 2]
    };
    Row { p50: of(|row| row.p50), p99: of(|row| row.p99), p99_9: of(|row| row.p99_9) }
}
