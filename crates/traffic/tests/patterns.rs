//! Patterns, mixes and flows as they were recorded, on a simulated wire: through the agent, over a stream.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::collections::BTreeMap;

use support::client::{Answer, Client};
use tailbed_format::mac::MacAddress;
use tailbed_format::message::write_recording;
use tailbed_format::order::{Measure, Order, Path, Schedule, Scheduling, SimulatedWire, Wait};
use tailbed_format::port::Ports;
use tailbed_format::recording::Recording;
use tailbed_format::traffic::{Flows, Mix, Pattern, Replay, Rule, Shape, SizeShare, Tag};
use tailbed_traffic::packet::template::{Head, Template};
use tailbed_traffic::port::{Fate, WireModel};

const WIRE: SimulatedWire = SimulatedWire {
    seed: 3,
    base: 900,
    mean_extra: 100,
    spike_share: 0,
    spike: 0,
    loss: 0,
    duplicates: 0,
    reordered: 0,
    capacity: None,
    queue: 0,
};

fn order(wire: SimulatedWire, schedule: Schedule, shape: Shape) -> Measure {
    Measure {
        name: String::new(),
        path: Path::Simulated(wire),
        ports: Ports::LATENCY,
        frame: 60,
        source: MacAddress::local(1, 1),
        destination: MacAddress::local(1, 2),
        shown: false,
        sockets: Vec::new(),
        tag: 9,
        schedule,
        shape,
        drain: 10_000_000,
        gap: 20_000,
        scheduling: Scheduling { cpus: vec![], priority: None, lock_memory: false, wait: Wait::Spin },
        more: Vec::new(),
    }
}

fn measure(order: &Measure) -> Answer {
    let mut client = Client::start();
    assert_eq!(client.prepare(&Order::Measure(order.clone())), Ok(vec![]));
    let mut answer = client.measure().unwrap();
    client.quit().unwrap();
    // the kernel's account of the thread is of this machine, and no two are the same
    answer.measured.account = None;
    answer
}

/// The recorded send times of the counted part of 20 000 packets a second for one second.
fn sent(pattern: Pattern) -> Vec<i64> {
    let schedule = Schedule { rate: 20_000, warm_up: 100_000_000, duration: 1_000_000_000 };
    let answer = measure(&order(WIRE, schedule, Shape { pattern, ..Shape::default() }));
    assert_eq!(answer.measured.gap_count, 0);
    let counted: Vec<_> = answer.departures.iter().filter(|departure| departure.due >= 0).collect();
    // On the simulated clock the times are those of the schedule to the nanosecond.
    assert!(counted.iter().all(|departure| (departure.sent - departure.due).abs() <= 1));
    counted.iter().map(|departure| departure.sent).collect()
}

fn gaps(times: &[i64]) -> Vec<f64> {
    times.windows(2).map(|pair| (pair[1] - pair[0]) as f64).collect()
}

/// The statistic of Kolmogorov and Smirnov times the root of n: the greatest distance between the empirical distribution and another.
fn distance(mut values: Vec<f64>, distribution: impl Fn(f64) -> f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let n = values.len() as f64;
    let one = |(rank, value): (usize, &f64)| {
        let (below, above) = (rank as f64 / n, (rank + 1) as f64 / n);
        let expected = distribution(*value);
        (expected - below).abs().max((above - expected).abs())
    };
    values.iter().enumerate().map(one).fold(0.0, f64::max) * n.sqrt()
}

/// What the statistic exceeds in one of a hundred samples of the distribution itself, for large n (Kolmogorov's limit: Massey, JASA 46
/// (1951), table 1).
const ONE_IN_A_HUNDRED: f64 = 1.63;

/// The mean gap is 50 µs.
fn exponential(gap: f64) -> f64 {
    1.0 - (-gap / 50_000.0).exp()
}

#[test]
fn poisson_gaps_are_exponential_and_independent_and_times_uniform() {
    for seed in 1..=3 {
        let times = sent(Pattern::Poisson { seed });
        assert_eq!(times.len(), 20_000, "the mean rate is exact");
        let gaps = gaps(&times);
        let statistic = distance(gaps.clone(), exponential);
        assert!(statistic < ONE_IN_A_HUNDRED, "seed {seed}: gaps are not exponential: {statistic}");
        let statistic = distance(times.iter().map(|&time| time as f64).collect(), |time| time / 1e9);
        assert!(statistic < ONE_IN_A_HUNDRED, "seed {seed}: times are not uniform: {statistic}");
        // The correlation of neighbours has a standard deviation of 1 / root n when there is none (Bartlett 1946).
        let deviation = |gap: &f64| gap - 50_000.0;
        let squares: f64 = gaps.iter().map(|gap| deviation(gap).powi(2)).sum();
        let products: f64 = gaps.windows(2).map(|pair| deviation(&pair[0]) * deviation(&pair[1])).sum();
        let correlation = products / squares * (gaps.len() as f64).sqrt();
        assert!(correlation.abs() < 3.0, "seed {seed}: neighbouring gaps are correlated: {correlation} standard deviations");
    }
}

/// The test of fit can tell: no other pattern passes it.
#[test]
fn other_patterns_are_no_poisson_process() {
    for pattern in [
        Pattern::Constant,
        Pattern::Burst { size: 2, gap: None },
        Pattern::Ramp { from: 1_000, to: 39_000 },
        Pattern::Steps { rates: vec![10_000, 30_000] },
    ] {
        let statistic = distance(gaps(&sent(pattern.clone())), exponential);
        assert!(statistic > 10.0 * ONE_IN_A_HUNDRED, "{pattern:?}: {statistic}");
    }
}

#[test]
fn bursts_leave_together_and_in_time() {
    for (pattern, interval) in
        [(Pattern::Burst { size: 64, gap: None }, 3_200_000), (Pattern::Burst { size: 64, gap: Some(1_000_000) }, 1_000_000)]
    {
        let times = sent(pattern);
        for (number, burst) in (0..).zip(times.chunks(64)) {
            assert!(burst.iter().all(|&time| (time - number * interval).abs() <= 1), "burst {number}: {burst:?}");
        }
    }
    // 1 s of bursts every 1 ms; 20 000 packets in bursts of 64 end with one of 32
    assert_eq!(sent(Pattern::Burst { size: 64, gap: Some(1_000_000) }).len(), 64_000);
    assert_eq!(sent(Pattern::Burst { size: 64, gap: None }).len(), 20_000);
}

#[test]
fn ramps_and_steps_have_the_rates_they_say() {
    let in_part = |times: &[i64], part: i64| times.iter().filter(|&&time| time / 100_000_000 == part).count();
    let ramp = sent(Pattern::Ramp { from: 10_000, to: 30_000 });
    for part in 0..10 {
        // 10 000 + 2 000 per tenth, in the middle of the tenth
        let expected = 1_000 + 200 * part + 100;
        assert!(in_part(&ramp, part).abs_diff(usize::try_from(expected).unwrap()) <= 1, "{}", in_part(&ramp, part));
    }
    let steps = sent(Pattern::Steps { rates: vec![10_000, 50_000] });
    assert_eq!((0..10).map(|part| in_part(&steps, part)).collect::<Vec<_>>(), [vec![1_000; 5], vec![5_000; 5]].concat());
}

/// A load of everything at once.
fn mixed() -> Shape {
    let share = |frame, weight| SizeShare { frame, weight };
    let tag = |ethertype, first| Tag { ethertype, id: Rule { first, count: 3, every: 1 } };
    let flows = Flows {
        count: 7,
        tags: vec![tag(0x88a8, 100), tag(0x8100, 200)],
        source: Rule { first: 0x0a00_0001, count: 7, every: 1 },
        ..Flows::default()
    };
    Shape { pattern: Pattern::Poisson { seed: 5 }, mix: Mix { shares: vec![share(68, 7), share(590, 4), share(9014, 1)] }, flows }
}

/// What was sent was received or is lost, flow by flow, exactly as the model has it: packet by packet, as often as it came.
#[test]
fn every_packet_of_every_flow_is_accounted_for() {
    let wire = SimulatedWire { loss: 20_000, duplicates: 10_000, reordered: 5_000, ..WIRE };
    let schedule = Schedule { rate: 50_000, warm_up: 50_000_000, duration: 500_000_000 };
    let order = order(wire.clone(), schedule, mixed());
    let answer = measure(&order);
    assert_eq!(answer.departures.len() as u64, order.warm_up_packets() + order.packets());
    let mut model = WireModel::new(wire, 1_000_000_000 / order.schedule.rate);
    let mut expected: BTreeMap<(u32, u64), Vec<i64>> = BTreeMap::new();
    for (number, departure) in (0_u64..).zip(&answer.departures) {
        assert_eq!((u64::from(departure.flow), departure.sequence), (number % 7, number / 7));
        let Fate { delay, again } = model.fate();
        let times = [delay, again].into_iter().flatten().map(|delay| departure.sent + delay.cast_signed());
        expected.insert((departure.flow, departure.sequence), times.collect());
    }
    let mut found: BTreeMap<(u32, u64), Vec<i64>> = expected.keys().map(|&packet| (packet, Vec::new())).collect();
    for arrival in &answer.arrivals {
        found.get_mut(&(arrival.flow, arrival.sequence)).expect("it was sent").push(arrival.kernel);
    }
    assert_eq!(found, expected);
    let lost = |flow: u32| expected.iter().filter(|((of, _), times)| *of == flow && times.is_empty()).count();
    assert!((0..7).all(|flow| lost(flow) > 30), "each flow loses some 80 of 3 930");
    assert_eq!((answer.measured.foreign, answer.measured.receive_drops), (0, 0));
}

/// Recorded packets leave at their own times, in the warm-up too, and again when told to; each carries its identifier.
#[test]
fn a_recording_is_replayed() {
    let mut recording = Recording::default();
    let times = [0, 5_000, 5_000, 90_000, 1_000_000];
    for (at, length) in times.into_iter().zip([60, 100, 200, 1514, 61]) {
        let head = Head { source: MacAddress([7; 6]), destination: MacAddress([8; 6]), tag: 1, length };
        recording.push(at, Template::new(&head).unwrap().numbered(at));
    }
    let mut replay =
        Replay { pcap: "x.pcap".to_owned(), speed: 2 * Replay::AS_RECORDED, repeat: true, warm_up_packets: 0, packets: 0 };
    let (warm_up, duration) = (100_000, 1_400_000);
    replay.warm_up_packets = replay.packets_before(warm_up, &times);
    replay.packets = replay.packets_before(warm_up + duration, &times) - replay.warm_up_packets;
    let pattern = Pattern::Replay(replay.clone());
    let order = order(WIRE, Schedule { rate: 1_000, warm_up, duration }, Shape { pattern, ..Shape::default() });
    let mut client = Client::start();
    for block in recording.blocks(300) {
        write_recording(client.stream(), &block).unwrap();
    }
    assert_eq!(client.prepare(&Order::Measure(order.clone())), Ok(vec![]));
    let answer = client.measure().unwrap();
    // at twice the speed; the mean gap of 250 µs comes before the first packet again
    let round = [0, 2_500, 2_500, 45_000, 500_000];
    let expected: Vec<i64> =
        (0..3).flat_map(|n| round.map(|at| at + n * 625_000 - 100_000)).filter(|&due| due < 1_400_000).collect();
    assert_eq!(answer.departures.iter().map(|departure| departure.due).collect::<Vec<_>>(), expected);
    assert!(answer.departures.iter().all(|departure| departure.sent == departure.due));
    assert_eq!(answer.arrivals.len(), expected.len());
    assert_eq!(answer.arrivals.iter().map(|arrival| arrival.sequence).max(), Some(expected.len() as u64 - 1));
    // What came before an order belongs to it alone.
    let reason = client.prepare(&Order::Measure(order)).unwrap_err();
    assert_eq!(reason, "there is no recorded packet to send; give a capture that holds one");
    client.quit().unwrap();
}

#[test]
fn the_same_order_gives_the_same_records() {
    let order = order(WIRE, Schedule { rate: 10_000, warm_up: 0, duration: 50_000_000 }, mixed());
    let answer = measure(&order);
    assert_eq!(answer, measure(&order));
    let other = Measure { shape: Shape { pattern: Pattern::Poisson { seed: 6 }, ..mixed() }, ..order };
    assert_ne!(answer, measure(&other));
}
