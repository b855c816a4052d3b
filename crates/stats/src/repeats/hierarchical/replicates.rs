//! The replicates: runs drawn again, blocks of packets drawn again in each.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::LEAST_FOR_SLOPE;
use crate::interval::ONE_SIDED;
use crate::interval::normal::CRITICAL;

/// Replicates of an interval.
const REPLICATES: usize = 999;

/// Runs below which too few samples of them can be drawn for their quantiles to mean anything: the normal's stand in where they are wider.
const LEAST_FOR_SHAPE: usize = 5;

/// How far the runs of a cell lie from its share.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Deviations {
    /// Of each run, without what a straight line explains where there are runs enough for one.
    pub(super) each: Vec<f64>,
    /// Variance of the weighted mean of all runs.
    pub(super) variance: f64,
    /// Degrees of freedom of that variance.
    pub(super) freedom: u32,
}

impl Deviations {
    /// `weights` sum up to one; there are two runs or more.
    pub(super) fn of(shares: &[f64], weights: &[f64]) -> Self {
        let n = shares.len();
        let mean: f64 = shares.iter().zip(weights).map(|(share, weight)| share * weight).sum();
        let sloped = n >= LEAST_FOR_SLOPE;
        let middle = (n as f64 - 1.0) / 2.0;
        let slope = if sloped {
            let product: f64 = shares.iter().enumerate().map(|(at, share)| (at as f64 - middle) * (share - mean)).sum();
            product / (0..n).map(|at| (at as f64 - middle).powi(2)).sum::<f64>()
        } else {
            0.0
        };
        let each: Vec<f64> = shares.iter().enumerate().map(|(at, share)| share - mean - slope * (at as f64 - middle)).collect();
        let freedom = if sloped { n - 2 } else { n - 1 };
        let sum: f64 = each.iter().zip(weights).map(|(deviation, weight)| (deviation * weight).powi(2)).sum();
        Self { each, variance: sum * n as f64 / freedom as f64, freedom: u32::try_from(freedom).unwrap_or(u32::MAX) }
    }
}

/// What a run's share deviates by when blocks of its packets are drawn again.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Resampled {
    /// Mean deviation of the block that begins at each place, the end joined to the beginning.
    blocks: Vec<f64>,
    /// Blocks that are drawn for a sample.
    drawn: usize,
    /// Packets of a block.
    pub(super) packets: u64,
}

impl Resampled {
    /// Of a run that tells nothing of its blocks.
    pub(super) fn none() -> Self {
        Self { blocks: Vec::new(), drawn: 0, packets: 0 }
    }

    /// Blocks of so many `deviations`, in a circle.
    pub(super) fn circular(deviations: &[f64], length: usize, packets: u64) -> Self {
        let n = deviations.len();
        let length = length.clamp(1, n.max(1));
        let mut sum: f64 = deviations.iter().take(length).sum();
        let mut blocks = Vec::with_capacity(n);
        for at in 0..n {
            blocks.push(sum / length as f64);
            sum += deviations[(at + length) % n] - deviations[at];
        }
        Self { blocks, drawn: n.div_ceil(length), packets }
    }

    /// Variance of the run's share, as its packets alone make it.
    pub(super) fn variance(&self) -> f64 {
        let n = self.blocks.len() as f64;
        if n == 0.0 { 0.0 } else { self.blocks.iter().map(|block| block * block).sum::<f64>() / n / self.drawn as f64 }
    }

    fn draw(&self, random: &mut ChaCha8Rng) -> f64 {
        if self.blocks.is_empty() {
            return 0.0;
        }
        let sum: f64 = (0..self.drawn).map(|_| self.blocks[random.random_range(0..self.blocks.len())]).sum();
        sum / self.drawn as f64
    }
}

/// How far the replicates reach below and above, in 1.96 of their standard deviations: their 2.5 % and 97.5 % quantiles.
///
/// `inflation` is the variance between the runs by that of their packets: where it is above one the runs' own deviations make up the rest, where
/// it is below the packets make up all of it.
pub(super) fn shape(
    runs: &Deviations,
    resampled: &[Resampled],
    weights: &[f64],
    inflation: f64,
    random: &mut ChaCha8Rng,
) -> (f64, f64) {
    let n = runs.each.len();
    // shares of the variance: of the runs, of their packets
    let apart = (1.0 - 1.0 / inflation.max(1.0)).sqrt();
    let replicate = |random: &mut ChaCha8Rng| -> f64 {
        let one = |weight: &f64| {
            let run = random.random_range(0..n);
            weight * (runs.each[run] * apart + resampled[run].draw(random))
        };
        weights.iter().map(one).sum()
    };
    let mut replicates: Vec<f64> = (0..REPLICATES).map(|_| replicate(random)).collect();
    replicates.sort_by(f64::total_cmp);
    let mean = replicates.iter().sum::<f64>() / REPLICATES as f64;
    let deviation = (replicates.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (REPLICATES as f64 - 1.0)).sqrt();
    if deviation <= 0.0 {
        return (CRITICAL, CRITICAL);
    }
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place among the replicates")]
    let cut = ((REPLICATES as f64 + 1.0) * ONE_SIDED) as usize - 1;
    let quantile = |at: usize| (replicates[at] - mean).abs() / deviation;
    let (low, high) = (quantile(cut), quantile(REPLICATES - 1 - cut));
    if n < LEAST_FOR_SHAPE { (low.max(CRITICAL), high.max(CRITICAL)) } else { (low, high) }
}
