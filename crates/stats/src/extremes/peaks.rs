//! The greatest latencies of a run, each with its place in the order of sending: what clusters are told by.

use std::cmp::Reverse;

use serde::{Deserialize, Serialize};
use tailbed_format::packet::PacketRecord;

use crate::tally::Tally;

/// So many are kept of a run. A tail is fitted to a few thousand at most: more of them bring in what is no tail any more.
const KEPT: usize = 4_096;

/// One of the greatest latencies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Peak {
    /// Its packet's number in the order of sending, from 0, warm-up left out, lost ones counted.
    pub at: u64,
    /// ns.
    pub latency: u64,
}

/// The greatest latencies of a run.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Peaks {
    /// Packets sent, warm-up left out.
    pub sent: u64,
    /// Packets with a latency.
    pub packets: u64,
    /// All latencies above this were kept, ns; 0 where all were.
    pub above: u64,
    /// In the order of sending.
    pub peaks: Vec<Peak>,
}

impl Peaks {
    /// Of a run's records, in the order of departure; warm-up left out. Looks at each packet once and remembers a few thousand.
    pub fn of(records: &[PacketRecord]) -> Self {
        let counted = records.iter().filter(|record| record.departure.due >= 0);
        Self::of_latencies(counted.map(|record| record.latency().and_then(|latency| u64::try_from(latency).ok())))
    }

    /// Of the latencies of packets in the order of sending, ns; `None` for one that has none.
    pub fn of_latencies(latencies: impl Iterator<Item = Option<u64>>) -> Self {
        let mut found = Self::default();
        for latency in latencies {
            let at = found.sent;
            found.sent += 1;
            let Some(latency) = latency else { continue };
            found.packets += 1;
            // zero is above nothing, and no tail begins there
            if latency > found.above {
                found.peaks.push(Peak { at, latency });
            }
            if found.peaks.len() >= 4 * KEPT {
                found.thin();
            }
        }
        found.thin();
        found.peaks.sort_unstable_by_key(|peak| peak.at);
        found
    }

    /// Whether these are such as [`Peaks::of`] gives of so many packets, or none at all.
    pub(crate) fn can_be_of(&self, packets: &Tally<'_>) -> bool {
        let greatest = packets.latency.maximum().unwrap_or(0);
        let can_be = |peak: &Peak| peak.at < self.sent && (self.above + 1..=greatest).contains(&peak.latency);
        *self == Self::default()
            || (self.sent, self.packets) == (packets.sent, packets.latency.count())
                && self.above <= greatest
                && self.peaks.len() <= KEPT
                && self.peaks.iter().all(can_be)
                && self.peaks.is_sorted_by(|one, next| one.at < next.at)
    }

    /// Leaves out what is not among the greatest; equal ones stay or go together.
    fn thin(&mut self) {
        if self.peaks.len() <= KEPT {
            return;
        }
        let (_, next, _) = self.peaks.select_nth_unstable_by_key(KEPT, |peak| Reverse(peak.latency));
        self.above = next.latency;
        self.peaks.retain(|peak| peak.latency > self.above);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use tailbed_format::packet::{Departure, Received};

    #[test]
    fn those_of_other_packets_are_known() {
        let record = |due: i64| PacketRecord {
            departure: Departure { flow: 0, sequence: 0, due, sent: due },
            received: Some(Received { kernel: due + 10 + due % 7, user: due + 90 }),
        };
        let records: Vec<_> = (-3..5_000).map(record).collect();
        let (found, packets) = (Peaks::of(&records), Tally::of(&records, &[]));
        assert!(found.can_be_of(&packets) && Peaks::default().can_be_of(&packets) && found.above > 0);
        let peak = |at, latency| vec![Peak { at, latency }];
        let damaged = [
            Peaks { sent: 1, ..found.clone() },
            Peaks { above: u64::MAX - 1, ..found.clone() },
            Peaks { peaks: peak(5_000, 16), ..found.clone() },
            Peaks { peaks: peak(0, 17), ..found.clone() },
            Peaks { peaks: [peak(4, 16), peak(4, 16)].concat(), ..found },
        ];
        assert!(!damaged.iter().any(|peaks| peaks.can_be_of(&packets)));
    }

    proptest! {
        /// Exactly those above the mark, in the order of sending, and as many of them as fit.
        #[test]
        fn the_greatest_are_kept(seed in any::<u64>(), range in 1u64..100_000, length in 0u64..40_000) {
            let latency = |number: u64| {
                let mixed = (number + seed % 1_000).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
                (!mixed.is_multiple_of(50)).then_some(mixed % range)
            };
            let found = Peaks::of_latencies((0..length).map(latency));
            let all: Vec<Peak> = (0..length).filter_map(|at| Some(Peak { at, latency: latency(at)? })).collect();
            prop_assert_eq!((found.sent, found.packets), (length, all.len() as u64));
            prop_assert!(found.peaks.len() <= KEPT);
            let expected: Vec<Peak> = all.iter().copied().filter(|peak| peak.latency > found.above).collect();
            prop_assert_eq!(&found.peaks, &expected);
            let next = all.iter().filter(|peak| peak.latency >= found.above).count();
            prop_assert!(found.above == 0 || next > KEPT, "as many as fit");
        }
    }
}
