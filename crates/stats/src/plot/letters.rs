//! Letter values: the median, and on both sides of it the quartiles, the eighths, the sixteenths and so on, as far as the sample carries
//! them (Hofmann, Wickham and Kafadar, "Letter-Value Plots: Boxplots for Large Data", Journal of Computational and Graphical Statistics
//! 26(3), 2017).

use super::stairs::ENOUGH;

/// A pair of letter values, as far from the least value as from the greatest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Letter {
    /// M for the median, F for the quartiles ("fourths"), then E, D, C, B, A, Z, Y, X, W, V, U, T, S, R, Q, P, O, N.
    pub name: char,
    /// Twice the depth: how many values lie at or beyond, an end of half a value counted as one. 2 is the extreme itself.
    pub depth_twice: u64,
    /// The lower value, ns; between two values the mean of both, rounded down.
    pub lower: u64,
    /// The upper value, ns.
    pub upper: u64,
}

/// Tukey's names, in the order of their depth.
const NAMES: [char; 20] = ['M', 'F', 'E', 'D', 'C', 'B', 'A', 'Z', 'Y', 'X', 'W', 'V', 'U', 'T', 'S', 'R', 'Q', 'P', 'O', 'N'];

/// The letter values of exact values (ascending, ns, with how often each occurred), the median first.
///
/// The depth of the median is (1 + n) / 2, that of each next one (1 + ⌊depth⌋) / 2. The paper stops where the 95 % interval of a letter
/// value would reach into the next, at ⌊log2 n − log2(2 · 1.96²)⌋ + 1 letters; here the last also has at least ten values at or beyond it,
/// as every percentile of a report has. The median is always among them.
pub fn letter_values(values: &[(u64, u64)]) -> Vec<Letter> {
    let total = super::stairs::total(values);
    if total == 0 {
        return Vec::new();
    }
    let trusted = ((total as f64).log2() - (2.0 * 1.96f64.powi(2)).log2()).floor() + 1.0;
    let mut letters = Vec::new();
    let mut depth_twice = total.saturating_add(1);
    for (number, name) in NAMES.into_iter().enumerate() {
        if number > 0 && (number as f64 >= trusted || (depth_twice as f64) < 2.0 * ENOUGH) {
            break;
        }
        let (lower, upper) = (at_depth(values, depth_twice, total), at_depth_from_above(values, depth_twice, total));
        letters.push(Letter { name, depth_twice, lower, upper });
        depth_twice = 1 + depth_twice / 2;
    }
    letters
}

/// The value at a depth from the least one.
fn at_depth(values: &[(u64, u64)], depth_twice: u64, total: u64) -> u64 {
    let rank = (depth_twice / 2).clamp(1, total);
    let next = (rank + depth_twice % 2).min(total);
    let (one, other) = (at_rank(values, rank), at_rank(values, next));
    one + (other - one) / 2
}

/// The value at a depth from the greatest one.
fn at_depth_from_above(values: &[(u64, u64)], depth_twice: u64, total: u64) -> u64 {
    let rank = total + 1 - (depth_twice / 2).clamp(1, total);
    let before = rank.saturating_sub(depth_twice % 2).max(1);
    let (one, other) = (at_rank(values, before), at_rank(values, rank));
    one + (other - one) / 2
}

/// The `rank`-th least value, from 1.
fn at_rank(values: &[(u64, u64)], rank: u64) -> u64 {
    let mut below: u64 = 0;
    for (value, count) in values {
        below = below.saturating_add(*count);
        if below >= rank {
            return *value;
        }
    }
    values.last().map_or(0, |(value, _)| *value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn counted(values: impl IntoIterator<Item = u64>) -> Vec<(u64, u64)> {
        values.into_iter().map(|value| (value, 1)).collect()
    }

    /// Of 1 to 99 the median is the 50th; the fourths lie at depth 25.5, the eighths at 13.
    #[test]
    fn of_the_first_99_numbers() {
        let letters = letter_values(&counted(1..=99));
        let found: Vec<_> = letters.iter().map(|letter| (letter.name, letter.depth_twice, letter.lower, letter.upper)).collect();
        assert_eq!(found, [('M', 100, 50, 50), ('F', 51, 25, 74), ('E', 26, 13, 87)]);
    }

    #[test]
    fn few_values_have_a_median_only() {
        assert_eq!(letter_values(&[]), []);
        assert_eq!(letter_values(&counted([7])), [Letter { name: 'M', depth_twice: 2, lower: 7, upper: 7 }]);
        assert_eq!(letter_values(&counted([4, 9])), [Letter { name: 'M', depth_twice: 3, lower: 6, upper: 6 }]);
    }

    /// A million values carry sixteen letters: the last has 16 values at or beyond it, the next would have fewer than ten.
    #[test]
    fn a_million_values_reach_far() {
        let letters = letter_values(&counted(1..=1_000_000));
        assert_eq!(letters.len(), 16);
        assert_eq!(letters.last().map(|letter| letter.depth_twice / 2), Some(16));
    }

    proptest! {
        /// Each pair lies around the one before, within the sample, and is symmetric: what a reversed sample has, reversed.
        #[test]
        fn pairs_lie_around_each_other(mut values in proptest::collection::vec((0u64..1_000_000, 1u64..200), 1..60)) {
            values.sort_unstable();
            values.dedup_by_key(|(value, _)| *value);
            let letters = letter_values(&values);
            prop_assert!(letters.windows(2).all(|pair| pair[1].lower <= pair[0].lower && pair[1].upper >= pair[0].upper));
            prop_assert!(letters.iter().all(|letter| letter.lower >= values[0].0 && letter.upper <= values[values.len() - 1].0));
            let mirrored: Vec<_> = values.iter().rev().map(|(value, count)| (2_000_000 - value, *count)).collect();
            for (one, other) in letters.iter().zip(letter_values(&mirrored)) {
                // means are rounded down on both sides
                prop_assert!((2_000_000 - one.upper).abs_diff(other.lower) <= 1);
            }
        }
    }
}
