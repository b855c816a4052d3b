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
    turns.run(port, stop);
    if stop.is_raised() { Err(MeasureError::Stopped) } else { turns.finish(port) }
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
mod tests {
    use super::*;
    use crate::port::{Incoming, Receive, SimulatedClock, SimulatedPort, Transmit, WireModel};
    use rustix::io::Errno;
    use tailbed_format::mac::MacAddress;
    use tailbed_format::order::{Path, Schedule, Scheduling, SimulatedWire};
    use tailbed_format::port::Ports;
    use tailbed_format::stream::Stream;
    use tailbed_format::summary::Gap;
    use tailbed_format::traffic::{Pattern, Shape};

    const WIRE: SimulatedWire = SimulatedWire {
        seed: 1,
        base: 700,
        mean_extra: 0,
        spike_share: 0,
        spike: 0,
        loss: 0,
        duplicates: 0,
        reordered: 0,
        capacity: None,
        queue: 0,
    };

    pub(super) fn order() -> Measure {
        Measure {
            name: String::new(),
            path: Path::Simulated(WIRE),
            ports: Ports::LATENCY,
            frame: 60,
            source: MacAddress::local(1, 1),
            destination: MacAddress::local(1, 2),
            tag: 5,
            schedule: Schedule { rate: 10_000, warm_up: 0, duration: 10_000_000 },
            shape: Shape::default(),
            drain: 1_000_000,
            gap: 20_000,
            scheduling: Scheduling { cpus: vec![], priority: None, lock_memory: false, wait: Wait::Spin },
            more: vec![],
        }
    }

    /// A port that stalls the loop in one send call, refuses another, and puts a frame of others onto the wire.
    struct Troubled {
        port: SimulatedPort,
        sends: u32,
        stop: Stop,
    }

    impl Transmit for Troubled {
        fn send(&mut self, frame: &[u8]) -> Result<(), Errno> {
            self.sends += 1;
            match self.sends {
                10 => return Err(Errno::NOBUFS),
                20 => assert!(self.port.idle(Wait::Spin, 350_000, &self.stop)),
                30 => self.port.send(&[0; 60])?,
                _ => {}
            }
            self.port.send(frame)
        }
    }

    impl Receive for Troubled {
        fn receive<R>(&mut self, take: impl FnOnce(Incoming<'_>) -> R) -> Option<R> {
            self.port.receive(take)
        }

        fn idle(&mut self, wait: Wait, ns: u64, stop: &Stop) -> bool {
            self.port.idle(wait, ns, stop)
        }

        fn drops(&mut self) -> u64 {
            2
        }
    }

    fn measure(stop: &Stop) -> Result<Outcome, MeasureError> {
        let clock = SimulatedClock::default();
        let port = SimulatedPort::new(clock.clone(), WireModel::new(WIRE, 100_000));
        let mut port = Troubled { port, sends: 0, stop: Stop::new().unwrap() };
        let prepared = prepare(&order(), Recording::default(), &clock).unwrap();
        run(&order(), prepared, &clock, &mut port, stop)
    }

    #[test]
    fn troubles_are_counted_and_the_schedule_does_not_slip() {
        let outcome = measure(&Stop::new().unwrap()).unwrap();
        let measured = &outcome.measured;
        assert_eq!((measured.send_errors, measured.foreign, measured.receive_drops), (1, 1, 2));
        assert!(measured.last_send_error.as_ref().is_some_and(|error| error.contains("105")), "{measured:?}");

        let departures: Vec<_> = outcome.departures().collect();
        assert_eq!(departures.len(), 99);
        assert!(departures.iter().all(|departure| departure.sequence != 9), "a refused packet has not departed");
        let lateness: Vec<_> = departures.iter().map(|departure| departure.sent - departure.due).collect();
        // The send of packet 19 took the time of 3.5 intervals; the three behind it went out as soon as they could.
        let late: Vec<_> = lateness.iter().copied().filter(|&late| late != 0).collect();
        assert_eq!(late, [250_000, 150_000, 50_000]);
        assert_eq!(measured.gaps, [Gap { at: 1_900_000, length: 350_000 }]);
    }

    /// Keeps up to four frames back; the kernel refuses the second and the third of a full queue.
    struct Queueing {
        port: SimulatedPort,
        queue: Vec<Vec<u8>>,
        flushes: Vec<usize>,
    }

    impl Transmit for Queueing {
        const QUEUE: usize = 4;

        fn send(&mut self, frame: &[u8]) -> Result<(), Errno> {
            self.queue.push(frame.to_vec());
            Ok(())
        }

        fn queued(&self) -> usize {
            self.queue.len()
        }

        fn flush(&mut self, mut refused: impl FnMut(usize, Errno)) {
            let full = self.queue.len() == <Self as Transmit>::QUEUE;
            self.flushes.push(self.queue.len());
            for (place, frame) in std::mem::take(&mut self.queue).into_iter().enumerate() {
                if full && (place == 1 || place == 2) {
                    refused(place, Errno::NOBUFS);
                } else {
                    self.port.send(&frame).unwrap();
                }
            }
        }
    }

    impl Receive for Queueing {
        fn receive<R>(&mut self, take: impl FnOnce(Incoming<'_>) -> R) -> Option<R> {
            self.port.receive(take)
        }

        fn idle(&mut self, wait: Wait, ns: u64, stop: &Stop) -> bool {
            self.port.idle(wait, ns, stop)
        }

        fn drops(&mut self) -> u64 {
            0
        }
    }

    /// Two wires in one time; every tenth packet of the first stream goes out on the second's.
    struct Crossed {
        wires: [SimulatedPort; 2],
        sent: u32,
    }

    impl Wires for Crossed {
        fn send_of(&mut self, stream: usize, frame: &[u8]) -> Result<(), Errno> {
            self.sent += u32::from(stream == 0);
            let astray = stream == 0 && self.sent.is_multiple_of(10);
            self.wires[if astray { 1 } else { stream }].send(frame)
        }

        fn take<R>(&mut self, take: impl FnOnce(usize, Incoming<'_>) -> R) -> Option<R> {
            let mut take = Some(take);
            let [first, second] = &mut self.wires;
            let taken = first.receive(|incoming| take.take().map(|take| take(0, incoming)));
            taken.or_else(|| second.receive(|incoming| take.take().map(|take| take(1, incoming)))).flatten()
        }

        /// Time goes on until the next packet is due, or comes in, at the earliest by either wire: in steps of a microsecond.
        fn rest(&mut self, wait: Wait, ns: u64, stop: &Stop) -> bool {
            self.wires[0].idle(wait, ns.min(1_000), stop)
        }

        fn dropped(&mut self) -> u64 {
            0
        }
    }

    /// Bursts of six: those that are due at one time leave in one queue as far as it holds them, and nothing waits for the next burst.
    #[test]
    fn packets_due_together_are_queued_and_refused_ones_have_not_departed() {
        let clock = SimulatedClock::default();
        let port = SimulatedPort::new(clock.clone(), WireModel::new(WIRE, 100_000));
        let mut port = Queueing { port, queue: Vec::new(), flushes: Vec::new() };
        let pattern = Pattern::Burst { size: 6, gap: Some(1_000_000) };
        let order = Measure { shape: Shape { pattern, ..Shape::default() }, ..order() };
        let prepared = prepare(&order, Recording::default(), &clock).unwrap();
        let outcome = run(&order, prepared, &clock, &mut port, &Stop::new().unwrap()).unwrap();
        assert_eq!(port.flushes, [4, 2].repeat(10));
        assert_eq!((outcome.measured.send_errors, outcome.departures().count()), (20, 40));
        let sequences: Vec<_> = outcome.departures().map(|departure| departure.sequence % 6).collect();
        assert_eq!(sequences, [0, 3, 4, 5].repeat(10));
        let arrived: Vec<_> = outcome.arrivals().map(|arrival| arrival.sequence % 6).collect();
        assert_eq!(arrived, sequences);
    }

    #[test]
    fn what_comes_in_at_another_streams_end_is_not_received() {
        let clock = SimulatedClock::default();
        let wire = || SimulatedPort::new(clock.clone(), WireModel::new(WIRE, 100_000));
        let mut port = Crossed { wires: [wire(), wire()], sent: 0 };
        let interfaces = |transmit: &str, receive: &str| Path::Interfaces { transmit: transmit.into(), receive: receive.into() };
        let back = Stream {
            name: "back".to_owned(),
            transmit: "rx".to_owned(),
            receive: "tx".to_owned(),
            frame: 60,
            source: order().source,
            destination: order().destination,
            schedule: Schedule { rate: 20_000, ..order().schedule },
            shape: Shape::default(),
        };
        let order = Measure { name: "forth".to_owned(), path: interfaces("tx", "rx"), more: vec![back], ..order() };
        let prepared = prepare(&order, Recording::default(), &clock).unwrap();
        let outcome = run(&order, prepared, &clock, &mut port, &Stop::new().unwrap()).unwrap();
        assert_eq!((outcome.measured.misdelivered.as_slice(), outcome.measured.foreign), (&[10, 0][..], 0));
        let departures: Vec<_> = outcome.departures().collect();
        assert!(departures.is_sorted_by_key(|departure| (departure.due, departure.flow)));
        let of = |flow| departures.iter().filter(|departure| departure.flow == flow).count();
        assert_eq!((of(0), of(1)), (100, 200));
        let came_in =
            |flow| outcome.arrivals().filter(|arrival| arrival.flow == flow).map(|arrival| arrival.sequence).collect::<Vec<_>>();
        assert_eq!(came_in(0), (0..100).filter(|sequence| sequence % 10 != 9).collect::<Vec<_>>());
        assert_eq!(came_in(1), (0..200).collect::<Vec<_>>());
    }

    #[test]
    fn a_raised_flag_ends_the_run() {
        let stop = Stop::new().unwrap();
        stop.raise();
        assert!(matches!(measure(&stop), Err(MeasureError::Stopped)));
    }
}
