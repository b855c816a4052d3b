//! Due times at the points of a Poisson process of which is known how many there are.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Parts of the mean gap in which gaps are added up: gaps are whole numbers, so that sums are exact and the same whenever they
/// are made. Up to 2^30 of them fit.
const UNIT: f64 = (1_u64 << 32) as f64;

/// The points, in order: `packets` gaps that are exponentially distributed, and one after the last point, all scaled to fill the time.
/// The sums of exponentially distributed gaps over the sum of all are distributed as ordered uniform numbers (Devroye, Non-Uniform
/// Random Variate Generation, theorem V.2.2), and these are the points of a Poisson process given their number.
#[derive(Debug, Clone)]
pub(super) struct Poisson {
    random: ChaCha8Rng,
    start: i64,
    /// No point lies later, ns.
    last: i64,
    /// The sum of the gaps so far, in parts of a mean gap.
    sum: u64,
    /// ns per part.
    scale: f64,
}

impl Poisson {
    /// `packets` points within `length` ns from `start`. Draws all gaps once to know their sum: some 10 ns each.
    pub(super) fn new(seed: u64, stream: u64, start: i64, length: u64, packets: u64) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        random.set_stream(stream);
        let fresh = random.clone();
        let all = (0..=packets).fold(0_u64, |sum, _| sum.saturating_add(gap(&mut random)));
        let last = start.saturating_add_unsigned(length.saturating_sub(1));
        Self { random: fresh, start, last, sum: 0, scale: length as f64 / all.max(1) as f64 }
    }

    /// The next point, ns.
    #[inline]
    #[allow(clippy::cast_possible_truncation, reason = "within the length")]
    pub(super) fn next(&mut self) -> i64 {
        self.sum = self.sum.saturating_add(gap(&mut self.random));
        self.start.saturating_add((self.sum as f64 * self.scale) as i64).min(self.last)
    }
}

/// An exponentially distributed number by inverse transform: -ln(1-u) has mean 1 for u uniform in [0, 1).
#[inline]
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "positive and at most 37 means: -ln(2^-53)")]
fn gap(random: &mut ChaCha8Rng) -> u64 {
    (-(1.0 - random.random::<f64>()).ln() * UNIT) as u64
}
