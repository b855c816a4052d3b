//! A wire that does not exist: packets are delayed, lost, doubled and disordered by a seeded model, on a clock that is part of it.
//!
//! Time passes only while a loop idles, and then jumps to the next event: seconds of traffic take milliseconds, and the same order
//! gives the same packets and times on any machine.

use std::cell::Cell;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::rc::Rc;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rustix::io::Errno;
use tailbed_format::order::{SimulatedWire, Wait};

use super::{Incoming, Receive, Transmit};
use crate::clock::{Clock, Sighting};
use crate::stop::Stop;

/// Where the simulated clocks stand when the simulation begins, ns.
const TICKS: u64 = 1_000_000_000;
const MONOTONIC_AHEAD: u64 = 1_000_000_000_000;
const REALTIME_AHEAD: u64 = 1_600_000_000_000_000_000;

/// A clock that moves only when it is told to; one tick is one nanosecond.
#[derive(Debug, Clone)]
pub struct SimulatedClock(Rc<Cell<u64>>);

impl SimulatedClock {
    fn advance_to(&self, ticks: u64) {
        self.0.set(self.0.get().max(ticks));
    }
}

impl Default for SimulatedClock {
    fn default() -> Self {
        Self(Rc::new(Cell::new(TICKS)))
    }
}

impl Clock for SimulatedClock {
    fn ticks(&self) -> u64 {
        self.0.get()
    }

    fn sight(&self) -> Sighting {
        let ticks = self.ticks();
        Sighting { ticks, monotonic: ticks + MONOTONIC_AHEAD, realtime: ticks + REALTIME_AHEAD, bracket: 0 }
    }
}

/// What becomes of one packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fate {
    /// How long after it was sent it comes in, ns; `None` when it is lost.
    pub delay: Option<u64>,
    /// How long after it was sent it comes in a second time, ns.
    pub again: Option<u64>,
}

/// The model: one [`Fate`] after the other, in the order of sending.
///
/// Each packet draws the same number of random values whatever becomes of it, so that changing one share of the wire changes
/// nothing else. The second copy of a packet comes in the least delay (at least 1 ns) after the first.
#[derive(Debug, Clone)]
pub struct WireModel {
    wire: SimulatedWire,
    interval: u64,
    random: ChaCha8Rng,
}

impl WireModel {
    /// The model of a wire on which a packet is sent every `interval` ns.
    pub fn new(wire: SimulatedWire, interval: u64) -> Self {
        Self { random: ChaCha8Rng::seed_from_u64(wire.seed), wire, interval }
    }

    /// The fate of the next packet.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an exponential delay is positive and small")]
    pub fn fate(&mut self) -> Fate {
        let [lost, spike, held_back, twice] =
            [self.wire.loss, self.wire.spike_share, self.wire.reordered, self.wire.duplicates].map(|share| self.happens(share));
        // Inverse transform: -ln(1-u) is exponentially distributed with mean 1 for u uniform in [0, 1).
        let exponential = -(1.0 - self.random.random::<f64>()).ln();
        let mut delay = self.wire.base + (exponential * self.wire.mean_extra as f64) as u64;
        delay += if spike { self.wire.spike } else { 0 };
        delay += if held_back { 3 * self.interval } else { 0 };
        let again = (twice && !lost).then(|| delay + self.wire.base.max(1));
        Fate { delay: (!lost).then_some(delay), again }
    }

    /// Draws whether something with a share in parts per million happens.
    fn happens(&mut self, share: u32) -> bool {
        self.random.random_range(0..1_000_000u32) < share
    }
}

/// A narrow place that lets packets through one after the other and has room for some to wait. All in whole numbers: work is counted in
/// parts of which the place does `capacity` in a nanosecond, and a packet is as many as there are nanoseconds in a second.
#[derive(Debug, Clone)]
pub struct Bottleneck {
    capacity: u128,
    room: u128,
    left: u128,
    at: u64,
}

/// Work that a packet makes.
const PACKET: u128 = 1_000_000_000;

impl Bottleneck {
    /// One that lets `capacity` packets per second through (at least 1) and has `queue` wait at most.
    pub fn new(capacity: u64, queue: u32) -> Self {
        Self { capacity: capacity.max(1).into(), room: PACKET * (u128::from(queue) + 1), left: 0, at: 0 }
    }

    /// A packet comes at a time, ns, not before the one before it. Gives how long it takes to get through, ns; `None` when it is lost.
    pub fn pass(&mut self, now: u64) -> Option<u64> {
        let done = u128::from(now.saturating_sub(self.at)) * self.capacity;
        self.left = self.left.saturating_sub(done);
        self.at = self.at.max(now);
        if self.left + PACKET > self.room {
            return None;
        }
        self.left += PACKET;
        u64::try_from(self.left.div_ceil(self.capacity)).ok()
    }
}

/// Both ends of a simulated wire.
#[derive(Debug)]
pub struct SimulatedPort {
    clock: SimulatedClock,
    bottleneck: Option<Bottleneck>,
    model: WireModel,
    sent: u64,
    in_flight: BinaryHeap<Reverse<InFlight>>,
}

/// A frame on its way: first in is first out among those that come in at the same time.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct InFlight {
    at: u64,
    number: u64,
    frame: Box<[u8]>,
}

impl SimulatedPort {
    /// A port on the model's wire, in the clock's time.
    pub fn new(clock: SimulatedClock, model: WireModel) -> Self {
        let bottleneck = model.wire.capacity.map(|capacity| Bottleneck::new(capacity, model.wire.queue));
        Self { clock, bottleneck, model, sent: 0, in_flight: BinaryHeap::new() }
    }
}

impl Transmit for SimulatedPort {
    fn send(&mut self, frame: &[u8]) -> Result<(), Errno> {
        let Fate { delay, again } = self.model.fate();
        let now = self.clock.ticks();
        let Some(through) = self.bottleneck.as_mut().map_or(Some(0), |bottleneck| bottleneck.pass(now)) else { return Ok(()) };
        for delay in [delay, again].into_iter().flatten() {
            let at = now + through + delay;
            self.in_flight.push(Reverse(InFlight { at, number: self.sent, frame: frame.into() }));
            self.sent += 1;
        }
        Ok(())
    }
}

impl Receive for SimulatedPort {
    fn receive<R>(&mut self, take: impl FnOnce(Incoming<'_>) -> R) -> Option<R> {
        let Reverse(first) = self.in_flight.peek()?;
        if first.at > self.clock.ticks() {
            return None;
        }
        let Reverse(InFlight { at, mut frame, .. }) = self.in_flight.pop()?;
        Some(take(Incoming { bytes: &mut frame, stamp: at + REALTIME_AHEAD, truncated: false }))
    }

    fn idle(&mut self, _: Wait, ns: u64, _: &Stop) -> bool {
        let until = self.clock.ticks().saturating_add(ns);
        let next = self.in_flight.peek().map_or(until, |Reverse(first)| first.at.min(until));
        self.clock.advance_to(next);
        true
    }

    fn drops(&mut self) -> u64 {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wire() -> SimulatedWire {
        SimulatedWire {
            seed: 1,
            base: 2_000,
            mean_extra: 1_000,
            spike_share: 100,
            spike: 1_000_000,
            loss: 10_000,
            duplicates: 5_000,
            reordered: 2_000,
            capacity: None,
            queue: 0,
        }
    }

    /// At twice the capacity every other packet is lost once the queue is full, and those that get through wait for all before them.
    #[test]
    fn a_bottleneck_loses_what_is_too_much() {
        let mut bottleneck = Bottleneck::new(1_000_000, 3);
        let passed: Vec<_> = (0..12).map(|number| bottleneck.pass(number * 500)).collect();
        let (some, none) = (Some, None);
        assert_eq!(
            passed,
            [
                some(1_000),
                some(1_500),
                some(2_000),
                some(2_500),
                some(3_000),
                some(3_500),
                some(4_000),
                none,
                some(4_000),
                none,
                some(4_000),
                none
            ]
        );
        let passed = |rate: u64| {
            let mut bottleneck = Bottleneck::new(333_333, 10);
            (0..rate).filter(|number| bottleneck.pass(number * 1_000_000_000 / rate).is_some()).count()
        };
        assert_eq!(passed(333_333), 333_333);
        // a second's worth, what waits at its end, and the one that is passing
        assert!((333_343..=333_344).contains(&passed(400_000)), "{}", passed(400_000));
    }

    fn fates(wire: SimulatedWire) -> Vec<Fate> {
        let mut model = WireModel::new(wire, 10_000);
        (0..200_000).map(|_| model.fate()).collect()
    }

    /// Each share is found within five standard deviations, and the mean delay within 2 %.
    #[test]
    fn the_model_is_what_it_says() {
        let fates = fates(wire());
        let close = |found: usize, share: f64| {
            let expected = fates.len() as f64 * share;
            assert!((found as f64 - expected).abs() < 5.0 * expected.sqrt(), "{found} of {expected}");
        };
        close(fates.iter().filter(|fate| fate.delay.is_none()).count(), 0.01);
        close(fates.iter().filter(|fate| fate.again.is_some()).count(), 0.005 * 0.99);
        let delays: Vec<_> = fates.iter().filter_map(|fate| fate.delay).collect();
        close(delays.iter().filter(|&&delay| delay > 1_000_000).count(), 0.0001 * 0.99);
        close(delays.iter().filter(|&&delay| (32_000..1_000_000).contains(&delay)).count(), 0.002 * 0.99);
        let usual: Vec<_> = delays.iter().filter(|&&delay| delay < 32_000).collect();
        let mean = usual.iter().copied().sum::<u64>() as f64 / usual.len() as f64;
        assert!((mean - 3_000.0).abs() < 60.0, "{mean}");
        assert!(delays.iter().all(|&delay| delay >= 2_000));
    }

    #[test]
    fn a_share_changes_nothing_but_what_it_is_the_share_of() {
        let (with, without) = (fates(wire()), fates(SimulatedWire { loss: 0, ..wire() }));
        let kept = |(with, without): (&Fate, &Fate)| with.delay.is_none_or(|_| with == without);
        assert!(with.iter().zip(&without).all(kept));
        assert_ne!(with, without);
    }

    #[test]
    fn time_jumps_to_the_next_frame_or_the_end_of_the_wait() {
        let clock = SimulatedClock::default();
        let steady = SimulatedWire { mean_extra: 0, spike_share: 0, loss: 0, duplicates: 0, reordered: 0, ..wire() };
        let mut port = SimulatedPort::new(clock.clone(), WireModel::new(steady, 10_000));
        let stop = Stop::new().unwrap();
        port.send(&[7; 60]).unwrap();
        assert!(port.idle(Wait::Spin, 500, &stop));
        assert_eq!(clock.ticks(), TICKS + 500);
        assert!(port.receive(|_| ()).is_none());
        assert!(port.idle(Wait::Spin, 5_000, &stop));
        assert_eq!(clock.ticks(), TICKS + 2_000);
        let stamp = port.receive(|incoming| (incoming.bytes.len(), incoming.stamp));
        assert_eq!(stamp, Some((60, TICKS + 2_000 + REALTIME_AHEAD)));
    }
}
