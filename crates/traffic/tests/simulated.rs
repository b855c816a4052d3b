//! From order to records on a simulated wire, whose truth is known: through the agent, over a stream.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::collections::HashMap;

use support::client::{Answer, Client};
use tailbed_format::mac::MacAddress;
use tailbed_format::message::{Command, Reply};
use tailbed_format::order::{Measure, Order, Path, Schedule, Scheduling, SimulatedWire, Wait};
use tailbed_format::port::Ports;
use tailbed_format::traffic::Shape;
use tailbed_traffic::port::WireModel;

const WIRE: SimulatedWire = SimulatedWire {
    seed: 42,
    base: 5_000,
    mean_extra: 800,
    spike_share: 100,
    spike: 400_000,
    loss: 2_000,
    duplicates: 1_000,
    reordered: 500,
    capacity: None,
    queue: 0,
};

fn order() -> Measure {
    Measure {
        name: String::new(),
        path: Path::Simulated(WIRE),
        ports: Ports::LATENCY,
        frame: 60,
        source: MacAddress::local(1, 1),
        destination: MacAddress::local(1, 2),
        shown: false,
        sockets: Vec::new(),
        tag: 0xfeed_beef,
        schedule: Schedule { rate: 100_000, warm_up: 500_000_000, duration: 2_000_000_000 },
        shape: Shape::default(),
        drain: 10_000_000,
        gap: 20_000,
        scheduling: Scheduling { cpus: vec![], priority: None, lock_memory: false, wait: Wait::Spin },
        more: Vec::new(),
    }
}

fn measure(order: Measure) -> Answer {
    let mut client = Client::start();
    assert_eq!(client.prepare(&Order::Measure(order)), Ok(vec![]));
    let answer = client.measure().unwrap();
    client.quit().unwrap();
    answer
}

/// Every packet leaves exactly when it is due, and comes in exactly when and as often as the model says.
#[test]
fn what_comes_out_is_what_the_model_put_in() {
    let order = order();
    let answer = measure(order.clone());
    assert_eq!(answer.departures.len(), 250_000);
    for (sequence, departure) in (0..).zip(&answer.departures) {
        assert_eq!((departure.sequence, departure.due), (sequence, order.schedule.due(sequence)));
        assert_eq!(departure.sent, departure.due);
    }
    assert_eq!(answer.departures[0].due, -500_000_000);
    assert_eq!(answer.departures[50_000].due, 0);

    let mut model = WireModel::new(WIRE, 10_000);
    let mut expected = Vec::new();
    for departure in &answer.departures {
        let fate = model.fate();
        for delay in [fate.delay, fate.again].into_iter().flatten() {
            expected.push((departure.sent + delay.cast_signed(), departure.sequence));
        }
    }
    expected.sort_unstable();
    let mut found: Vec<_> = answer.arrivals.iter().map(|arrival| (arrival.kernel, arrival.sequence)).collect();
    found.sort_unstable();
    assert_eq!(found, expected);
    assert!(answer.arrivals.iter().all(|arrival| arrival.user == arrival.kernel));
    assert!(answer.arrivals.is_sorted_by_key(|arrival| arrival.kernel));
}

#[test]
fn losses_duplicates_and_disorder_are_all_there() {
    let answer = measure(order());
    let mut times_seen = HashMap::new();
    for arrival in &answer.arrivals {
        *times_seen.entry(arrival.sequence).or_insert(0) += 1;
    }
    let lost = answer.departures.len() - times_seen.len();
    let twice = times_seen.values().filter(|&&times| times == 2).count();
    assert_eq!(answer.arrivals.len(), answer.departures.len() - lost + twice);
    // Expected 500 and 250; five standard deviations either way.
    assert!((390..=610).contains(&lost), "{lost}");
    assert!((170..=330).contains(&twice), "{twice}");
    assert!(!answer.arrivals.is_sorted_by_key(|arrival| arrival.sequence));
    let latency = |arrival: &tailbed_format::packet::Arrival| {
        arrival.kernel - answer.departures[usize::try_from(arrival.sequence).unwrap()].sent
    };
    assert!(answer.arrivals.iter().all(|arrival| latency(arrival) >= 5_000));

    let measured = answer.measured;
    assert_eq!((measured.send_errors, measured.receive_drops, measured.foreign), (0, 0, 0));
    assert_eq!((measured.gap_count, measured.gaps), (0, vec![]));
    assert!((measured.clock.tsc_hz - 1e9).abs() < 1e-3);
    assert_eq!((measured.clock.realtime_shift, measured.clock.bracket), (0, 0));
}

/// What was recorded, without the kernel's account of the thread that did it: that is of this machine.
fn recorded(order: Measure) -> Answer {
    let mut answer = measure(order);
    answer.measured.account = None;
    answer
}

#[test]
fn the_same_order_gives_the_same_records() {
    let short = Measure { schedule: Schedule { duration: 100_000_000, ..order().schedule }, ..order() };
    assert_eq!(recorded(short.clone()), recorded(short.clone()));
    let other_seed = Measure { path: Path::Simulated(SimulatedWire { seed: 43, ..WIRE }), ..short.clone() };
    assert_ne!(measure(short).arrivals, measure(other_seed).arrivals);
}

#[test]
fn a_wait_by_blocking_gives_the_same_records() {
    let short = Measure { schedule: Schedule { duration: 100_000_000, ..order().schedule }, ..order() };
    let blocking = Measure { scheduling: Scheduling { wait: Wait::Block, ..short.scheduling.clone() }, ..short.clone() };
    assert_eq!(recorded(short), recorded(blocking));
}

#[test]
fn odd_rates_keep_their_schedule() {
    let schedule = Schedule { rate: 333_333, warm_up: 100_000_001, duration: 300_000_000 };
    let answer = measure(Measure { schedule: schedule.clone(), ..order() });
    assert_eq!(answer.departures.len() as u64, schedule.warm_up_packets() + schedule.packets());
    for departure in &answer.departures {
        assert_eq!(departure.due, schedule.due(departure.sequence));
        assert!((departure.sent - departure.due).abs() <= 1, "{departure:?}");
    }
}

#[test]
fn orders_that_cannot_be_carried_out_say_why() {
    let mut client = Client::start();
    let mut refused = |order: Measure| client.prepare(&Order::Measure(order)).unwrap_err();
    assert_eq!(
        refused(Measure { frame: 59, ..order() }),
        "a frame of 59 bytes (without frame check sequence) cannot be made: it must be 60 to 9014 bytes long"
    );
    assert_eq!(
        refused(Measure { schedule: Schedule { rate: 0, ..order().schedule }, ..order() }),
        "the schedule holds no packet: 0 packets per second for 2000000000 ns; ask for a higher rate or a longer duration"
    );
    assert_eq!(
        refused(Measure { schedule: Schedule { rate: u64::MAX, ..order().schedule }, ..order() }),
        "the records of 18446744073709551615 packets do not fit into memory; ask for a lower rate or a shorter duration"
    );
    // And the agent goes on.
    assert_eq!(client.prepare(&Order::Measure(order())), Ok(vec![]));
    client.quit().unwrap();
}

#[test]
fn commands_out_of_turn_are_answered() {
    let mut client = Client::start();
    client.send(&Command::Stop);
    client.send(&Command::Start);
    let reason = "told to start before an order was prepared; send the order first".to_owned();
    assert_eq!(client.reply(), Reply::Failed(reason));
    client.hang_up().unwrap();
}

#[test]
fn an_order_prepared_and_dropped_is_no_harm() {
    let mut client = Client::start();
    assert_eq!(client.prepare(&Order::Measure(order())), Ok(vec![]));
    assert_eq!(client.prepare(&Order::Measure(order())), Ok(vec![]));
    client.hang_up().unwrap();
}
