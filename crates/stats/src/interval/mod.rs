//! Distribution-free intervals for percentiles, from order statistics.
//!
//! Of n independent values, the number at or below the true percentile is binomial with n and p, whatever the distribution. So the
//! percentile lies between the l-th and u-th least value with probability P(l <= B <= u - 1) or more (David and Nagaraja, Order
//! Statistics, 3rd ed., section 7.1; Hahn and Meeker, Statistical Intervals, section 5.2). Each side leaves out at most 2.5 %.
//! Latencies of neighbouring packets are not independent, and runs differ: where there are several, [`crate::repeats`] makes the interval.

use tailbed_format::percentile::Percentile;
use tailbed_format::summary::{Distribution, Estimate, PercentileRow};

use crate::counter::Counter;

pub mod binomial;
pub mod block_length;
pub mod normal;
mod sign;
pub mod student;

pub use sign::{MedianInterval, median_interval};

/// What each side of an interval leaves out: 2.5 % on either side make 95 %.
pub const ONE_SIDED: f64 = 0.025;

/// A percentile is given only if at least this many values lie beyond its rank.
pub const LEAST_BEYOND: u64 = 10;

/// Ranks of the order statistics that bound a percentile, counted from 1; `None` on a side that the sample cannot bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RankInterval {
    /// Rank of the lower bound.
    pub low: Option<u64>,
    /// Rank of the upper bound.
    pub high: Option<u64>,
}

/// Ranks whose values bound the percentile of the population from which `n` independent values came, with 95 % confidence or
/// more: the narrowest that leave out at most [`ONE_SIDED`] on each side.
pub fn rank_interval(n: u64, percentile: Percentile) -> RankInterval {
    if n == 0 {
        return RankInterval { low: None, high: None };
    }
    if percentile.ppm() == 1_000_000 {
        // All values lie at or below the greatest possible one: nothing bounds it from above.
        return RankInterval { low: Some(n), high: None };
    }
    let p = percentile.fraction();
    // The largest l with P(B <= l - 1) <= 2.5 %, and the smallest u with P(B <= u - 1) >= 97.5 %.
    let low = first_reaching(n, p, ONE_SIDED, |probability, bound| probability > bound);
    let high = first_reaching(n, p, 1.0 - ONE_SIDED, |probability, bound| probability >= bound) + 1;
    RankInterval { low: (low > 0).then_some(low), high: (high <= n).then_some(high) }
}

/// The least k for which `reached(P(B <= k), bound)`: the distribution function is computed once near the normal approximation's
/// guess, and then followed one probability at a time.
fn first_reaching(n: u64, p: f64, bound: f64, reached: impl Fn(f64, f64) -> bool) -> u64 {
    let mean = n as f64 * p;
    let sigmas = if bound < 0.5 { -1.96 } else { 1.96 };
    let guess = mean + sigmas * (mean * (1.0 - p)).sqrt();
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0..=n, and a guess")]
    let mut k = guess.clamp(0.0, n as f64) as u64;
    let mut sum = binomial::at_most(n, p, k);
    if reached(sum, bound) {
        while k > 0 {
            let below = sum - binomial::probability(n, p, k);
            if !reached(below, bound) {
                break;
            }
            sum = below;
            k -= 1;
        }
    } else {
        while k < n && !reached(sum, bound) {
            k += 1;
            sum = if k == n { 1.0 } else { sum + binomial::probability(n, p, k) };
        }
    }
    k
}

/// How many values it takes for [`LEAST_BEYOND`] of them to lie beyond the percentile's rank; `None` for the maximum, beyond
/// which nothing ever lies.
pub fn needed(percentile: Percentile) -> Option<u64> {
    // n - ceil(n p) = floor(n (1 - p)), and that is 10 from n = 10 / (1 - p) on.
    let beyond = u64::from(1_000_000 - percentile.ppm());
    (beyond > 0).then(|| (LEAST_BEYOND * 1_000_000).div_ceil(beyond))
}

/// Estimates of several percentiles of what a counter holds, each with its 95 % interval.
pub fn estimates(counter: &Counter, percentiles: &[Percentile]) -> Vec<PercentileRow> {
    let n = counter.count();
    let ranks: Vec<u64> = percentiles
        .iter()
        .flat_map(|&percentile| {
            let interval = rank_interval(n, percentile);
            [percentile.rank(n), interval.low.unwrap_or(0), interval.high.unwrap_or(0)]
        })
        .collect();
    let values = counter.at_ranks(&ranks);
    let row = |(&percentile, found): (&Percentile, &[Option<u64>])| {
        let enough = needed(percentile).is_some_and(|needed| n >= needed);
        let estimate = match found {
            &[Some(value), low, high] if enough => Estimate::Value { value, low, high },
            _ => Estimate::NotEnough { needed: needed(percentile).unwrap_or(u64::MAX) },
        };
        PercentileRow { percentile, estimate }
    };
    percentiles.iter().zip(values.chunks_exact(3)).map(row).collect()
}

/// What a counter amounts to: count, extremes, mean, and [`Percentile::REPORTED`] with intervals.
pub fn distribution(counter: &Counter) -> Distribution {
    Distribution {
        count: counter.count(),
        minimum: counter.minimum(),
        maximum: counter.maximum(),
        mean: counter.mean(),
        percentiles: estimates(counter, &Percentile::REPORTED),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    fn percentile(ppm: u32) -> Percentile {
        Percentile::from_ppm(ppm).unwrap()
    }

    /// Computed with exact fractions from the definition; the medians agree with Conover, Practical Nonparametric Statistics,
    /// and with the sign-test tables of Hahn and Meeker (n = 20: 6 and 15; n = 100: 40 and 61).
    #[test]
    fn small_samples_equal_the_tables() {
        let table = [
            (5, 500_000, None, None),
            (6, 500_000, Some(1), Some(6)),
            (10, 500_000, Some(2), Some(9)),
            (20, 500_000, Some(6), Some(15)),
            (50, 500_000, Some(18), Some(33)),
            (100, 500_000, Some(40), Some(61)),
            (100, 900_000, Some(84), Some(96)),
            (200, 900_000, Some(171), Some(189)),
            (1_000, 990_000, Some(983), Some(997)),
            (1_500, 990_000, Some(1_477), Some(1_493)),
        ];
        for (n, ppm, low, high) in table {
            assert_eq!(rank_interval(n, percentile(ppm)), RankInterval { low, high }, "n = {n}, {ppm} ppm");
        }
    }

    #[test]
    fn nothing_is_bounded_by_nothing() {
        let empty = RankInterval { low: None, high: None };
        assert_eq!(rank_interval(0, percentile(500_000)), empty);
        assert_eq!(rank_interval(1, percentile(500_000)), empty);
        assert_eq!(rank_interval(9, percentile(1_000_000)), RankInterval { low: Some(9), high: None });
    }

    #[test]
    fn ten_values_must_lie_beyond() {
        assert_eq!(needed(percentile(500_000)), Some(20));
        assert_eq!(needed(percentile(999_999)), Some(10_000_000));
        assert_eq!(needed(percentile(1_000_000)), None);
        let counter: Counter = (1..=19).collect();
        let rows = estimates(&counter, &Percentile::REPORTED);
        assert!(rows.iter().all(|row| row.estimate.value().is_none()));
        let counter: Counter = (1..=1000).collect();
        let rows = estimates(&counter, &Percentile::REPORTED);
        assert_eq!(rows[0].estimate, Estimate::Value { value: 500, low: Some(469), high: Some(532) });
        assert_eq!(rows[2].estimate.value(), Some(990));
        assert_eq!(rows[3].estimate, Estimate::NotEnough { needed: 10_000 });
    }

    proptest! {
        #[test]
        fn the_least_sufficient_number_is_needed(ppm in 1u32..1_000_000) {
            let beyond = |n: u64| n - percentile(ppm).rank(n);
            let needed = needed(percentile(ppm)).unwrap();
            prop_assert!(beyond(needed) >= LEAST_BEYOND);
            prop_assert!(beyond(needed - 1) < LEAST_BEYOND);
        }

        /// The defining inequalities, and that no narrower interval meets them.
        #[test]
        fn bounds_are_the_narrowest(n in 1u64..5_000_000, ppm in 1u32..1_000_000) {
            let p = percentile(ppm).fraction();
            let interval = rank_interval(n, percentile(ppm));
            let slack = 1e-9;
            if let Some(low) = interval.low {
                prop_assert!(binomial::at_most(n, p, low - 1) <= ONE_SIDED + slack);
            }
            prop_assert!(binomial::at_most(n, p, interval.low.unwrap_or(0)) > ONE_SIDED - slack);
            if let Some(high) = interval.high {
                prop_assert!(binomial::at_most(n, p, high - 1) >= 1.0 - ONE_SIDED - slack);
                prop_assert!(high < 2 || binomial::at_most(n, p, high - 2) < 1.0 - ONE_SIDED + slack);
            }
        }
    }

    /// 2 000 seeded samples each; the share of intervals that hold the true percentile is at least 95 % less three standard
    /// deviations of such a share (0.5 % each).
    #[test]
    fn intervals_hold_the_truth_as_often_as_they_say() {
        let mut random = ChaCha8Rng::seed_from_u64(11);
        for (n, ppm) in [(30, 500_000), (200, 900_000), (2_000, 990_000)] {
            let truth = u64::from(ppm);
            let mut held = 0;
            for _ in 0..2_000 {
                // Uniform on 1 to 1 000 000: its percentile of x ppm is x, and every distribution has the same ranks.
                let counter: Counter = (0..n).map(|_| random.random_range(1..=1_000_000u64)).collect();
                let interval = rank_interval(n, percentile(ppm));
                let low = interval.low.and_then(|rank| counter.at_rank(rank)).unwrap_or(0);
                let high = interval.high.and_then(|rank| counter.at_rank(rank)).unwrap_or(u64::MAX);
                held += u32::from(low <= truth && truth <= high);
            }
            assert!((1_870..=1_990).contains(&held), "{held} of 2000 for n = {n}, {ppm} ppm");
        }
    }
}
