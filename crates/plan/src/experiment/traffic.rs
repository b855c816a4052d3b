//! `[traffic]`: the load.

mod flows;
mod frame;
mod pattern;
mod stream;

use schemars::JsonSchema;
use serde::Deserialize;
use tailbed_format::port::Ports;
use tailbed_format::unit::{Bytes, PacketRate, Time};

use super::Named;

pub use flows::{Address, Flows, Values};
pub use frame::{Frame, FrameShare};
pub use pattern::{Burst, Pattern, Ramp, Replay, Speed, Steps};
pub use stream::Stream;

/// The load: packets on an absolute schedule.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Traffic {
    /// Bytes on the wire, from the destination address to the frame check sequence: 64 to 9018, `"imix"`, or a mix of one's own.
    #[serde(default = "smallest")]
    pub frame: Frame,
    /// Packets per second, in the mean. Needed unless the pattern has rates of its own.
    #[serde(default)]
    #[schemars(with = "PacketRate")]
    pub rate: Option<PacketRate>,
    /// How packets are spread over time.
    #[serde(default)]
    pub pattern: Pattern,
    /// Which flows there are; one if not given.
    #[serde(default)]
    #[schemars(with = "Flows")]
    pub flows: Option<Flows>,
    /// How the load generator sends and the sink receives: by the ports of least latency unless told otherwise.
    #[serde(default)]
    pub port: Ports,
    /// Whether the same load also goes the other way: from where it comes in to where it sets out, with addresses and ports exchanged.
    #[serde(default)]
    pub bidirectional: bool,
    /// Several loads at the same time, each with a way of its own. If there are any, what stands here is only what they have in common.
    #[serde(default)]
    pub streams: Named<Stream>,
    /// How long packets are counted.
    pub duration: Time,
    /// How long packets are sent before they are counted.
    #[serde(default = "one_second")]
    pub warm_up: Time,
    /// How long the sink goes on listening after the last packet.
    #[serde(default = "tenth_of_a_second")]
    pub drain: Time,
}

fn smallest() -> Frame {
    Frame::One(Bytes(64))
}

fn one_second() -> Time {
    Time(1_000_000_000)
}

fn tenth_of_a_second() -> Time {
    Time(100_000_000)
}
