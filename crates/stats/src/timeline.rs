//! The timeline of a run: what went over time, and how far packets lay apart, counted once so that the plots need no records.
//!
//! Memory is bounded however long the run: time is cut into at most [`COLUMNS`] columns, which double in length when the run outgrows
//! them, and latencies into bands of an eighth of a doubling. Distances between packets are counted in steps of 100 ns, as
//! published histograms of jitter do.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tailbed_format::packet::PacketRecord;

use crate::counter::Counter;
use crate::tally::Tally;

/// Most columns of time that a run is cut into.
pub const COLUMNS: usize = 256;

/// Length of a column to begin with, ns: a run of 17 ms fills all columns.
const FIRST: u64 = 1 << 16;

/// Bands of latency in each doubling. Eight are as fine as a pixel of a usual plot.
pub const BANDS: u32 = 8;

/// Bands of all 64-bit numbers: one for each number below eight, eight for each of the 61 doublings from there on.
const ALL_BANDS: usize = 62 * 8;

/// Width of a step of distances, ns.
pub const STEP: u64 = 100;

/// What went over time in one run or in several laid over each other; the warm-up is left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timeline {
    /// Length of a column, ns, a power of two; 0 where nothing was counted.
    pub column: u64,
    /// Packets that left in each column.
    pub sent: Vec<u64>,
    /// Packets that arrived in each column, by the kernel's stamp; the last one holds those that came after all had left as well.
    pub received: Vec<u64>,
    /// How many packets had which latency when: column of their sending, band of their latency (see [`band_from`]), count; ascending.
    pub latency: Vec<(u32, u32, u64)>,
    /// From one packet sent to the next, rounded down to [`STEP`], ns, ascending, with how often.
    pub gaps_sent: Vec<(u64, u64)>,
    /// The same of the packets received, in the order of reception; a lost packet makes the gap around it longer.
    pub gaps_received: Vec<(u64, u64)>,
}

impl Timeline {
    /// Counts the records of a run, which are in the order of sending.
    pub fn of(records: &[PacketRecord]) -> Self {
        let counted = || records.iter().filter(|record| record.departure.due >= 0);
        let Some(last) = counted().map(|record| record.departure.sent).max() else { return Self::default() };
        let column = length_for(time(last));
        let columns = usize::try_from(time(last) / column).unwrap_or(0).min(COLUMNS - 1) + 1;
        let (mut sent, mut received) = (vec![0; columns], vec![0; columns]);
        // a megabyte at most, as one addition for each of a hundred million packets has to be quick
        let mut latency = vec![0u64; columns * ALL_BANDS];
        for record in counted() {
            let at = place(record.departure.sent, column, columns);
            sent[at] += 1;
            if let Some(arrival) = record.received {
                received[place(arrival.kernel, column, columns)] += 1;
            }
            if let Some(ns) = record.latency().and_then(|ns| u64::try_from(ns).ok()) {
                latency[at * ALL_BANDS + band(ns)] += 1;
            }
        }
        Self {
            column,
            sent,
            received,
            latency: occupied(&latency),
            gaps_sent: gaps(counted().map(|record| record.departure.sent).collect()),
            gaps_received: gaps(counted().filter_map(|record| Some(record.received?.kernel)).collect()),
        }
    }

    /// Whether it is such as [`Timeline::of`] gives of so many packets, or empty: no more columns than there may be, no latency outside of
    /// them, and every packet counted once.
    pub(crate) fn can_be_of(&self, packets: &Tally<'_>) -> bool {
        let columns = self.sent.len();
        let below = |number: u32, limit: usize| usize::try_from(number).is_ok_and(|number| number < limit);
        *self == Self::default()
            || self.column.is_power_of_two()
                && columns == self.received.len()
                && columns <= COLUMNS
                && self.latency.iter().all(|&(column, band, _)| below(column, columns) && below(band, ALL_BANDS))
                && sum(self.sent.iter().copied()) == Some(packets.sent)
                && sum(self.received.iter().copied()) == Some(packets.received)
                && sum(self.latency.iter().map(|(_, _, count)| *count)) == Some(packets.latency.count())
                && sum(self.gaps_sent.iter().map(|(_, count)| *count)) == Some(packets.sent.saturating_sub(1))
                && sum(self.gaps_received.iter().map(|(_, count)| *count)) == Some(packets.received.saturating_sub(1))
    }

    /// The latencies by columns of so many of its own and bands of so many of its own: column, band, count; ascending.
    pub fn latency_by(&self, columns: u32, bands: u32) -> Vec<(u32, u32, u64)> {
        let mut merged: BTreeMap<(u32, u32), u64> = BTreeMap::new();
        for &(column, band, count) in &self.latency {
            *merged.entry((column / columns.max(1), band / bands.max(1))).or_default() += count;
        }
        merged.into_iter().map(|((column, band), count)| (column, band, count)).collect()
    }

    /// The same with columns of at least this length, ns.
    #[must_use]
    pub fn coarser(&self, column: u64) -> Self {
        if self.column == 0 || column <= self.column {
            return self.clone();
        }
        let merged = usize::try_from(column / self.column).unwrap_or(usize::MAX).max(1);
        let sums = |counts: &[u64]| counts.chunks(merged).map(|chunk| chunk.iter().sum()).collect();
        Self {
            column: self.column.saturating_mul(merged as u64),
            sent: sums(&self.sent),
            received: sums(&self.received),
            latency: self.latency_by(u32::try_from(merged).unwrap_or(u32::MAX), 1),
            gaps_sent: self.gaps_sent.clone(),
            gaps_received: self.gaps_received.clone(),
        }
    }
}

/// `None` where that is beyond all numbers.
fn sum(mut counts: impl Iterator<Item = u64>) -> Option<u64> {
    counts.try_fold(0, u64::checked_add)
}

/// The least latency of a band, ns. Below eight each nanosecond has its own; from there on there are eight bands in each doubling, as in
/// the buckets of an HdrHistogram.
pub fn band_from(band: u32) -> u64 {
    let (octave, within) = (band / BANDS, band % BANDS);
    if octave == 0 { u64::from(within) } else { u64::from(BANDS + within).checked_shl(octave - 1).unwrap_or(u64::MAX) }
}

/// The band of a latency, below [`ALL_BANDS`].
fn band(ns: u64) -> usize {
    let bands = u64::from(BANDS);
    let shift = ns.checked_ilog2().unwrap_or(0).saturating_sub(BANDS.ilog2());
    let octave = if ns < bands { 0 } else { u64::from(shift) + 1 };
    let within = (ns >> shift) - if ns < bands { 0 } else { bands };
    usize::try_from(octave * bands + within).unwrap_or(ALL_BANDS - 1)
}

/// The places that hold something: column, band, count.
fn occupied(counts: &[u64]) -> Vec<(u32, u32, u64)> {
    let number = |place: usize| u32::try_from(place).unwrap_or(u32::MAX);
    let held = counts.iter().enumerate().filter(|(_, count)| **count > 0);
    held.map(|(place, count)| (number(place / ALL_BANDS), number(place % ALL_BANDS), *count)).collect()
}

fn time(at: i64) -> u64 {
    u64::try_from(at).unwrap_or(0)
}

/// The least length, doubling, with which [`COLUMNS`] columns reach `last`.
fn length_for(last: u64) -> u64 {
    let mut length = FIRST;
    while last / length >= COLUMNS as u64 {
        length *= 2;
    }
    length
}

fn place(at: i64, column: u64, columns: usize) -> usize {
    usize::try_from(time(at) / column).unwrap_or(usize::MAX).min(columns - 1)
}

/// Distances between neighbours, in steps.
fn gaps(mut stamps: Vec<i64>) -> Vec<(u64, u64)> {
    if !stamps.is_sorted() {
        stamps.sort_unstable();
    }
    let mut counter = Counter::new();
    for pair in stamps.windows(2) {
        counter.record(pair[1].abs_diff(pair[0]) / STEP * STEP);
    }
    counter.iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use tailbed_format::packet::{Departure, Received};

    fn record(sequence: u64, sent: i64, latency: Option<i64>) -> PacketRecord {
        PacketRecord {
            departure: Departure { flow: 0, sequence, due: sent, sent },
            received: latency.map(|latency| Received { kernel: sent + latency, user: sent + latency }),
        }
    }

    #[test]
    fn a_short_run_is_counted_by_time_and_band() {
        let records = [
            record(0, -5, Some(9)),
            record(1, 0, Some(1_000)),
            record(2, 70_000, None),
            record(3, 140_050, Some(2_100)),
            record(4, 140_250, Some(1_000)),
        ];
        let timeline = Timeline::of(&records);
        assert_eq!((timeline.column, timeline.sent.clone(), timeline.received.clone()), (1 << 16, vec![1, 1, 2], vec![1, 0, 2]));
        assert_eq!(timeline.latency, [(0, 63, 1), (2, 63, 1), (2, 72, 1)]);
        assert_eq!(timeline.gaps_sent, [(200, 1), (70_000, 2)]);
        // the packet sent last overtook the one before it
        assert_eq!(timeline.gaps_received, [(900, 1), (140_200, 1)]);
        assert_eq!(Timeline::of(&records[..1]), Timeline::default());
        let packets = Tally::of(&records, &[]);
        assert!(timeline.can_be_of(&packets) && Timeline::default().can_be_of(&packets));
        let damaged = [
            Timeline { sent: vec![1], ..timeline.clone() },
            Timeline { sent: vec![1, 1, 3], ..timeline.clone() },
            Timeline { sent: vec![u64::MAX, 1, 4], ..timeline.clone() },
            Timeline { column: 0, ..timeline.clone() },
            Timeline { latency: vec![(3, 0, 3)], ..timeline.clone() },
            Timeline { latency: vec![(0, u32::MAX, 3)], ..timeline.clone() },
            Timeline { gaps_sent: Vec::new(), ..timeline },
        ];
        assert!(!damaged.iter().any(|timeline| timeline.can_be_of(&packets)));
    }

    #[test]
    fn bands_are_an_eighth_of_a_doubling() {
        assert_eq!([0, 1, 7, 8, 9, 15, 16, 17, 18, 1_000].map(band), [0, 1, 7, 8, 9, 15, 16, 16, 17, 63]);
        assert_eq!([0, 7, 8, 15, 16, 17, 63].map(band_from), [0, 7, 8, 15, 16, 18, 960]);
    }

    proptest! {
        #[test]
        fn each_latency_lies_in_its_band(ns in any::<u64>()) {
            let band = u32::try_from(band(ns)).unwrap();
            prop_assert!((band as usize) < ALL_BANDS && band_from(band) <= ns);
            prop_assert!(band as usize == ALL_BANDS - 1 || ns < band_from(band + 1));
        }

        /// However long the run, there are no more than so many columns, and no packet is lost in them, merged or not.
        #[test]
        fn nothing_is_lost(times in proptest::collection::vec((0i64..i64::MAX / 4, proptest::option::of(0i64..1_000_000)), 1..60), merge in 0u32..60) {
            let mut times = times;
            times.sort_unstable();
            let records: Vec<_> = times.iter().zip(0..).map(|(&(sent, latency), n)| record(n, sent, latency)).collect();
            let received = times.iter().filter(|(_, latency)| latency.is_some()).count() as u64;
            let timeline = Timeline::of(&records);
            for timeline in [timeline.coarser(1 << merge), timeline] {
                prop_assert!(timeline.sent.len() <= COLUMNS && timeline.sent.len() == timeline.received.len());
                prop_assert_eq!(timeline.sent.iter().sum::<u64>(), times.len() as u64);
                prop_assert_eq!(timeline.received.iter().sum::<u64>(), received);
                prop_assert_eq!(timeline.latency.iter().map(|(_, _, count)| count).sum::<u64>(), received);
                prop_assert_eq!(timeline.gaps_sent.iter().map(|(_, count)| count).sum::<u64>(), times.len() as u64 - 1);
            }
        }
    }
}
