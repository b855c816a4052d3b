//! One instant read on all clocks.

/// One instant: ticks, `CLOCK_MONOTONIC` and `CLOCK_REALTIME`.
///
/// The reading is bracketed and symmetric: ticks, monotonic, realtime, monotonic, ticks. The means of the outer pairs belong to the
/// same moment as the reading in the middle, whatever the speed of each reading, as long as both halves take equally long; if they
/// do not, the error is at most half the bracket. (The idea is Cristian's: Probabilistic clock synchronization, 1989.)
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sighting {
    /// Ticks of the counter.
    pub ticks: u64,
    /// `CLOCK_MONOTONIC`, ns.
    pub monotonic: u64,
    /// `CLOCK_REALTIME`, ns since 1970.
    pub realtime: u64,
    /// How long the reading took, ticks.
    pub bracket: u64,
}

impl Sighting {
    /// Puts the five readings together.
    pub(super) fn from_readings(ticks: [u64; 2], monotonic: [u64; 2], realtime: u64) -> Self {
        let bracket = ticks[1].saturating_sub(ticks[0]);
        Self { ticks: ticks[0] + bracket / 2, monotonic: monotonic[0].midpoint(monotonic[1]), realtime, bracket }
    }

    /// The one with the smaller bracket; the first of equals.
    pub(super) fn tighter(self, other: Self) -> Self {
        if other.bracket < self.bracket { other } else { self }
    }

    /// Realtime minus monotonic, ns.
    pub(crate) fn offset(&self) -> i64 {
        self.realtime.wrapping_sub(self.monotonic).cast_signed()
    }

    /// Ticks per nanosecond from this sighting to a later one; `None` when no time lies between them.
    pub fn ticks_per_ns(&self, later: &Self) -> Option<f64> {
        let ns = later.monotonic.checked_sub(self.monotonic).filter(|&ns| ns > 0)?;
        Some(later.ticks.wrapping_sub(self.ticks) as f64 / ns as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_reading_is_the_instant() {
        let sighting = Sighting::from_readings([1000, 1100], [500, 520], 9510);
        assert_eq!(sighting, Sighting { ticks: 1050, monotonic: 510, realtime: 9510, bracket: 100 });
        assert_eq!(sighting.offset(), 9000);
    }

    #[test]
    fn no_rate_without_time() {
        let sighting = Sighting { ticks: 10, monotonic: 5, realtime: 5, bracket: 1 };
        assert_eq!(sighting.ticks_per_ns(&sighting), None);
        assert_eq!(sighting.ticks_per_ns(&Sighting { ticks: 30, monotonic: 15, ..sighting }), Some(2.0));
    }
}
