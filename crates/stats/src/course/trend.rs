//! Whether a series rises or falls: the rank test of Mann (1945) and Kendall (1975).
//!
//! Each pair of values says "rises" or "falls"; their difference is the score. Values that resemble their neighbours make it vary more than
//! chance alone; the variance is corrected for that by the autocorrelation of the ranks (K. H. Hamed and A. R. Rao, A modified
//! Mann-Kendall trend test for autocorrelated data, Journal of Hydrology 204, 1998), or by the correlation of each value with the next, whichever is
//! more.

use crate::interval::normal::{CRITICAL, two_sided};

/// The score of a series: pairs that rise less pairs that fall.
pub(crate) fn score(series: &[f64]) -> f64 {
    let pairs = series.iter().enumerate().flat_map(|(at, early)| series[at + 1..].iter().map(move |late| late - early));
    pairs.map(sign).sum()
}

/// The score's variance when the order of the values is chance, ties taken into account (Kendall 1975, chapter 4).
pub(crate) fn variance(series: &[f64]) -> f64 {
    let mut sorted = series.to_vec();
    sorted.sort_by(f64::total_cmp);
    let part = |n: f64| n * (n - 1.0) * (2.0 * n + 5.0);
    let ties: f64 = sorted.chunk_by(|a, b| a.total_cmp(b).is_eq()).map(|equal| part(equal.len() as f64)).sum();
    (part(sorted.len() as f64) - ties) / 18.0
}

/// Standard deviations of a score from zero, less the half step that whole numbers take.
pub(crate) fn deviations(score: f64, variance: f64) -> f64 {
    if variance <= 0.0 { 0.0 } else { (score.abs() - 1.0).max(0.0) / variance.sqrt() * sign(score) }
}

/// Probability of as clear a rise or fall of a series without one, and its direction, 1 or −1; `None` below ten values, of which the
/// correction can make nothing.
pub(crate) fn trend(series: &[f64]) -> Option<(f64, f64)> {
    let n = series.len();
    if n < 10 {
        return None;
    }
    let score = score(series);
    let variance = variance(series) * likeness(series).max(1.0);
    Some((two_sided(deviations(score, variance)), sign(score)))
}

/// By how much likeness of neighbours widens the score's variance: from the correlations of the ranks that stand out at 95 %, the slope removed
/// (Hamed and Rao 1998, equation 13), or as that of an autoregressive series' mean, (1 + r) / (1 − r), with the first of these correlations and what
/// removing the slope takes from it put back (N. C. Matalas and A. Sankarasubramanian, Water Resources Research 39, 2003): (n r + 2) / (n − 4).
fn likeness(series: &[f64]) -> f64 {
    let n = series.len();
    let slope = slope(series);
    let level: Vec<f64> = series.iter().enumerate().map(|(at, value)| value - slope * at as f64).collect();
    let ranks = ranks(&level);
    let mean = f64::midpoint(n as f64, 1.0);
    let centred: Vec<f64> = ranks.iter().map(|rank| rank - mean).collect();
    let square: f64 = centred.iter().map(|value| value * value).sum();
    if square <= 0.0 {
        return 1.0;
    }
    let size = n as f64;
    let noise = CRITICAL / size.sqrt();
    let correlation = |lag: usize| centred.iter().zip(&centred[lag..]).map(|(a, b)| a * b).sum::<f64>() / square;
    let first = (size * correlation(1) + 2.0) / (size - 4.0);
    let as_mean = if first > 1.645 / size.sqrt() { (1.0 + first) / (1.0 - first.min(0.95)) } else { 1.0 };
    let sum: f64 = (1..n - 2)
        .map(|lag| {
            let correlation = correlation(lag);
            let rest = size - lag as f64;
            if correlation.abs() > noise { rest * (rest - 1.0) * (rest - 2.0) * correlation } else { 0.0 }
        })
        .sum();
    as_mean.max(1.0 + 2.0 * sum / (size * (size - 1.0) * (size - 2.0)))
}

/// The median slope of all pairs, per value of the series (P. K. Sen 1968).
pub(crate) fn slope(series: &[f64]) -> f64 {
    let numbered: Vec<(usize, f64)> = series.iter().copied().enumerate().collect();
    let pairs = numbered
        .iter()
        .enumerate()
        .flat_map(|(place, early)| numbered[place + 1..].iter().map(move |late| (late.1 - early.1) / (late.0 - early.0) as f64));
    let mut slopes: Vec<f64> = pairs.collect();
    slopes.sort_by(f64::total_cmp);
    let (low, high) = (slopes.get(slopes.len().saturating_sub(1) / 2), slopes.get(slopes.len() / 2));
    low.zip(high).map_or(0.0, |(low, high)| f64::midpoint(*low, *high))
}

/// Ranks from 1; equal values share the mean of theirs.
pub(crate) fn ranks(series: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..series.len()).collect();
    order.sort_by(|a, b| series[*a].total_cmp(&series[*b]));
    let mut ranks = vec![0.0; series.len()];
    let mut before = 0;
    for equal in order.chunk_by(|a, b| series[*a].total_cmp(&series[*b]).is_eq()) {
        let rank = before as f64 + f64::midpoint(equal.len() as f64, 1.0);
        for at in equal {
            ranks[*at] = rank;
        }
        before += equal.len();
    }
    ranks
}

/// −1, 0 or 1.
pub(crate) fn sign(value: f64) -> f64 {
    if value > 0.0 {
        1.0
    } else if value < 0.0 {
        -1.0
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    /// Gilbert, Statistical Methods for Environmental Pollution Monitoring, 1987, section 16.4: four values, one pair falls.
    #[test]
    fn scores_are_counted_pairs() {
        assert!((score(&[10.0, 15.0, 14.0, 20.0]) - 4.0).abs() < 1e-12);
        assert!(score(&[1.0, 1.0, 1.0]).abs() < 1e-12);
        // n (n - 1) (2n + 5) / 18 for ten values, and without what two ties of two take
        let ten: Vec<f64> = (0..10).map(f64::from).collect();
        assert!((variance(&ten) - 125.0).abs() < 1e-12);
        assert!((variance(&[1.0, 1.0, 2.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]) - 123.0).abs() < 1e-12);
        assert!((slope(&[1.0, 3.0, 5.0, 7.0]) - 2.0).abs() < 1e-12);
        assert_eq!(ranks(&[5.0, 1.0, 5.0]), [2.5, 1.0, 2.5]);
    }

    #[test]
    fn what_rises_is_found_and_what_stands_is_not() {
        let mut random = ChaCha8Rng::seed_from_u64(5);
        let mut alarms = 0;
        for _ in 0..1_000 {
            let level: Vec<f64> = (0..32).map(|_| random.random::<f64>()).collect();
            alarms += u32::from(trend(&level).unwrap().0 <= 0.05);
        }
        // 5 % and three standard deviations of such a share
        assert!((20..=71).contains(&alarms), "{alarms} of 1000");
        let rising: Vec<f64> = (0..32).map(|at| f64::from(at) / 16.0 + random.random::<f64>()).collect();
        let (chance, direction) = trend(&rising).unwrap();
        assert!(chance < 1e-4 && direction > 0.0, "{chance}");
        let falling: Vec<f64> = rising.iter().map(|value| -value).collect();
        assert!(trend(&falling).unwrap().1 < 0.0);
        assert_eq!(trend(&[1.0; 20]), Some((1.0, 0.0)));
        assert_eq!(trend(&[1.0; 9]), None);
    }

    /// Without the correction some 25 % of such series are said to drift at 5 %.
    #[test]
    fn likeness_of_neighbours_is_no_trend() {
        let mut random = ChaCha8Rng::seed_from_u64(6);
        let mut alarms = 0;
        for _ in 0..500 {
            let mut value = 0.0;
            let series: Vec<f64> = (0..64)
                .map(|_| {
                    value = 0.5 * value + random.random::<f64>() - 0.5;
                    value
                })
                .collect();
            alarms += u32::from(trend(&series).unwrap().0 <= 0.05);
        }
        assert!(alarms < 60, "{alarms} of 500");
    }
}
