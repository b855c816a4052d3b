//! What is counted of a run, and what of it is kept beside its packets.

use serde::{Deserialize, Serialize};
use tailbed_format::packet::PacketRecord;
use tailbed_format::stream::StreamFlows;

use crate::counter::Counter;
use crate::course::Blocks;
use crate::extremes::Peaks;
use crate::slo::Observed;
use crate::tally::Tally;
use crate::timeline::Timeline;

/// The exact distributions behind a run's summary, warm-up left out. They are what a cell pools.
#[derive(Debug, Clone, Default)]
pub struct RunCounters {
    /// Kernel receive stamp minus send stamp, ns.
    pub latency: Counter,
    /// Kernel receive stamp minus due time, ns.
    pub latency_from_due: Counter,
    /// User-space receive stamp minus send stamp, ns.
    pub latency_to_user: Counter,
    /// Send stamp minus due time, ns, of every packet but those that are due at the same time as the one before: they leave as soon as it
    /// has. A packet that left early was not late.
    pub lateness: Counter,
    /// The latencies once more, in blocks in the order of departure: what neighbours have in common.
    pub blocks: Blocks,
    /// Of each stream, where there are several, kernel receive stamp minus send stamp, ns.
    pub streams: Vec<Counter>,
    /// Between the timestamper's taps, one for each of [`tailbed_format::capture::CaptureSummary::through`].
    pub through: Vec<Counter>,
    /// What went over time.
    pub timeline: Timeline,
    /// The greatest latencies with their places, for the tail beyond the data.
    pub peaks: Peaks,
    /// What the packets showed of each deadline, in the order of the plan; whoever has the deadlines fills it in ([`crate::slo::observe()`]).
    pub slos: Vec<Observed>,
}

/// What a report needs of a run's records besides what a [`Tally`] counts: made once, while the records are in memory, and kept beside them, so
/// that a report need not hold them again.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Kept {
    /// See [`RunCounters::blocks`].
    #[serde(default)]
    pub blocks: Blocks,
    /// See [`RunCounters::timeline`].
    #[serde(default)]
    pub timeline: Timeline,
    /// See [`RunCounters::peaks`].
    #[serde(default)]
    pub peaks: Peaks,
    /// See [`RunCounters::slos`].
    #[serde(default)]
    pub slos: Vec<Observed>,
}

impl Kept {
    /// What of it cannot be of these packets, a clause; `None` where all of it can. Of what was read from a file nobody knows. What is empty was
    /// not kept.
    pub fn is_not_of(&self, packets: &Tally<'_>) -> Option<&'static str> {
        if !self.timeline.can_be_of(packets) {
            return Some("its timeline is not that of the run's packets");
        }
        if !self.blocks.can_be_of(packets.latency.count()) {
            return Some("its blocks are not those of the run's packets");
        }
        if !self.peaks.can_be_of(packets) {
            return Some("its greatest latencies are not those of the run's packets");
        }
        (!self.slos.iter().all(|seen| seen.can_be_of(packets.sent))).then_some("its deadlines are not those of the run's packets")
    }
}

impl RunCounters {
    /// The distributions of a run's records, warm-up left out; `streams` says which flows each stream has.
    pub fn of(records: &[PacketRecord], streams: &[StreamFlows]) -> Self {
        Self::counted(Tally::of(records, streams), records)
    }

    /// What was counted, and what is made of the records in their order besides.
    pub(super) fn counted(tally: Tally<'_>, records: &[PacketRecord]) -> Self {
        let counters = Self::from(tally);
        let blocks = Blocks::of(latencies(records).map(|(_, latency)| latency), &counters.latency);
        Self { blocks, timeline: Timeline::of(records), peaks: Peaks::of(records), ..counters }
    }

    /// What is kept of a run beside its packets.
    pub fn kept(&self) -> Kept {
        Kept { blocks: self.blocks.clone(), timeline: self.timeline.clone(), peaks: self.peaks.clone(), slos: self.slos.clone() }
    }
}

impl From<Tally<'_>> for RunCounters {
    /// A tally knows nothing of the timestamper's stamps, nor of what is kept beside the packets.
    fn from(tally: Tally<'_>) -> Self {
        let lateness = tally.lateness();
        let Tally { latency, latency_from_due, latency_to_user, by_stream, .. } = tally;
        Self { latency, latency_from_due, latency_to_user, lateness, streams: by_stream, ..Self::default() }
    }
}

/// When each counted packet that came in was due, and its latency, ns, in the order of departure.
pub(super) fn latencies(records: &[PacketRecord]) -> impl Iterator<Item = (i64, u64)> + Clone {
    let counted = records.iter().filter(|record| record.departure.due >= 0);
    counted.filter_map(|record| Some((record.departure.due, u64::try_from(record.latency()?).ok()?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tailbed_format::packet::{Departure, Received};

    /// Packets every 10 µs, each 17th of them lost.
    fn records(count: i64) -> Vec<PacketRecord> {
        let record = |number: i64| PacketRecord {
            departure: Departure { flow: 0, sequence: number.unsigned_abs(), due: number * 10_000, sent: number * 10_000 + 50 },
            received: (number % 17 != 0)
                .then_some(Received { kernel: number * 10_000 + 900 + number % 97, user: number * 10_000 + 2_000 }),
        };
        (-20..count).map(record).collect()
    }

    #[test]
    fn what_is_kept_is_read_back_and_known_to_be_of_its_packets() {
        let records = records(3_000);
        let slos = vec![Observed { sent: 3_000, late: 2, lost: 177, bursts: 170 }];
        let kept = RunCounters { slos, ..RunCounters::of(&records, &[]) }.kept();
        let read: Kept = serde_json::from_str(&serde_json::to_string(&kept).unwrap()).unwrap();
        assert_eq!(read, kept);
        let packets = Tally::of(&records, &[]);
        assert_eq!(read.is_not_of(&packets), None);
        assert_eq!(Kept::default().is_not_of(&packets), None, "a run from before anything was kept");
        let others = Tally::of(&records[..records.len() - 1], &[]);
        let alone = [
            (Kept { timeline: kept.timeline.clone(), ..Kept::default() }, "timeline"),
            (Kept { blocks: kept.blocks.clone(), ..Kept::default() }, "blocks"),
            (Kept { peaks: kept.peaks.clone(), ..Kept::default() }, "greatest latencies"),
            (Kept { slos: kept.slos.clone(), ..Kept::default() }, "deadlines"),
        ];
        for (kept, what) in alone {
            assert_eq!(kept.is_not_of(&packets), None);
            assert!(kept.is_not_of(&others).unwrap().contains(what), "{what}");
        }
    }
}
