//! Orders: what an agent is told to do for one run.

use serde::{Deserialize, Serialize};

use crate::capture::Capture;
use crate::mac::MacAddress;
use crate::memory::MemoryPort;
use crate::noise::{Load, Noise};
use crate::port::Ports;
use crate::stream::{Stream, StreamFlows};
use crate::traffic::{Mix, Pattern, Shape};
use crate::udp::UdpPort;

pub use crate::function::Function;

/// What one agent does in one run.
#[allow(clippy::large_enum_variant, reason = "there are a handful of orders to a run, and each is sent once")]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// Generate load, receive it again, and say what happened to each packet.
    Measure(Measure),
    /// Move packets between interfaces until told to stop.
    Forward(Forward),
    /// Record what passes links until told to stop.
    Capture(Capture),
    /// Watch cores, and say what they took away.
    Noise(Noise),
    /// Keep cores busy until told to stop.
    Load(Load),
}

impl Order {
    /// How its loop is run.
    pub fn scheduling(&self) -> &Scheduling {
        match self {
            Self::Measure(measure) => &measure.scheduling,
            Self::Forward(forward) => &forward.scheduling,
            Self::Capture(capture) => &capture.scheduling,
            Self::Noise(noise) => &noise.scheduling,
            Self::Load(load) => &load.scheduling,
        }
    }
}

/// How an agent's packet loop is run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scheduling {
    /// Cores the packet loop may run on, in the kernel's numbering; empty leaves affinity alone.
    pub cpus: Vec<usize>,
    /// `SCHED_FIFO` priority, 1 to 99 (sched(7)); `None` leaves the scheduling policy alone.
    pub priority: Option<u8>,
    /// Lock all memory (mlockall(2)) before the first packet.
    pub lock_memory: bool,
    /// What to do when there is nothing to do.
    pub wait: Wait,
}

/// How a packet loop waits for the next packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wait {
    /// Poll without ever giving up the core: right only on a core of its own.
    Spin,
    /// Sleep in the kernel until a packet comes: where the core is shared.
    Block,
}

/// The load generator and sink: one loop, outside the device under test. Its own fields are those of its first stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measure {
    /// What the stream is called; empty where there is but one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Where packets leave and come back.
    pub path: Path,
    /// How they get to and from the interfaces of the path. `auto` is whatever carries most.
    #[serde(default = "Ports::latency")]
    pub ports: Ports,
    /// Packet sockets on the interface are to see the frames leave: they go through its queue and not past it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub shown: bool,
    /// Addresses of its interfaces, where packets go by UDP sockets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sockets: Vec<UdpPort>,
    /// Bytes of each frame as sent to the interface, that is without the 4-byte frame check sequence. Where the shape has a mix, that
    /// of the longest.
    pub frame: u32,
    /// Source address of the frames.
    pub source: MacAddress,
    /// Destination address of the frames: the next hop.
    pub destination: MacAddress,
    /// Marks the packets of this run, so that stragglers of another are never counted.
    pub tag: u32,
    /// When each packet is due.
    pub schedule: Schedule,
    /// Pattern, lengths and flows.
    #[serde(default, skip_serializing_if = "Shape::is_plain")]
    pub shape: Shape,
    /// How long to go on listening after the last packet was due, ns.
    pub drain: u64,
    /// A stretch of at least this long during which the loop saw nothing is logged as a gap, ns.
    pub gap: u64,
    /// Core, priority, memory.
    pub scheduling: Scheduling,
    /// Streams sent besides the one that the fields above are of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub more: Vec<Stream>,
}

impl Path {
    /// The ports that packets leave by and come in by; none where the path is simulated.
    pub fn ends(&self) -> Option<(&str, &str)> {
        match self {
            Self::Interfaces { transmit, receive } | Self::Mixed { transmit, receive, .. } => Some((transmit, receive)),
            Self::Simulated(_) => None,
        }
    }

    /// The ports in shared memory.
    pub fn memory(&self) -> &[MemoryPort] {
        match self {
            Self::Mixed { memory, .. } => memory,
            Self::Interfaces { .. } | Self::Simulated(_) => &[],
        }
    }

    /// A path of the same kind between other ports.
    #[must_use]
    pub fn between(&self, transmit: String, receive: String) -> Self {
        match self {
            Self::Interfaces { .. } => Self::Interfaces { transmit, receive },
            Self::Mixed { memory, .. } => Self::Mixed { transmit, receive, memory: memory.clone() },
            Self::Simulated(wire) => Self::Simulated(wire.clone()),
        }
    }
}

impl Measure {
    /// Packets of all streams due before the origin.
    pub fn warm_up_packets(&self) -> u64 {
        self.sum(Schedule::warm_up_packets_as)
    }

    /// Packets of all streams due from the origin on.
    pub fn packets(&self) -> u64 {
        self.sum(Schedule::packets_as)
    }

    fn sum(&self, packets: impl Fn(&Schedule, &Pattern) -> u64) -> u64 {
        let more = self.more.iter().map(|stream| packets(&stream.schedule, &stream.shape.pattern));
        more.fold(packets(&self.schedule, &self.shape.pattern), u64::saturating_add)
    }

    /// The bytes of a packet without frame check sequence, by its flow (counted through all streams) and its number in it; those of a
    /// replay are in its recording. The function given out remembers the cycles of the mixes.
    pub fn lengths(&self) -> impl Fn(u32, u64) -> u32 + use<> {
        let streams = self.flows_by_stream();
        let first = (&self.shape.mix, self.frame);
        let mixes = [first].into_iter().chain(self.more.iter().map(|stream| (&stream.shape.mix, stream.frame)));
        let mixes: Vec<_> = mixes.map(|(mix, frame)| (mix.cycle(), mix.shares.clone(), frame)).collect();
        move |flow, sequence| {
            let stream = StreamFlows::find(&streams, flow).unwrap_or(0);
            let (cycle, shares, frame) = &mixes[stream];
            match cycle.len() {
                0 => *frame,
                length => shares[usize::from(cycle[Mix::place(flow - streams[stream].flows.start, sequence, length)])].frame,
            }
        }
    }
}

/// When packets are due: an absolute schedule that never slips. By itself it is one of a constant rate; the patterns
/// ([`crate::traffic::Pattern`]) put the same time to other uses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    /// Packets per second, in the mean.
    pub rate: u64,
    /// Sent and received as the rest, but not counted, ns.
    pub warm_up: u64,
    /// The counted part, ns.
    pub duration: u64,
}

impl Schedule {
    /// Packets due before the origin.
    pub fn warm_up_packets(&self) -> u64 {
        self.packets_in(self.warm_up)
    }

    /// Packets due from the origin on.
    pub fn packets(&self) -> u64 {
        self.packets_in(self.duration)
    }

    /// Packets due before the origin when they follow a pattern.
    pub fn warm_up_packets_as(&self, pattern: &Pattern) -> u64 {
        match *pattern {
            Pattern::Ramp { from, .. } => packets_at(from, self.warm_up),
            Pattern::Steps { ref rates } => rates.first().map_or(0, |&first| packets_at(first, self.warm_up)),
            Pattern::Burst { size, gap: Some(gap) } => u64::from(size).saturating_mul(self.warm_up / gap.max(1)),
            Pattern::Replay(ref replay) => replay.warm_up_packets,
            _ => self.warm_up_packets(),
        }
    }

    /// Packets due from the origin on when they follow a pattern. Bursts of a given gap are whole.
    pub fn packets_as(&self, pattern: &Pattern) -> u64 {
        match *pattern {
            Pattern::Ramp { from, to } => {
                let twice = (u128::from(from) + u128::from(to)) * u128::from(self.duration);
                u64::try_from(twice / 2_000_000_000).unwrap_or(u64::MAX)
            }
            Pattern::Steps { ref rates } => self.steps(rates).fold(0, |all, step| all.saturating_add(step.packets)),
            Pattern::Burst { size, gap: Some(gap) } => u64::from(size).saturating_mul(self.duration / gap.max(1)),
            Pattern::Replay(ref replay) => replay.packets,
            _ => self.packets(),
        }
    }

    /// The parts of the counted time when each of the rates has an equal part of it, to the nanosecond.
    pub fn steps<'a>(&self, rates: &'a [u64]) -> impl Iterator<Item = Stretch> + use<'a> {
        let (duration, all) = (u128::from(self.duration), rates.len().max(1) as u128);
        let bound = move |number: usize| u64::try_from(duration * number as u128 / all).unwrap_or(u64::MAX);
        rates.iter().enumerate().map(move |(number, &rate)| {
            let (start, end) = (bound(number), bound(number + 1));
            Stretch { start, rate, packets: packets_at(rate, end - start) }
        })
    }

    fn packets_in(&self, ns: u64) -> u64 {
        packets_at(self.rate, ns)
    }

    /// Due time of packet `sequence` (counted from the first of the warm-up), ns from the origin. Computed from the
    /// sequence number each time, so that rounding never adds up.
    pub fn due(&self, sequence: u64) -> i64 {
        let ns =
            |packets: u64| i64::try_from(u128::from(packets) * 1_000_000_000 / u128::from(self.rate.max(1))).unwrap_or(i64::MAX);
        let warm_up = self.warm_up_packets();
        if sequence >= warm_up { ns(sequence - warm_up) } else { -ns(warm_up - sequence) }
    }
}

/// A stretch of constant rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch {
    /// When it begins, ns from the origin.
    pub start: u64,
    /// Packets per second.
    pub rate: u64,
    /// Packets due in it; the first at its beginning.
    pub packets: u64,
}

/// Packets of a constant rate in `ns` nanoseconds.
fn packets_at(rate: u64, ns: u64) -> u64 {
    let packets = u128::from(rate) * u128::from(ns) / 1_000_000_000;
    u64::try_from(packets).unwrap_or(u64::MAX)
}

/// What lies between sending and receiving.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Path {
    /// Two interfaces of the agent's network namespace.
    Interfaces {
        /// Sends on this one.
        transmit: String,
        /// Receives on this one.
        receive: String,
    },
    /// Two ports of which at least one is no interface.
    Mixed {
        /// Sends by this one.
        transmit: String,
        /// Receives by this one.
        receive: String,
        /// Those in shared memory; what has another name is an interface.
        memory: Vec<MemoryPort>,
    },
    /// No interface at all: packets are delayed, lost and disordered by a seeded model, on a clock that is part of the model.
    /// For testing the instrument with a known truth; never a measurement.
    Simulated(SimulatedWire),
}

/// A wire with known behaviour. Shares are in parts per million of packets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SimulatedWire {
    /// Seed of the model.
    pub seed: u64,
    /// Least delay, ns.
    pub base: u64,
    /// Mean of the exponentially distributed delay added to the least one, ns.
    pub mean_extra: u64,
    /// Share of packets that get `spike` on top, ppm.
    pub spike_share: u32,
    /// Delay of a spike, ns.
    pub spike: u64,
    /// Share lost, ppm.
    pub loss: u32,
    /// Share that comes in twice, ppm.
    pub duplicates: u32,
    /// Share held back by three sending intervals, so that later packets overtake them, ppm.
    pub reordered: u32,
    /// Packets per second that go through, one after the other; `None` when as many as come.
    #[serde(default)]
    pub capacity: Option<u64>,
    /// Packets that may wait where there is a capacity; one that comes when so many wait is lost.
    #[serde(default)]
    pub queue: u32,
}

/// Most workers a forwarder can have.
pub const MOST_WORKERS: u32 = 64;

/// Frames a worker takes from one direction before the next has its turn, unless the order says otherwise.
pub const BATCH: u32 = 32;

/// Most frames of a batch: as many as the smallest ring has.
pub const LARGEST_BATCH: u32 = 512;

/// A forwarder: what comes in by a rule's interface leaves as the rule says, or as the function decides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forward {
    /// The network function.
    pub function: Function,
    /// One rule per direction. The first receives on the port `in`, and where it sends is `out`.
    pub rules: Vec<ForwardRule>,
    /// How frames get from and to the interfaces. `auto` is whatever carries most.
    #[serde(default = "Ports::latency")]
    pub ports: Ports,
    /// Ports of the rules that are no interfaces.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub memory: Vec<MemoryPort>,
    /// Addresses of its interfaces, where packets go by UDP sockets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sockets: Vec<UdpPort>,
    /// Threads that share the frames, each with all directions; packets of one flow go to one of them. 1 to [`MOST_WORKERS`].
    #[serde(default = "one")]
    pub workers: u32,
    /// Most frames taken from one direction before the next has its turn, 1 to [`LARGEST_BATCH`].
    #[serde(default = "batch")]
    pub batch: u32,
    /// Core, priority, memory.
    pub scheduling: Scheduling,
}

fn one() -> u32 {
    1
}

fn batch() -> u32 {
    BATCH
}

/// One direction through a forwarder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForwardRule {
    /// Interface received on.
    pub receive: String,
    /// Interface sent on, unless the function has tables of its own.
    pub transmit: String,
    /// Source address written into the frame.
    pub source: MacAddress,
    /// Destination address written into the frame.
    pub destination: MacAddress,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn due_times_start_at_the_origin_after_the_warm_up() {
        let schedule = Schedule { rate: 10_000, warm_up: 1_000_000_000, duration: 5_000_000_000 };
        assert_eq!(schedule.warm_up_packets(), 10_000);
        assert_eq!(schedule.packets(), 50_000);
        assert_eq!(schedule.due(0), -1_000_000_000);
        assert_eq!(schedule.due(10_000), 0);
        assert_eq!(schedule.due(10_001), 100_000);
    }

    proptest! {
        /// However odd the rate, the n-th packet is due within a nanosecond of n / rate.
        #[test]
        fn due_times_never_drift(rate in 1u64..20_000_000, sequence in 0u64..1_000_000_000) {
            let schedule = Schedule { rate, warm_up: 0, duration: 1 };
            let exact = sequence as f64 / rate as f64 * 1e9;
            prop_assert!((schedule.due(sequence) as f64 - exact).abs() <= 1.0 + exact * 1e-15);
            prop_assert!(schedule.due(sequence + 1) >= schedule.due(sequence));
        }
    }
}
