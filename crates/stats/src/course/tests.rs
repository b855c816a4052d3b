//! Runs that warm up, drift or stand still.

use super::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// 20 000 packets 10 µs apart, exponential above 10 µs, each taken `factor(share of the run)` times as long.
fn found(seed: u64, factor: impl Fn(f64) -> f64) -> Course {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let packets: Vec<(i64, u64)> = (0..20_000_i64)
        .map(|number| {
            let tail = -(1.0 - random.random::<f64>()).ln();
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a latency of microseconds")]
            let latency = ((10_000.0 + 2_000.0 * tail) * factor(number as f64 / 20_000.0)) as u64;
            (number * 10_000, latency)
        })
        .collect();
    let counter: Counter = packets.iter().map(|(_, latency)| *latency).collect();
    let blocks = Blocks::of(packets.iter().map(|(_, latency)| *latency), &counter);
    course(&packets.iter().copied(), &counter, &blocks).unwrap()
}

#[test]
fn a_cold_beginning_is_a_warm_up() {
    let course = found(1, |share| if share < 0.1 { 1.3 } else { 1.0 });
    let warm_up = course.warm_up.unwrap();
    assert_eq!(warm_up.percentile, Percentile::REPORTED[0]);
    assert!((1_500..=2_500).contains(&warm_up.packets), "{warm_up:?}");
    assert_eq!(warm_up.until, i64::try_from(warm_up.packets).unwrap() * 10_000);
    assert!(warm_up.early > warm_up.rest + 2_000, "{warm_up:?}");
    assert_eq!(course.drift, [], "what comes after it stands still");
}

#[test]
fn a_steady_rise_is_a_drift_and_no_warm_up() {
    let course = found(2, |share| 1.0 + 0.2 * share);
    assert_eq!(course.warm_up, None);
    assert_eq!(course.drift.len(), 2, "{course:?}");
    let Drift { from, to, chance, .. } = course.drift[0];
    assert!(from < to && chance < 1e-6, "{course:?}");
}

#[test]
fn what_stands_still_is_left_alone() {
    let alarms = (100..150).filter(|seed| found(*seed, |_| 1.0) != Course { warm_up: None, drift: Vec::new() }).count();
    // 2 % of 50 runs is one; more than five have a probability below one in a thousand
    assert!(alarms <= 5, "{alarms} of 50");
}

#[test]
fn few_packets_tell_nothing() {
    let counter: Counter = (0..100).collect();
    let blocks = Blocks::of(0..100, &counter);
    assert_eq!(course(&(0..100).map(|number| (i64::try_from(number).unwrap(), number)), &counter, &blocks), None);
}
