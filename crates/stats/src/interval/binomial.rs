//! The binomial distribution, accurate from one trial to billions.
//!
//! A probability is computed by C. Loader's saddle-point expansion (Fast and Accurate Computation of Binomial Probabilities, 2000;
//! R's `dbinom` is the same), which loses no digits for large n as the usual product of factorials does. A distribution function is
//! the sum of probabilities outwards from its argument, each from its neighbour by their exact ratio, until they no longer change
//! the sum: about six standard deviations of terms.

use std::f64::consts::{PI, TAU};

/// The probability of exactly `k` successes in `n` trials of probability `p`, `0 < p < 1`.
pub fn probability(n: u64, p: f64, k: u64) -> f64 {
    if k > n {
        return 0.0;
    }
    let (trials, hits, misses) = (n as f64, k as f64, (n - k) as f64);
    if k == 0 {
        return (trials * (-p).ln_1p()).exp();
    }
    if k == n {
        return (trials * p.ln()).exp();
    }
    let exponent = stirling_error(trials)
        - stirling_error(hits)
        - stirling_error(misses)
        - deviance(hits, trials * p)
        - deviance(misses, trials * (1.0 - p));
    exponent.exp() * (trials / (TAU * hits * misses)).sqrt()
}

/// The probability of at most `k` successes in `n` trials of probability `p`, `0 < p < 1`.
pub fn at_most(n: u64, p: f64, k: u64) -> f64 {
    if k >= n {
        return 1.0;
    }
    if k as f64 <= n as f64 * p { lower_tail(n, p, k) } else { 1.0 - upper_tail(n, p, k + 1) }
}

/// P(B <= k) for k below the mean: terms shrink towards zero successes.
fn lower_tail(n: u64, p: f64, k: u64) -> f64 {
    let odds = (1.0 - p) / p;
    let mut term = probability(n, p, k);
    let mut sum = term;
    for k in (1..=k).rev() {
        term *= k as f64 / (n - k + 1) as f64 * odds;
        sum += term;
        if term < sum * f64::EPSILON {
            break;
        }
    }
    sum
}

/// P(B >= k) for k above the mean: terms shrink towards n successes.
fn upper_tail(n: u64, p: f64, k: u64) -> f64 {
    let odds = p / (1.0 - p);
    let mut term = probability(n, p, k);
    let mut sum = term;
    for k in k..n {
        term *= (n - k) as f64 / (k + 1) as f64 * odds;
        sum += term;
        if term < sum * f64::EPSILON {
            break;
        }
    }
    sum
}

/// ln(n!) minus Stirling's formula ln(sqrt(2 pi n) (n/e)^n): a sum of logarithms for small n, the asymptotic series beyond
/// (Abramowitz and Stegun 6.1.41; the first term left out is below 1e-16 there).
fn stirling_error(n: f64) -> f64 {
    if n < 16.0 {
        let mut factorial = 1.0;
        let mut factor = 2.0;
        while factor <= n {
            factorial *= factor;
            factor += 1.0;
        }
        return f64::ln(factorial) - (0.5 * (2.0 * PI * n).ln() + n * n.ln() - n);
    }
    let square = n * n;
    (1.0 / 12.0 - (1.0 / 360.0 - (1.0 / 1260.0 - (1.0 / 1680.0 - 1.0 / 1188.0 / square) / square) / square) / square) / n
}

/// x ln(x/m) + m - x, by Loader's series where x is near m and the terms would cancel.
fn deviance(x: f64, mean: f64) -> f64 {
    let difference = x - mean;
    if difference.abs() >= 0.1 * (x + mean) {
        return x * (x / mean).ln() + mean - x;
    }
    let ratio = difference / (x + mean);
    let mut sum = difference * ratio;
    let mut term = 2.0 * x * ratio;
    let mut odd = 1.0;
    loop {
        term *= ratio * ratio;
        odd += 2.0;
        let next = sum + term / odd;
        if next.to_bits() == sum.to_bits() {
            return next;
        }
        sum = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Binomial coefficients fit 128 bits up to n = 120: an exact oracle.
    fn exact_at_most(n: u64, p: f64, k: u64) -> f64 {
        let mut coefficient: u128 = 1;
        let mut sum = 0.0;
        for hits in 0..=k {
            let powers = [hits, n - hits].map(|power| i32::try_from(power).unwrap());
            sum += coefficient as f64 * p.powi(powers[0]) * (1.0 - p).powi(powers[1]);
            coefficient = coefficient * u128::from(n - hits) / u128::from(hits + 1);
        }
        sum
    }

    proptest! {
        #[test]
        fn equals_the_sum_of_exact_terms(n in 1u64..100, p in 0.01f64..0.99, share in 0.0f64..=1.0) {
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of n lies within it")]
            let k = (n as f64 * share) as u64;
            let expected = exact_at_most(n, p, k);
            prop_assert!((at_most(n, p, k) - expected).abs() <= 1e-12 + 1e-10 * expected, "{} {expected}", at_most(n, p, k));
        }

        /// P(B <= k) is P(n - B >= n - k): both tails are computed by different sums.
        #[test]
        fn tails_add_up(n in 1_000u64..50_000_000, p in 0.001f64..0.999, sigmas in -6.0f64..6.0) {
            let mean = n as f64 * p;
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to what there is")]
            let k = (mean + sigmas * (mean * (1.0 - p)).sqrt()).clamp(1.0, n as f64 - 1.0) as u64;
            let both = at_most(n, p, k) + at_most(n, 1.0 - p, n - k - 1);
            prop_assert!((both - 1.0).abs() < 1e-7, "{both}");
        }
    }

    /// Computed with exact fractions.
    #[test]
    fn equals_exact_values() {
        for (n, p, k, expected) in [
            (10, 0.5, 2, 0.054_687_5),
            (20, 0.5, 5, 0.020_694_732_666_015_625),
            (5, 0.5, 0, 0.03125),
            (100, 0.9, 84, 0.039_890_527_111_083_346),
        ] {
            assert!((at_most(n, p, k) - expected).abs() < 1e-13, "{n} {p} {k}: {}", at_most(n, p, k));
        }
    }
}
