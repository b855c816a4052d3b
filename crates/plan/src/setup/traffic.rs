//! The load and the limits, in whole numbers and within what can be done.

use tailbed_format::order::Schedule;
use tailbed_format::unit::{Bytes, Share, Time};
use tailbed_format::validity::Limits;

use crate::experiment::{Traffic, Validity};
use crate::text::error::Fault;
use crate::text::tree::{self, Table};

/// The load of one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Load {
    /// Bytes on the wire with the frame check sequence.
    pub(crate) frame: u32,
    pub(crate) schedule: Schedule,
    /// ns.
    pub(crate) drain: u64,
}

/// Shortest and longest frame on the wire (IEEE 802.3-2022, 3.2.7: 46 to 1500 bytes of data, 18 of header and check sequence).
const FRAME: std::ops::RangeInclusive<u64> = 64..=1518;

/// More packets than this, warm-up included, would take the generator gigabytes to remember (28 bytes each way).
pub(super) const MOST_PACKETS: u64 = 50_000_000;

/// 100 Gbit/s of 64-byte frames are 148.8 Mpps; beyond that a rate is a slip.
pub(super) const HIGHEST_RATE: u64 = 150_000_000;

/// No part of a run lasts longer; sums of times then stay far below 64 bits of ns.
pub(super) const LONGEST: u64 = 24 * 3_600_000_000_000;

/// Checks `[traffic]`.
pub(super) fn load(traffic: &Traffic, tree: &Table<'_>) -> Result<Load, Fault> {
    let at = |key| tree::span(tree, &["traffic", key]);
    let frame = frame(traffic.frame, &["traffic", "frame"], tree)?;
    let rate = traffic.rate.0;
    if rate == 0 {
        return Err(Fault::file("a rate of 0 sends nothing").at(at("rate"), "too low").help("write it like rate = \"10kpps\""));
    }
    if rate > HIGHEST_RATE {
        return Err(Fault::file(format!("{} is more than any wire carries", traffic.rate))
            .at(at("rate"), "at most 150Mpps is allowed")
            .help("100 Gbit/s are 148.8Mpps of the smallest frames"));
    }
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
    let schedule = Schedule { rate, warm_up: traffic.warm_up.0, duration: traffic.duration.0 };
    let packets = schedule.packets();
    if packets == 0 {
        return Err(Fault::file("no packet is due within the duration")
            .at(at("duration"), format!("shorter than the time between two packets at {}", traffic.rate))
            .beside(at("rate"), "one packet a second is 1pps")
            .help("make the duration longer or the rate higher"));
    }
    let all = packets.saturating_add(schedule.warm_up_packets());
    if all > MOST_PACKETS {
        return Err(Fault::file(format!("a run would hold {all} packets; at most {MOST_PACKETS} fit into memory"))
            .at(at("rate"), "this rate")
            .beside(at("duration"), format!("for {} and a warm-up of {}", traffic.duration, traffic.warm_up))
            .help("make the duration shorter and `repeats` higher: repeats also show how much runs differ"));
    }
    Ok(Load { frame, schedule, drain: traffic.drain.0 })
}

/// The size of a frame, if it exists on Ethernet.
pub(super) fn frame(size: Bytes, at: &[&str], tree: &Table<'_>) -> Result<u32, Fault> {
    u32::try_from(size.0).ok().filter(|frame| FRAME.contains(&u64::from(*frame))).ok_or_else(|| {
        Fault::file(format!("a frame of {} bytes does not exist on Ethernet", size.0))
            .at(tree::span(tree, at), format!("{} to {} is allowed", FRAME.start(), FRAME.end()))
            .help("the size counts everything from the destination address to the frame check sequence")
    })
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
