//! When a packet is due on the clock that the loop reads.

use crate::clock::Sighting;

/// Converts due times to ticks by the latest sighting, at the rate seen since the first one.
///
/// An error of the rate therefore never adds up: it acts only on the time since the latest sighting.
#[derive(Debug)]
pub(super) struct Pacer {
    first: Sighting,
    latest: Sighting,
    origin: u64,
    ticks_per_ns: f64,
}

impl Pacer {
    /// The first packet, due `first_due` ns from the origin, is due `lead` ns after `now`; `None` when no time lies between the sightings.
    pub(super) fn new(first_due: i64, first: Sighting, now: Sighting, lead: u64) -> Option<Self> {
        let ticks_per_ns = first.ticks_per_ns(&now)?;
        let origin = now.monotonic.saturating_add(lead).saturating_add_signed(first_due.saturating_neg());
        Some(Self { first, latest: now, origin, ticks_per_ns })
    }

    /// Origin of the run: the due time of the first packet after the warm-up, `CLOCK_MONOTONIC` in ns.
    pub(super) fn origin(&self) -> u64 {
        self.origin
    }

    /// When a packet is due that is due `due` ns from the origin, ticks.
    #[inline]
    #[allow(clippy::cast_possible_truncation, reason = "a run is shorter than the 52 days that hold fewer than 2^53 ticks")]
    pub(super) fn due_ticks(&self, due: i64) -> u64 {
        let due = self.origin.saturating_add_signed(due);
        let since = due.wrapping_sub(self.latest.monotonic).cast_signed();
        self.latest.ticks.saturating_add_signed((since as f64 * self.ticks_per_ns) as i64)
    }

    /// The moment `ns` nanoseconds after the latest sighting, ticks.
    pub(super) fn after(&self, ns: u64) -> u64 {
        self.latest.ticks.saturating_add(self.ticks(ns))
    }

    /// A length of time in ticks.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a positive number; the cast saturates")]
    pub(super) fn ticks(&self, ns: u64) -> u64 {
        (ns as f64 * self.ticks_per_ns) as u64
    }

    /// A length of time in ns.
    #[inline]
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a positive number; the cast saturates")]
    pub(super) fn ns(&self, ticks: u64) -> u64 {
        (ticks as f64 / self.ticks_per_ns) as u64
    }

    /// Goes on from a new sighting.
    pub(super) fn follow(&mut self, sighting: Sighting) {
        if let Some(rate) = self.first.ticks_per_ns(&sighting) {
            self.ticks_per_ns = rate;
            self.latest = sighting;
        }
    }
}

#[cfg(test)]
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the values made here are small and positive")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sighting(ns: u64, rate: f64) -> Sighting {
        Sighting { ticks: (ns as f64 * rate) as u64, monotonic: ns, realtime: ns, bracket: 10 }
    }

    #[test]
    fn the_first_packet_is_due_after_the_lead_and_the_origin_after_the_warm_up() {
        let pacer = Pacer::new(-10_000_000, sighting(0, 2.0), sighting(1_000_000, 2.0), 500).unwrap();
        assert_eq!(pacer.origin(), 11_000_500);
        assert_eq!(pacer.due_ticks(-10_000_000), 2 * 1_000_500);
        assert_eq!(pacer.due_ticks(0), 2 * pacer.origin());
    }

    proptest! {
        /// However wrong the rate is at first, following the clock keeps what is due near where the schedule wants it.
        #[test]
        fn an_error_of_the_rate_does_not_add_up(error in -1e-6f64..1e-6, seconds in 1u64..100) {
            let rate = 2.5;
            let wrong = Sighting { ticks: (1e8 * rate * (1.0 + error)) as u64, ..sighting(100_000_000, rate) };
            let mut pacer = Pacer::new(0, sighting(0, rate), wrong, 0).unwrap();
            pacer.follow(sighting(100_000_000 + seconds * 1_000_000_000, rate));
            let due = 100_000_000 + seconds * 1_000_000_000 + 50_000_000;
            let found = pacer.due_ticks(i64::try_from(seconds).unwrap() * 1_000_000_000 + 50_000_000);
            prop_assert!((found as f64 / rate - due as f64).abs() < 2.0);
        }
    }
}
