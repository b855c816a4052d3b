//! A run in blocks: how many packets of each stretch lie above the run's own percentiles.
//!
//! That is all that is kept of the order of the packets: at most [`Blocks::MOST`] counts for each percentile, however long the run.

use serde::{Deserialize, Serialize};
use tailbed_format::percentile::Percentile;

use crate::counter::Counter;

/// The packets of a run in equal stretches, in the order of their departure.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blocks {
    /// Packets of the whole run.
    packets: u64,
    /// Blocks there are.
    count: usize,
    /// By percentile: packets of each block above the run's own value.
    above: Vec<(Percentile, Vec<u32>)>,
}

impl Blocks {
    /// So many at most: enough to see what neighbours have in common and where a run changes, and 14 KiB a run.
    pub const MOST: usize = 512;

    /// Of the latencies of a run, ns, in the order of their departure; `counter` holds the same ones. Percentiles beyond which the run has no
    /// packet are left out.
    pub fn of(latencies: impl Iterator<Item = u64>, counter: &Counter) -> Self {
        let packets = counter.count();
        let count = usize::try_from(packets).unwrap_or(usize::MAX).min(Self::MOST);
        let ranks = Percentile::REPORTED.map(|percentile| percentile.rank(packets));
        let values = counter.at_ranks(&ranks);
        let above = Percentile::REPORTED.into_iter().zip(values).zip(ranks).filter(|(_, rank)| *rank < packets);
        let mut above: Vec<_> =
            above.filter_map(|((percentile, value), _)| Some((percentile, value?, vec![0_u32; count]))).collect();
        for (number, latency) in (0..packets).zip(latencies) {
            let block = block_of(number, packets, count);
            // percentiles ascend: what does not lie above one lies above none further
            for (_, _, counts) in above.iter_mut().take_while(|(_, value, _)| latency > *value) {
                counts[block] += 1;
            }
        }
        Self { packets, count, above: above.into_iter().map(|(percentile, _, counts)| (percentile, counts)).collect() }
    }

    /// Whether these are such as [`Blocks::of`] gives of so many packets, or none at all.
    pub(crate) fn can_be_of(&self, packets: u64) -> bool {
        let count = usize::try_from(self.packets).unwrap_or(usize::MAX).min(Self::MOST);
        *self == Self::default()
            || self.packets == packets && self.count == count && self.above.iter().all(|(_, counts)| counts.len() == count)
    }

    /// How many blocks there are.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Packets of a block, on average.
    pub fn packets_each(&self) -> f64 {
        self.packets as f64 / self.count.max(1) as f64
    }

    /// For each block its share of packets above the run's own percentile, 0 to 1; `None` where no packet lies beyond it.
    pub fn shares(&self, percentile: Percentile) -> Option<Vec<f64>> {
        let each = self.packets_each();
        self.counts(percentile).map(|counts| counts.iter().map(|above| f64::from(*above) / each).collect())
    }

    /// The same counts put together in fewer blocks; `None` where there are not that many, or fewer than `least` packets lie above the
    /// percentile for each.
    pub fn coarse(&self, percentile: Percentile, blocks: usize, least: f64) -> Option<Vec<f64>> {
        let counts = self.counts(percentile)?;
        let all: u64 = counts.iter().map(|above| u64::from(*above)).sum();
        if self.count < blocks || (all as f64) < least * blocks as f64 {
            return None;
        }
        let mut coarse = vec![0.0; blocks];
        let mut fine = vec![0.0; blocks];
        for (number, above) in counts.iter().enumerate() {
            let block = number * blocks / self.count;
            coarse[block] += f64::from(*above);
            fine[block] += 1.0;
        }
        Some(coarse.iter().zip(fine).map(|(above, blocks)| above / blocks).collect())
    }

    /// The number of the first packet of one of so many coarse blocks.
    pub fn first_packet(&self, block: usize, blocks: usize) -> u64 {
        let fine = (block * self.count).div_ceil(blocks.max(1)) as u64;
        (u128::from(fine) * u128::from(self.packets)).div_ceil(self.count.max(1) as u128).try_into().unwrap_or(u64::MAX)
    }

    fn counts(&self, percentile: Percentile) -> Option<&[u32]> {
        self.above.iter().find(|(of, _)| *of == percentile).map(|(_, counts)| counts.as_slice())
    }
}

/// The block of a packet.
fn block_of(number: u64, packets: u64, blocks: usize) -> usize {
    let block = u128::from(number) * blocks as u128 / u128::from(packets.max(1));
    usize::try_from(block).unwrap_or(0).min(blocks.saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn blocks(latencies: &[u64]) -> Blocks {
        Blocks::of(latencies.iter().copied(), &latencies.iter().copied().collect())
    }

    proptest! {
        /// Together the blocks hold what lies above the percentile, and a coarse block what its fine ones do.
        #[test]
        fn nothing_is_lost(latencies in proptest::collection::vec(0u64..50, 40..3_000)) {
            let blocks = blocks(&latencies);
            let mut sorted = latencies.clone();
            sorted.sort_unstable();
            let median = Percentile::REPORTED[0];
            let value = sorted[usize::try_from(median.rank(sorted.len() as u64)).unwrap() - 1];
            let expected = latencies.iter().filter(|latency| **latency > value).count();
            let shares = blocks.shares(median).unwrap();
            let found: f64 = shares.iter().sum::<f64>() * blocks.packets_each();
            prop_assert!((found - expected as f64).abs() < 1e-6);
            prop_assert_eq!(shares.len(), latencies.len().min(Blocks::MOST));
            let coarse = blocks.coarse(median, 8, 0.0).unwrap();
            prop_assert_eq!(coarse.len(), 8);
            for (block, found) in coarse.iter().enumerate() {
                let (from, to) = (blocks.first_packet(block, 8), blocks.first_packet(block + 1, 8));
                let fine = (to - from) as f64 / blocks.packets_each();
                let own = latencies[usize::try_from(from).unwrap()..usize::try_from(to).unwrap()].iter();
                let own = own.filter(|latency| **latency > value).count() as f64;
                prop_assert!((found - own / fine).abs() <= 2.0 + own * 0.1, "{} {}", found, own / fine);
            }
        }
    }

    #[test]
    fn a_percentile_without_packets_beyond_it_has_no_blocks() {
        let blocks = blocks(&(0..1_000).collect::<Vec<_>>());
        assert!(blocks.shares(Percentile::REPORTED[4]).is_none(), "the greatest of 1 000 values is their p99.99");
        assert!(blocks.shares(Percentile::REPORTED[2]).is_some());
        assert!(blocks.coarse(Percentile::REPORTED[2], 8, 2.0).is_none(), "ten packets are too few for eight blocks of two");
        assert_eq!(Blocks::default().count(), 0);
    }

    #[test]
    fn blocks_of_other_packets_are_known() {
        let blocks = blocks(&(0..1_000).collect::<Vec<_>>());
        assert!(blocks.can_be_of(1_000) && Blocks::default().can_be_of(1_000));
        assert!(!blocks.can_be_of(999), "they are of another number of packets");
        assert!(!Blocks { count: 511, ..blocks.clone() }.can_be_of(1_000));
        assert!(!Blocks { above: vec![(Percentile::REPORTED[0], vec![1; 511])], ..blocks }.can_be_of(1_000));
    }
}
