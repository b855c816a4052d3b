//! Several streams as one: which packet is due next, and which of all it is.

use tailbed_format::order::Measure;
use tailbed_format::stream::StreamFlows;

use super::timetable::Timetable;
use crate::packet::frames::Numbering;
use crate::packet::identifier::Identifier;

/// The packets of all streams in the order in which they are due; of several that are due at one time the earlier stream's comes first.
#[derive(Debug, Clone)]
pub(super) struct Merged(Vec<Ahead>);

/// What comes next of one stream.
#[derive(Debug, Clone)]
struct Ahead {
    timetable: Timetable,
    numbering: Numbering,
    /// When the next packet is due, ns from the origin; `None` after the last.
    due: Option<i64>,
    /// The number of that packet among all.
    number: u64,
}

/// A packet that is due next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Planned {
    /// ns from the origin.
    pub(super) due: i64,
    pub(super) stream: usize,
    /// Its number among all: streams have theirs one after the other.
    pub(super) number: u64,
    /// Its flow within the stream.
    pub(super) flow: u32,
    /// Its number within the flow.
    pub(super) sequence: u64,
}

impl Merged {
    /// The streams of an order, each with its timetable.
    pub(super) fn new(streams: &[Measure], timetables: impl IntoIterator<Item = Timetable>, numbers: &Numbers) -> Self {
        let ahead = |((stream, mut timetable), place): ((&Measure, Timetable), &Place)| Ahead {
            due: timetable.next(),
            timetable,
            numbering: Numbering::new(&stream.shape.flows),
            number: place.first_number,
        };
        Self(streams.iter().zip(timetables).zip(&numbers.0).map(ahead).collect())
    }
}

impl Iterator for Merged {
    type Item = Planned;

    #[inline]
    fn next(&mut self) -> Option<Planned> {
        let heads = self.0.iter().enumerate().filter_map(|(stream, ahead)| Some((ahead.due?, stream)));
        let (due, stream) = heads.min()?;
        let ahead = &mut self.0[stream];
        let (flow, sequence) = ahead.numbering.next()?;
        let number = ahead.number;
        ahead.number += 1;
        ahead.due = ahead.timetable.next();
        Some(Planned { due, stream, number, flow, sequence })
    }
}

/// Which number among all packets each has, and back. Both flows and numbers of a stream are one after the other.
#[derive(Debug, Clone)]
pub(super) struct Numbers(Vec<Place>);

#[derive(Debug, Clone)]
struct Place {
    first_flow: u32,
    flows: u32,
    first_number: u64,
    packets: u64,
}

impl Numbers {
    /// Those of the streams, in their order.
    pub(super) fn new(streams: &[Measure], flows: &[StreamFlows]) -> Self {
        let mut next = 0_u64;
        let place = |(stream, range): (&Measure, &StreamFlows)| {
            let (first_number, packets) = (next, stream.warm_up_packets().saturating_add(stream.packets()));
            next = next.saturating_add(packets);
            Place { first_flow: range.flows.start, flows: range.flows.end - range.flows.start, first_number, packets }
        };
        Self(streams.iter().zip(flows).map(place).collect())
    }

    /// How many streams there are.
    pub(super) fn streams(&self) -> usize {
        self.0.len()
    }

    /// The number of a flow of a stream among the flows of all.
    pub(super) fn flow(&self, stream: usize, flow: u32) -> u32 {
        self.0[stream].first_flow + flow
    }

    /// The stream of a packet that came in and its number among all; `None` when none of the streams holds it.
    #[inline]
    pub(super) fn of(&self, found: &Identifier) -> Option<(usize, u64)> {
        let stream = self.0.partition_point(|place| place.first_flow <= found.flow).checked_sub(1)?;
        let place = &self.0[stream];
        let number = Numbering::number(place.flows, &Identifier { flow: found.flow - place.first_flow, ..*found })?;
        (number < place.packets).then(|| (stream, place.first_number + number))
    }

    /// The flow, counted through all streams, and the number in it of the packet with a number among all.
    pub(super) fn packet(&self, number: u64) -> (u32, u64) {
        let stream = self.0.partition_point(|place| place.first_number <= number).saturating_sub(1);
        let Some(place) = self.0.get(stream) else { return (0, number) };
        let (flow, sequence) = Numbering::place(place.flows, number - place.first_number);
        (place.first_flow + flow, sequence)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::tests::order;
    use proptest::prelude::*;
    use tailbed_format::order::Schedule;
    use tailbed_format::stream::Stream;
    use tailbed_format::traffic::{Flows, Pattern, Shape};

    fn with(streams: &[(u64, u32, Pattern)]) -> Measure {
        let stream = |(rate, count, pattern): &(u64, u32, Pattern)| Stream {
            name: format!("{rate}"),
            transmit: String::new(),
            receive: String::new(),
            frame: 60,
            source: order().source,
            destination: order().destination,
            schedule: Schedule { rate: *rate, warm_up: 1_000_000, duration: 10_000_000 },
            shape: Shape { pattern: pattern.clone(), flows: Flows { count: *count, ..Flows::default() }, ..Shape::default() },
        };
        let mut streams = streams.iter().map(stream);
        let Stream { schedule, shape, .. } = streams.next().unwrap();
        Measure { schedule, shape, more: streams.collect(), ..order() }
    }

    fn merged(order: &Measure) -> (Merged, Numbers) {
        let streams = order.streams();
        let numbers = Numbers::new(&streams, &order.flows_by_stream());
        let merged = Merged::new(&streams, streams.iter().map(|stream| Timetable::new(stream, &[])), &numbers);
        (merged, numbers)
    }

    #[test]
    fn packets_due_at_one_time_leave_in_the_order_of_the_streams() {
        let (merged, _) = merged(&with(&[(1_000, 1, Pattern::Constant), (2_000, 1, Pattern::Constant)]));
        let found: Vec<_> = merged.map(|planned| (planned.due, planned.stream, planned.number)).take(5).collect();
        assert_eq!(found, [(-1_000_000, 0, 0), (-1_000_000, 1, 11), (-500_000, 1, 12), (0, 0, 1), (0, 1, 13)]);
    }

    proptest! {
        /// All packets of all streams come once, in the order of time, and each is found again by what it carries.
        #[test]
        fn no_packet_is_left_out_and_none_comes_twice(
            rates in proptest::collection::vec((1_000u64..200_000, 1u32..20, any::<bool>()), 1..6),
        ) {
            let pattern = |poisson: bool, seed| if poisson { Pattern::Poisson { seed } } else { Pattern::Constant };
            let streams: Vec<_> = rates.iter().map(|&(rate, flows, poisson)| (rate, flows, pattern(poisson, rate))).collect();
            let order = with(&streams);
            let (merged, numbers) = merged(&order);
            let all: Vec<_> = merged.collect();
            prop_assert!(all.is_sorted_by_key(|planned| (planned.due, planned.stream)));
            prop_assert_eq!(all.len() as u64, order.warm_up_packets() + order.packets());
            let mut seen = vec![false; all.len()];
            for planned in &all {
                prop_assert!(!std::mem::replace(&mut seen[usize::try_from(planned.number).unwrap()], true));
                let flow = numbers.flow(planned.stream, planned.flow);
                let carried = Identifier { tag: 1, flow, sequence: planned.sequence };
                prop_assert_eq!(numbers.of(&carried), Some((planned.stream, planned.number)));
                prop_assert_eq!(numbers.packet(planned.number), (flow, planned.sequence));
                // one that no schedule holds is not taken for another's
                let beyond = Identifier { sequence: planned.sequence + 1_000_000, ..carried };
                prop_assert_eq!(numbers.of(&beyond), None);
            }
        }
    }
}
