//! What a measurement yields.

use tailbed_format::message::Measured;
use tailbed_format::packet::{Arrival, Departure};
use tailbed_format::traffic::Flows;

use super::records::Records;
use super::timetable::Timetable;
use crate::clock::Timeline;
use crate::packet::frames::Numbering;

/// The packets of a run and what else is known of it.
#[derive(Debug)]
pub struct Outcome {
    /// Clocks, errors, gaps.
    pub measured: Measured,
    pub(super) timeline: Timeline,
    pub(super) records: Records,
    /// From the first packet on.
    pub(super) timetable: Timetable,
    pub(super) flows: Flows,
}

impl Outcome {
    /// Every packet that was sent, warm-up included, in the order of sending.
    pub fn departures(&self) -> impl Iterator<Item = Departure> + '_ {
        let planned = Numbering::new(&self.flows).zip(self.timetable.clone());
        planned.zip(self.records.departures()).filter_map(|(((flow, sequence), due), ticks)| {
            Some(Departure { flow, sequence, due, sent: self.timeline.at_ticks(ticks?) })
        })
    }

    /// Every packet that came in, in that order.
    pub fn arrivals(&self) -> impl Iterator<Item = Arrival> + '_ {
        self.records.arrivals().iter().map(|seen| {
            let (flow, sequence) = Numbering::place(self.flows.count, seen.number);
            Arrival { flow, sequence, kernel: self.timeline.at_realtime(seen.kernel), user: self.timeline.at_ticks(seen.user) }
        })
    }
}
