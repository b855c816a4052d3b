//! The counter beside a sorted list of everything it was given.

use super::*;
use proptest::prelude::*;
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;

fn percentile(ppm: u32) -> Percentile {
    Percentile::from_ppm(ppm).unwrap()
}

#[test]
fn nothing_has_no_quantile() {
    let counter = Counter::new();
    assert_eq!(counter.quantile(percentile(500_000)), None);
    assert_eq!((counter.minimum(), counter.maximum(), counter.mean()), (None, None, None));
    assert_eq!(counter.iter().next(), None);
}

#[test]
fn counts_beyond_32_bits_are_kept() {
    let mut counter: Counter = (0..20_000).map(|value| value % 300).collect();
    counter.record_many(7, u64::from(u32::MAX));
    counter.record_many(7, u64::from(u32::MAX));
    counter.record(7);
    let sevens = counter.iter().find(|entry| entry.0 == 7).unwrap().1;
    assert_eq!(sevens, 2 * u64::from(u32::MAX) + 1 + 67);
    assert_eq!(counter.iter().map(|entry| entry.1).sum::<u64>(), counter.count());
    assert!(counter.iter().is_sorted_by(|a, b| a.0 < b.0));
}

proptest! {
    #[test]
    fn at_or_below_is_a_count(values in proptest::collection::vec(0u64..60, 0..200), limits in proptest::collection::btree_set(0u64..70, 0..8)) {
        let counter: Counter = values.iter().copied().collect();
        let limits: Vec<u64> = limits.into_iter().collect();
        let expected: Vec<u64> =
            limits.iter().map(|limit| values.iter().filter(|value| *value <= limit).count() as u64).collect();
        prop_assert_eq!(counter.at_or_below(&limits), expected);
    }
}

/// A latency distribution as measured (a mode of a few microseconds, a tail to milliseconds) crowds into arrays.
#[test]
fn memory_follows_distinct_values() {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let mut counter = Counter::new();
    let mut draw = |bound: u64| random.random_range(0..bound);
    for _ in 0..2_000_000 {
        let tail = if draw(1000) == 0 { draw(20_000_000) } else { 0 };
        counter.record(3_000 + draw(500) + draw(500) + tail);
    }
    assert!(counter.memory() < 2 << 20, "{} bytes", counter.memory());
}

#[test]
fn memory_is_bounded_when_no_two_values_are_alike() {
    let mut random = ChaCha8Rng::seed_from_u64(2);
    let counter: Counter = (0..300_000).map(|_| random.next_u64()).collect();
    assert!(counter.memory() < 300_000 * 40, "{} bytes", counter.memory());
}

/// Values that crowd, values that repeat and values from anywhere.
fn values() -> impl Strategy<Value = Vec<u64>> {
    let value = prop_oneof![4 => 0u64..2_000, 2 => 1_000_000u64..1_000_600, 1 => any::<u64>().prop_map(|v| v >> 8)];
    (proptest::collection::vec(value, 0..400), 1usize..40)
        .prop_map(|(values, repeats)| values.iter().copied().cycle().take(values.len() * repeats).collect())
}

fn model(values: &[u64]) -> BTreeMap<u64, u64> {
    values.iter().fold(BTreeMap::new(), |mut model, &value| {
        *model.entry(value).or_default() += 1;
        model
    })
}

proptest! {
    #[test]
    fn equals_sorting(values in values(), ppm in 1u32..=1_000_000) {
        let counter: Counter = values.iter().copied().collect();
        let mut sorted = values.clone();
        sorted.sort_unstable();
        prop_assert_eq!(counter.iter().collect::<Vec<_>>(), model(&values).into_iter().collect::<Vec<_>>());
        prop_assert_eq!(counter.minimum(), sorted.first().copied());
        prop_assert_eq!(counter.maximum(), sorted.last().copied());
        prop_assert_eq!(counter.sum(), sorted.iter().map(|&value| u128::from(value)).sum::<u128>());
        let rank = percentile(ppm).rank(sorted.len() as u64);
        let expected = rank.checked_sub(1).map(|at| sorted[usize::try_from(at).unwrap()]);
        prop_assert_eq!(counter.quantile(percentile(ppm)), expected);
    }

    #[test]
    fn merging_is_recording_both(left in values(), right in values()) {
        let mut merged: Counter = left.iter().copied().collect();
        let other: Counter = right.iter().copied().collect();
        merged.merge(&other);
        let both: Counter = left.iter().chain(&right).copied().collect();
        prop_assert!(merged.iter().eq(both.iter()));
        prop_assert_eq!((merged.count(), merged.sum()), (both.count(), both.sum()));
        let left: Counter = left.into_iter().collect();
        let again = merged.without(&other);
        prop_assert!(again.iter().eq(left.iter()));
        prop_assert_eq!((again.minimum(), again.maximum(), again.sum()), (left.minimum(), left.maximum(), left.sum()));
    }
}
