//! The load and the limits, in whole numbers and within what can be done.

mod flows;
mod frame;
mod pattern;
mod place;
mod streams;

use tailbed_format::order::Schedule;
use tailbed_format::port::Ports;
use tailbed_format::traffic::{Flows, Shape};
use tailbed_format::unit::{Share, Time};
use tailbed_format::validity::Limits;

use crate::experiment::{Frame, Pattern, Throughput, Traffic, Validity};
use crate::text::error::Fault;
use crate::text::tree::{self, Table};

pub(super) use pattern::HIGHEST_RATE;
use place::Place;
pub(super) use streams::{Declared, declared, exchange, load};

/// The load of one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Load {
    /// At least one. Warm-up and duration are the same for all.
    pub(crate) streams: Vec<StreamLoad>,
    /// How they get to and from the interfaces.
    pub(crate) ports: Ports,
    /// What the links must carry, where it is more than usual, bytes.
    pub(crate) mtu: Option<u32>,
    /// ns.
    pub(crate) drain: u64,
}

/// What is sent in one stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StreamLoad {
    /// Empty when there is but one and nothing is said of its name.
    pub(crate) name: String,
    /// Bytes on the wire with the frame check sequence, of the longest if they differ.
    pub(crate) frame: u32,
    pub(crate) schedule: Schedule,
    /// The seed of random times is 0 until there is a run.
    pub(crate) shape: Shape,
}

impl Load {
    /// How long packets are sent, and listened for after the last, ns.
    pub(crate) fn span(&self) -> u64 {
        let schedule = self.streams.first().map(|stream| &stream.schedule);
        schedule.map_or(0, |schedule| schedule.warm_up.saturating_add(schedule.duration)).saturating_add(self.drain)
    }
}

/// More packets than this, warm-up included, would take the generator gigabytes to remember (28 bytes each way).
pub(super) const MOST_PACKETS: u64 = 50_000_000;

/// No part of a run lasts longer; sums of times then stay far below 64 bits of ns.
pub(super) const LONGEST: u64 = 24 * 3_600_000_000_000;

/// Checks the load of one stream; gives besides the MTU that its links need, where the usual one is too small.
fn of_stream(name: &str, traffic: &Traffic, folder: &str, place: &Place<'_>) -> Result<(StreamLoad, Option<u32>), Fault> {
    let at = |key: &str| place.span(&[key]);
    let flows = traffic.flows.as_ref().map(|flows| flows::of(flows, place)).transpose()?.unwrap_or_default();
    let replays = matches!(traffic.pattern, Pattern::Replay(_));
    let lengths = if replays { frame::of_replay(traffic, place)? } else { frame::of(&traffic.frame, &flows, place)? };
    for (key, time) in [("duration", traffic.duration), ("warm_up", traffic.warm_up), ("drain", traffic.drain)] {
        if time.0 > LONGEST {
            return Err(Fault::file(format!("`{key}` is longer than a day")).at(at(key), "at most 24h is allowed"));
        }
    }
    if traffic.duration == Time(0) {
        return Err(Fault::file("a duration of 0 counts no packets")
            .at(at("duration"), "too short")
            .help("write it like duration = \"5s\""));
    }
    let (pattern, schedule) = pattern::of(traffic, folder, place)?;
    let packets = schedule.packets_as(&pattern);
    // of a capture it is not known yet how many packets it has
    if packets == 0 && !replays {
        let (short, says) = match traffic.rate {
            Some(rate) => (format!("shorter than the time between two packets at {rate}"), "one packet a second is 1pps"),
            None => ("too short".to_owned(), "for a packet of this pattern"),
        };
        return Err(Fault::file("no packet is due within the duration")
            .at(at("duration"), short)
            .beside(rate_span(traffic, place), says)
            .help("make the duration longer or the rate higher"));
    }
    let mtu = lengths.mtu();
    let shape = Shape { pattern, mix: lengths.mix, flows };
    Ok((StreamLoad { name: name.to_owned(), frame: lengths.longest, schedule, shape }, mtu))
}

/// Checks which flows a search has and how long their frames are; gives besides the MTU that its links need, where the usual one is too small.
pub(super) fn of_search(settings: &Throughput, tree: &Table<'_>) -> Result<(Flows, u32, Option<u32>), Fault> {
    let place = Place::of_search(tree);
    let flows = settings.flows.as_ref().map(|flows| flows::of(flows, &place)).transpose()?.unwrap_or_default();
    let lengths = frame::of(&Frame::One(settings.frame), &flows, &place)?;
    Ok((flows, lengths.longest, lengths.mtu()))
}

/// Where the rate stands, or what says it instead.
fn rate_span(traffic: &Traffic, place: &Place<'_>) -> crate::text::Span {
    place.span(&[if traffic.rate.is_some() { "rate" } else { "pattern" }])
}

/// Checks `[validity]`.
pub(super) fn limits(validity: &Validity, tree: &Table<'_>) -> Result<Limits, Fault> {
    Ok(Limits {
        lateness: validity.lateness.0,
        late_share: ppm(validity.late_share, &["validity", "late_share"], tree)?,
        gap: validity.gap.0,
        clock_shift: validity.clock_shift.0,
    })
}

/// A share in ppm, at most the whole.
pub(super) fn ppm(share: Share, at: &[&str], tree: &Table<'_>) -> Result<u32, Fault> {
    u32::try_from(share.0).ok().filter(|ppm| u64::from(*ppm) <= Share::WHOLE).ok_or_else(|| {
        Fault::file(format!("a share of {share} is more than all")).at(tree::span(tree, at), "at most 100% is allowed")
    })
}
