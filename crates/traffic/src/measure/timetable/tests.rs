use super::*;
use proptest::prelude::*;
use tailbed_format::mac::MacAddress;
use tailbed_format::order::{Path, Schedule, Scheduling, SimulatedWire, Wait};
use tailbed_format::port::Ports;
use tailbed_format::traffic::Shape;

fn order(schedule: Schedule, pattern: Pattern) -> Measure {
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
        frame: 60,
        source: MacAddress::local(1, 1),
        destination: MacAddress::local(1, 2),
        shown: false,
        sockets: Vec::new(),
        tag: 7,
        schedule,
        shape: Shape { pattern, ..Shape::default() },
        drain: 0,
        gap: 0,
        scheduling: Scheduling { cpus: vec![], priority: None, lock_memory: false, wait: Wait::Block },
        more: Vec::new(),
    }
}

/// Due times of the warm-up, and of the counted part.
fn times(order: &Measure) -> (Vec<i64>, Vec<i64>) {
    let all: Vec<_> = Timetable::new(order, &[]).collect();
    let (warm_up, counted) = all.split_at(usize::try_from(order.warm_up_packets()).unwrap());
    (warm_up.to_vec(), counted.to_vec())
}

fn schedules() -> impl Strategy<Value = Schedule> {
    (1u64..3_000_000, 0u64..3_000_000, 1u64..10_000_000).prop_map(|(rate, warm_up, duration)| Schedule {
        rate,
        warm_up,
        duration,
    })
}

fn patterns() -> impl Strategy<Value = Pattern> {
    let rate = || 1u64..3_000_000;
    prop_oneof![
        Just(Pattern::Constant),
        any::<u64>().prop_map(|seed| Pattern::Poisson { seed }),
        (1u32..200, proptest::option::of(1_000u64..5_000_000)).prop_map(|(size, gap)| Pattern::Burst { size, gap }),
        (rate(), rate()).prop_map(|(from, to)| Pattern::Ramp { from, to }),
        proptest::collection::vec(rate(), 1..6).prop_map(|rates| Pattern::Steps { rates }),
    ]
}

proptest! {
    /// Whatever the pattern: as many packets as the order says, in order, the warm-up before the origin and the rest within the duration.
    #[test]
    fn every_packet_lies_in_its_part(schedule in schedules(), pattern in patterns()) {
        let order = order(schedule.clone(), pattern);
        let (warm_up, counted) = times(&order);
        prop_assert_eq!(counted.len() as u64, order.packets());
        prop_assert!(warm_up.is_sorted() && counted.is_sorted());
        prop_assert!(warm_up.iter().all(|&due| due < 0));
        let end = i64_of(schedule.duration);
        prop_assert!(counted.iter().all(|due| (0..end).contains(due)), "{:?} of {}", counted.last(), end);
        // and again the same
        prop_assert_eq!(Timetable::new(&order, &[]).skip(warm_up.len()).collect::<Vec<_>>(), counted);
    }

    #[test]
    fn a_constant_rate_is_that_of_the_schedule(schedule in schedules()) {
        let due = Timetable::new(&order(schedule.clone(), Pattern::Constant), &[]);
        for (sequence, due) in (0..).zip(due) {
            prop_assert_eq!(due, schedule.due(sequence));
        }
    }

    /// Of every burst all packets are due when the first would be at a constant rate; bursts meet the origin.
    #[test]
    fn a_burst_is_due_at_once(schedule in schedules(), size in 1u32..200) {
        let (warm_up, counted) = times(&order(schedule.clone(), Pattern::Burst { size, gap: None }));
        let size = size as usize;
        let exact = |first: usize| schedule.due(schedule.warm_up_packets() + first as u64);
        for (number, burst) in counted.chunks(size).enumerate() {
            prop_assert!(burst.iter().all(|&due| due == exact(number * size)));
        }
        for burst in warm_up.rchunks(size) {
            prop_assert!(burst.iter().all(|&due| due == burst[0]));
        }
    }

    #[test]
    fn bursts_of_a_given_gap_are_whole(schedule in schedules(), size in 1u32..50, gap in 1_000u64..5_000_000) {
        let (warm_up, counted) = times(&order(schedule, Pattern::Burst { size, gap: Some(gap) }));
        for (number, burst) in (0..).zip(counted.chunks(size as usize)) {
            prop_assert_eq!(burst, vec![number * i64_of(gap); size as usize]);
        }
        for (number, burst) in (1..).zip(warm_up.rchunks(size as usize)) {
            prop_assert_eq!(burst, vec![-number * i64_of(gap); size as usize]);
        }
    }

    /// The area below the ramp up to a packet's due time is its number: within the rate times the nanosecond that times are cut to.
    #[test]
    fn a_ramp_holds_its_rate(schedule in schedules(), from in 1u64..3_000_000, to in 1u64..3_000_000) {
        let (_, counted) = times(&order(schedule.clone(), Pattern::Ramp { from, to }));
        let (from, to, length) = (from as f64, to as f64, schedule.duration as f64);
        for (number, &due) in counted.iter().enumerate() {
            let at = due as f64;
            let packets = (from * at + (to - from) * at * at / (2.0 * length)) / 1e9;
            let step = from.max(to) / 1e9 * 1.5 + 1e-6;
            prop_assert!((packets - number as f64).abs() <= step, "{} at {}: {}", number, due, packets);
        }
    }

    #[test]
    fn each_step_has_its_rate(rates in proptest::collection::vec(1u64..3_000_000, 1..6), duration in 1u64..10_000_000) {
        let schedule = Schedule { rate: 1, warm_up: 0, duration };
        let (_, counted) = times(&order(schedule.clone(), Pattern::Steps { rates: rates.clone() }));
        let expected = schedule.steps(&rates).flat_map(|step| {
            let constant = Schedule { rate: step.rate, warm_up: 0, duration: 1 };
            (0..step.packets).map(move |packet| i64_of(step.start) + constant.due(packet)).collect::<Vec<_>>()
        });
        prop_assert_eq!(counted, expected.collect::<Vec<_>>());
    }
}

/// The law of the times is tested on recorded ones; here that each seed has its own, and that the warm-up does not change them.
#[test]
fn poisson_times_depend_on_the_seed_alone() {
    let schedule = |warm_up| Schedule { rate: 10_000, warm_up, duration: 100_000_000 };
    let counted = |seed, warm_up| times(&order(schedule(warm_up), Pattern::Poisson { seed })).1;
    assert_eq!(counted(1, 0), counted(1, 50_000_000));
    assert_ne!(counted(1, 0), counted(2, 0));
    assert_eq!(counted(1, 0).len(), 1_000);
}

/// A recording goes on from the warm-up into the counted part.
#[test]
fn recorded_times_begin_with_the_warm_up() {
    let times = [0, 10, 25];
    let mut replay =
        Replay { pcap: "x.pcap".to_owned(), speed: Replay::AS_RECORDED, repeat: true, warm_up_packets: 0, packets: 0 };
    let (warm_up, duration) = (30, 50);
    replay.warm_up_packets = replay.packets_before(warm_up, &times);
    replay.packets = replay.packets_before(warm_up + duration, &times) - replay.warm_up_packets;
    let order = order(Schedule { rate: 1, warm_up, duration }, Pattern::Replay(replay));
    let due: Vec<_> = Timetable::new(&order, &times).collect();
    // the mean gap is 12 ns
    assert_eq!(due, [-30, -20, -5, 7, 17, 32, 44]);
    assert_eq!((order.warm_up_packets(), order.packets()), (3, 4));
}
