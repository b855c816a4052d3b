//! The gap detector: a loop that does nothing but read the clock sees every stretch during which its core did something else.
//!
//! The idea is that of sysjitter (D. Riddoch, Solarflare) and of oslat in rt-tests: whatever takes a core away from a loop (an interrupt,
//! another task, the hypervisor, the firmware) shows as two neighbouring readings that lie further apart than a turn takes.

use tailbed_format::noise::{CoreNoise, MOST_GAPS};
use tailbed_format::summary::Gap;

use super::tally::{counted, worst};
use super::{NoiseError, touched};
use crate::clock::{Clock, Sighting, Timeline};
use crate::stop::Stop;

/// The clock's rate is taken from at least this much time before the test, ns: what a threshold in ticks is wrong by is then far below a
/// tick. Lengths are converted by the sightings at both ends of the test.
const CALIBRATION: u64 = 10_000_000;

/// How many readings of all clocks are made at each end, of which the tightest counts.
const TRIES: u32 = 64;

/// A gap in ticks: when the reading before it was made, and how long it was.
type Found = (u64, u64);

/// The detector before it begins.
#[derive(Debug)]
pub(super) struct Watch {
    threshold: u64,
    duration: u64,
    found: Vec<Found>,
}

impl Watch {
    /// Both in ns, at least 1.
    pub(super) fn new(threshold: u64, duration: u64) -> Result<Self, NoiseError> {
        Ok(Self { threshold, duration, found: touched(MOST_GAPS as u64, (1, 1))? })
    }

    /// Watches the core that the calling thread is on.
    pub(super) fn run(mut self, clock: &impl Clock, stop: &Stop) -> Result<CoreNoise, NoiseError> {
        let first = clock.sight_tightest(TRIES);
        let before = calibrated(first, clock, stop)?;
        let ticks_per_ns = first.ticks_per_ns(&before).ok_or(NoiseError::NoTime)?;
        let (threshold, duration) = (in_ticks(self.threshold, ticks_per_ns), in_ticks(self.duration, ticks_per_ns));
        let watched = watch(clock, threshold, duration, stop, &mut self.found);
        let after = clock.sight_tightest(TRIES);
        if stop.is_raised() {
            return Err(NoiseError::Stopped);
        }
        // the first reading that a gap can follow is time 0
        let line = Timeline::new(vec![before, after], before.monotonic).ok_or(NoiseError::NoTime)?;
        let begin = line.at_ticks(watched.begin);
        let gap = |&(at, length): &Found| {
            let (from, to) = (line.at_ticks(at), line.at_ticks(at.wrapping_add(length)));
            Gap { at: from - begin, length: to.abs_diff(from) }
        };
        let gaps: Vec<Gap> = self.found.iter().map(gap).collect();
        Ok(CoreNoise {
            cpu: None,
            values: counted(gaps.iter().map(|gap| gap.length).collect()),
            worst: worst(gaps),
            span: line.at_ticks(watched.end).abs_diff(begin),
            turns: watched.turns,
            overdue: 0,
            unlisted: watched.unlisted,
        })
    }
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a positive number of ticks; casts of floats saturate"
)]
fn in_ticks(ns: u64, ticks_per_ns: f64) -> u64 {
    (ns as f64 * ticks_per_ns).round() as u64
}

/// Reads the clock until it has been observed for long enough.
fn calibrated(first: Sighting, clock: &impl Clock, stop: &Stop) -> Result<Sighting, NoiseError> {
    loop {
        let now = clock.sight_tightest(TRIES);
        if now.monotonic.saturating_sub(first.monotonic) >= CALIBRATION {
            return Ok(now);
        }
        if stop.is_raised() {
            return Err(NoiseError::Stopped);
        }
    }
}

/// What the loop knows besides the gaps, in ticks.
struct Watched {
    begin: u64,
    end: u64,
    turns: u64,
    unlisted: u64,
}

/// The loop: one reading a turn. What it takes to note a gap is part of the next turn, some nanoseconds of it.
#[inline(never)]
fn watch(clock: &impl Clock, threshold: u64, duration: u64, stop: &Stop, found: &mut Vec<Found>) -> Watched {
    let begin = clock.ticks();
    let (mut last, mut turns, mut unlisted) = (begin, 0, 0);
    loop {
        let now = clock.ticks();
        let length = now.wrapping_sub(last);
        turns += 1;
        if length >= threshold {
            // there is memory for as many as may be kept, and no more is taken
            if found.len() < found.capacity() {
                found.push((last, length));
            } else {
                unlisted += 1;
            }
        }
        last = now;
        if now.wrapping_sub(begin) >= duration || stop.is_raised() {
            return Watched { begin, end: now, turns, unlisted };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    /// A clock of two ticks per ns that goes 100 ns further with each reading, and sometimes more.
    struct Model {
        ns: Cell<u64>,
        /// From these times on it goes on by so much once, ns.
        gaps: [(u64, u64); 3],
    }

    const TURN: u64 = 100;

    impl Clock for Model {
        fn ticks(&self) -> u64 {
            let now = self.ns.get();
            let next = now + TURN;
            let more = self.gaps.iter().find(|(at, _)| (now..next).contains(at)).map_or(0, |(_, length)| *length);
            self.ns.set(next + more);
            (next + more) * 2
        }

        fn sight(&self) -> Sighting {
            let ns = self.ns.get() + TURN;
            self.ns.set(ns);
            Sighting { ticks: ns * 2, monotonic: ns, realtime: ns, bracket: 2 }
        }
    }

    fn model() -> Model {
        Model { ns: Cell::new(0), gaps: [(20_000_000, 900), (21_000_000, 50_000), (22_000_000, 400)] }
    }

    #[test]
    fn every_gap_is_found_with_its_length_and_when_it_was() {
        let stop = Stop::new().unwrap();
        let noise = Watch::new(1_000, 30_000_000).unwrap().run(&model(), &stop).unwrap();
        // a gap comes on top of the turn it falls into; that of 400 ns stays below the threshold
        assert_eq!(noise.values, [(1_000, 1), (50_100, 1)]);
        assert!(noise.span >= 30_000_000 && noise.span < 30_001_000, "{}", noise.span);
        let [short, long] = noise.worst.as_slice() else { panic!("{:?}", noise.worst) };
        assert_eq!(long.at - short.at, 1_000_000);
        assert_eq!(noise.turns, (noise.span - 51_300) / TURN);
        assert_eq!((noise.unlisted, noise.overdue), (0, 0));
    }

    #[test]
    fn gaps_that_cannot_be_kept_are_counted() {
        let stop = Stop::new().unwrap();
        let mut watch = Watch::new(1_000, 30_000_000).unwrap();
        watch.found = Vec::with_capacity(1);
        let kept = watch.found.capacity() as u64;
        let noise = watch.run(&model(), &stop).unwrap();
        assert_eq!(noise.values.len() as u64 + noise.unlisted, 2);
        assert_eq!(noise.values.len() as u64, kept.min(2));
    }

    #[test]
    fn a_stop_ends_it() {
        let stop = Stop::new().unwrap();
        stop.raise();
        assert_eq!(Watch::new(1_000, u64::MAX / 4).unwrap().run(&model(), &stop), Err(NoiseError::Stopped));
    }
}
