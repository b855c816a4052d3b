//! Packets counted one after the other without being kept, in several parts side by side where there are many.

use tailbed_format::packet::{Departure, PacketRecord, Received};
use tailbed_format::stream::StreamFlows;

use crate::counter::Counter;
use crate::worst::Worst;

/// What packets amount to, warm-up left out: exact distributions and the worst ones. Memory grows with the distinct values, not with the
/// packets.
#[derive(Debug, Clone, Default)]
pub struct Tally<'a> {
    streams: &'a [StreamFlows],
    /// Packets sent.
    pub sent: u64,
    /// Packets received.
    pub received: u64,
    /// Packets that bear a receive stamp before their send stamp: they have no latency.
    pub before_sent: u64,
    /// Kernel receive stamp minus send stamp, ns.
    pub latency: Counter,
    /// Kernel receive stamp minus due time, ns; negative ones are left out.
    pub latency_from_due: Counter,
    /// User-space receive stamp minus send stamp, ns; negative ones are left out.
    pub latency_to_user: Counter,
    /// Send stamp minus due time, ns, but of the first packet: [`Tally::lateness`] has it.
    later: Counter,
    /// Latencies by stream, where there are several.
    pub by_stream: Vec<Counter>,
    /// Those with the greatest latencies.
    pub worst: Worst,
    /// When the first packet was due and sent, ns. Whether it is late by itself depends on the packet before it, which another part may
    /// hold.
    first: Option<(i64, i64)>,
    /// When the last packet was due, ns.
    last: Option<i64>,
}

impl<'a> Tally<'a> {
    /// Nothing yet; `streams` says which flows each stream has.
    pub fn new(streams: &'a [StreamFlows]) -> Self {
        // of a single stream the run itself says all
        let several = if streams.len() < 2 { 0 } else { streams.len() };
        Self { streams, by_stream: vec![Counter::new(); several], ..Self::default() }
    }

    /// All records of a run.
    pub fn of(records: &[PacketRecord], streams: &'a [StreamFlows]) -> Self {
        let mut tally = Self::new(streams);
        for record in records {
            tally.record(record);
        }
        tally
    }

    /// Counts a packet; packets come in the order in which they left.
    #[inline]
    pub fn record(&mut self, record: &PacketRecord) {
        let Departure { flow, due, sent, .. } = record.departure;
        if due < 0 {
            return;
        }
        self.sent += 1;
        match self.last.replace(due) {
            None => self.first = Some((due, sent)),
            // in a burst, where all are due at once, only the first can be in time
            Some(last) if last != due => self.later.record(late(due, sent)),
            Some(_) => {}
        }
        let Some(Received { kernel, user }) = record.received else { return };
        self.received += 1;
        if let Some(latency) = positive(kernel, sent) {
            self.latency.record(latency);
            self.worst.record(latency, record);
            if !self.by_stream.is_empty()
                && let Some(stream) = StreamFlows::find(self.streams, flow)
            {
                self.by_stream[stream].record(latency);
            }
        } else {
            self.before_sent += 1;
        }
        if let Some(latency) = positive(kernel, due) {
            self.latency_from_due.record(latency);
        }
        if let Some(latency) = positive(user, sent) {
            self.latency_to_user.record(latency);
        }
    }

    /// Adds the packets that left after these.
    pub fn append(&mut self, after: &Self) {
        self.sent += after.sent;
        self.received += after.received;
        self.before_sent += after.before_sent;
        self.latency.merge(&after.latency);
        self.latency_from_due.merge(&after.latency_from_due);
        self.later.merge(&after.later);
        self.by_stream.iter_mut().zip(&after.by_stream).for_each(|(counter, more)| counter.merge(more));
        self.latency_to_user.merge(&after.latency_to_user);
        self.worst.merge(&after.worst);
        match (self.last, after.first) {
            (None, first) => self.first = first,
            (Some(last), Some((due, sent))) if last != due => self.later.record(late(due, sent)),
            (Some(_), _) => {}
        }
        self.last = after.last.or(self.last);
    }

    /// Send stamp minus due time, ns, of every packet but those that are due at the same time as the one before: they leave as soon as it
    /// has. A packet that left early was not late.
    pub fn lateness(&self) -> Counter {
        let mut lateness = self.later.clone();
        self.first.iter().for_each(|&(due, sent)| lateness.record(late(due, sent)));
        lateness
    }
}

fn late(due: i64, sent: i64) -> u64 {
    positive(sent, due).unwrap_or(0)
}

fn positive(end: i64, begin: i64) -> Option<u64> {
    u64::try_from(end.saturating_sub(begin)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn packet(flow: u32, due: i64, sent: i64, kernel: Option<i64>) -> PacketRecord {
        let received = kernel.map(|kernel| Received { kernel, user: kernel.saturating_add(7) });
        PacketRecord { departure: Departure { flow, sequence: 0, due, sent }, received }
    }

    fn packets() -> impl Strategy<Value = Vec<PacketRecord>> {
        let steps = (0_u32..4, 0_i64..3, 0_i64..40, proptest::option::of(-20_i64..90));
        proptest::collection::vec(steps, 0..60).prop_map(|steps| {
            let mut due = -9;
            let step = |(flow, step, late, latency): (u32, i64, i64, Option<i64>)| {
                due += step * 5;
                let sent = due + late - 5;
                packet(flow, due, sent, latency.map(|latency| sent + latency))
            };
            steps.into_iter().map(step).collect()
        })
    }

    fn streams() -> Vec<StreamFlows> {
        vec![StreamFlows { name: "a".to_owned(), flows: 0..2 }, StreamFlows { name: "b".to_owned(), flows: 2..4 }]
    }

    proptest! {
        /// However packets are divided, the parts joined in order are the whole; and the whole is what counting by hand says.
        #[test]
        fn parts_are_the_whole(packets in packets(), cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..4)) {
            let streams = streams();
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(packets.len() + 1)).chain([0, packets.len()]).collect();
            cuts.sort_unstable();
            let mut joined = Tally::new(&streams);
            for part in cuts.windows(2) {
                joined.append(&Tally::of(&packets[part[0]..part[1]], &streams));
            }
            let counted: Vec<&PacketRecord> = packets.iter().filter(|packet| packet.departure.due >= 0).collect();
            let sorted = |mut values: Vec<u64>| { values.sort_unstable(); values };
            let spread = |counter: &Counter| counter.iter().flat_map(|(value, times)| (0..times).map(move |_| value)).collect::<Vec<_>>();
            let by_hand = |latency: fn(&PacketRecord) -> Option<i64>| {
                sorted(counted.iter().filter_map(|packet| u64::try_from(latency(packet)?).ok()).collect())
            };
            prop_assert_eq!(spread(&joined.latency), by_hand(PacketRecord::latency));
            prop_assert_eq!(spread(&joined.latency_from_due), by_hand(PacketRecord::latency_from_due));
            prop_assert_eq!(spread(&joined.latency_to_user), by_hand(PacketRecord::latency_to_user));
            let late = |packet: &PacketRecord| u64::try_from(packet.departure.sent - packet.departure.due).unwrap_or(0);
            let firsts = counted.chunk_by(|one, next| one.departure.due == next.departure.due).map(|burst| late(burst[0]));
            prop_assert_eq!(spread(&joined.lateness()), sorted(firsts.collect()));
            for (stream, counter) in streams.iter().zip(&joined.by_stream) {
                let own = counted.iter().filter(|packet| stream.flows.contains(&packet.departure.flow));
                let own = own.filter_map(|packet| u64::try_from(packet.latency()?).ok());
                prop_assert_eq!(spread(counter), sorted(own.collect()));
            }
            let received = counted.iter().filter(|packet| packet.received.is_some()).count() as u64;
            prop_assert_eq!((joined.sent, joined.received), (counted.len() as u64, received));
            prop_assert_eq!(joined.before_sent, received - joined.latency.count());
            prop_assert_eq!(joined.worst.points().len() as u64, joined.latency.count());
        }
    }

    #[test]
    fn times_at_the_ends_of_the_scale_do_no_harm() {
        let mut tally = Tally::new(&[]);
        tally.record(&packet(0, i64::MAX, i64::MIN, Some(i64::MAX)));
        assert_eq!((tally.latency.maximum(), tally.lateness().maximum()), (Some(i64::MAX.unsigned_abs()), Some(0)));
    }
}
