//! Return levels: the latency that is reached once in so many packets, or once an hour.

use tailbed_format::extremes::{CurvePoint, Period, ReturnLevel};

use super::pareto::{Fit, Tail};
use crate::plot::number::whole;
use crate::slo::interval_of_bursts;

/// Levels that are asked for by number of packets.
const PACKETS: [u64; 3] = [1_000_000, 10_000_000, 1_000_000_000];

/// The level that is asked for by time, seconds.
const HOUR: u64 = 3_600;

/// A fit above a threshold, and how often the threshold is exceeded.
#[derive(Debug, Clone, Copy)]
pub(super) struct Base<'a> {
    pub(super) fit: &'a Fit,
    /// ns.
    pub(super) threshold: f64,
    /// Latencies.
    pub(super) packets: u64,
    /// Those above the threshold.
    pub(super) exceedances: u64,
    /// Clusters that they come in.
    pub(super) clusters: u64,
    /// Packets a second with a latency; `None` where it is not known.
    pub(super) rate: Option<f64>,
}

/// A level with its interval, ns.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Level {
    value: f64,
    low: f64,
    high: Option<f64>,
}

/// 2^53 ns, a hundred days: what lies beyond is no latency that anybody waits for, and only says that the data bound it from nothing.
const LONGEST: f64 = 9_007_199_254_740_992.0;

impl Level {
    /// Level and bounds in whole ns; a bound beyond [`LONGEST`] is open, and of a level beyond it nothing is left.
    fn within_reason(self) -> Option<(u64, u64, Option<u64>)> {
        let known = |ns: f64| (ns <= LONGEST).then(|| whole(ns));
        Some((known(self.value)?, known(self.low)?, self.high.and_then(known)))
    }
}

impl Base<'_> {
    /// The level that one in `one_in` packets is above; `None` where it lies below the threshold.
    ///
    /// u + scale/shape ((m z)^shape - 1), with z the share of packets above the threshold u (Coles 2001, An Introduction to Statistical
    /// Modeling of Extreme Values, section 4.3.3). The interval is that of the profile likelihood, and what is not known of z is added by
    /// squares (Zou and Donner 2008): both are nearly independent.
    fn level(&self, one_in: f64) -> Option<Level> {
        let share = self.exceedances as f64 / self.packets as f64;
        let (rare, often) = interval_of_bursts(self.exceedances, self.clusters, self.packets);
        let at = |tail: Tail, share: f64| self.threshold + tail.level(one_in * share);
        if one_in * share < 1.0 {
            return None;
        }
        let level = at(self.fit.tail, share);
        let (low, high) = self.fit.range(|tail| at(tail, share));
        let (less, more) = (at(self.fit.tail, rare), at(self.fit.tail, often));
        Some(Level {
            value: level,
            low: (level - (level - low).hypot(level - less)).max(self.threshold),
            high: (!self.fit.open).then(|| level + (high - level).hypot(more - level)).filter(|high| high.is_finite()),
        })
    }

    /// The levels that are reported; those within the data below the threshold are left out.
    pub(super) fn levels(&self) -> Vec<ReturnLevel> {
        let by_packets = PACKETS.map(|packets| (Period::Packets(packets), packets as f64));
        // of a cluster one is an event: an hour holds so many packets for each that is counted
        let events = self.clusters as f64 / self.exceedances as f64;
        let hour = self.rate.map(|rate| (Period::Seconds(HOUR), rate * HOUR as f64 * events));
        let one = |(period, one_in): (Period, f64)| {
            let (level, low, high) = self.level(one_in)?.within_reason()?;
            Some(ReturnLevel { period, level, low, high, reach: one_in / self.packets as f64 })
        };
        by_packets.into_iter().chain(hour).filter_map(one).collect()
    }

    /// The tail from the threshold to ten times beyond the rarest level, in equal steps of the logarithm.
    pub(super) fn curve(&self) -> Vec<CurvePoint> {
        const POINTS: u32 = 36;
        let (from, to) = (self.packets as f64 / self.exceedances as f64, 1e9_f64.max(10.0 * self.packets as f64));
        let point = |step: u32| {
            let one_in = from * (to / from).powf(f64::from(step) / f64::from(POINTS)) * (1.0 + 1e-12);
            let Level { value, low, high } = self.level(one_in)?;
            Some(CurvePoint { one_in, level: value, low, high })
        };
        (0..=POINTS).filter_map(point).filter(|point| point.level.is_finite()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_waits_for_is_left_open() {
        let level = |value: f64, high: Option<f64>| Level { value, low: 10.0, high }.within_reason();
        assert_eq!(level(20.4, Some(1e9)), Some((20, 10, Some(1_000_000_000))));
        assert_eq!(level(20.0, Some(1e17)), Some((20, 10, None)));
        assert_eq!((level(1e17, None), level(f64::INFINITY, None), level(f64::NAN, None)), (None, None, None));
    }
}
