//! Ranks compared within blocks: the rank-sum test where repeats were made under several conditions, each of which moves both sides.
//!
//! Within a block the repeats of both sides are ranked together; the rank sums are added, each weighted by one over one more than the
//! block's values, which is best against a shift that all blocks share (van Elteren 1960). Were there no difference, every way to deal
//! a block's values out to both sides would be as likely, whatever their distribution: that is counted, equal values included
//! (Lehmann, Nonparametrics, section 3.3). With one block it is the rank-sum test of [`crate::compare::rank_sum`].

use crate::compare::rank_sum::Shift;
use crate::interval::normal;

/// The repeats of both sides under one condition.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Block {
    /// Of the base.
    pub base: Vec<f64>,
    /// Of the other.
    pub other: Vec<f64>,
}

/// Sums that the exact distribution may have; beyond, it is taken as normal: then there are hundreds of repeats.
const MOST_SUMS: usize = 1 << 20;
/// Steps that working it out may take.
const MOST_STEPS: usize = 1 << 28;

impl Block {
    fn size(&self) -> usize {
        self.base.len() + self.other.len()
    }

    fn pairs(&self) -> usize {
        self.base.len() * self.other.len()
    }

    /// Twice the ranks of all values, the base's first; equal ones share the mean of theirs.
    #[allow(clippy::float_cmp, reason = "values are tied when they are the same to the last bit")]
    fn ranks(&self) -> Vec<usize> {
        let all: Vec<f64> = self.base.iter().chain(&self.other).copied().collect();
        let rank = |value: &f64| {
            let below = all.iter().filter(|other| *other < value).count();
            let equal = all.iter().filter(|other| *other == value).count();
            2 * below + equal + 1
        };
        all.iter().map(rank).collect()
    }
}

/// The blocks that have values on both sides.
fn full(blocks: &[Block]) -> Vec<&Block> {
    blocks.iter().filter(|block| block.pairs() > 0).collect()
}

/// What each block's pairs weigh, as the smallest whole numbers in that proportion; `None` when those are too large to count with.
fn weights(blocks: &[&Block]) -> Option<Vec<usize>> {
    let common = blocks.iter().try_fold(1_usize, |multiple, block| {
        let size = block.size() + 1;
        (multiple / divisor(multiple, size)).checked_mul(size).filter(|multiple| *multiple <= MOST_SUMS)
    })?;
    let weights: Vec<usize> = blocks.iter().map(|block| common / (block.size() + 1)).collect();
    let shared = weights.iter().fold(0, |shared, weight| divisor(shared, *weight)).max(1);
    Some(weights.into_iter().map(|weight| weight / shared).collect())
}

fn divisor(mut one: usize, mut other: usize) -> usize {
    while other > 0 {
        (one, other) = (other, one % other);
    }
    one
}

/// Probabilities that twice the number of pairs in which the other lies above is 0, 1, ..., over all ways to deal these ranks out.
fn dealt(ranks: &[usize], base: usize, other: usize) -> Vec<f64> {
    let width = 2 * (base + other) * other + 1;
    let mut ways = vec![vec![0.0_f64; width]; other + 1];
    ways[0][0] = 1.0;
    for &rank in ranks {
        for taken in (1..=other).rev() {
            let (fewer, more) = ways.split_at_mut(taken);
            let (from, into) = (&fewer[taken - 1], &mut more[0]);
            for sum in (rank..width).rev() {
                into[sum] += from[sum - rank];
            }
        }
    }
    let all: f64 = ways[other].iter().sum();
    let least = other * (other + 1);
    ways[other][least..=least + 2 * base * other].iter().map(|count| count / all).collect()
}

/// The distribution of the weighted sum when there is no difference.
enum Null {
    /// Probability of each sum from 0 on.
    Exact(Vec<f64>),
    /// Mean and standard deviation.
    Normal(f64, f64),
}

impl Null {
    /// Of blocks with these weights, for the ranks that `ranks` gives of each.
    fn of(blocks: &[&Block], weights: Option<&[usize]>, ranks: impl Fn(&Block) -> Vec<usize>) -> Self {
        let whole = weights.filter(|weights| {
            let sums = 1 + blocks.iter().zip(*weights).map(|(block, weight)| 2 * block.pairs() * weight).sum::<usize>();
            let steps = blocks.iter().map(|block| 2 * block.pairs() + 1).sum::<usize>().saturating_mul(sums);
            sums <= MOST_SUMS && steps <= MOST_STEPS
        });
        let Some(weights) = whole else { return Self::normal(blocks, &ranks) };
        let mut sums = vec![1.0_f64];
        for (block, weight) in blocks.iter().zip(weights) {
            let dealt = dealt(&ranks(block), block.base.len(), block.other.len());
            let mut next = vec![0.0; sums.len() + weight * (dealt.len() - 1)];
            for (sum, so_far) in sums.iter().enumerate().filter(|(_, so_far)| **so_far > 0.0) {
                for (count, probability) in dealt.iter().enumerate() {
                    next[sum + weight * count] += so_far * probability;
                }
            }
            sums = next;
        }
        Self::Exact(sums)
    }

    /// Lehmann, Nonparametrics, equations 1.35 and 3.17, for sums of twice the weighted pairs.
    fn normal(blocks: &[&Block], ranks: &impl Fn(&Block) -> Vec<usize>) -> Self {
        let (mut mean, mut variance) = (0.0, 0.0);
        for block in blocks {
            let (pairs, size, weight) = (block.pairs() as f64, block.size() as f64, weight(block));
            let ranks = ranks(block);
            let middle = size + 1.0;
            let spread = ranks.iter().map(|rank| (*rank as f64 - middle).powi(2)).sum::<f64>() / (size * (size - 1.0));
            mean += weight * pairs;
            variance += weight * weight * pairs * spread;
        }
        Self::Normal(mean, variance.sqrt())
    }

    /// Probability of a sum of at most `sum`, and of at least `sum`.
    fn tails(&self, sum: f64) -> (f64, f64) {
        match self {
            Self::Exact(probabilities) => {
                #[allow(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "a whole number of the distribution's own"
                )]
                let at = (sum.round() as usize).min(probabilities.len() - 1);
                (probabilities[..=at].iter().sum(), probabilities[at..].iter().sum())
            }
            Self::Normal(_, deviation) if *deviation == 0.0 => (1.0, 1.0),
            Self::Normal(mean, deviation) => {
                let below = normal::at_most((sum - mean) / deviation);
                (below, 1.0 - below)
            }
        }
    }
}

/// What a pair of a block weighs in the normal case, where weights need not be whole.
fn weight(block: &Block) -> f64 {
    1.0 / (block.size() as f64 + 1.0)
}

/// Blocks, their distribution with these ranks, and each block's weight as it counts in that distribution.
fn null(blocks: &[Block], ranks: impl Fn(&Block) -> Vec<usize>) -> Option<(Vec<&Block>, Null, Vec<f64>)> {
    let blocks = full(blocks);
    if blocks.is_empty() {
        return None;
    }
    let whole = weights(&blocks);
    let null = Null::of(&blocks, whole.as_deref(), ranks);
    let weights = match (&null, whole) {
        (Null::Exact(_), Some(whole)) => whole.into_iter().map(|weight| weight as f64).collect(),
        _ => blocks.iter().map(|block| weight(block)).collect(),
    };
    Some((blocks, null, weights))
}

/// The probability of ranks at least as one-sided, in either direction, were there no difference; `None` when no block has values on
/// both sides.
pub fn two_sided(blocks: &[Block]) -> Option<f64> {
    let (blocks, null, weights) = null(blocks, Block::ranks)?;
    let sum = |block: &Block| {
        let ranks = block.ranks();
        let others: usize = ranks[block.base.len()..].iter().sum();
        (others - block.other.len() * (block.other.len() + 1)) as f64
    };
    let sum: f64 = blocks.iter().zip(&weights).map(|(block, weight)| weight * sum(block)).sum();
    let (low, high) = null.tails(sum);
    Some((2.0 * low.min(high)).min(1.0))
}

/// The least such probability that blocks of these sizes can show, when neither side overlaps the other anywhere; 1 without any.
pub fn reach(blocks: &[Block]) -> f64 {
    let one = |block: &&Block| {
        let (few, size) = (block.base.len().min(block.other.len()), block.size());
        (0..few).map(|taken| (few - taken) as f64 / (size - taken) as f64).product::<f64>()
    };
    let blocks = full(blocks);
    if blocks.is_empty() { 1.0 } else { (2.0 * blocks.iter().map(one).product::<f64>()).min(1.0) }
}

/// How far the other lies above the base in every block, were it the same everywhere: the weighted median of the differences within
/// blocks, and the narrowest interval of 95 % confidence that the test gives when turned round; where values are too few for that, the
/// extremes and their true confidence. `None` when no block has values on both sides.
pub fn shift(blocks: &[Block]) -> Option<Shift> {
    let untied = |block: &Block| (1..=block.size()).map(|rank| 2 * rank).collect();
    let (blocks, null, weights) = null(blocks, untied)?;
    let mut differences: Vec<(f64, f64)> = Vec::new();
    for (block, weight) in blocks.iter().zip(&weights) {
        // the distribution counts each pair twice
        let pairs = block.base.iter().flat_map(|base| block.other.iter().map(move |other| (other - base, 2.0 * weight)));
        differences.extend(pairs);
    }
    differences.sort_by(|one, other| one.0.total_cmp(&other.0));
    let total: f64 = differences.iter().map(|(_, weight)| weight).sum();
    let (cut, confidence) = cut(&null);
    // the first difference at which more than `beyond` lies at or below it
    let passing = |beyond: f64, ascending: bool| {
        let mut sum = 0.0;
        let mut past = |(_, weight): &&(f64, f64)| {
            sum += weight;
            sum > beyond + 1e-9
        };
        let found = if ascending { differences.iter().find(&mut past) } else { differences.iter().rev().find(&mut past) };
        found.map(|(difference, _)| *difference)
    };
    let half = total / 2.0 - 1e-6;
    let estimate = f64::midpoint(passing(half, true)?, passing(half, false)?);
    Some(Shift { estimate, low: passing(cut, true)?, high: passing(cut, false)?, confidence })
}

/// The greatest sum that both tails together leave out with 5 % at most, and the confidence of what is left.
fn cut(null: &Null) -> (f64, f64) {
    match null {
        Null::Exact(probabilities) => {
            let mut below = probabilities[0];
            let mut cut = (0, below);
            for (sum, probability) in probabilities.iter().enumerate().skip(1) {
                below += probability;
                if 2.0 * below > 0.05 {
                    break;
                }
                cut = (sum, below);
            }
            (cut.0 as f64, (1.0 - 2.0 * cut.1).max(0.0))
        }
        Null::Normal(mean, deviation) => ((mean - 1.959_964 * deviation).max(0.0), 0.95),
    }
}

#[cfg(test)]
mod tests;
