//! The time axis of a run: nanoseconds from its origin.

use tailbed_format::message::ClockRelation;

use super::Sighting;

/// Sightings in the order they were made, and the origin: converts stamps to nanoseconds from the origin.
///
/// Ticks are converted along the straight line between the two sightings around them: the kernel steers the rate of
/// `CLOCK_MONOTONIC` (adjtimex(2)) by up to 500 parts per million, so over a long run one straight line would be off by microseconds.
#[derive(Debug, Clone)]
pub struct Timeline {
    sightings: Vec<Sighting>,
    /// On `CLOCK_MONOTONIC`, ns.
    origin: u64,
    /// Realtime minus monotonic, ns.
    offset: i64,
    /// Over the whole run.
    ticks_per_ns: f64,
}

impl Timeline {
    /// Lays the axis through the sightings; `origin` is on `CLOCK_MONOTONIC`, ns. `None` when there are not at least two sightings
    /// with time between the first and the last.
    pub fn new(mut sightings: Vec<Sighting>, origin: u64) -> Option<Self> {
        sightings.dedup_by(|later, earlier| later.monotonic <= earlier.monotonic || later.ticks <= earlier.ticks);
        let (first, last) = (sightings.first()?, sightings.last()?);
        let ticks_per_ns = first.ticks_per_ns(last)?;
        let offset = sightings.iter().copied().reduce(Sighting::tighter)?.offset();
        Some(Self { sightings, origin, offset, ticks_per_ns })
    }

    /// The time of a tick, ns from the origin. Beyond the sightings the nearest line is continued.
    #[allow(clippy::cast_possible_truncation, reason = "a run is shorter than the 292 years that i64 holds")]
    pub fn at_ticks(&self, ticks: u64) -> i64 {
        let pieces = self.sightings.len() - 1;
        let after = self.sightings.partition_point(|sighting| sighting.ticks <= ticks);
        let piece = after.saturating_sub(1).min(pieces - 1);
        let [from, to] = [self.sightings[piece], self.sightings[piece + 1]];
        let ticks_per_ns = from.ticks_per_ns(&to).unwrap_or(self.ticks_per_ns);
        let since = ticks.wrapping_sub(from.ticks).cast_signed() as f64 / ticks_per_ns;
        self.at_monotonic(from.monotonic) + since.round() as i64
    }

    /// The time of a kernel stamp, given as `CLOCK_REALTIME` in ns since 1970; ns from the origin.
    ///
    /// The kernel steers the rates of both clocks alike, so they differ by a constant unless the wall clock is set
    /// ([`ClockRelation::realtime_shift`]). The constant is taken from the tightest sighting.
    pub fn at_realtime(&self, realtime: u64) -> i64 {
        self.at_monotonic(realtime.wrapping_sub_signed(self.offset))
    }

    /// The relation of the clocks over the whole run.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a bracket is a small positive number")]
    pub fn relation(&self) -> ClockRelation {
        let (first, last) = (&self.sightings[0], &self.sightings[self.sightings.len() - 1]);
        let bracket = first.bracket.max(last.bracket) as f64 / self.ticks_per_ns;
        ClockRelation {
            tsc_hz: self.ticks_per_ns * 1e9,
            origin_monotonic: self.origin,
            origin_realtime: self.origin.wrapping_add_signed(self.offset),
            span: last.monotonic - first.monotonic,
            realtime_shift: last.offset() - first.offset(),
            bracket: bracket.ceil() as u64,
        }
    }

    fn at_monotonic(&self, monotonic: u64) -> i64 {
        monotonic.wrapping_sub(self.origin).cast_signed()
    }
}

#[cfg(test)]
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "the values made here are small and positive"
)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const REALTIME: u64 = 1_700_000_000_000_000_000;

    /// A sighting at `ns` of a counter that runs at `rate` ticks per ns, with the wall clock ahead by `shift` ns.
    fn sighting(ns: u64, rate: f64, shift: u64) -> Sighting {
        let ticks = (ns as f64 * rate) as u64;
        Sighting { ticks, monotonic: ns, realtime: REALTIME + ns + shift, bracket: 200 }
    }

    #[test]
    fn all_clocks_meet_on_the_axis() {
        let timeline = Timeline::new(vec![sighting(1_000, 2.5, 0), sighting(1_001_000, 2.5, 0)], 2_000).unwrap();
        assert_eq!(timeline.at_ticks(5_000), 0);
        assert_eq!(timeline.at_ticks(2_500), -1_000);
        assert_eq!(timeline.at_ticks(5_025), 10);
        assert_eq!(timeline.at_realtime(REALTIME + 2_010), 10);
        let relation = timeline.relation();
        assert_eq!((relation.origin_monotonic, relation.origin_realtime), (2_000, REALTIME + 2_000));
        assert_eq!((relation.span, relation.realtime_shift, relation.bracket), (1_000_000, 0, 80));
        assert!((relation.tsc_hz - 2.5e9).abs() < 1.0);
    }

    #[test]
    fn a_set_wall_clock_is_seen() {
        let timeline = Timeline::new(vec![sighting(1_000, 1.0, 0), sighting(2_000, 1.0, 50_000)], 0).unwrap();
        assert_eq!(timeline.relation().realtime_shift, 50_000);
    }

    #[test]
    fn a_change_of_rate_within_the_run_is_followed() {
        let middle = Sighting { ticks: 1_000_000, monotonic: 1_000_000, realtime: REALTIME, bracket: 1 };
        let last = Sighting { ticks: 2_000_500, monotonic: 2_000_000, realtime: REALTIME, bracket: 1 };
        let first = Sighting { ticks: 0, monotonic: 0, realtime: REALTIME, bracket: 1 };
        let timeline = Timeline::new(vec![first, middle, last], 0).unwrap();
        assert_eq!(timeline.at_ticks(500_000), 500_000);
        assert_eq!(timeline.at_ticks(1_500_250), 1_500_000);
    }

    #[test]
    fn no_axis_without_time() {
        assert!(Timeline::new(vec![], 0).is_none());
        assert!(Timeline::new(vec![sighting(5, 1.0, 0), sighting(5, 1.0, 0)], 0).is_none());
    }

    proptest! {
        /// Any instant comes back within rounding, for any rate of the counter and wherever the origin lies.
        #[test]
        fn ticks_convert_back(rate in 0.5f64..6.0, at in 0u64..60_000_000_000, origin in 0u64..2_000_000_000) {
            let start = 1_000_000_000_000;
            let sightings = (0..=60).map(|second| sighting(start + second * 1_000_000_000, rate, 0)).collect();
            let timeline = Timeline::new(sightings, start + origin).unwrap();
            let found = timeline.at_ticks(((start + at) as f64 * rate) as u64);
            prop_assert!((found - (at as i64 - origin as i64)).abs() <= 3, "{found}");
        }
    }
}
