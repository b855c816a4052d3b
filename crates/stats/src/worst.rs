//! The packets with the greatest latencies, found without keeping the others.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use tailbed_format::packet::PacketRecord;

use crate::plot::worst::WorstPoint;

/// So many of the worst packets are drawn per cell.
pub const WORST: usize = 5_000;

/// A packet with its latency, ns. The lesser of two is the worse: the one with the greater latency, of equal ones the earlier.
#[derive(Debug, Clone, Copy)]
struct Kept {
    latency: u64,
    record: PacketRecord,
}

impl Kept {
    fn rank(&self) -> (Reverse<u64>, i64, u32, u64) {
        let departure = &self.record.departure;
        (Reverse(self.latency), departure.sent, departure.flow, departure.sequence)
    }
}

impl Ord for Kept {
    fn cmp(&self, other: &Self) -> Ordering {
        self.rank().cmp(&other.rank())
    }
}

impl PartialOrd for Kept {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Kept {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Kept {}

/// At most [`WORST`] packets. Which they are does not depend on the order in which packets are shown to it.
#[derive(Debug, Clone, Default)]
pub struct Worst {
    /// The least bad of those kept is on top.
    kept: BinaryHeap<Kept>,
}

impl Worst {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Shows it a packet with its latency, ns.
    #[inline]
    pub fn record(&mut self, latency: u64, record: &PacketRecord) {
        if self.kept.len() < WORST || self.kept.peek().is_some_and(|least| latency >= least.latency) {
            self.keep(Kept { latency, record: *record });
        }
    }

    fn keep(&mut self, kept: Kept) {
        self.kept.push(kept);
        if self.kept.len() > WORST {
            self.kept.pop();
        }
    }

    /// Shows it all that another has kept.
    pub fn merge(&mut self, other: &Self) {
        other.kept.iter().for_each(|kept| self.record(kept.latency, &kept.record));
    }

    /// The least latency among them once there are [`WORST`], ns: what is below it is none of the worst. 0 until then.
    pub fn least(&self) -> u64 {
        if self.kept.len() < WORST { 0 } else { self.kept.peek().map_or(0, |least| least.latency) }
    }

    /// The packets, greatest latency first, of equal ones the earlier first.
    pub fn records(&self) -> Vec<PacketRecord> {
        self.sorted().into_iter().map(|kept| kept.record).collect()
    }

    /// The same as points of a plot.
    pub fn points(&self) -> Vec<WorstPoint> {
        let point = |kept: Kept| WorstPoint { at: kept.record.departure.sent, latency: kept.latency };
        self.sorted().into_iter().map(point).collect()
    }

    fn sorted(&self) -> Vec<Kept> {
        self.kept.clone().into_sorted_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use tailbed_format::packet::{Departure, Received};

    proptest! {
        /// As sorting all of them and cutting the list off, in however many parts they come.
        #[test]
        fn the_worst_are_those_of_a_sorted_list(latencies in proptest::collection::vec(0_u32..50, 0..12_000), cut in any::<prop::sample::Index>()) {
            let record = |(sent, &latency): (i64, &u32)| {
                let at = sent + i64::from(latency);
                let departure = Departure { flow: 0, sequence: 0, due: sent, sent };
                (u64::from(latency), PacketRecord { departure, received: Some(Received { kernel: at, user: at }) })
            };
            let packets: Vec<_> = (0..).zip(&latencies).map(record).collect();
            let (before, after) = packets.split_at(cut.index(packets.len() + 1));
            let shown = |packets: &[(u64, PacketRecord)]| {
                let mut worst = Worst::new();
                for (latency, record) in packets {
                    worst.record(*latency, record);
                }
                worst
            };
            let mut worst = shown(after);
            worst.merge(&shown(before));
            let mut sorted = packets.clone();
            sorted.sort_by_key(|(latency, record)| (Reverse(*latency), record.departure.sent));
            prop_assert_eq!(worst.least(), sorted.get(WORST - 1).map_or(0, |(latency, _)| *latency));
            sorted.truncate(WORST);
            prop_assert_eq!(worst.records(), sorted.iter().map(|(_, record)| *record).collect::<Vec<_>>());
            prop_assert_eq!(worst.points().len(), sorted.len());
        }
    }
}
