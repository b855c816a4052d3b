//! The due times of all packets, one after the other: known before the first packet, computed as the loop goes.
//!
//! Nothing is kept per packet: the loop takes the times from one timetable, and once it is over the records are joined with those of
//! another, which gives the same.

mod poisson;

use std::sync::Arc;

use tailbed_format::order::Measure;
use tailbed_format::traffic::{Pattern, Replay};

use poisson::Poisson;

/// Gives the due time of one packet after the other, ns from the origin, never less than the one before.
#[derive(Debug, Clone)]
pub(super) struct Timetable {
    parts: Vec<Part>,
    /// The part that the next packet lies in.
    part: usize,
    /// Its number in it.
    next: u64,
}

/// A stretch of time with one law.
#[derive(Debug, Clone)]
struct Part {
    packets: u64,
    law: Law,
}

#[derive(Debug, Clone)]
enum Law {
    /// Packet n at the time of packet n / rate after the start; of `group` packets each has the time of the first.
    Even { start: i64, rate: u64, group: u64 },
    /// The same before the origin, counted from there.
    Before { rate: u64, group: u64 },
    /// Groups of so many packets every `gap` ns.
    Groups { start: i64, gap: u64, group: u64 },
    /// From one rate to another within `length` ns from the origin.
    Ramp { from: f64, to: f64, length: f64 },
    /// See [`Poisson`].
    Random(Box<Poisson>),
    /// Recorded times; the first packet is due at the start.
    Recorded { start: i64, replay: Replay, times: Arc<[u64]> },
}

impl Timetable {
    /// The timetable of an order. Poisson times are added up once on the way. `recorded` are the times of the recording, where the order is
    /// to replay one, ns after the first.
    pub(super) fn new(order: &Measure, recorded: &[u64]) -> Self {
        let schedule = &order.schedule;
        let (before, packets) = (order.warm_up_packets(), order.packets());
        let rate = schedule.rate;
        let even = |group| [Law::Before { rate, group }, Law::Even { start: 0, rate, group }];
        let [warm_up, counted] = match order.shape.pattern {
            Pattern::Constant => even(1),
            Pattern::Burst { size, gap: None } => even(u64::from(size.max(1))),
            Pattern::Burst { size, gap: Some(gap) } => {
                let (gap, group) = (gap.max(1), u64::from(size.max(1)));
                [-i64_of(schedule.warm_up / gap * gap), 0].map(|start| Law::Groups { start, gap, group })
            }
            Pattern::Poisson { seed } => {
                // a stream of their own for each of the two, so that the counted times are the same whatever the warm-up
                let random =
                    |start, length, packets, stream| Law::Random(Box::new(Poisson::new(seed, stream, start, length, packets)));
                let warm_up = schedule.warm_up;
                [random(-i64_of(warm_up), warm_up, before, 1), random(0, schedule.duration, packets, 0)]
            }
            Pattern::Ramp { from, to } => {
                let law = Law::Ramp { from: from as f64, to: to as f64, length: schedule.duration as f64 };
                [Law::Before { rate: from, group: 1 }, law]
            }
            Pattern::Steps { ref rates } => return Self::steps(order, rates),
            Pattern::Replay(ref replay) => {
                let start = -i64_of(schedule.warm_up);
                let law = Law::Recorded { start, replay: replay.clone(), times: recorded.into() };
                return Self::of(vec![Part { packets: before.saturating_add(packets), law }]);
            }
        };
        Self::of(vec![Part { packets: before, law: warm_up }, Part { packets, law: counted }])
    }

    fn steps(order: &Measure, rates: &[u64]) -> Self {
        let warm_up = Law::Before { rate: rates.first().copied().unwrap_or(0), group: 1 };
        let steps = order
            .schedule
            .steps(rates)
            .map(|step| Part { packets: step.packets, law: Law::Even { start: i64_of(step.start), rate: step.rate, group: 1 } });
        Self::of([Part { packets: order.warm_up_packets(), law: warm_up }].into_iter().chain(steps).collect())
    }

    fn of(parts: Vec<Part>) -> Self {
        Self { parts, part: 0, next: 0 }
    }
}

impl Iterator for Timetable {
    type Item = i64;

    #[inline]
    fn next(&mut self) -> Option<i64> {
        loop {
            let part = self.parts.get_mut(self.part)?;
            if self.next < part.packets {
                let due = part.due(self.next);
                self.next += 1;
                return Some(due);
            }
            self.part += 1;
            self.next = 0;
        }
    }
}

impl Part {
    #[inline]
    fn due(&mut self, n: u64) -> i64 {
        match self.law {
            Law::Even { start, rate, group } => start + i64_of(after(first_of(n, group), rate)),
            Law::Before { rate, group } => {
                let left = self.packets - n;
                let left = if group == 1 { left } else { left.div_ceil(group).saturating_mul(group) };
                -i64_of(after(left, rate))
            }
            Law::Groups { start, gap, group } => start + i64_of((n / group).saturating_mul(gap)),
            Law::Ramp { from, to, length } => ramp(n, from, to, length),
            Law::Random(ref mut poisson) => poisson.next(),
            Law::Recorded { start, ref replay, ref times } => {
                replay.after(n, times).map_or(i64::MAX, |after| start.saturating_add_unsigned(after))
            }
        }
    }
}

/// The first packet of the group that packet n lies in.
#[inline]
fn first_of(n: u64, group: u64) -> u64 {
    if group == 1 { n } else { n - n % group }
}

/// When packet n is due at a rate, ns after packet 0. Computed from n each time, so that rounding never adds up.
#[inline]
fn after(n: u64, rate: u64) -> u64 {
    const SECOND: u64 = 1_000_000_000;
    match n.checked_mul(SECOND) {
        Some(scaled) => scaled / rate.max(1),
        None => u64::try_from(u128::from(n) * u128::from(SECOND) / u128::from(rate.max(1))).unwrap_or(u64::MAX),
    }
}

/// When packet n is due, ns: the time t at which `from` t + (`to` - `from`) t^2 / (2 `length`) = n. Of the two ways to write the root
/// of a quadratic equation the one that takes no difference of nearly equal numbers (Press et al., Numerical Recipes, 3rd ed.,
/// section 5.6); square roots are exact to the last bit on every machine (IEEE 754), so the times are the same on each.
#[inline]
#[allow(clippy::cast_possible_truncation, reason = "within the counted part")]
fn ramp(n: u64, from: f64, to: f64, length: f64) -> i64 {
    if n == 0 {
        return 0;
    }
    let packets = n as f64 * 1e9;
    let root = (from * from + 2.0 * packets * (to - from) / length).max(0.0).sqrt();
    (2.0 * packets / (from + root)).min(length) as i64
}

fn i64_of(ns: u64) -> i64 {
    i64::try_from(ns).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
