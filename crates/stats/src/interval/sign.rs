//! The interval of a median from few values: the sign test turned round.

use super::binomial;

/// The median of some values and the order statistics that bound the population's median.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MedianInterval {
    /// The median; for an even number of values the mean of the middle two, rounded towards zero.
    pub median: i64,
    /// Lower bound.
    pub low: i64,
    /// Upper bound.
    pub high: i64,
    /// Probability that such an interval holds the population's median, 0 to 1.
    pub confidence: f64,
}

/// The narrowest pair of values, equally far from both ends, that holds the population's median with 95 % confidence; the extremes
/// and their true confidence, 1 - 2^(1-n), where n values cannot reach 95 % (n below 6). `None` without values.
///
/// Each value lies below the median with probability one half, so the number that do is binomial (Hahn and Meeker, Statistical
/// Intervals, section 5.2; Conover, Practical Nonparametric Statistics, section 3.4).
pub fn median_interval(values: &[i64]) -> Option<MedianInterval> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let n = sorted.len();
    let (&least, &greatest) = (sorted.first()?, sorted.last()?);
    let middle = i128::from(sorted[(n - 1) / 2]) + i128::from(sorted[n / 2]);
    let median = i64::try_from(middle / 2).unwrap_or(greatest);
    // Leaving out `cut` values on each side misses the median when at most `cut` lie on one side of it.
    let confidence = |cut: usize| 1.0 - 2.0 * binomial::at_most(n as u64, 0.5, cut as u64);
    let cut = (1..n / 2).take_while(|&cut| confidence(cut) >= 0.95).last().unwrap_or(0);
    if cut == 0 {
        return Some(MedianInterval { median, low: least, high: greatest, confidence: confidence(0).max(0.0) });
    }
    Some(MedianInterval { median, low: sorted[cut], high: sorted[n - 1 - cut], confidence: confidence(cut) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extremes_state_their_true_confidence() {
        let five = median_interval(&[5, 1, 4, 2, 3]).unwrap();
        assert_eq!((five.low, five.median, five.high), (1, 3, 5));
        assert!((five.confidence - 0.9375).abs() < 1e-12);
        let six = median_interval(&[1, 2, 3, 4, 5, 6]).unwrap();
        assert_eq!((six.low, six.median, six.high), (1, 3, 6));
        assert!((six.confidence - 0.96875).abs() < 1e-12);
        assert_eq!(median_interval(&[]), None);
        let one = median_interval(&[-7]).unwrap();
        assert_eq!((one.low, one.median, one.high, one.confidence), (-7, -7, -7, 0.0));
    }

    /// Sign-test intervals as tabulated (Conover, table A3): n = 10 leaves out one value on each side (97.9 %), n = 20 five (95.9 %).
    #[test]
    fn larger_samples_are_narrower() {
        let values: Vec<i64> = (1..=10).collect();
        let ten = median_interval(&values).unwrap();
        assert_eq!((ten.low, ten.high), (2, 9));
        assert!((ten.confidence - 0.978_515_625).abs() < 1e-12);
        let values: Vec<i64> = (1..=20).collect();
        let twenty = median_interval(&values).unwrap();
        assert_eq!((twenty.low, twenty.high), (6, 15));
        assert!((twenty.confidence - 0.958_610_534_667_968_8).abs() < 1e-12);
    }

    #[test]
    fn extreme_values_do_not_overflow() {
        let both = median_interval(&[i64::MIN, i64::MAX]).unwrap();
        assert_eq!(both.median, 0);
    }
}
