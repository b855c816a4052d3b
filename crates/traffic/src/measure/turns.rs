//! The loop itself.

use std::io;

use rustix::io::Errno;
use tailbed_format::message::Measured;
use tailbed_format::order::Measure;

use super::gap_log::GapLog;
use super::merged::{Merged, Numbers, Planned};
use super::pacer::Pacer;
use super::records::{Records, Seen};
use super::{MeasureError, Outcome, Prepared, SIGHTING_INTERVAL};
use crate::clock::{Clock, Sighting, Timeline};
use crate::packet::frames::Frames;
use crate::packet::identify;
use crate::port::{Incoming, RING_FRAMES, Wires};
use crate::stop::Stop;

/// Clocks are only read when nothing is due for so long, ns: reading takes some 500 ns. Above some 600 000 packets per second there is
/// no such time, and the pacing relies on the rate as it was known before the first packet.
const SIGHTING_TAKES: u64 = 1_500;

/// Sends that the kernel refused. A refused packet is not tried again: its time has passed.
#[derive(Debug, Default)]
struct Refused {
    count: u64,
    no_room: u64,
    last: Option<Errno>,
}

impl Refused {
    fn note(&mut self, error: Errno) {
        self.count += 1;
        self.no_room += u64::from(matches!(error, Errno::AGAIN | Errno::BUSY | Errno::NOBUFS));
        self.last = Some(error);
    }
}

/// What the loop works on.
pub(super) struct Loop<'a, C> {
    order: &'a Measure,
    clock: &'a C,
    /// By stream.
    frames: Vec<Frames>,
    planned: Merged,
    numbers: Numbers,
    /// By stream: the end its packets come in by.
    ends: Vec<usize>,
    /// By stream: packets that came in by another end.
    misdelivered: Vec<u64>,
    records: Records,
    gaps: GapLog,
    sightings: Vec<Sighting>,
    pacer: Pacer,
    refused: Refused,
    foreign: u64,
}

impl<'a, C: Clock> Loop<'a, C> {
    /// A loop whose first packet is due when the pacer says; `start` is the latest sighting.
    pub(super) fn new(order: &'a Measure, clock: &'a C, prepared: Prepared, start: Sighting, pacer: Pacer) -> Self {
        let Prepared { frames, planned, numbers, ends, records, gaps, first, mut sightings } = prepared;
        sightings.extend([first, start]);
        Self {
            order,
            clock,
            misdelivered: vec![0; frames.len()],
            frames,
            planned,
            numbers,
            ends,
            records,
            gaps,
            sightings,
            pacer,
            refused: Refused::default(),
            foreign: 0,
        }
    }
}

impl<C: Clock> Loop<'_, C> {
    /// Takes turns until the last packet has had its time to come in, or the flag is raised.
    pub(super) fn run<W: Wires>(&mut self, port: &mut W, stop: &Stop) {
        let mut planned = self.planned.clone();
        let mut next = planned.next();
        let (mut due, mut end) = self.plan(next, 0);
        let mut next_sighting = self.pacer.after(SIGHTING_INTERVAL);
        let gap = self.pacer.ticks(self.order.gap);
        self.gaps.begin(self.clock.ticks(), gap);
        while !stop.is_raised() {
            let now = self.clock.ticks();
            let sending = now >= due;
            if let (true, Some(packet)) = (sending, next) {
                let result = port.send_of(packet.stream, self.frames[packet.stream].written());
                self.note_sent(packet.number, now, result);
                next = planned.next();
                (due, end) = self.plan(next, due);
                // what is due already goes with it
                if W::QUEUE > 0 && (now < due || port.queue() >= W::QUEUE) {
                    self.flush(port, packet.number + 1);
                }
            }
            self.gaps.turn(now);
            // After a send the clock is read anew before anything is made of the time that is left.
            if self.take_one(port) || sending {
                continue;
            }
            if now >= end {
                break;
            }
            let until = due.min(end);
            let spare = self.pacer.ns(until.saturating_sub(now));
            if now >= next_sighting && spare > SIGHTING_TAKES {
                self.sight();
                next_sighting = self.pacer.after(SIGHTING_INTERVAL);
                continue;
            }
            if port.rest(self.order.scheduling.wait, spare, stop) {
                // Sleeping as planned is no gap; sleeping on after the time is.
                self.gaps.rested_until(self.clock.ticks().min(until));
            }
        }
        // What came in before the end and lies in a ring still.
        let rings = self.ends.iter().max().map_or(1, |last| last + 1);
        for _ in 0..rings * RING_FRAMES as usize {
            if !self.take_one(port) {
                break;
            }
        }
    }

    /// Writes the next packet and says when it is due and when all is over, ticks. After the last one, which was due at `latest`, no
    /// packet is ever due again, and all is over when it has had its time to come in.
    #[inline]
    fn plan(&mut self, next: Option<Planned>, latest: u64) -> (u64, u64) {
        match next {
            Some(Planned { due, stream, flow, sequence, .. }) => {
                self.frames[stream].write(flow, sequence);
                (self.pacer.due_ticks(due), u64::MAX)
            }
            None => (u64::MAX, latest.saturating_add(self.pacer.ticks(self.order.drain))),
        }
    }

    #[inline]
    fn note_sent(&mut self, number: u64, sent: u64, result: Result<(), Errno>) {
        match result {
            Ok(()) => self.records.sent(number, sent),
            Err(error) => self.refused.note(error),
        }
    }

    /// Hands over what the port has kept back of the packets before `next`.
    #[inline]
    fn flush<W: Wires>(&mut self, port: &mut W, next: u64) {
        let (records, refused) = (&mut self.records, &mut self.refused);
        let queued = port.queue();
        port.hand_over(|place, error| {
            records.not_sent(next, queued - place);
            refused.note(error);
        });
    }

    /// Takes a frame from one of the ends, if there is one.
    #[inline]
    fn take_one<W: Wires>(&mut self, port: &mut W) -> bool {
        let (clock, tag, numbers) = (self.clock, self.order.tag, &self.numbers);
        let taken = port.take(|end, Incoming { bytes, stamp, .. }| {
            let user = clock.ticks();
            let identifier = identify(bytes).filter(|identifier| identifier.tag == tag)?;
            let (stream, number) = numbers.of(&identifier)?;
            Some((end, stream, Seen { number, kernel: stamp, user }))
        });
        match taken {
            None => return false,
            Some(Some((end, stream, seen))) if self.ends[stream] == end => self.records.seen(seen),
            Some(Some((_, stream, _))) => self.misdelivered[stream] += 1,
            Some(None) => self.foreign += 1,
        }
        true
    }

    /// Relates the clocks once more; a reading that was disturbed is left out.
    fn sight(&mut self) {
        let sighting = self.clock.sight_tightest(4);
        let usual = self.sightings[0].bracket.max(self.sightings[1].bracket);
        if sighting.bracket <= 2 * usual && self.sightings.len() < self.sightings.capacity() {
            self.sightings.push(sighting);
            self.pacer.follow(sighting);
        }
    }

    /// Makes times of the stamps.
    pub(super) fn finish<W: Wires>(mut self, port: &mut W) -> Result<Outcome, MeasureError> {
        let receive_drops = port.dropped().saturating_add(self.records.overflow());
        self.sightings.push(self.clock.sight_tightest(64));
        let timeline = Timeline::new(self.sightings, self.pacer.origin()).ok_or(MeasureError::NoTime)?;
        let relation = timeline.relation();
        let (gaps, gap_count) = self.gaps.finish(&timeline, relation.tsc_hz / 1e9);
        let measured = Measured {
            clock: relation,
            send_errors: self.refused.count,
            last_send_error: self.refused.last.map(|error| io::Error::from(error).to_string()),
            no_room: self.refused.no_room,
            receive_drops,
            foreign: self.foreign,
            // of one stream alone there is no other's interface
            misdelivered: if self.numbers.streams() > 1 { self.misdelivered } else { Vec::new() },
            gaps,
            gap_count,
            account: None,
        };
        Ok(Outcome { measured, timeline, records: self.records, planned: self.planned, numbers: self.numbers })
    }
}
