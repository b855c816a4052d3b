//! What a measurement yields.

use tailbed_format::message::Measured;
use tailbed_format::packet::{Arrival, Departure};

use super::merged::{Merged, Numbers};
use super::records::Records;
use crate::clock::Timeline;

/// The packets of a run and what else is known of it.
#[derive(Debug)]
pub struct Outcome {
    /// Clocks, errors, gaps.
    pub measured: Measured,
    pub(super) timeline: Timeline,
    pub(super) records: Records,
    /// From the first packet on.
    pub(super) planned: Merged,
    pub(super) numbers: Numbers,
}

impl Outcome {
    /// Every packet that was sent, warm-up included, in the order of sending.
    pub fn departures(&self) -> impl Iterator<Item = Departure> + '_ {
        self.planned.clone().filter_map(|planned| {
            let ticks = self.records.departure(planned.number)?;
            let flow = self.numbers.flow(planned.stream, planned.flow);
            Some(Departure { flow, sequence: planned.sequence, due: planned.due, sent: self.timeline.at_ticks(ticks) })
        })
    }

    /// Every packet that came in, in that order.
    pub fn arrivals(&self) -> impl Iterator<Item = Arrival> + '_ {
        self.records.arrivals().iter().map(|seen| {
            let (flow, sequence) = self.numbers.packet(seen.number);
            Arrival { flow, sequence, kernel: self.timeline.at_realtime(seen.kernel), user: self.timeline.at_ticks(seen.user) }
        })
    }
}
