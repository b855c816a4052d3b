//! Departures joined with arrivals.

mod index;

use tailbed_format::flow::FlowCounts;
use tailbed_format::packet::{Arrival, Departure, PacketRecord, Received};
use tailbed_format::summary::Counts;

use index::Index;

/// What became of the packets of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matched {
    /// One record per departure, warm-up included, in the order of the departures.
    pub records: Vec<PacketRecord>,
    /// Counts, warm-up left out.
    pub counts: Counts,
    /// Of each flow that had a departure, ascending.
    pub flows: Vec<FlowCounts>,
    /// Arrivals that name a packet which never left. The agent's tag keeps other traffic out, so anything here is a fault.
    pub unknown: u64,
}

/// Joins each departure with its first arrival by flow and sequence number.
///
/// `scheduled` is how many packets the schedule held after the warm-up. The first arrival is the one with the earliest kernel
/// stamp; later ones are duplicates. A packet is reordered when a packet of its flow with a higher sequence number came in before
/// it (RFC 4737, section 3.3: its number is below `NextExp`); duplicates are not judged again. Packets due before the origin are
/// the warm-up: they have records, set what is expected next, and are left out of all counts.
///
/// Sequence numbers are taken to be unique within a flow; of two departures with the same number the first is matched.
pub fn match_packets(departures: &[Departure], arrivals: &[Arrival], scheduled: u64) -> Matched {
    let mut records: Vec<_> = departures.iter().map(|&departure| PacketRecord { departure, received: None }).collect();
    let mut unknown = 0;
    let index = Index::new(departures);
    let counts = |flow| FlowCounts { flow, sent: 0, received: 0, lost: 0, duplicates: 0, reordered: 0 };
    let mut flows: Vec<_> = index.flows().map(|flow| (counts(flow), Next::default())).collect();
    for arrival in by_kernel_stamp(arrivals).iter() {
        let Some(flow) = index.flow(arrival.flow) else {
            unknown += 1;
            continue;
        };
        let (counts, next) = &mut flows[flow];
        let Some(at) = index.find(flow, arrival.sequence, next.guess) else {
            unknown += 1;
            continue;
        };
        next.guess = at + 1;
        let record = &mut records[index.departure(at)];
        let counted = u64::from(record.departure.due >= 0);
        if record.received.is_some() {
            counts.duplicates += counted;
            continue;
        }
        record.received = Some(Received { kernel: arrival.kernel, user: arrival.user });
        counts.received += counted;
        if arrival.sequence < next.expected {
            counts.reordered += counted;
        } else {
            next.expected = arrival.sequence.saturating_add(1);
        }
    }
    for departure in departures.iter().filter(|departure| departure.due >= 0) {
        if let Some(flow) = index.flow(departure.flow) {
            flows[flow].0.sent += 1;
        }
    }
    let close = |(counts, _): (FlowCounts, Next)| FlowCounts { lost: counts.sent - counts.received, ..counts };
    let flows: Vec<_> = flows.into_iter().map(close).collect();
    let sum = |of: fn(&FlowCounts) -> u64| flows.iter().map(of).sum();
    let counts = Counts {
        scheduled,
        sent: sum(|flow| flow.sent),
        received: sum(|flow| flow.received),
        lost: sum(|flow| flow.lost),
        duplicates: sum(|flow| flow.duplicates),
        reordered: sum(|flow| flow.reordered),
    };
    Matched { records, counts, flows, unknown }
}

/// What is looked for next of a flow.
#[derive(Debug, Clone, Copy, Default)]
struct Next {
    /// Position in order of the packet that most likely comes next.
    guess: usize,
    /// The number that is not yet overtaken (`NextExp`).
    expected: u64,
}

/// Arrivals as they came in; they are recorded so but for reader races, so the sort is seldom needed.
fn by_kernel_stamp(arrivals: &[Arrival]) -> std::borrow::Cow<'_, [Arrival]> {
    if arrivals.is_sorted_by_key(|arrival| arrival.kernel) {
        return arrivals.into();
    }
    let mut sorted = arrivals.to_vec();
    sorted.sort_by_key(|arrival| arrival.kernel);
    sorted.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn departure(sequence: u64, due: i64) -> Departure {
        Departure { flow: 0, sequence, due, sent: due + 5 }
    }

    fn arrival(sequence: u64, kernel: i64) -> Arrival {
        Arrival { flow: 0, sequence, kernel, user: kernel + 100 }
    }

    #[test]
    fn each_fate_is_counted_once() {
        let departures: Vec<_> = (0..6).map(|n| departure(n, i64::try_from(n).unwrap() * 10 - 10)).collect();
        // 0 is the warm-up and comes twice; 2 overtakes 1; 3 is lost; 4 comes twice; 9 never left.
        let arrivals = [
            arrival(0, 1),
            arrival(0, 2),
            arrival(2, 30),
            arrival(1, 31),
            arrival(4, 50),
            arrival(4, 51),
            arrival(9, 60),
            arrival(5, 61),
        ];
        let matched = match_packets(&departures, &arrivals, 6);
        assert_eq!(matched.counts, Counts { scheduled: 6, sent: 5, received: 4, lost: 1, duplicates: 1, reordered: 1 });
        assert_eq!(matched.unknown, 1);
        assert_eq!(matched.records[4].received, Some(Received { kernel: 50, user: 150 }));
        assert_eq!(matched.records[3].received, None);
    }

    /// RFC 4737, section 3.3: those that come after a higher number are reordered, those that came early are not.
    #[test]
    fn only_late_packets_are_reordered() {
        let departures: Vec<_> = (1..=10).map(|n| departure(n, 0)).collect();
        let order = [1, 2, 3, 7, 8, 9, 10, 4, 5, 6];
        let arrivals: Vec<_> = order.iter().zip(0..).map(|(&n, at)| arrival(n, at)).collect();
        assert_eq!(match_packets(&departures, &arrivals, 10).counts.reordered, 3);
    }

    /// A packet is compared with those of its own flow alone, and each flow adds up by itself.
    #[test]
    fn flows_do_not_disturb_each_other() {
        let packet = |flow, sequence, due| Departure { flow, sequence, due, sent: due };
        let departures = [packet(0, 0, 0), packet(7, 0, 1), packet(0, 1, 2), packet(7, 1, 3), packet(0, 2, 4), packet(7, 2, 5)];
        let arrival = |flow, sequence, kernel| Arrival { flow, sequence, kernel, user: kernel };
        let arrivals =
            [arrival(7, 1, 10), arrival(0, 0, 11), arrival(7, 0, 12), arrival(0, 1, 13), arrival(0, 1, 14), arrival(3, 0, 15)];
        let matched = match_packets(&departures, &arrivals, 6);
        let flow = |flow, lost, duplicates, reordered| FlowCounts { flow, sent: 3, received: 2, lost, duplicates, reordered };
        assert_eq!(matched.flows, [flow(0, 1, 1, 0), flow(7, 1, 0, 1)]);
        assert_eq!(matched.unknown, 1);
    }

    #[test]
    fn nothing_left_nothing_came() {
        let matched = match_packets(&[], &[], 7);
        assert_eq!(matched.counts, Counts { scheduled: 7, ..Counts::default() });
    }

    /// Every departure against every arrival.
    fn naive(departures: &[Departure], arrivals: &[Arrival], scheduled: u64) -> Matched {
        let mut arrivals = arrivals.to_vec();
        arrivals.sort_by_key(|arrival| arrival.kernel);
        let same = |d: &Departure, a: &Arrival| (d.flow, d.sequence) == (a.flow, a.sequence);
        let mut ids: Vec<_> = departures.iter().map(|departure| departure.flow).collect();
        ids.sort_unstable();
        ids.dedup();
        let none = |flow| FlowCounts { flow, sent: 0, received: 0, lost: 0, duplicates: 0, reordered: 0 };
        let mut flows: Vec<_> = ids.into_iter().map(none).collect();
        let records = departures
            .iter()
            .map(|departure| {
                let mine: Vec<_> = arrivals.iter().enumerate().filter(|(_, arrival)| same(departure, arrival)).collect();
                if departure.due >= 0 {
                    let counts = flows.iter_mut().find(|flow| flow.flow == departure.flow).unwrap();
                    counts.sent += 1;
                    match mine.first() {
                        Some((first, arrival)) => {
                            counts.received += 1;
                            counts.duplicates += mine.len() as u64 - 1;
                            let overtaken = arrivals[..*first].iter().any(|other| {
                                other.flow == arrival.flow
                                    && other.sequence > arrival.sequence
                                    && departures.iter().any(|departure| same(departure, other))
                            });
                            counts.reordered += u64::from(overtaken);
                        }
                        None => counts.lost += 1,
                    }
                }
                let received = mine.first().map(|(_, arrival)| Received { kernel: arrival.kernel, user: arrival.user });
                PacketRecord { departure: *departure, received }
            })
            .collect();
        let unknown =
            arrivals.iter().filter(|arrival| !departures.iter().any(|departure| same(departure, arrival))).count() as u64;
        let mut counts = Counts { scheduled, ..Counts::default() };
        for flow in &flows {
            counts.sent += flow.sent;
            counts.received += flow.received;
            counts.lost += flow.lost;
            counts.duplicates += flow.duplicates;
            counts.reordered += flow.reordered;
        }
        Matched { records, counts, flows, unknown }
    }

    proptest! {
        #[test]
        fn equals_the_naive_model(
            packets in proptest::collection::btree_map((0u32..3, 0u64..40), -20i64..200, 0..60)
                .prop_flat_map(|packets| Just(packets.into_iter().collect::<Vec<_>>()).prop_shuffle()),
            arrivals in proptest::collection::vec((0u32..3, 0u64..45, 0i64..500), 0..120),
        ) {
            let departures: Vec<_> = packets
                .into_iter()
                .map(|((flow, sequence), due)| Departure { flow, sequence, due, sent: due })
                .collect();
            let arrivals: Vec<_> = arrivals
                .into_iter()
                .map(|(flow, sequence, kernel)| Arrival { flow, sequence, kernel, user: kernel })
                .collect();
            prop_assert_eq!(match_packets(&departures, &arrivals, 99), naive(&departures, &arrivals, 99));
        }
    }
}
