//! The interval of a cell's percentile between repeats: a hierarchical bootstrap of runs, then of blocks of packets.
//!
//! What is drawn again is not the percentile but the share of packets at or below it, which is turned into values at the end by the ranks
//! of all packets, as in R. S. Woodruff (Confidence intervals for medians and other position measures, Journal of the American Statistical
//! Association 47, 1952). So a run is a number, and a block of it another, however many packets they hold.
//!
//! - The error of the cell's share is estimated from the shares of its runs. Whatever packets of a run have in common, runs do not share it: this
//!   holds for any likeness of neighbours. From [`LEAST_FOR_SLOPE`] runs on what a straight line over their order explains is left out: a
//!   drift of the machine is no error of the mean over the campaign.
//! - The shape comes of the replicates: runs are drawn with replacement, and in each of them circular blocks of its packets (D. N. Politis
//!   and J. P. Romano 1992), as long as [`block_length`] says. What packets explain of the runs' differences is taken out of these, so that it is
//!   not counted twice (A. C. Davison and D. V. Hinkley, Bootstrap Methods and their Application, 1997, section 3.8).
//! - Runs that differ may lie further apart at a bound than at the percentile: of two kinds, of which one is rare in the sample, most are alike at the median.
//!   So a bound lies no nearer than where the runs, by how they differ *there*, speak against the percentile (as the interval of E. B. Wilson, Journal
//!   of the American Statistical Association 22, 1927, judges a proportion by the variance that it would have at the bound).
//! - Few runs tell their own variance badly: the replicates' quantiles are widened by Student's for the normal's, with as many degrees of
//!   freedom as the runs leave (the same book, section 2.4 and 5.2; Student 1908).

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use tailbed_format::course::Between;
use tailbed_format::percentile::Percentile;
use tailbed_format::summary::{Estimate, PercentileRow};

use crate::counter::Counter;
use crate::course::Blocks;
use crate::interval::block_length::block_length;
use crate::interval::normal::{self, chi_square_excess};
use crate::interval::student;

mod replicates;

use replicates::{Deviations, Resampled};

/// Runs from which on a straight line over their order is left out of the error.
pub const LEAST_FOR_SLOPE: usize = 5;

/// Blocks that are drawn in a run, at most: longer blocks than needed do no harm, more draws than these tell nothing.
const MOST_DRAWN: usize = 32;

/// Steps outwards that a bound may take; each is shorter than the one before.
const MOST_STEPS: usize = 16;

/// A run of a cell, in the order the runs were made.
#[derive(Debug, Clone, Copy)]
pub struct Run<'a> {
    /// Its latencies, ns.
    pub latency: &'a Counter,
    /// The same in blocks.
    pub blocks: &'a Blocks,
}

/// Puts the interval between repeats in place of that of order statistics, in each row that has a value; returns what made each. `pooled` holds
/// the latencies of all runs; the same input and `seed` give the same intervals. Nothing is done with fewer than two runs.
pub fn between(rows: &mut [PercentileRow], pooled: &Counter, runs: &[Run<'_>], seed: u64) -> Vec<Between> {
    if runs.len() < 2 {
        return Vec::new();
    }
    let known = rows.iter().filter_map(|row| Some((row.percentile, row.estimate.value()?)));
    let (percentiles, values): (Vec<Percentile>, Vec<u64>) = known.unzip();
    let below: Vec<Vec<u64>> = runs.iter().map(|run| run.latency.at_or_below(&values)).collect();
    let mut made = Vec::with_capacity(percentiles.len());
    for (at, percentile) in percentiles.into_iter().enumerate() {
        let counts: Vec<u64> = below.iter().map(|counts| counts[at]).collect();
        let mut random = ChaCha8Rng::seed_from_u64(seed ^ u64::from(percentile.ppm()));
        let cell = Cell::of(percentile, pooled, runs);
        let (bounds, row) = cell.interval(&counts, &mut random);
        if let Some(Estimate::Value { low, high, .. }) =
            rows.iter_mut().find(|row| row.percentile == percentile).map(|row| &mut row.estimate)
        {
            (*low, *high) = bounds;
            made.push(row);
        }
    }
    made
}

/// How far the share of packets at or below a percentile may lie from what it is called, on either side.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Reach {
    below: f64,
    above: f64,
}

impl Reach {
    /// So many times as far on either side.
    fn times(self, below: f64, above: f64) -> Self {
        Self { below: self.below * below, above: self.above * above }
    }
}

/// The least and the greatest value that a percentile may have; `None` where the packets do not go so far.
type Bounds = (Option<u64>, Option<u64>);

/// One of the percentiles of a cell's runs.
#[derive(Debug, Clone)]
struct Cell<'a> {
    percentile: Percentile,
    pooled: &'a Counter,
    runs: &'a [Run<'a>],
    /// Part of all packets that each run has.
    weights: Vec<f64>,
}

impl<'a> Cell<'a> {
    fn of(percentile: Percentile, pooled: &'a Counter, runs: &'a [Run<'a>]) -> Self {
        let all = (pooled.count() as f64).max(1.0);
        Self { percentile, pooled, runs, weights: runs.iter().map(|run| run.latency.count() as f64 / all).collect() }
    }

    /// The values that bound the percentile, and what made them; `counts` are the packets of each run at or below it.
    fn interval(&self, counts: &[u64], random: &mut ChaCha8Rng) -> (Bounds, Between) {
        let (percentile, runs, weights) = (self.percentile, self.runs, &self.weights);
        let shares = self.shares(counts);
        let runs_apart = Deviations::of(&shares, weights);
        let resampled: Vec<Resampled> =
            runs.iter().zip(&shares).map(|(run, share)| resample(percentile, run.blocks, *share)).collect();
        let of_packets: f64 = resampled.iter().zip(weights).map(|(run, weight)| weight * weight * run.variance()).sum();
        let inflation = (of_packets > 0.0).then(|| runs_apart.variance / of_packets);
        // runs that are equal to the last packet still have packets
        let (variance, freedom) =
            if runs_apart.variance > 0.0 { (runs_apart.variance, runs_apart.freedom) } else { (of_packets, u32::MAX) };
        let (low, high) = replicates::shape(&runs_apart, &resampled, weights, inflation.unwrap_or(f64::INFINITY), random);
        let widened = if freedom == u32::MAX { 1.0 } else { student::critical(freedom) / normal::CRITICAL };
        // replicates below the sample stand for a truth below it, which the sample then lies above of (the same book, section 5.3)
        let factors = Reach { below: high * widened, above: low * widened };
        let mut blocks: Vec<u64> = resampled.iter().map(|run| run.packets).collect();
        blocks.sort_unstable();
        let between = Between {
            percentile,
            runs: u32::try_from(runs.len()).unwrap_or(u32::MAX),
            inflation,
            differ: inflation.is_some_and(|inflation| inflation > chi_square_excess(runs_apart.freedom)),
            block: blocks[blocks.len() / 2],
        };
        let error = variance.sqrt();
        let reach = factors.times(error, error);
        (if between.differ { self.outwards(factors, reach) } else { self.bounds(reach) }, between)
    }

    /// `reach` is so many times the error at the percentile, on either side. Where runs that differ lie further apart at a bound, the bound goes
    /// outwards, until it is so many times the error *there*.
    fn outwards(&self, factors: Reach, mut reach: Reach) -> Bounds {
        let mut bounds = self.bounds(reach);
        for _ in 0..MOST_STEPS {
            // at an end that is open all runs are alike, and it stays where it is
            let ends = [bounds.0.unwrap_or(0), bounds.1.unwrap_or(u64::MAX)];
            let counts: Vec<Vec<u64>> = self.runs.iter().map(|run| run.latency.at_or_below(&ends)).collect();
            let error = |end: usize| {
                let counts: Vec<u64> = counts.iter().map(|counts| counts[end]).collect();
                Deviations::of(&self.shares(&counts), &self.weights).variance.sqrt()
            };
            let there = factors.times(error(0), error(1));
            if there.below <= reach.below && there.above <= reach.above {
                break;
            }
            reach = Reach { below: reach.below.max(there.below), above: reach.above.max(there.above) };
            bounds = self.bounds(reach);
        }
        bounds
    }

    /// The values at the ends of a reach.
    fn bounds(&self, reach: Reach) -> Bounds {
        let (share, packets) = (self.percentile.fraction(), self.pooled.count() as f64);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to what there is")]
        let whole = |rank: f64| if rank >= 1.0 && rank <= packets { rank as u64 } else { 0 };
        let ranks = [whole(((share - reach.below) * packets).floor()), whole(((share + reach.above) * packets).ceil() + 1.0)];
        let values = self.pooled.at_ranks(&ranks);
        (values[0], values[1])
    }

    /// What part of each run's packets so many are.
    fn shares(&self, counts: &[u64]) -> Vec<f64> {
        self.runs.iter().zip(counts).map(|(run, below)| *below as f64 / (run.latency.count() as f64).max(1.0)).collect()
    }
}

/// The blocks of a run to draw from: their deviations from its own share, carried over to the share that it has at the cell's percentile.
fn resample(percentile: Percentile, blocks: &Blocks, share: f64) -> Resampled {
    let Some(series) = blocks.shares(percentile) else { return Resampled::none() };
    let own = series.iter().sum::<f64>() / series.len().max(1) as f64;
    let (at_own, at_cell) = (own * (1.0 - own), share * (1.0 - share));
    if at_own <= 0.0 {
        return Resampled::none();
    }
    // a share varies as its p (1 - p); what neighbours have in common is taken to be the same at both
    let scale = (at_cell / at_own).sqrt();
    let length = block_length(&series).max(series.len().div_ceil(MOST_DRAWN));
    let deviations: Vec<f64> = series.iter().map(|value| (value - own) * scale).collect();
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a length in packets")]
    let packets = (length as f64 * blocks.packets_each()).round() as u64;
    Resampled::circular(&deviations, length, packets)
}

#[cfg(test)]
mod tests;
