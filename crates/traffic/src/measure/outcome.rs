//! What a measurement yields.

use tailbed_format::message::Measured;
use tailbed_format::order::Schedule;
use tailbed_format::packet::{Arrival, Departure};

use super::records::Records;
use crate::clock::Timeline;
use crate::packet::template::FLOW;

/// The packets of a run and what else is known of it.
#[derive(Debug)]
pub struct Outcome {
    /// Clocks, errors, gaps.
    pub measured: Measured,
    pub(super) timeline: Timeline,
    pub(super) records: Records,
    pub(super) schedule: Schedule,
}

impl Outcome {
    /// Every packet that was sent, warm-up included, by sequence number.
    pub fn departures(&self) -> impl Iterator<Item = Departure> + '_ {
        self.records.departures().map(|(sequence, ticks)| Departure {
            flow: FLOW,
            sequence,
            due: self.schedule.due(sequence),
            sent: self.timeline.at_ticks(ticks),
        })
    }

    /// Every packet that came in, in that order.
    pub fn arrivals(&self) -> impl Iterator<Item = Arrival> + '_ {
        self.records.arrivals().iter().map(|seen| Arrival {
            flow: FLOW,
            sequence: seen.sequence,
            kernel: self.timeline.at_realtime(seen.kernel),
            user: self.timeline.at_ticks(seen.user),
        })
    }
}
