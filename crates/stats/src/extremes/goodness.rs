//! Whether excesses follow the generalised Pareto distribution that was fitted to them: the test of Anderson and Darling, which weighs both
//! ends, with the percentage points for two fitted parameters.

use super::pareto::Tail;
use super::points::POINTS;

/// Probabilities of the columns of [`POINTS`]: how often the statistic is greater.
pub(super) const CHANCES: [f64; 14] = [0.999, 0.99, 0.975, 0.95, 0.9, 0.75, 0.5, 0.25, 0.1, 0.05, 0.025, 0.01, 0.005, 0.001];

/// Shapes of the rows of [`POINTS`].
pub(super) const SHAPES: [f64; 7] = [-0.5, -0.25, 0.0, 0.25, 0.5, 0.75, 1.0];

/// The statistic of Anderson and Darling for positive excesses.
pub(super) fn statistic(excesses: &[f64], tail: Tail) -> f64 {
    let mut above: Vec<f64> = excesses.iter().map(|excess| tail.above(*excess)).collect();
    above.sort_by(f64::total_cmp);
    let count = above.len();
    let n = count as f64;
    // what lies beyond a tail's end has no probability at all: it is a misfit, not an infinite one
    let log = |value: f64| value.max(1e-300).ln();
    let term = |(place, own): (usize, &f64)| (2.0 * place as f64 + 1.0) * (log(*own) + log(1.0 - above[count - 1 - place]));
    -n - above.iter().enumerate().map(term).sum::<f64>() / n
}

/// Probability of a statistic as great, if both parameters were fitted and the shape is as it is, 0 to 1. Between the points the logarithm of the
/// probability goes straight, beyond the last as well; shapes beyond the table have its last row.
pub(super) fn chance(statistic: f64, shape: f64) -> f64 {
    let shape = shape.clamp(SHAPES[0], SHAPES[SHAPES.len() - 1]);
    let row = SHAPES.partition_point(|at| *at <= shape).clamp(1, SHAPES.len() - 1);
    let between = (shape - SHAPES[row - 1]) / (SHAPES[row] - SHAPES[row - 1]);
    let point = |column: usize| POINTS[row - 1][column] * (1.0 - between) + POINTS[row][column] * between;
    let column = (0..CHANCES.len()).find(|column| point(*column) > statistic).unwrap_or(CHANCES.len());
    if column == 0 {
        return 1.0;
    }
    let column = column.min(CHANCES.len() - 1);
    let (left, right) = (point(column - 1), point(column));
    let slope = (CHANCES[column].ln() - CHANCES[column - 1].ln()) / (right - left);
    (CHANCES[column - 1].ln() + slope * (statistic - left)).exp().clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::super::pareto::Fit;
    use super::*;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    /// Choulakian and Stephens, Goodness-of-Fit Tests for the Generalized Pareto Distribution, Technometrics 43 (2001), table 2, both
    /// parameters unknown, the rows by the shape as it is written here.
    /// Theirs are for very many excesses, ours for two hundred.
    #[test]
    fn the_points_are_those_published() {
        let published = [
            (-0.2, [0.426, 0.617, 0.873, 1.074, 1.283, 1.567]),
            (0.0, [0.397, 0.569, 0.796, 0.974, 1.158, 1.409]),
            (0.5, [0.356, 0.499, 0.685, 0.830, 0.978, 1.180]),
        ];
        for (shape, points) in published {
            for (point, expected) in points.into_iter().zip([0.5, 0.25, 0.1, 0.05, 0.025, 0.01]) {
                let found = chance(point, shape);
                assert!((found - expected).abs() <= 0.1 * expected + 0.002, "{shape} {point}: {found} {expected}");
            }
        }
    }

    #[test]
    fn chances_fall_and_go_on_beyond_the_table() {
        let chances: Vec<f64> = (0..200).map(|step| chance(f64::from(step) * 0.05, 0.1)).collect();
        assert!(chances.windows(2).all(|pair| pair[1] <= pair[0]) && chances[199] < 1e-6 && chances[0] > 0.99);
    }

    /// True tails are rejected as often as is said; a mixture with a spike always.
    #[test]
    fn true_tails_pass_and_spikes_do_not() {
        let mut random = ChaCha8Rng::seed_from_u64(3);
        let mut rejected = 0;
        for _ in 0..400 {
            let tail = Tail { shape: 0.2, scale: 50.0 };
            let excesses: Vec<f64> = (0..150).map(|_| tail.level(1.0 / (1.0 - random.random::<f64>()))).collect();
            let fit = Fit::of(&excesses, 150.0).unwrap();
            rejected += u32::from(chance(statistic(&excesses, fit.tail), fit.tail.shape) < 0.05);
        }
        // 20 are expected, with a standard deviation of 4.4
        assert!((7..=34).contains(&rejected), "{rejected}");
        let spiked: Vec<f64> = (1..=150).map(|n| if n % 5 == 0 { 500.0 + f64::from(n) / 10.0 } else { f64::from(n) }).collect();
        let fit = Fit::of(&spiked, 150.0).unwrap();
        assert!(chance(statistic(&spiked, fit.tail), fit.tail.shape) < 0.001);
    }
}
