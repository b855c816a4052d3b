//! The normal distribution.

use std::f64::consts::SQRT_2;

/// The quantile that leaves 2.5 % above it.
pub const CRITICAL: f64 = 1.959_963_984_540_054;

/// Probability of at most `z` standard deviations above the mean: the error function as Abramowitz and Stegun give it (7.1.26, off by
/// at most 1.5e-7).
pub fn at_most(z: f64) -> f64 {
    let x = z.abs() / SQRT_2;
    let t = 1.0 / (1.0 + 0.327_591_1 * x);
    let terms = [0.254_829_592, -0.284_496_736, 1.421_413_741, -1.453_152_027, 1.061_405_429];
    let sum = terms.iter().rev().fold(0.0, |sum, term| (sum + term) * t);
    let below = 0.5 * (1.0 + (1.0 - sum * (-x * x).exp()));
    if z >= 0.0 { below } else { 1.0 - below }
}

/// Probability of being `z` or more standard deviations from the mean, on either side.
pub fn two_sided(z: f64) -> f64 {
    (2.0 * at_most(-z.abs())).min(1.0)
}

/// The share of a chi-square distribution's mean, with so many degrees of freedom, that it exceeds with 1 % probability (Wilson and
/// Hilferty 1931).
pub fn chi_square_excess(freedom: u32) -> f64 {
    const ONE_PER_CENT: f64 = 2.326_347_874_040_841;
    let part = 2.0 / (9.0 * f64::from(freedom.max(1)));
    (1.0 - part + ONE_PER_CENT * part.sqrt()).powi(3)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Abramowitz and Stegun, tables 26.1 and 26.8.
    #[test]
    fn equals_the_tables() {
        for (z, expected) in [(0.0, 0.5), (1.0, 0.841_344_746), (-1.0, 0.158_655_254), (CRITICAL, 0.975), (-3.0, 0.001_349_898)] {
            assert!((at_most(z) - expected).abs() < 2e-7, "{z}");
        }
        assert!((two_sided(-CRITICAL) - 0.05).abs() < 1e-6);
        for (freedom, expected) in [(4, 13.277), (10, 23.209), (30, 50.892)] {
            let excess = chi_square_excess(freedom) * f64::from(freedom);
            assert!((excess / expected - 1.0).abs() < 0.01, "{freedom}: {excess}");
        }
    }
}
