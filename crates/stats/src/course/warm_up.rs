//! The early regime of a run: where its beginning is unlike the rest.
//!
//! Of the blocks of a run, those before each possible end of a warm-up are held against those after it by their ranks, as A. N. Pettitt does
//! for a change at an unknown point (A non-parametric approach to the change-point problem, Applied Statistics 28, 1979); each place by its
//! own deviation, so that a short beginning weighs as much as a long one. As K. P. White has it (An effective truncation heuristic for
//! bias reduction in simulation output, Simulation 69, 1997), a warm-up longer than half of the run is none: the run is too short.

use super::trend::ranks;

/// Blocks that a run is divided into.
pub(crate) const BLOCKS: usize = 64;

/// The greatest of all deviations that blocks in an order of chance exceed with a probability of 0.5 %: one of two percentiles so makes a
/// false alarm in 1 % of runs. Of 60 000 shuffles of 64 blocks; a test repeats it.
pub(crate) const CRITICAL: f64 = 3.35;

/// A step must explain so much more than a straight line does, or it is a drift: of a step in the first half a line explains three quarters at
/// most, of a line a step does.
const STEEPER: f64 = 1.25;

/// Fewer blocks than these do not have their likeness to the next looked at.
const LEAST: usize = 8;

/// How many blocks the beginning has that is unlike the rest; `None` where there is no such beginning. `series` has [`BLOCKS`] values.
pub(crate) fn warm_up(series: &[f64]) -> Option<usize> {
    let (end, deviation) = sharpest(series)?;
    let clear = deviation / likeness(series, end) > CRITICAL;
    let of_a_step = deviation * deviation / (series.len() as f64 - 1.0);
    (clear && of_a_step > STEEPER * of_a_line(series)).then_some(end)
}

/// The share of the ranks' variance that a straight line explains; a step explains its squared deviation by one less than there are blocks.
fn of_a_line(series: &[f64]) -> f64 {
    let ranks = ranks(series);
    let mean = f64::midpoint(series.len() as f64, 1.0);
    let places = || (1..).map(|place| f64::from(place) - mean).zip(&ranks);
    let product: f64 = places().map(|(place, rank)| place * (rank - mean)).sum();
    let squares: (f64, f64) =
        places().fold((0.0, 0.0), |sum, (place, rank)| (sum.0 + place * place, sum.1 + (rank - mean).powi(2)));
    if squares.1 > 0.0 { product * product / (squares.0 * squares.1) } else { 0.0 }
}

/// The end of the beginning that stands out most, in the first half, and by how many standard deviations of its rank sum.
fn sharpest(series: &[f64]) -> Option<(usize, f64)> {
    let n = series.len() as f64;
    let ranks = ranks(series);
    let mean = f64::midpoint(n, 1.0);
    // of the ranks as they are, so that ties count for what they are
    let variance = ranks.iter().map(|rank| (rank - mean).powi(2)).sum::<f64>() / (n - 1.0).max(1.0);
    if variance <= 0.0 {
        return None;
    }
    let mut sum = 0.0;
    let ends = ranks.iter().take(series.len() / 2).enumerate().map(|(at, rank)| {
        sum += rank - mean;
        let early = at as f64 + 1.0;
        (at + 1, sum.abs() / (variance * early * (n - early) / n).sqrt())
    });
    ends.max_by(|a, b| a.1.total_cmp(&b.1))
}

/// By how much likeness of neighbouring blocks widens such deviations: the square root of (1 + r) / (1 − r), r the correlation of the rest's
/// ranks with the next (the variance of a mean of an autoregressive series, e.g. Box and Jenkins, section 2.1), where it stands out at 95 %.
fn likeness(series: &[f64], end: usize) -> f64 {
    let rest = ranks(&series[end..]);
    if rest.len() < LEAST {
        return 1.0;
    }
    let mean = f64::midpoint(rest.len() as f64, 1.0);
    let square: f64 = rest.iter().map(|rank| (rank - mean).powi(2)).sum();
    let product: f64 = rest.windows(2).map(|pair| (pair[0] - mean) * (pair[1] - mean)).sum();
    let correlation = if square > 0.0 { product / square } else { 0.0 };
    let noise = 1.645 / (rest.len() as f64).sqrt();
    if correlation <= noise { 1.0 } else { ((1.0 + correlation) / (1.0 - correlation.min(0.95))).sqrt() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::seq::SliceRandom;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    #[test]
    fn false_alarms_are_as_rare_as_said() {
        let mut random = ChaCha8Rng::seed_from_u64(7);
        let mut series: Vec<f64> = (0..64).map(f64::from).collect();
        let mut above = 0;
        for _ in 0..20_000 {
            series.shuffle(&mut random);
            above += u32::from(sharpest(&series).unwrap().1 > CRITICAL);
        }
        // 0.5 % of 20 000 is 100; three standard deviations are 30
        assert!((70..=130).contains(&above), "{above} of 20 000");
    }

    #[test]
    fn a_line_is_no_step() {
        let mut random = ChaCha8Rng::seed_from_u64(9);
        let line =
            |random: &mut ChaCha8Rng| -> Vec<f64> { (0..64).map(|at| f64::from(at) / 40.0 + random.random::<f64>()).collect() };
        let found = (0..200).filter(|_| warm_up(&line(&mut random)).is_some()).count();
        assert!(found < 10, "{found} of 200");
    }

    #[test]
    fn a_slow_beginning_is_found_where_it_ends() {
        let mut random = ChaCha8Rng::seed_from_u64(8);
        let mut series: Vec<f64> = (0..64).map(|_| random.random::<f64>()).collect();
        for value in &mut series[..6] {
            *value += 2.0;
        }
        assert!(matches!(warm_up(&series), Some(5..=8)), "{:?}", warm_up(&series));
        assert_eq!(warm_up(&series[6..].iter().chain(&series[..6]).copied().collect::<Vec<_>>()), None, "an end is no beginning");
        assert_eq!(warm_up(&[3.0; 64]), None);
    }
}
