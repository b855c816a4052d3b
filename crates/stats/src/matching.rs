//! Departures joined with arrivals.

use std::collections::HashMap;

use tailbed_format::packet::{Arrival, Departure, PacketRecord, Received};
use tailbed_format::summary::Counts;

/// What became of the packets of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matched {
    /// One record per departure, warm-up included, in the order of the departures.
    pub records: Vec<PacketRecord>,
    /// Counts, warm-up left out.
    pub counts: Counts,
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
    let mut counts = Counts { scheduled, ..Counts::default() };
    let mut unknown = 0;
    let index = Index::new(departures);
    let mut expected: HashMap<u32, u64> = HashMap::new();
    let mut guess = 0;
    for arrival in by_kernel_stamp(arrivals).iter() {
        let Some(at) = index.find(arrival.flow, arrival.sequence, guess) else {
            unknown += 1;
            continue;
        };
        guess = at + 1;
        let record = &mut records[index.departure(at)];
        let counted = u64::from(record.departure.due >= 0);
        if record.received.is_some() {
            counts.duplicates += counted;
            continue;
        }
        record.received = Some(Received { kernel: arrival.kernel, user: arrival.user });
        counts.received += counted;
        let next = expected.entry(arrival.flow).or_default();
        if arrival.sequence < *next {
            counts.reordered += counted;
        } else {
            *next = arrival.sequence.saturating_add(1);
        }
    }
    counts.sent = departures.iter().filter(|departure| departure.due >= 0).count() as u64;
    counts.lost = counts.sent - counts.received;
    Matched { records, counts, unknown }
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

/// Departures in order of flow and sequence number.
struct Index<'a> {
    departures: &'a [Departure],
    /// Positions of departures in order; `None` when they are in order as they stand.
    order: Option<Vec<u32>>,
}

impl<'a> Index<'a> {
    fn new(departures: &'a [Departure]) -> Self {
        let key = |departure: &Departure| (departure.flow, departure.sequence);
        if departures.is_sorted_by_key(key) {
            return Self { departures, order: None };
        }
        let mut order: Vec<u32> = (0..u32::try_from(departures.len()).unwrap_or(u32::MAX)).collect();
        order.sort_by_key(|&at| key(&departures[at as usize]));
        Self { departures, order: Some(order) }
    }

    /// Position among the departures of the `at`-th in order.
    fn departure(&self, at: usize) -> usize {
        self.order.as_ref().map_or(at, |order| order[at] as usize)
    }

    /// Position in order of a packet. Packets mostly come in as they left, so the one after the last found is tried first.
    fn find(&self, flow: u32, sequence: u64, guess: usize) -> Option<usize> {
        let key = |at: usize| {
            let departure = &self.departures[self.departure(at)];
            (departure.flow, departure.sequence)
        };
        let wanted = (flow, sequence);
        let n = self.departures.len();
        if guess < n && key(guess) == wanted && (guess == 0 || key(guess - 1) < wanted) {
            return Some(guess);
        }
        let (mut low, mut high) = (0, n);
        while low < high {
            let middle = low.midpoint(high);
            if key(middle) < wanted { low = middle + 1 } else { high = middle }
        }
        (low < n && key(low) == wanted).then_some(low)
    }
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
        let mut counts = Counts { scheduled, ..Counts::default() };
        let records = departures
            .iter()
            .map(|departure| {
                let mine: Vec<_> = arrivals.iter().enumerate().filter(|(_, arrival)| same(departure, arrival)).collect();
                if departure.due >= 0 {
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
        Matched { records, counts, unknown }
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
