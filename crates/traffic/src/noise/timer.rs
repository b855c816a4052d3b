//! The timer test: a thread sleeps until an absolute time and looks how much later it runs, again and again.
//!
//! That is what cyclictest of rt-tests measures, by the same call: clock_nanosleep(2) with `TIMER_ABSTIME` on `CLOCK_MONOTONIC`. In one thing
//! it differs. After a stall longer than an interval cyclictest leaves out the times that have passed; here each of them is a cycle, as
//! late as it is, so that a long stall weighs as much as the time it took (G. Tene, "How NOT to measure latency": coordinated omission).

use rustix::io::Errno;
use rustix::thread::clock_nanosleep_absolute;
use rustix::time::{ClockId, Timespec, clock_gettime};
use tailbed_format::noise::CoreNoise;
use tailbed_format::summary::Gap;

use super::tally::{counted, worst};
use super::{NoiseError, touched};
use crate::stop::Stop;

const SECOND: u64 = 1_000_000_000;

/// A clock to sleep by.
pub(super) trait Sleeper {
    /// The time, ns.
    fn now(&self) -> u64;

    /// Returns at this time or later; at once when it has passed.
    fn sleep_until(&self, due: u64) -> Result<(), NoiseError>;
}

/// The kernel's `CLOCK_MONOTONIC`.
#[derive(Debug)]
pub(super) struct Monotonic;

impl Sleeper for Monotonic {
    fn now(&self) -> u64 {
        let time = clock_gettime(ClockId::Monotonic);
        // the clock begins at 0, and both parts are positive
        time.tv_sec.unsigned_abs() * SECOND + time.tv_nsec.unsigned_abs()
    }

    fn sleep_until(&self, due: u64) -> Result<(), NoiseError> {
        let until = Timespec { tv_sec: (due / SECOND).cast_signed(), tv_nsec: (due % SECOND).cast_signed() };
        loop {
            match clock_nanosleep_absolute(ClockId::Monotonic, &until) {
                Ok(()) => return Ok(()),
                Err(Errno::INTR) => {}
                Err(error) => return Err(NoiseError::Sleep(std::io::Error::from(error).to_string())),
            }
        }
    }
}

/// The test before it begins.
#[derive(Debug)]
pub(super) struct Timer {
    interval: u64,
    cycles: u64,
    late: Vec<u64>,
}

impl Timer {
    /// The interval in ns; both at least 1.
    pub(super) fn new(interval: u64, cycles: u64) -> Result<Self, NoiseError> {
        Ok(Self { interval, cycles, late: touched(cycles, 1)? })
    }

    /// Sleeps on the core that the calling thread is on.
    pub(super) fn run(mut self, clock: &impl Sleeper, stop: &Stop) -> Result<CoreNoise, NoiseError> {
        let begin = clock.now();
        let (mut now, mut overdue) = (begin, 0);
        for cycle in 1..=self.cycles {
            // computed from the number each time: nothing adds up, and nothing waits for a cycle that was late
            let due = begin.saturating_add(cycle.saturating_mul(self.interval));
            overdue += u64::from(now >= due);
            clock.sleep_until(due)?;
            now = clock.now();
            self.late.push(now.saturating_sub(due));
            if stop.is_raised() {
                return Err(NoiseError::Stopped);
            }
        }
        let at = |index: usize| (index as u64 + 1).saturating_mul(self.interval).cast_signed();
        let cycles = self.late.iter().enumerate().map(|(index, &length)| Gap { at: at(index), length }).collect();
        Ok(CoreNoise {
            cpu: None,
            worst: worst(cycles),
            span: now - begin,
            turns: self.late.len() as u64,
            values: counted(self.late),
            overdue,
            unlisted: 0,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    /// Wakes 3 ns late, and once, at 500, after a stall of 250 ns.
    struct Model(Cell<u64>);

    impl Sleeper for Model {
        fn now(&self) -> u64 {
            self.0.get()
        }

        fn sleep_until(&self, due: u64) -> Result<(), NoiseError> {
            let stall = if due == 500 { 250 } else { 0 };
            self.0.set(self.0.get().max(due + 3 + stall));
            Ok(())
        }
    }

    #[test]
    fn what_was_due_during_a_stall_is_late_by_what_was_left_of_it() {
        let timer = Timer::new(100, 9).unwrap();
        let noise = timer.run(&Model(Cell::new(0)), &Stop::new().unwrap()).unwrap();
        // due at 500 and seen at 753, as are those of 600 and 700; that of 800 is in time again
        assert_eq!(noise.values, [(3, 6), (53, 1), (153, 1), (253, 1)]);
        assert_eq!((noise.overdue, noise.turns, noise.span), (2, 9, 903));
        assert_eq!(noise.worst[4], Gap { at: 500, length: 253 });
    }

    #[test]
    fn a_stop_ends_it() {
        let stop = Stop::new().unwrap();
        stop.raise();
        assert_eq!(Timer::new(1, 1_000_000).unwrap().run(&Monotonic, &stop), Err(NoiseError::Stopped));
    }

    #[test]
    fn nobody_is_woken_early() {
        let due = Monotonic.now() + 2_000_000;
        Monotonic.sleep_until(due).unwrap();
        assert!(Monotonic.now() >= due);
    }
}
