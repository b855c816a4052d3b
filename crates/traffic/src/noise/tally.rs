//! What many values amount to: how often each occurred, and the greatest with their times.

use tailbed_format::noise::WORST_KEPT;
use tailbed_format::summary::Gap;

/// Every value once, ascending, with how often it occurred.
pub(super) fn counted(mut values: Vec<u64>) -> Vec<(u64, u64)> {
    values.sort_unstable();
    values.chunk_by(|a, b| a == b).map(|alike| (alike[0], alike.len() as u64)).collect()
}

/// The longest of them, at most [`WORST_KEPT`], in the order of time. Of equals the earlier ones stay.
pub(super) fn worst(mut gaps: Vec<Gap>) -> Vec<Gap> {
    gaps.sort_by_key(|gap| std::cmp::Reverse(gap.length));
    gaps.truncate(WORST_KEPT);
    gaps.sort_by_key(|gap| gap.at);
    gaps
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn values_are_counted_and_the_longest_kept_in_the_order_of_time() {
        assert_eq!(counted(vec![7, 3, 7, 7]), [(3, 1), (7, 3)]);
        assert_eq!(counted(Vec::new()), []);
        let gaps: Vec<_> = (0..3_000).map(|at| Gap { at, length: u64::try_from(at % 1_500).unwrap() }).collect();
        let kept = worst(gaps);
        assert_eq!(kept.len(), WORST_KEPT);
        assert!(kept.is_sorted_by_key(|gap| gap.at) && kept.iter().all(|gap| gap.length >= 1_000));
    }

    proptest! {
        #[test]
        fn nothing_is_lost(values in proptest::collection::vec(0u64..50, 0..500)) {
            let counted = counted(values.clone());
            prop_assert!(counted.is_sorted_by(|a, b| a.0 < b.0));
            for (value, times) in &counted {
                prop_assert_eq!(values.iter().filter(|other| *other == value).count() as u64, *times);
            }
            prop_assert_eq!(counted.iter().map(|(_, times)| times).sum::<u64>(), values.len() as u64);
        }
    }
}
