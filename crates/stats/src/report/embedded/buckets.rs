//! Distributions small enough for the page: counts in buckets whose relative width is bounded.
//!
//! A value below 2^bits has a bucket of its own; above, a bucket holds the values that agree in their first `bits` binary digits, so that
//! its width is at most 2^(1-bits) of any value in it (the same idea as HdrHistogram's, with a number of binary digits in place of decimal
//! ones). The script of the page does the same arithmetic, in the same order, so that both give the same figures.

use std::fmt::Write as _;

use tailbed_format::percentile::Percentile;

/// Binary digits of the finest and of the coarsest buckets: a width of 0.2 % and of 6.25 % of a value.
pub const FINEST: u32 = 10;
/// See [`FINEST`].
pub const COARSEST: u32 = 5;

/// How often values occurred, by bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Buckets {
    bits: u32,
    /// Number of a bucket, ascending, and how many values lie in it, at least one.
    counts: Vec<(u64, u64)>,
    total: u64,
}

/// A probability that is known to lie between two bounds, each 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounded {
    /// Lower bound.
    pub low: f64,
    /// Upper bound.
    pub high: f64,
}

impl Bounded {
    /// Half way between the bounds.
    pub fn middle(self) -> f64 {
        f64::midpoint(self.low, self.high)
    }
}

impl Buckets {
    /// Sorts values, ascending, ns, with how often they occurred, into buckets of so many binary digits, [`COARSEST`] to [`FINEST`].
    pub fn of(values: &[(u64, u64)], bits: u32) -> Self {
        let bits = bits.clamp(COARSEST, FINEST);
        let mut counts: Vec<(u64, u64)> = Vec::new();
        for &(value, times) in values.iter().filter(|(_, times)| *times > 0) {
            let number = number(value, bits);
            match counts.last_mut() {
                Some(last) if last.0 == number => last.1 += times,
                _ => counts.push((number, times)),
            }
        }
        let total = counts.iter().map(|(_, times)| times).sum();
        Self { bits, counts, total }
    }

    /// How many values there are.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// How far a value may lie from the middle of its bucket, as a share of the value: half the greatest relative width.
    pub fn error(bits: u32) -> f64 {
        1.0 / f64::from(1_u32 << bits.clamp(COARSEST, FINEST))
    }

    /// The least and the greatest value that may be the percentile's nearest rank, ns; `None` without values.
    pub fn percentile(&self, percentile: Percentile) -> Option<(u64, u64)> {
        let rank = percentile.rank(self.total);
        let mut below = 0;
        let found = self.counts.iter().find(|(_, times)| {
            below += times;
            below >= rank
        });
        found.map(|(number, _)| bounds(*number, self.bits))
    }

    /// The probability that a value drawn from here is greater than one drawn from `base`, equal ones counted half (Mann and Whitney 1947);
    /// of two values in one bucket it is not known which is the greater, hence bounds. `None` where either has no values or their buckets
    /// differ.
    pub fn greater_than(&self, base: &Self) -> Option<Bounded> {
        if self.total == 0 || base.total == 0 || self.bits != base.bits {
            return None;
        }
        let mut theirs = base.counts.iter().peekable();
        let (mut below, mut greater, mut undecided) = (0, 0.0, 0.0);
        for (number, times) in &self.counts {
            while let Some((_, lesser)) = theirs.next_if(|(other, _)| other < number) {
                below += lesser;
            }
            let same = theirs.peek().filter(|(other, _)| other == number).map_or(0, |(_, same)| *same);
            let share = *times as f64 / self.total as f64;
            greater += share * (below as f64 / base.total as f64);
            undecided += share * (same as f64 / base.total as f64);
        }
        Some(Bounded { low: greater, high: greater + undecided })
    }

    /// As the page holds it: for each bucket how far its number lies beyond that of the one before, and after a colon how many values it
    /// holds where that is not one; both to base 36, separated by spaces.
    pub fn text(&self) -> String {
        let mut text = String::new();
        let mut before = 0;
        for (number, times) in &self.counts {
            if !text.is_empty() {
                text.push(' ');
            }
            base36(*number - before, &mut text);
            if *times != 1 {
                text.push(':');
                base36(*times, &mut text);
            }
            before = *number;
        }
        text
    }
}

/// The distributions in the finest buckets that take no more than so many bytes of text together; the coarsest where none do.
pub fn within(distributions: &[&[(u64, u64)]], bytes: usize) -> (u32, Vec<Buckets>) {
    let mut bits = FINEST;
    loop {
        let buckets: Vec<Buckets> = distributions.iter().map(|values| Buckets::of(values, bits)).collect();
        if bits == COARSEST || buckets.iter().map(|buckets| buckets.text().len()).sum::<usize>() <= bytes {
            return (bits, buckets);
        }
        bits -= 1;
    }
}

/// The number of the bucket that a value belongs to.
fn number(value: u64, bits: u32) -> u64 {
    let digits = value.checked_ilog2().map_or(0, |log| log + 1);
    let dropped = digits.saturating_sub(bits);
    (u64::from(dropped) << (bits - 1)) + (value >> dropped)
}

/// The least and the greatest value of a bucket.
fn bounds(number: u64, bits: u32) -> (u64, u64) {
    let dropped = (number >> (bits - 1)).saturating_sub(1);
    let least = (number - (dropped << (bits - 1))) << dropped;
    (least, least + ((1 << dropped) - 1))
}

fn base36(mut n: u64, text: &mut String) {
    let mut digits = Vec::new();
    loop {
        digits.push(char::from_digit(u32::try_from(n % 36).unwrap_or_default(), 36).unwrap_or('0'));
        n /= 36;
        if n == 0 {
            break;
        }
    }
    let _ = write!(text, "{}", digits.iter().rev().collect::<String>());
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn counted(values: &[u64]) -> Vec<(u64, u64)> {
        let mut sorted = values.to_vec();
        sorted.sort_unstable();
        sorted.chunk_by(|a, b| a == b).map(|same| (same[0], same.len() as u64)).collect()
    }

    #[test]
    fn the_text_is_gaps_and_counts() {
        let buckets = Buckets::of(&[(3, 1), (5, 40), (1_023, 1), (1_024, 2), (1_025, 1), (1_026, 1)], 10);
        assert_eq!(buckets.text(), "3 2:14 sa 1:3 1");
        assert_eq!(buckets.total(), 46);
        assert_eq!(Buckets::of(&[], 10).text(), "");
    }

    #[test]
    fn too_much_for_the_page_is_made_coarser() {
        let values: Vec<_> = (1_000..200_000).map(|value| (value, 1)).collect();
        let (fine, whole) = within(&[&values], 100_000);
        let (coarse, small) = within(&[&values], 2_000);
        assert_eq!(fine, FINEST);
        assert!(coarse < FINEST && small[0].text().len() <= 2_000, "{coarse}");
        assert_eq!((whole[0].total(), small[0].total()), (199_000, 199_000));
    }

    #[test]
    fn of_nothing_nothing_is_known() {
        let (none, one) = (Buckets::of(&[], 8), Buckets::of(&[(7, 1)], 8));
        assert_eq!(
            (none.percentile(Percentile::REPORTED[0]), none.greater_than(&one), one.greater_than(&none)),
            (None, None, None)
        );
        assert_eq!(one.greater_than(&Buckets::of(&[(7, 1)], 9)), None);
    }

    proptest! {
        /// Buckets follow each other without gap or overlap, and none is wider than its share of its values.
        #[test]
        fn each_value_lies_in_its_bucket(value in any::<u64>(), bits in COARSEST..=FINEST) {
            let number = number(value, bits);
            let (least, greatest) = bounds(number, bits);
            prop_assert!(least <= value && value <= greatest);
            prop_assert!((greatest - least) as f64 <= 2.0 * Buckets::error(bits) * least as f64);
            if greatest < u64::MAX {
                prop_assert_eq!(super::number(greatest + 1, bits), number + 1);
            }
        }

        #[test]
        fn percentiles_lie_within_their_bounds(values in prop::collection::vec(0_u64..10_000_000, 1..300), ppm in 1_u32..=1_000_000) {
            let percentile = Percentile::from_ppm(ppm).unwrap();
            let mut sorted = values.clone();
            sorted.sort_unstable();
            let exact = sorted[usize::try_from(percentile.rank(values.len() as u64)).unwrap() - 1];
            let (low, high) = Buckets::of(&counted(&values), 7).percentile(percentile).unwrap();
            prop_assert!(low <= exact && exact <= high, "{low} {exact} {high}");
        }

        /// The bounds hold what counting all pairs gives.
        #[test]
        fn probabilities_are_those_of_all_pairs(
            ours in prop::collection::vec(0_u64..5_000, 1..60),
            theirs in prop::collection::vec(0_u64..5_000, 1..60),
        ) {
            let pairs = ours.iter().flat_map(|a| theirs.iter().map(move |b| a.cmp(b)));
            let exact = pairs.map(|order| match order {
                std::cmp::Ordering::Greater => 1.0,
                std::cmp::Ordering::Equal => 0.5,
                std::cmp::Ordering::Less => 0.0,
            }).sum::<f64>() / (ours.len() * theirs.len()) as f64;
            for bits in [COARSEST, FINEST] {
                let (a, b) = (Buckets::of(&counted(&ours), bits), Buckets::of(&counted(&theirs), bits));
                let found = a.greater_than(&b).unwrap();
                prop_assert!(found.low - 1e-9 <= exact && exact <= found.high + 1e-9, "{found:?} {exact}");
                let back = b.greater_than(&a).unwrap();
                prop_assert!((found.middle() + back.middle() - 1.0).abs() < 1e-9);
            }
        }
    }
}
