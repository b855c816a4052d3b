//! Percentiles as exact fractions.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A percentile in parts per million: 99.9999 is 999 999.
///
/// Integers keep ranks exact: the nearest rank of a percentile among `n` values is `ceil(n * ppm / 1 000 000)`
/// (Hyndman and Fan 1996, definition 1), and 99.9 as a float would round some of them up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Percentile(u32);

impl Percentile {
    /// The percentiles of every table: 50, 90, 99, 99.9, 99.99, 99.999 and 99.9999.
    pub const REPORTED: [Self; 7] =
        [Self(500_000), Self(900_000), Self(990_000), Self(999_000), Self(999_900), Self(999_990), Self(999_999)];

    /// The greatest of all values.
    pub const MAXIMUM: Self = Self(1_000_000);

    /// From parts per million, 1 to 1 000 000; `None` outside.
    pub const fn from_ppm(ppm: u32) -> Option<Self> {
        if ppm == 0 || ppm > 1_000_000 { None } else { Some(Self(ppm)) }
    }

    /// Parts per million, 1 to 1 000 000.
    pub const fn ppm(self) -> u32 {
        self.0
    }

    /// As a fraction of one.
    pub fn fraction(self) -> f64 {
        f64::from(self.0) / 1_000_000.0
    }

    /// The nearest rank, 1 to `n`, of this percentile among `n` values; 0 when there are none.
    pub fn rank(self, n: u64) -> u64 {
        let rank = (u128::from(n) * u128::from(self.0)).div_ceil(1_000_000);
        u64::try_from(rank).unwrap_or(u64::MAX)
    }
}

impl fmt::Display for Percentile {
    /// Without trailing zeros: `p99.9`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.0 / 10_000, self.0 % 10_000);
        if rest == 0 { write!(f, "p{whole}") } else { write!(f, "p{whole}.{}", format!("{rest:04}").trim_end_matches('0')) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn prints_as_the_field_does() {
        let names: Vec<_> = Percentile::REPORTED.iter().map(ToString::to_string).collect();
        assert_eq!(names, ["p50", "p90", "p99", "p99.9", "p99.99", "p99.999", "p99.9999"]);
    }

    #[test]
    fn ranks_of_round_numbers_are_exact() {
        // 99.9 % of 1000 as floating point is 999.0000000000001 with some orders of multiplication.
        assert_eq!(Percentile(999_000).rank(1000), 999);
        assert_eq!(Percentile(999_999).rank(300_000), 300_000);
        assert_eq!(Percentile(500_000).rank(1), 1);
        assert_eq!(Percentile(500_000).rank(0), 0);
    }

    proptest! {
        /// The rank is the least k for which at least the percentile's share of the values lies at or below the k-th.
        #[test]
        fn rank_is_the_least_that_covers(ppm in 1u32..=1_000_000, n in 1u64..1_000_000_000_000) {
            let rank = Percentile(ppm).rank(n);
            prop_assert!((1..=n).contains(&rank));
            prop_assert!(u128::from(rank) * 1_000_000 >= u128::from(n) * u128::from(ppm));
            prop_assert!(u128::from(rank - 1) * 1_000_000 < u128::from(n) * u128::from(ppm));
        }
    }
}
