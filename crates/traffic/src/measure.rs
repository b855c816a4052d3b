//! The load generator and the sink: one loop on one thread.
//!
//! Each turn reads the clock, sends the next packet if it is due, and takes at most one frame from the ring, so that neither
//! direction can hold up the other for longer than one packet. Packets are due on an absolute schedule: after a stall those that are
//! late go out as fast as they can be sent, and the schedule itself never slips. Between the first packet and the last there is no
//! allocation, no lock, and no system call but sending (and sleeping, where told to).
//!
//! Several streams are one to the loop: of all their packets the one that is due next is sent next, by its stream's own interface, and
//! frames are taken from all receiving interfaces in turn. So both stamps of every latency are one thread's, whatever its way.
//!
//! On a virtual Ethernet pair the send call does the receiver's work too (its soft interrupt runs on the sender's core), so it may
//! take long. Time spent there is treated as any other: the loop saw nothing meanwhile, so a long send is a gap.

mod gap_log;
mod merged;
mod outcome;
mod pacer;
mod records;
mod timetable;
mod turns;

use tailbed_format::order::{Measure, Wait};
use tailbed_format::recording::Recording;
use tailbed_format::traffic::Pattern;

pub use gap_log::GAPS_KEPT;
pub use outcome::Outcome;

use crate::account;
use crate::clock::{Clock, Sighting};
use crate::packet::frames::{Frames, NoFrames};
use crate::port::Wires;
use crate::stop::Stop;
use gap_log::GapLog;
use merged::{Merged, Numbers};
use pacer::Pacer;
use records::Records;
use timetable::Timetable;
use turns::Loop;

/// The clock's rate is taken from at least this much time before the first packet, ns. Sightings scatter by
/// some nanoseconds, so the rate is then right to a tenth of a part per million; every further sighting makes it better.
const CALIBRATION: u64 = 50_000_000;

/// How often the clocks are related during the run, ns; the pacing error between two sightings stays in the tens of nanoseconds.
const SIGHTING_INTERVAL: u64 = 100_000_000;

/// From the start of the loop to the first packet, ns.
const LEAD: u64 = 1_000_000;

/// A measurement could not be made.
#[derive(Debug, thiserror::Error)]
pub enum MeasureError {
    /// A frame length is out of range, or a recorded frame cannot be sent again.
    #[error(transparent)]
    Frame(#[from] NoFrames),
    /// Nothing to send.
    #[error(
        "the schedule holds no packet: {rate} packets per second for {duration} ns; ask for a higher rate or a longer duration"
    )]
    Empty {
        /// The rate, packets per second.
        rate: u64,
        /// The duration, ns.
        duration: u64,
    },
    /// The records do not fit into memory.
    #[error("the records of {packets} packets do not fit into memory; ask for a lower rate or a shorter duration")]
    TooMany {
        /// Packets of the schedule, warm-up included.
        packets: u64,
    },
    /// Told to stop before the schedule had ended.
    #[error("the measurement was stopped before its schedule had ended")]
    Stopped,
    /// The clocks cannot be related.
    #[error("the monotonic clock did not move during the run; the host's clocksource is broken")]
    NoTime,
}

/// Everything that has to exist before the first packet.
#[derive(Debug)]
pub struct Prepared {
    /// By stream.
    frames: Vec<Frames>,
    planned: Merged,
    numbers: Numbers,
    /// By stream: the number of the end that its packets come in by.
    ends: Vec<usize>,
    records: Records,
    gaps: GapLog,
    first: Sighting,
    sightings: Vec<Sighting>,
}

/// Allocates and touches all memory that the loop will need, and begins to observe the clock. The recording is empty unless the order is
/// to replay one.
///
/// # Errors
/// When the order cannot be carried out: see [`MeasureError`].
pub fn prepare(order: &Measure, recording: Recording, clock: &impl Clock) -> Result<Prepared, MeasureError> {
    let schedule = &order.schedule;
    let packets = order.warm_up_packets().saturating_add(order.packets());
    if packets == 0 {
        return Err(MeasureError::Empty { rate: schedule.rate, duration: schedule.duration });
    }
    let span = schedule.warm_up.saturating_add(schedule.duration).saturating_add(order.drain);
    let sightings = usize::try_from(span / SIGHTING_INTERVAL).unwrap_or(usize::MAX).saturating_add(16);
    let mut kept = Vec::new();
    kept.try_reserve_exact(sightings).map_err(|_| MeasureError::TooMany { packets })?;
    let (streams, flows) = (order.streams(), order.flows_by_stream());
    let numbers = Numbers::new(&streams, &flows);
    let recorded = recording.times();
    let planned = Merged::new(&streams, streams.iter().map(|stream| Timetable::new(stream, &recorded)), &numbers);
    // there is one recording, so there is one stream that can send it
    let mut recording = Some(recording);
    let frames = streams.iter().zip(&flows).map(|(stream, range)| {
        let replays = matches!(stream.shape.pattern, Pattern::Replay(_));
        let own = if replays { recording.take().unwrap_or_default() } else { Recording::default() };
        Ok(Frames::new(stream, own)?.numbered_from(range.flows.start))
    });
    Ok(Prepared {
        records: Records::for_packets(packets).ok_or(MeasureError::TooMany { packets })?,
        frames: frames.collect::<Result<_, NoFrames>>()?,
        planned,
        numbers,
        ends: ends(&streams),
        gaps: GapLog::new(),
        first: clock.sight_tightest(64),
        sightings: kept,
    })
}

/// The interfaces that the streams of an order leave by, one for each, and those that they come in by, each once; none where the path is
/// simulated.
pub fn ends_of(streams: &[Measure]) -> (Vec<String>, Vec<String>) {
    let both = |stream: &Measure| stream.path.ends().map(|(transmit, receive)| (transmit.to_owned(), receive.to_owned()));
    let (transmit, all): (Vec<_>, Vec<_>) = streams.iter().filter_map(both).unzip();
    let mut receive: Vec<String> = Vec::new();
    for interface in all {
        if !receive.contains(&interface) {
            receive.push(interface);
        }
    }
    (transmit, receive)
}

/// For each stream which of the interfaces it comes in by; a simulated wire has one end.
fn ends(streams: &[Measure]) -> Vec<usize> {
    let (_, receive) = ends_of(streams);
    let end = |stream: &Measure| {
        let own = stream.path.ends();
        own.and_then(|(_, own)| receive.iter().position(|interface| interface == own)).unwrap_or(0)
    };
    streams.iter().map(end).collect()
}

/// Carries the order out.
///
/// # Errors
/// When it was stopped early, or the clock is broken.
pub fn run<C: Clock, W: Wires>(
    order: &Measure,
    prepared: Prepared,
    clock: &C,
    port: &mut W,
    stop: &Stop,
) -> Result<Outcome, MeasureError> {
    let first = prepared.first;
    let start = calibrated(first, clock, port, stop);
    if stop.is_raised() {
        return Err(MeasureError::Stopped);
    }
    let first_due = prepared.planned.clone().next().map_or(0, |planned| planned.due);
    let pacer = Pacer::new(first_due, first, start, LEAD).ok_or(MeasureError::NoTime)?;
    port.dropped();
    let mut turns = Loop::new(order, clock, prepared, start, pacer);
    let before = account::now();
    turns.run(port, stop);
    let account = account::since(&before);
    if stop.is_raised() {
        return Err(MeasureError::Stopped);
    }
    let mut outcome = turns.finish(port)?;
    outcome.measured.account = Some(account);
    Ok(outcome)
}

/// Waits until the clock has been observed for long enough, and sights it again.
fn calibrated<C: Clock, W: Wires>(first: Sighting, clock: &C, port: &mut W, stop: &Stop) -> Sighting {
    loop {
        let now = clock.sight_tightest(64);
        let observed = now.monotonic.saturating_sub(first.monotonic);
        if observed >= CALIBRATION || stop.is_raised() {
            return now;
        }
        port.rest(Wait::Block, CALIBRATION - observed, stop);
    }
}

#[cfg(test)]
mod tests;
