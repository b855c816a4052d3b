//! The rank-sum test of two independent samples, and the interval of their shift that it gives when turned round.

use crate::interval::normal;

/// From so many pairs of values on, the distribution is taken as normal: by then both agree in the third digit (Conover, Practical
/// Nonparametric Statistics, section 5.1, tabulates the exact one to 20 values a side).
const MOST_EXACT: usize = 2_500;

/// What two independent samples say of how far apart their populations lie.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shift {
    /// The median of all differences of a value of the other and one of the base (Hodges and Lehmann 1963).
    pub estimate: f64,
    /// Lower bound.
    pub low: f64,
    /// Upper bound.
    pub high: f64,
    /// Probability that such an interval holds the shift, 0 to 1.
    pub confidence: f64,
}

/// Probability, when both samples are of one population, that at most `u` of the `n * m` pairs have the value of the first sample above
/// that of the second.
///
/// The greatest of all values is of the first sample with probability n / (n + m), and then above all m of the second (Mann and Whitney
/// 1947, equation 2).
pub fn at_most(n: usize, m: usize, u: usize) -> f64 {
    if u >= n * m {
        return 1.0;
    }
    if n * m > MOST_EXACT {
        let (n, m) = (n as f64, m as f64);
        let deviation = (n * m * (n + m + 1.0) / 12.0).sqrt();
        return normal::at_most((u as f64 + 0.5 - n * m / 2.0) / deviation);
    }
    // probabilities of 0, 1, ... such pairs, for each size of the second sample; of an empty first sample there are none
    let width = n * m + 1;
    let certain = || std::iter::once(1.0).chain(std::iter::repeat_n(0.0, width - 1)).collect::<Vec<f64>>();
    let mut by_size: Vec<Vec<f64>> = (0..=m).map(|_| certain()).collect();
    for first in 1..=n {
        let mut next = vec![certain()];
        for second in 1..=m {
            let share = first as f64 / (first + second) as f64;
            let greatest = |count: usize| count.checked_sub(second).map_or(0.0, |rest| by_size[second][rest]);
            let row = (0..width).map(|count| share * greatest(count) + (1.0 - share) * next[second - 1][count]).collect();
            next.push(row);
        }
        by_size = next;
    }
    by_size[m][..=u].iter().sum::<f64>().min(1.0)
}

/// The probability of samples at least as far apart in either direction when both are of one population; equal values count for being of
/// one. `None` without values on a side.
pub fn two_sided(base: &[f64], other: &[f64]) -> Option<f64> {
    let pairs = base.len() * other.len();
    if pairs == 0 {
        return None;
    }
    let above = base.iter().flat_map(|b| other.iter().map(move |o| (o > b, o < b)));
    let (above, below) =
        above.fold((0, 0), |(above, below), (more, less)| (above + usize::from(more), below + usize::from(less)));
    let least = pairs - above.max(below);
    Some((2.0 * at_most(base.len(), other.len(), least)).min(1.0))
}

/// How far the other lies above the base, with the narrowest interval of 95 % confidence that the rank-sum test gives; where the values
/// are too few for that, the extremes and their true confidence (Hollander and Wolfe, Nonparametric Statistical Methods, section 4.3).
/// `None` without values on a side.
pub fn shift(base: &[f64], other: &[f64]) -> Option<Shift> {
    let mut differences: Vec<f64> = base.iter().flat_map(|b| other.iter().map(move |o| o - b)).collect();
    differences.sort_by(f64::total_cmp);
    let count = differences.len();
    let (&least, &greatest) = (differences.first()?, differences.last()?);
    let estimate = f64::midpoint(differences[(count - 1) / 2], differences[count / 2]);
    let confidence = |cut: usize| (1.0 - 2.0 * at_most(base.len(), other.len(), cut)).max(0.0);
    let cut = (1..count / 2).take_while(|cut| confidence(*cut) >= 0.95).last().unwrap_or(0);
    let (low, high) = if cut == 0 { (least, greatest) } else { (differences[cut], differences[count - 1 - cut]) };
    Some(Shift { estimate, low, high, confidence: confidence(cut) })
}

/// How many values a side it takes before samples that do not overlap have at most this two-sided probability.
pub fn needed(probability: f64) -> usize {
    (1..=60).find(|&size| 2.0 * at_most(size, size, 0) <= probability).unwrap_or(60)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Counted over all ways to deal the ranks out.
    fn counted(n: usize, m: usize, u: usize) -> f64 {
        let deals = (0_u32..1 << (n + m)).filter(|deal| deal.count_ones() as usize == n);
        let statistic = |deal: u32| -> usize {
            (0..n + m)
                .filter(|rank| deal & (1 << rank) != 0)
                .map(|rank| (0..rank).filter(|below| deal & (1 << below) == 0).count())
                .sum()
        };
        let all: Vec<usize> = deals.map(statistic).collect();
        all.iter().filter(|count| **count <= u).count() as f64 / all.len() as f64
    }

    #[test]
    fn probabilities_are_those_of_dealing_out_ranks() {
        for (n, m) in [(1, 1), (2, 3), (3, 3), (5, 4), (5, 5), (6, 7)] {
            for u in 0..=n * m {
                assert!((at_most(n, m, u) - counted(n, m, u)).abs() < 1e-12, "{n} and {m}, {u}");
            }
        }
    }

    #[test]
    fn the_normal_stand_in_agrees_with_the_exact_distribution() {
        let (n, m) = (50, 50);
        for u in [900, 1000, 1100, 1250, 1400] {
            let exact = at_most(n, m, u);
            let deviation = (2500.0_f64 * 101.0 / 12.0).sqrt();
            assert!((normal::at_most((u as f64 + 0.5 - 1250.0) / deviation) - exact).abs() < 1e-3, "{u}");
        }
    }

    #[test]
    fn three_against_three_cannot_reach_95_percent() {
        let shift = shift(&[1.0, 2.0, 3.0], &[11.0, 12.0, 13.0]).unwrap();
        assert_eq!((shift.low, shift.estimate, shift.high), (8.0, 10.0, 12.0));
        assert!((shift.confidence - 0.9).abs() < 1e-12);
        assert_eq!(two_sided(&[1.0, 2.0, 3.0], &[11.0, 12.0, 13.0]).map(|p| (p * 10.0).round()), Some(1.0));
        assert_eq!((needed(0.05), needed(0.05 / 8.0)), (4, 6));
    }

    #[test]
    fn the_interval_leaves_out_as_many_differences_as_it_may() {
        let base: Vec<f64> = (0..5).map(f64::from).collect();
        let other: Vec<f64> = (0..5).map(|n| f64::from(n) + 100.0).collect();
        let shift = shift(&base, &other).unwrap();
        // two differences on each side: 1 - 2 * 4/252
        assert!((shift.confidence - (1.0 - 2.0 * 4.0 / 252.0)).abs() < 1e-12, "{shift:?}");
        assert_eq!((shift.low, shift.high), (97.0, 103.0));
    }

    #[test]
    fn nothing_comes_of_nothing() {
        assert_eq!((shift(&[], &[1.0]), two_sided(&[1.0], &[])), (None, None));
    }

    proptest! {
        #[test]
        fn equal_samples_show_nothing(values in prop::collection::vec(0_u32..50, 1..12)) {
            let values: Vec<f64> = values.into_iter().map(f64::from).collect();
            prop_assert!(two_sided(&values, &values).unwrap() > 0.99);
            let shift = shift(&values, &values).unwrap();
            prop_assert!(shift.low <= 0.0 && shift.high >= 0.0);
        }

        #[test]
        fn the_shift_follows_the_values(values in prop::collection::vec(0_u32..1000, 2..10), by in 0_u32..1000) {
            let base: Vec<f64> = values.iter().map(|value| f64::from(*value)).collect();
            let moved: Vec<f64> = base.iter().map(|value| value + f64::from(by)).collect();
            let shift = shift(&base, &moved).unwrap();
            prop_assert!(shift.low <= f64::from(by) && f64::from(by) <= shift.high);
        }
    }
}
