//! The stretches during which the loop saw nothing.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use tailbed_format::summary::Gap;

use crate::clock::Timeline;

/// How many gaps are listed, the longest ones; all are counted.
pub const GAPS_KEPT: usize = 1_000;

/// Notes when turns of the loop lie far apart. Its memory is taken beforehand and never grows.
#[derive(Debug)]
pub(super) struct GapLog {
    limit: u64,
    last: u64,
    /// The longest so far as (length, beginning), the shortest of them on top.
    longest: BinaryHeap<Reverse<(u64, u64)>>,
    count: u64,
}

impl GapLog {
    pub(super) fn new() -> Self {
        let mut longest = BinaryHeap::with_capacity(GAPS_KEPT + 1);
        // Touches every page, so that none has to be found during the run.
        longest.extend((0..=GAPS_KEPT).map(|_| Reverse((0, 0))));
        longest.clear();
        Self { limit: u64::MAX, last: 0, longest, count: 0 }
    }

    /// The loop begins; gaps of at least `limit` ticks are noted from now on.
    pub(super) fn begin(&mut self, now: u64, limit: u64) {
        self.last = now;
        self.limit = limit.max(1);
    }

    /// The loop is at it, at `now` ticks.
    #[inline]
    pub(super) fn turn(&mut self, now: u64) {
        let length = now.saturating_sub(self.last);
        if length >= self.limit {
            self.note(length, self.last);
        }
        self.last = now;
    }

    /// The loop slept as planned until `until` ticks.
    pub(super) fn rested_until(&mut self, until: u64) {
        self.last = self.last.max(until);
    }

    #[cold]
    fn note(&mut self, length: u64, at: u64) {
        self.count += 1;
        self.longest.push(Reverse((length, at)));
        if self.longest.len() > GAPS_KEPT {
            self.longest.pop();
        }
    }

    /// The gaps, longest first, and how many there were.
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a gap is a positive length of time within the run"
    )]
    pub(super) fn finish(self, timeline: &Timeline, ticks_per_ns: f64) -> (Vec<Gap>, u64) {
        let gap =
            |Reverse((length, at))| Gap { at: timeline.at_ticks(at), length: (length as f64 / ticks_per_ns).round() as u64 };
        (self.longest.into_sorted_vec().into_iter().map(gap).collect(), self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Sighting;
    use proptest::prelude::*;

    fn finish(log: GapLog) -> (Vec<Gap>, u64) {
        let sighting = |ns| Sighting { ticks: 2 * ns, monotonic: ns, realtime: ns, bracket: 1 };
        log.finish(&Timeline::new(vec![sighting(0), sighting(1_000_000)], 0).unwrap(), 2.0)
    }

    #[test]
    fn turns_far_apart_are_noted() {
        let mut log = GapLog::new();
        log.begin(1_000, 100);
        for now in [1_098, 1_198, 1_210, 1_510, 1_520] {
            log.turn(now);
        }
        assert_eq!(finish(log), (vec![Gap { at: 605, length: 150 }, Gap { at: 549, length: 50 }], 2));
    }

    #[test]
    fn planned_sleep_is_no_gap_but_oversleeping_is() {
        let mut log = GapLog::new();
        log.begin(0, 100);
        log.rested_until(5_000);
        log.turn(5_020);
        log.rested_until(9_000);
        log.turn(9_300);
        assert_eq!(finish(log), (vec![Gap { at: 4_500, length: 150 }], 1));
    }

    proptest! {
        #[test]
        fn the_longest_are_kept_and_all_are_counted(lengths in proptest::collection::vec(0u64..5_000, 0..3_000)) {
            let mut log = GapLog::new();
            log.begin(0, 1_000);
            let mut now = 0;
            for length in &lengths {
                now += length;
                log.turn(now);
            }
            let mut expected: Vec<_> = lengths.iter().filter(|&&length| length >= 1_000).map(|length| length.div_ceil(2)).collect();
            expected.sort_unstable_by(|a, b| b.cmp(a));
            let (gaps, count) = finish(log);
            prop_assert_eq!(count, expected.len() as u64);
            expected.truncate(GAPS_KEPT);
            prop_assert_eq!(gaps.iter().map(|gap| gap.length).collect::<Vec<_>>(), expected);
        }
    }
}
