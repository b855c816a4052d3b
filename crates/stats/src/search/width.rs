//! How far two bounds lie apart, relative to the upper one, and the whole numbers between them.

/// Shares are in parts per million.
const WHOLE: f64 = 1_000_000.0;

/// Steps are this much shorter than the width, so that rounding to whole numbers does not make a width of two of them.
const SHORT: f64 = 0.995;

/// What is left of a value one step below it.
fn left(width: u32) -> f64 {
    1.0 - f64::from(width) * SHORT / WHOLE
}

/// Whether two bounds need no value between them: not further apart than the width, ppm of the upper one, or next to each other. Exact.
pub fn narrow(lower: u64, upper: u64, width: u32) -> bool {
    let apart = upper.saturating_sub(lower);
    apart <= 1 || u128::from(apart) * 1_000_000 <= u128::from(upper) * u128::from(width)
}

/// The least value that is not more than so many steps of a width below, at least one less. Steps are applied one to the next, so that ten
/// halvings of a distance meet what ten doublings of it left.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a positive number below 2^53; the cast saturates")]
pub fn below(value: u64, width: u32, widths: f64) -> u64 {
    let exact = value as f64 * left(width).powf(widths);
    (exact.ceil() as u64).min(value.saturating_sub(1))
}

/// The greatest value that is not more than so many steps of a width above, at least one more.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a positive number; the cast saturates")]
pub fn above(value: u64, width: u32, widths: f64) -> u64 {
    let exact = value as f64 / left(width).powf(widths);
    (exact.floor() as u64).max(value.saturating_add(1))
}

/// How many steps of a width lie between two bounds.
pub fn widths(lower: u64, upper: u64, width: u32) -> f64 {
    (lower.max(1) as f64 / upper.max(1) as f64).ln() / left(width).ln()
}

/// A value between two bounds that are not narrow. One part is a power of two of widths, so that bisecting it leaves nothing over; of the
/// powers the one that leaves the parts most alike.
pub fn middle(lower: u64, upper: u64, width: u32) -> u64 {
    let apart = widths(lower, upper, width);
    let mut part = 1.0;
    while part * 2.0 < apart && (part * 2.0 - apart / 2.0).abs() <= (part - apart / 2.0).abs() {
        part *= 2.0;
    }
    let part = if apart < 2.0 { apart / 2.0 } else { part };
    // the part below is the whole number of widths, for most of the trials then made are at lower loads
    above(lower, width, part).clamp(lower.saturating_add(1), upper.saturating_sub(1).max(lower.saturating_add(1)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn narrow_is_exact() {
        assert!(narrow(995_000, 1_000_000, 5_000));
        assert!(!narrow(994_999, 1_000_000, 5_000));
        assert!(narrow(3, 4, 1));
    }

    #[test]
    fn parts_are_powers_of_two_of_widths() {
        // 4.1 widths apart: two and 2.1
        let upper = above(100_000, 10_000, 4.1);
        assert!((widths(100_000, middle(100_000, upper, 10_000), 10_000) - 2.0).abs() < 0.01);
        let upper = above(100_000, 10_000, 7.0);
        assert!((widths(100_000, middle(100_000, upper, 10_000), 10_000) - 4.0).abs() < 0.01);
    }

    proptest! {
        #[test]
        fn the_middle_lies_between(lower in 1u64..100_000_000, more in 2u64..100_000_000, width in 1u32..500_000) {
            let upper = lower + more;
            prop_assume!(!narrow(lower, upper, width));
            let middle = middle(lower, upper, width);
            prop_assert!(lower < middle && middle < upper);
        }

        #[test]
        fn steps_are_narrow(value in 1u64..150_000_000, width in 1u32..500_000) {
            prop_assert!(narrow(below(value, width, 1.0), value, width) || value - below(value, width, 1.0) == 1);
            prop_assert!(narrow(value, above(value, width, 1.0), width));
        }
    }
}
