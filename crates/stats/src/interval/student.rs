//! Student's distribution: how far a mean of few values lies from the truth in units of its own estimated error.

use std::f64::consts::FRAC_2_PI;

/// Probability of lying within `t` on either side of zero, by the finite series for whole degrees of freedom, 1 or more (Abramowitz
/// and Stegun, 26.7.3 and 26.7.4).
pub fn within(t: f64, freedom: u32) -> f64 {
    let angle = (t / f64::from(freedom).sqrt()).atan();
    let (sine, cosine) = angle.sin_cos();
    let odd = freedom % 2 == 1;
    let (mut term, mut sum) = if odd { (cosine, if freedom > 1 { cosine } else { 0.0 }) } else { (1.0, 1.0) };
    // the series goes on to the power freedom - 2
    let mut power = if odd { 3 } else { 2 };
    while power + 2 <= freedom {
        term *= cosine * cosine * f64::from(power - 1) / f64::from(power);
        sum += term;
        power += 2;
    }
    if odd { FRAC_2_PI * (angle + sine * sum) } else { sine * sum }
}

/// The `t` within which 95 % lie: 12.7 with one degree of freedom, 2.78 with four, 1.96 with very many.
pub fn critical(freedom: u32) -> f64 {
    let freedom = freedom.max(1);
    let (mut low, mut high) = (1.0, 13.0);
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if within(middle, freedom) < 0.95 { low = middle } else { high = middle }
    }
    f64::midpoint(low, high)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Abramowitz and Stegun, table 26.10.
    #[test]
    fn equals_the_table() {
        let table =
            [(1, 12.706), (2, 4.303), (3, 3.182), (4, 2.776), (5, 2.571), (8, 2.306), (9, 2.262), (30, 2.042), (120, 1.980)];
        for (freedom, expected) in table {
            assert!((critical(freedom) - expected).abs() < 6e-4, "{freedom}: {}", critical(freedom));
        }
    }
}
