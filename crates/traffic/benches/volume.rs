//! How many packets a second the instrument carries over virtual Ethernet pairs, by the ports it uses. Prints a table; with `--once` and
//! the names of the ports one try, as JSON, to be run in turns with another program:
//!
//! - `--once wire SEND RECEIVE` sends and receives over one pair, both in one loop on one core, as fast as it can.
//! - `--once between FIRST SECOND` sends into the interface `generator` and counts what comes back by `sink`, with whatever forwarder
//!   runs on the other core between the far ends of both, in the network namespace it is started in.
//! - `--once forward FUNCTION SEND RECEIVE` does the same with a forwarder of ours in between.
//!
//! Everything runs under SCHED_FIFO with the loops spinning, on the last two cores that this process may use. The real-time throttle
//! (`sched_rt_runtime_us`) is lifted while measuring, where that is permitted, and put back.
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
use tailbed_format::port::{Ports, ReceivePort, SendPort};
use tailbed_format::traffic::Shape;
use tailbed_traffic::realtime;
use throttle::Throttle;

const TRIES: usize = 5;
const PRIORITY: u8 = 50;

/// More than any port sends: the loop is always behind, and sends as fast as it can.
const RATE: u64 = 4_000_000;

/// Counted: the second half of a second, when all caches and rings have seen a round.
const SPAN: u64 = 500_000_000;

/// Packets per second over the counted time.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize)]
struct Carried {
    sent: f64,
    received: f64,
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let throttle = Throttle::lift();
    match arguments.as_slice() {
        ["--once", "between"] => print(Ok(measure("generator", "sink", generator()))),
        ["--once", "wire", send, receive] => {
            let ports = ports(send, receive);
            print(in_fresh_namespace(move || wire(ports)));
        }
        ["--once", "forward", function, send, receive] => {
            let (function, ports) = (self::function(function), ports(send, receive));
            print(in_fresh_namespace(move || forwarded(&function, ports)));
        }
        [] => table(),
        other => panic!("unknown arguments {other:?}"),
    }
    drop(throttle);
}

fn print(carried: Result<Carried, String>) {
    match carried {
        Ok(carried) => println!("{}", serde_json::to_string(&carried).unwrap()),
        Err(reason) => eprintln!("skipped: {reason}"),
    }
}

fn ports(send: &str, receive: &str) -> Ports {
    let parse = |name: &str| serde_json::Value::from(name);
    Ports { send: serde_json::from_value(parse(send)).unwrap(), receive: serde_json::from_value(parse(receive)).unwrap() }
}

fn function(name: &str) -> Function {
    match name {
        "none" => Function::None,
        "l2fwd" => Function::L2fwd,
        name => panic!("unknown function {name}"),
    }
}

/// What the generator has beside forwarders, ours and others': the ports that carry most.
fn generator() -> Ports {
    Ports { send: SendPort::XdpCopy, receive: ReceivePort::PacketBlocks }
}

fn table() {
    println!("{:<44}{:>14}{:>14}", "million packets per second, 64 bytes", "sent", "received");
    let line = |name: &str, tries: Vec<Carried>| {
        let median = median(tries);
        println!("{name:<44}{:>14.3}{:>14.3}", median.sent / 1e6, median.received / 1e6);
    };
    for send in [SendPort::Packet, SendPort::PacketBatch, SendPort::XdpCopy] {
        for receive in [ReceivePort::Packet, ReceivePort::PacketBlocks, ReceivePort::Xdp] {
            let ports = Ports { send, receive };
            let tries = (0..TRIES).map(|_| in_fresh_namespace(move || wire(ports)).unwrap()).collect();
            line(&format!("wire: {ports}"), tries);
        }
    }
    for send in [SendPort::Packet, SendPort::PacketBatch, SendPort::XdpCopy] {
        for receive in [ReceivePort::Packet, ReceivePort::PacketBlocks, ReceivePort::Xdp] {
            let ports = Ports { send, receive };
            let tries = (0..TRIES).map(|_| in_fresh_namespace(move || forwarded(&Function::None, ports)).unwrap()).collect();
            line(&format!("forwarder: {ports}"), tries);
        }
    }
}

fn median(mut tries: Vec<Carried>) -> Carried {
    let mut of = |pick: fn(&Carried) -> f64| {
        tries.sort_by(|one, other| pick(one).total_cmp(&pick(other)));
        pick(&tries[tries.len() / 2])
    };
    Carried { sent: of(|carried| carried.sent), received: of(|carried| carried.received) }
}

/// One pair, one loop, one core.
fn wire(ports: Ports) -> Carried {
    veth("generator", "sink");
    measure("generator", "sink", ports)
}

/// Two pairs with a forwarder between, which has a core of its own.
fn forwarded(function: &Function, ports: Ports) -> Carried {
    veth("generator", "in");
    veth("sink", "out");
    let rule = ForwardRule {
        receive: "in".to_owned(),
        transmit: "out".to_owned(),
        source: MacAddress::local(7, 1),
        destination: MacAddress::local(7, 2),
    };
    let mut forwarder = Client::start();
    let scheduling = scheduling(cores().0);
    let function = function.clone();
    let order = Forward {
        function,
        rules: vec![rule],
        ports,
        memory: Vec::new(),
        sockets: Vec::new(),
        workers: 1,
        batch: BATCH,
        scheduling,
    };
    forwarder.prepare(&Order::Forward(order)).unwrap();
    forwarder.send(&Command::Start);
    let carried = measure("generator", "sink", generator());
    forwarder.send(&Command::Stop);
    forwarder.reply();
    forwarder.quit().unwrap();
    carried
}

/// The core of the forwarder and our own: the last two that this process may use.
fn cores() -> (Vec<usize>, Vec<usize>) {
    let home = realtime::home();
    let all: Vec<_> = (0..1024).filter(|&cpu| home.is_set(cpu)).collect();
    match all.as_slice() {
        [.., peer, own] => (vec![*peer], vec![*own]),
        _ => (vec![], vec![]),
    }
}

fn scheduling(cpus: Vec<usize>) -> Scheduling {
    Scheduling { cpus, priority: Some(PRIORITY), lock_memory: true, wait: Wait::Spin }
}

fn measure(transmit: &str, receive: &str, ports: Ports) -> Carried {
    let order = Measure {
        name: String::new(),
        more: Vec::new(),
        path: Path::Interfaces { transmit: transmit.to_owned(), receive: receive.to_owned() },
        ports,
        frame: 60,
        source: MacAddress::local(1, 1),
        destination: MacAddress::local(1, 2),
        shown: false,
        sockets: Vec::new(),
        tag: 2,
        schedule: Schedule { rate: RATE, warm_up: SPAN, duration: SPAN },
        shape: Shape::default(),
        drain: 10_000_000,
        gap: 20_000,
        scheduling: scheduling(cores().1),
    };
    let mut client = Client::start();
    client.prepare(&Order::Measure(order)).unwrap();
    let answer = client.measure().unwrap();
    client.quit().unwrap();
    // it sends for longer than the schedule has it: what left and came within as long a time counts
    let start = answer.departures[answer.departures.len() / 2].sent;
    let within = |at: i64| (start..start + SPAN.cast_signed()).contains(&at);
    let per_second = |count: usize| count as f64 * 1e9 / SPAN as f64;
    Carried {
        sent: per_second(answer.departures.iter().filter(|departure| within(departure.sent)).count()),
        received: per_second(answer.arrivals.iter().filter(|arrival| within(arrival.kernel)).count()),
    }
}
