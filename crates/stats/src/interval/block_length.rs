//! How long blocks must be for a bootstrap that keeps what neighbours have in common.
//!
//! The length that makes the variance of a circular block bootstrap's mean most exact is b = (2 G² / D)^(1/3) n^(1/3), with
//! G = sum of |k| R(k), D = 4/3 (sum of R(k))², R the autocovariance. Both sums are cut by a flat-top window at twice the lag from which on
//! correlations are no more than noise (D. N. Politis and H. White, Automatic Block-Length Selection for the Dependent Bootstrap,
//! Econometric Reviews 23, 2004; D corrected in A. Patton, D. N. Politis and H. White, Econometric Reviews 28, 2009).

/// The length of the blocks for a series, in its values, 1 or more; not more than a third of them, nor than three times their square
/// root (Politis and White 2004, section 4).
pub fn block_length(series: &[f64]) -> usize {
    let n = series.len();
    if n < 9 {
        return 1;
    }
    let mean = series.iter().sum::<f64>() / n as f64;
    let centred: Vec<f64> = series.iter().map(|value| value - mean).collect();
    let covariance = |lag: usize| centred.iter().zip(&centred[lag..]).map(|(a, b)| a * b).sum::<f64>() / n as f64;
    let variance = covariance(0);
    if variance <= 0.0 {
        return 1;
    }
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "square roots and logarithms of a length")]
    let (least_run, root, longest) = (
        5.max((n as f64).log10().sqrt().ceil() as usize),
        (n as f64).sqrt().ceil() as usize,
        (3.0 * (n as f64).sqrt()).min(n as f64 / 3.0).ceil() as usize,
    );
    // Politis 2003: a correlation below this is taken for none; so many in a row end the search
    let negligible = 2.0 * ((n as f64).log10() / n as f64).sqrt();
    let farthest = (root + least_run).min(n - 1);
    let correlations: Vec<f64> = (1..=farthest).map(|lag| covariance(lag) / variance).collect();
    let last = correlations
        .windows(least_run)
        .position(|window| window.iter().all(|correlation| correlation.abs() < negligible))
        .unwrap_or_else(|| correlations.iter().rposition(|correlation| correlation.abs() >= negligible).map_or(1, |at| at + 1));
    let window = (2 * last.max(1)).min(farthest);
    let (mut weighted, mut sum) = (0.0, variance);
    for lag in 1..=window {
        let share = lag as f64 / window as f64;
        let flat_top = if share <= 0.5 { 1.0 } else { 2.0 * (1.0 - share) };
        let term = 2.0 * flat_top * correlations[lag - 1] * variance;
        sum += term;
        weighted += term * lag as f64;
    }
    let denominator = 4.0 / 3.0 * sum * sum;
    if denominator <= 0.0 {
        return longest;
    }
    let length = (2.0 * weighted * weighted / denominator * n as f64).cbrt();
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
    let length = length.ceil().clamp(1.0, longest as f64) as usize;
    length
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    fn autoregressive(correlation: f64, length: usize, random: &mut ChaCha8Rng) -> Vec<f64> {
        let mut value = 0.0;
        (0..length)
            .map(|_| {
                // the sum of twelve uniform values is near enough to normal
                let noise: f64 = (0..12).map(|_| random.random::<f64>()).sum::<f64>() - 6.0;
                value = correlation * value + noise;
                value
            })
            .collect()
    }

    /// Of an autoregressive series G and D are known: G/g(0) = 2ρ / (1 - ρ²), so b = (1.5 · 4ρ² / (1 - ρ²)²)^(1/3) n^(1/3).
    #[test]
    fn equals_theory_for_autoregressive_series() {
        let mut random = ChaCha8Rng::seed_from_u64(3);
        for correlation in [0.3, 0.7] {
            let ratio: f64 = 2.0 * correlation / (1.0 - correlation * correlation);
            let expected = (1.5 * ratio * ratio * 2_000.0).cbrt();
            let found: Vec<usize> = (0..40).map(|_| block_length(&autoregressive(correlation, 2_000, &mut random))).collect();
            let mean = found.iter().sum::<usize>() as f64 / 40.0;
            assert!((mean / expected - 1.0).abs() < 0.3, "{correlation}: {mean} instead of {expected}");
        }
    }

    #[test]
    fn values_that_have_nothing_in_common_stand_alone() {
        let mut random = ChaCha8Rng::seed_from_u64(4);
        let found: Vec<usize> = (0..40).map(|_| block_length(&autoregressive(0.0, 500, &mut random))).collect();
        assert!(found.iter().sum::<usize>() < 40 * 4, "{found:?}");
        assert_eq!(block_length(&[1.0; 100]), 1);
        assert_eq!(block_length(&[1.0, 2.0]), 1);
    }
}
