//! The load generator's order: its streams, and what their packets go by.

use tailbed_format::memory::MemoryPort;
use tailbed_format::order::{Measure, Order, Path, Scheduling, SimulatedWire};
use tailbed_format::stream::Stream;
use tailbed_format::traffic::{Pattern, Shape};

use super::network::{self, Interface};
use super::run::Setting;
use super::sockets;
use crate::plan::{AgentOrder, GENERATOR};
use crate::setup::{Load, StreamLoad, Way};

/// A stretch of at least this long during which the generator's loop saw nothing is logged, ns: a timer interrupt on a virtual CPU
/// takes some microseconds, a lost time slice takes milliseconds.
const GAP: u64 = 20_000;

/// What the generator's packets go by.
pub(super) enum Wire {
    /// Interfaces, and ports in shared memory.
    Real {
        memory: Vec<MemoryPort>,
        /// Whether packet sockets are to see the packets leave.
        shown: bool,
    },
    /// A model.
    Simulated(SimulatedWire),
}

impl Wire {
    fn is_simulated(&self) -> bool {
        matches!(self, Self::Simulated(_))
    }

    fn between(&self, transmit: String, receive: String) -> Path {
        match self {
            Self::Simulated(wire) => Path::Simulated(wire.clone()),
            Self::Real { memory, .. } if memory.is_empty() => Path::Interfaces { transmit, receive },
            Self::Real { memory, .. } => Path::Mixed { transmit, receive, memory: memory.clone() },
        }
    }
}

/// The generator's order; `simulated` stands in place of interfaces.
pub(super) fn measure(
    setting: &Setting<'_>,
    load: &Load,
    ways: &[Way],
    wire: &Wire,
    links: &[[Interface; 2]],
    scheduling: &Scheduling,
) -> Option<AgentOrder> {
    let stream = |(number, (load, way)): (usize, (&StreamLoad, &Way))| {
        let (own, next_hop) = network::own_and_peer(way.from, links)?;
        let (end, _) = network::own_and_peer(way.to, links)?;
        let name = |interface: &Interface| if wire.is_simulated() { String::new() } else { interface.veth.name.clone() };
        Some(Stream {
            name: load.name.clone(),
            transmit: name(own),
            receive: name(end),
            frame: load.frame - FRAME_CHECK_SEQUENCE,
            source: own.veth.mac,
            destination: next_hop.towards,
            schedule: load.schedule.clone(),
            shape: shape(load, number, setting),
        })
    };
    let mut streams = load.streams.iter().zip(ways).enumerate().filter_map(stream);
    let Stream { name, transmit, receive, frame, source, destination, schedule, shape } = streams.next()?;
    let order = Order::Measure(Measure {
        name,
        path: wire.between(transmit, receive),
        ports: load.ports,
        shown: matches!(wire, Wire::Real { shown: true, .. }),
        sockets: sockets::generator_ports(links),
        frame,
        source,
        destination,
        tag: tag(setting.token, setting.number),
        schedule,
        shape,
        drain: load.drain,
        gap: GAP,
        scheduling: scheduling.clone(),
        more: streams.collect(),
    });
    Some(AgentOrder { node: GENERATOR.to_owned(), order })
}

/// Random times differ from run to run and from stream to stream, and are the same when the campaign is made again.
fn shape(load: &StreamLoad, stream: usize, setting: &Setting<'_>) -> Shape {
    let mut shape = load.shape.clone();
    if let Pattern::Poisson { seed } = &mut shape.pattern {
        *seed = setting.seed.wrapping_add(setting.number as u64).wrapping_add((stream as u64) << 32);
    }
    shape
}

/// Bytes the interface appends to each frame (IEEE 802.3-2022, 3.2.9).
const FRAME_CHECK_SEQUENCE: u32 = 4;

/// Different for each run of a campaign, and most likely for runs of different campaigns: the run's number in the lower half,
/// FNV-1a (Fowler, Noll, Vo; RFC 9923) of the token in the upper.
fn tag(token: &str, number: usize) -> u32 {
    let hash = token.bytes().fold(0x811c_9dc5, |hash: u32, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    hash << 16 | u32::try_from(number & 0xffff).unwrap_or_default()
}
