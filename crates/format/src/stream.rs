//! Streams: loads that one generator sends at the same time, each with its own way, flows and timetable.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::flow::{FlowCounts, Volume};
use crate::mac::MacAddress;
use crate::order::{Measure, Schedule};
use crate::summary::Distribution;
use crate::traffic::Shape;

/// Most streams of one load: the loop looks at each of them before every packet.
pub const MOST_STREAMS: usize = 64;

/// A stream of an order besides the first. Tag, drain and core are those of the order; so are the lengths of warm-up and counted part,
/// which are the same for all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stream {
    /// What it is called.
    pub name: String,
    /// Interface that it is sent on; empty where the path is simulated.
    pub transmit: String,
    /// Interface that it comes in by; empty where the path is simulated.
    pub receive: String,
    /// As [`Measure::frame`].
    pub frame: u32,
    /// As [`Measure::source`].
    pub source: MacAddress,
    /// As [`Measure::destination`].
    pub destination: MacAddress,
    /// As [`Measure::schedule`].
    pub schedule: Schedule,
    /// As [`Measure::shape`].
    #[serde(default, skip_serializing_if = "Shape::is_plain")]
    pub shape: Shape,
}

/// The flows of a stream among those of all: streams have them one after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamFlows {
    /// What the stream is called; empty where there is but one.
    pub name: String,
    /// The numbers of its flows.
    pub flows: Range<u32>,
}

impl StreamFlows {
    /// Which of the streams, in their order, a flow belongs to; `None` when it is none of theirs.
    #[inline]
    pub fn find(streams: &[Self], flow: u32) -> Option<usize> {
        let at = streams.partition_point(|stream| stream.flows.end <= flow);
        streams.get(at).filter(|stream| stream.flows.contains(&flow)).map(|_| at)
    }
}

impl Measure {
    /// Each stream as an order of its own, the first first.
    pub fn streams(&self) -> Vec<Self> {
        let plain = Self { more: Vec::new(), ..self.clone() };
        let one = |stream: &Stream| {
            let stream = stream.clone();
            let path = self.path.between(stream.transmit, stream.receive);
            Self {
                name: stream.name,
                path,
                frame: stream.frame,
                source: stream.source,
                destination: stream.destination,
                schedule: stream.schedule,
                shape: stream.shape,
                ..plain.clone()
            }
        };
        let more = self.more.iter().map(one).collect::<Vec<_>>();
        [plain].into_iter().chain(more).collect()
    }

    /// Which flows each stream has.
    pub fn flows_by_stream(&self) -> Vec<StreamFlows> {
        let first = (&self.name, self.shape.flows.count);
        let all = [first].into_iter().chain(self.more.iter().map(|stream| (&stream.name, stream.shape.flows.count)));
        let mut next = 0_u32;
        let mut range = |count: u32| {
            let start = next;
            next = next.saturating_add(count.max(1));
            start..next
        };
        all.map(|(name, count)| StreamFlows { name: name.clone(), flows: range(count) }).collect()
    }
}

/// One stream of a run, or of all valid runs of a cell: what became of its packets, warm-up left out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StreamSummary {
    /// What it is called.
    pub name: String,
    /// Its packets. The flow is the number of its first.
    pub counts: FlowCounts,
    /// Packets of it, those of the warm-up among them, that came in at the end of another stream: they count as lost.
    pub misdelivered: u64,
    /// Kernel receive stamp minus send stamp.
    pub latency: Distribution,
    /// Bytes on the wire; `None` where they were not counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume: Option<Volume>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(flows: Range<u32>) -> StreamFlows {
        StreamFlows { name: String::new(), flows }
    }

    #[test]
    fn a_flow_belongs_to_the_stream_whose_range_holds_it() {
        let streams = [range(0..1), range(1..5), range(5..6)];
        let found: Vec<_> = [0, 1, 4, 5, 6, u32::MAX].into_iter().map(|flow| StreamFlows::find(&streams, flow)).collect();
        assert_eq!(found, [Some(0), Some(1), Some(1), Some(2), None, None]);
        assert_eq!(StreamFlows::find(&[], 0), None);
    }
}
