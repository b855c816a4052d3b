//! The load and the limits, in whole numbers and within what can be done.

mod flows;
mod frame;
mod pattern;

use tailbed_format::order::Schedule;
use tailbed_format::port::Ports;
use tailbed_format::traffic::Shape;
use tailbed_format::unit::{Share, Time};
use tailbed_format::validity::Limits;

use crate::experiment::{Pattern, Traffic, Validity};
use crate::text::error::Fault;
use crate::text::tree::{self, Table};

pub(super) use frame::one_size;
pub(super) use pattern::HIGHEST_RATE;

/// The load of one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Load {
    /// Bytes on the wire with the frame check sequence, of the longest if they differ.
    pub(crate) frame: u32,
    pub(crate) schedule: Schedule,
    /// The seed of random times is 0 until there is a run.
    pub(crate) shape: Shape,
    pub(crate) ports: Ports,
    /// What the links must carry, where it is more than usual, bytes.
    pub(crate) mtu: Option<u32>,
    /// ns.
    pub(crate) drain: u64,
}

/// More packets than this, warm-up included, would take the generator gigabytes to remember (28 bytes each way).
pub(super) const MOST_PACKETS: u64 = 50_000_000;

/// No part of a run lasts longer; sums of times then stay far below 64 bits of ns.
pub(super) const LONGEST: u64 = 24 * 3_600_000_000_000;

/// Checks `[traffic]`.
pub(super) fn load(traffic: &Traffic, folder: &str, tree: &Table<'_>) -> Result<Load, Fault> {
    let at = |key| tree::span(tree, &["traffic", key]);
    let flows = traffic.flows.as_ref().map(|flows| flows::of(flows, tree)).transpose()?.unwrap_or_default();
    let replays = matches!(traffic.pattern, Pattern::Replay(_));
    let lengths = if replays { frame::of_replay(traffic, tree)? } else { frame::of(&traffic.frame, &flows, tree)? };
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
    let (pattern, schedule) = pattern::of(traffic, folder, tree)?;
    // where the rate stands, or what says it instead
    let rate = at(if traffic.rate.is_some() { "rate" } else { "pattern" });
    let packets = schedule.packets_as(&pattern);
    // of a capture it is not known yet how many packets it has
    if packets == 0 && !replays {
        let (short, says) = match traffic.rate {
            Some(rate) => (format!("shorter than the time between two packets at {rate}"), "one packet a second is 1pps"),
            None => ("too short".to_owned(), "for a packet of this pattern"),
        };
        return Err(Fault::file("no packet is due within the duration")
            .at(at("duration"), short)
            .beside(rate, says)
            .help("make the duration longer or the rate higher"));
    }
    let all = packets.saturating_add(schedule.warm_up_packets_as(&pattern));
    if all > MOST_PACKETS {
        return Err(Fault::file(format!("a run would hold {all} packets; at most {MOST_PACKETS} fit into memory"))
            .at(rate, "this rate")
            .beside(at("duration"), format!("for {} and a warm-up of {}", traffic.duration, traffic.warm_up))
            .help("make the duration shorter and `repeats` higher: repeats also show how much runs differ"));
    }
    let mtu = lengths.mtu();
    let shape = Shape { pattern, mix: lengths.mix, flows };
    let ports = super::port::of_load(traffic);
    Ok(Load { frame: lengths.longest, schedule, shape, ports, mtu, drain: traffic.drain.0 })
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
