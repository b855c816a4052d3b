//! The packets of one run, held against the deadlines.

use serde::{Deserialize, Serialize};
use tailbed_format::packet::PacketRecord;
use tailbed_format::slo::{Slo, Subject};
use tailbed_format::stream::StreamFlows;

use crate::extremes::Gaps;

/// What a run showed of one deadline, warm-up left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Observed {
    /// Packets sent.
    pub sent: u64,
    /// Packets that arrived, but not in time.
    pub late: u64,
    /// Packets that never arrived.
    pub lost: u64,
    /// In how many bursts the late and lost ones came.
    pub bursts: u64,
}

impl Observed {
    /// Whether a run of so many packets can have shown it.
    pub(crate) fn can_be_of(&self, sent: u64) -> bool {
        let missed = self.late.checked_add(self.lost);
        self.sent <= sent && missed.is_some_and(|missed| missed <= self.sent && self.bursts <= missed)
    }
}

/// What a run's records show of each deadline, in their order. Packets are taken in the order in which they left; `streams` says which flows
/// each stream has.
pub fn observe(records: &[PacketRecord], streams: &[StreamFlows], slos: &[Slo]) -> Vec<Observed> {
    slos.iter().map(|slo| one(records, streams, slo)).collect()
}

fn one(records: &[PacketRecord], streams: &[StreamFlows], slo: &Slo) -> Observed {
    let is_of = |flow: u32| match &slo.subject {
        Subject::All => true,
        Subject::Stream(name) => streams.iter().any(|stream| stream.name == *name && stream.flows.contains(&flow)),
        Subject::Flow(number) => flow == *number,
    };
    let mut seen = Observed::default();
    let mut gaps = Gaps::default();
    for record in records.iter().filter(|record| record.departure.due >= 0 && is_of(record.departure.flow)) {
        let in_time = match record.latency() {
            None => {
                seen.lost += 1;
                false
            }
            // one that seems to have come before it left makes its run invalid, and is not late
            Some(latency) => {
                let late = u64::try_from(latency).is_ok_and(|latency| latency >= slo.below);
                seen.late += u64::from(late);
                !late
            }
        };
        if !in_time {
            gaps.at(seen.sent);
        }
        seen.sent += 1;
    }
    seen.bursts = gaps.clusters(seen.sent);
    seen
}

#[cfg(test)]
mod tests {
    use super::*;
    use tailbed_format::packet::{Departure, Received};
    use tailbed_format::percentile::Percentile;

    fn record(flow: u32, sequence: u64, due: i64, latency: Option<i64>) -> PacketRecord {
        let received = latency.map(|latency| Received { kernel: due + latency, user: due + latency });
        PacketRecord { departure: Departure { flow, sequence, due, sent: due }, received }
    }

    fn slo(subject: Subject) -> Slo {
        Slo { subject, percentile: Percentile::from_ppm(990_000).unwrap(), below: 100 }
    }

    #[test]
    fn late_and_lost_ones_count_and_the_warm_up_does_not() {
        let mut records = vec![record(0, 0, -1, Some(900))];
        // of 1000 in two flows in turns: 100 to 103 late or lost, 500 late, 600 exactly at the deadline
        for number in 0..1_000_u64 {
            let latency = match number {
                100 | 102 => None,
                101 | 103 | 500 => Some(5_000),
                600 => Some(100),
                _ => Some(99),
            };
            records.push(record(u32::try_from(number % 2).unwrap(), number / 2, i64::try_from(number).unwrap(), latency));
        }
        let streams = [("a", 0..1), ("b", 1..2)].map(|(name, flows)| StreamFlows { name: name.to_owned(), flows });
        let slos = [Subject::All, Subject::Stream("b".to_owned()), Subject::Flow(0)].map(slo);
        let seen = observe(&records, &streams, &slos);
        assert!(seen.iter().all(|seen| seen.can_be_of(1_000)) && !seen[0].can_be_of(999));
        assert!(!Observed { lost: u64::MAX, ..seen[0] }.can_be_of(1_000));
        let counts = |seen: &Observed| (seen.sent, seen.late, seen.lost);
        assert_eq!(seen.iter().map(counts).collect::<Vec<_>>(), [(1_000, 4, 2), (500, 2, 0), (500, 2, 2)]);
        // by hand: intervals 1, 1, 1, 397, 100 and 500 round the circle make an index of 0.79, those of two neighbours one of 1
        assert_eq!((seen[0].bursts, seen[1].bursts), (5, 2));
    }

    #[test]
    fn a_run_without_packets_has_nothing() {
        assert_eq!(observe(&[], &[], &[slo(Subject::All)]), [Observed::default()]);
    }
}
