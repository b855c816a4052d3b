//! The processor's time-stamp counter.
#![allow(unsafe_code)]

use std::arch::x86_64::{__cpuid, _mm_lfence, _rdtsc};

use rustix::time::{ClockId, clock_gettime};

use super::{Clock, Sighting};

/// The time-stamp counter of this CPU, related to the kernel's clocks by reading them together.
///
/// Reading it takes some 10 ns. `RDTSC` alone may be executed before earlier loads have finished (Intel SDM, volume 2B): the stamp
/// of a frame could come from before the look at the ring that found it. `LFENCE` in front holds it back until all earlier
/// instructions are done, as the kernel's own `rdtsc_ordered` does. What follows may still overtake the counter, by some
/// nanoseconds; a system call right after it does not.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tsc;

impl Clock for Tsc {
    #[inline]
    fn ticks(&self) -> u64 {
        // SAFETY: both instructions are part of every x86_64 processor and touch no memory. Linux leaves RDTSC open to user space
        // unless a process asks otherwise of itself (prctl(2), PR_SET_TSC), which nothing here does.
        unsafe {
            _mm_lfence();
            _rdtsc()
        }
    }

    fn sight(&self) -> Sighting {
        let first = self.ticks();
        let monotonic = read(ClockId::Monotonic);
        let realtime = read(ClockId::Realtime);
        let monotonic_again = read(ClockId::Monotonic);
        let last = self.ticks();
        Sighting::from_readings([first, last], [monotonic, monotonic_again], realtime)
    }
}

/// Nanoseconds on a kernel clock: by the vDSO, without a system call, where the kernel's clocksource allows.
#[allow(clippy::cast_sign_loss, reason = "neither clock is before its epoch; clock_settime(2) refuses to set one so")]
fn read(clock: ClockId) -> u64 {
    let time = clock_gettime(clock);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// Whether the counter runs at one rate in all power states (CPUID 80000007h, EDX bit 8: Intel SDM, volume 3B, 19.17.1).
pub fn is_invariant() -> bool {
    const HIGHEST: u32 = 0x8000_0000;
    const POWER: u32 = 0x8000_0007;
    __cpuid(HIGHEST).eax >= POWER && __cpuid(POWER).edx & 1 << 8 != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_goes_back() {
        let readings: Vec<_> = (0..1000).map(|_| Tsc.ticks()).collect();
        assert!(readings.is_sorted());
    }

    #[test]
    fn the_tightest_of_many_is_no_wider_than_one_of_them() {
        let sighting = Tsc.sight_tightest(50);
        assert!(sighting.bracket > 0);
        assert!(sighting.realtime > 1_600_000_000_000_000_000, "{sighting:?}");
        assert!(sighting.monotonic < sighting.realtime);
    }
}
