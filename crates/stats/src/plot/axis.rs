//! Axes: ranges that hold the data, and ticks that a person would have chosen.

use super::number;

/// How values map to lengths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scale {
    /// Equal differences, equal lengths.
    Linear,
    /// Equal ratios, equal lengths.
    Log,
    /// Of percentiles: the value is 1/(1 - share), and equal ratios of it have equal lengths.
    Tail,
}

/// What the values of an axis are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Nanoseconds.
    Time,
    /// How many.
    Count,
    /// Packets per second.
    Rate,
    /// A share of all, 0 to 1.
    Share,
    /// One in so many.
    OneIn,
    /// None: rows, trials.
    None,
}

/// A place marked on an axis.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Tick {
    /// Its value.
    pub(crate) at: f64,
    /// What is written beside it; `None` for the fine ones in between.
    pub(crate) label: Option<String>,
}

/// A scale with its range and ticks.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Axis {
    /// How values map to lengths.
    pub(crate) scale: Scale,
    /// What the values are.
    pub(crate) unit: Unit,
    /// The value at the beginning.
    pub(crate) from: f64,
    /// The value at the end, greater than `from`.
    pub(crate) to: f64,
    /// Marked places, ascending, all within the range.
    pub(crate) ticks: Vec<Tick>,
}

impl Axis {
    /// Where a value lies: 0 at the beginning, 1 at the end, held within.
    pub(crate) fn share(&self, value: f64) -> f64 {
        let share = match self.scale {
            Scale::Linear => (value - self.from) / (self.to - self.from),
            Scale::Log | Scale::Tail => (value.max(f64::MIN_POSITIVE) / self.from).ln() / (self.to / self.from).ln(),
        };
        if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 }
    }

    /// A logarithmic axis of times in ns that holds `least..=greatest`, both at least 1 ns, with room for so many labels.
    pub(crate) fn log_time(least: f64, greatest: f64, room: usize) -> Self {
        log(least, greatest, room, Unit::Time, number::tick)
    }

    /// A logarithmic axis of counts from 1 to at least `greatest`, with a little room below so that a count of one is seen.
    pub(crate) fn log_count(greatest: f64) -> Self {
        let mut axis = log(1.0, greatest.max(10.0), 8, Unit::Count, thousands);
        axis.from = 0.7;
        axis
    }

    /// A logarithmic axis of rates in packets per second that holds `least..=greatest`, with room for so many labels.
    pub(crate) fn log_rate(least: f64, greatest: f64, room: usize) -> Self {
        log(least, greatest, room, Unit::Rate, thousands)
    }

    /// A linear axis of rates in packets per second that holds `least..=greatest`, with about `wanted` labelled ticks.
    pub(crate) fn linear_rate(least: f64, greatest: f64, wanted: f64) -> Self {
        linear(least, greatest, wanted, Unit::Rate, thousands)
    }

    /// Whether a value lies between the ends.
    pub(crate) fn holds(&self, value: f64) -> bool {
        (self.from..=self.to).contains(&value)
    }

    /// A linear axis of times in ns that holds `least..=greatest`, with about `wanted` labelled ticks.
    pub(crate) fn linear_time(least: f64, greatest: f64, wanted: f64) -> Self {
        linear(least, greatest, wanted, Unit::Time, number::tick)
    }

    /// A linear axis of times in ns from exactly `least` to exactly `greatest`, with about `wanted` labelled ticks in between.
    pub(crate) fn tight_time(least: f64, greatest: f64, wanted: f64) -> Self {
        let (from, to) = apart(least, greatest);
        let mut ticks = even_ticks(from, to, wanted, &number::tick);
        if ticks.len() < 2 {
            ticks = even_ticks(from, to, wanted * 2.0, &number::tick);
        }
        Self { scale: Scale::Linear, unit: Unit::Time, from, to, ticks }
    }

    /// A linear axis of times in ns from 0 to exactly `end`, with a label for about each `pixels` of a `width`.
    pub(crate) fn times_until(end: f64, width: f64, pixels: f64) -> Self {
        Self::tight_time(0.0, end, (width / pixels).clamp(1.0, 8.0))
    }

    /// A linear axis of counts from 0 to at least `greatest`.
    pub(crate) fn linear_count(greatest: f64, wanted: f64) -> Self {
        linear(0.0, greatest.max(1.0), wanted, Unit::Count, thousands)
    }

    /// A logarithmic axis of shares of all from 100 % down to the power of ten below `least`, at most 10 % and at least 10⁻⁹.
    pub(crate) fn log_share(least: f64) -> Self {
        const NAMES: [&str; 10] = ["100", "10", "1", "0.1", "0.01", "0.001", "0.0001", "0.00001", "0.000001", "0.0000001"];
        let least = if least.is_finite() { least.clamp(1e-9, 0.1) } else { 0.1 };
        let decades = usize::try_from(whole(-(least.log10() + 1e-9).floor())).unwrap_or(1).clamp(1, 9);
        let mut at = 10.0;
        let shares = NAMES.iter().take(decades + 1).map(|name| {
            at /= 10.0;
            Tick { at, label: Some(format!("{name}\u{a0}%")) }
        });
        let mut ticks: Vec<_> = shares.collect();
        ticks.reverse();
        Self { scale: Scale::Log, unit: Unit::Share, from: at, to: 1.0, ticks }
    }

    /// A linear axis of numbers that are no quantity, such as those of trials, from 0 to at least `greatest`.
    pub(crate) fn numbers(greatest: f64, wanted: f64) -> Self {
        linear(0.0, greatest.max(1.0), wanted, Unit::None, thousands)
    }

    /// An axis of so many rows, which have names and no ticks.
    pub(crate) fn rows(rows: usize) -> Self {
        Self { scale: Scale::Linear, unit: Unit::None, from: 0.0, to: rows.max(1) as f64, ticks: Vec::new() }
    }

    /// The axis of percentiles: the value is 1/(1 - percentile), so that each step from 90 % to 99 % to 99.9 % is as long as the
    /// other. Reaches to what `packets` can show, at least 99.9 % and at most 99.9999 %.
    pub(crate) fn percentile(packets: u64) -> Self {
        const NAMES: [&str; 7] = ["0", "90", "99", "99.9", "99.99", "99.999", "99.9999"];
        let nines = packets.max(1).ilog10() + u32::from(!is_power_of_ten(packets));
        let nines = usize::try_from(nines).unwrap_or(6).clamp(3, 6);
        let mut ticks = Vec::new();
        let mut decade = 1.0;
        for name in NAMES.iter().take(nines + 1) {
            ticks.push(Tick { at: decade, label: Some(format!("{name}\u{a0}%")) });
            decade *= 10.0;
        }
        ticks.insert(1, Tick { at: 2.0, label: Some("50\u{a0}%".to_owned()) });
        Self { scale: Scale::Tail, unit: Unit::OneIn, from: 1.0, to: decade / 10.0, ticks }
    }
}

/// Steps of 1, 2 and 5: what people count by.
const STEPS: [f64; 3] = [1.0, 2.0, 5.0];

fn log(least: f64, greatest: f64, room: usize, unit: Unit, label: impl Fn(f64) -> String) -> Axis {
    let least = if least.is_finite() { least.max(1.0) } else { 1.0 };
    let greatest = if greatest.is_finite() { greatest.max(least) } else { least };
    let (from, mut to) = (step_below(least), step_above(greatest));
    if to <= from {
        to = step_above(from * 1.01);
    }
    let decades = (to / from).log10();
    let room = room.max(2) as f64;
    let every = ((decades + 0.5) / room).ceil();
    let steps_fit = decades * 3.0 + 1.0 <= room + 0.01;
    let by_decades = log_ticks(from, to, &label, |digit, decade| digit == 1 && decade.is_multiple_of(whole(every)));
    let ticks = if steps_fit || labelled(&by_decades) < 2 {
        log_ticks(from, to, &label, |digit, _| STEPS.contains(&f64::from(digit)))
    } else {
        by_decades
    };
    // A narrow range holds too few round numbers: fill in between them in equal steps.
    let ticks = if labelled(&ticks) < 3 && decades < 1.0 { even_ticks(from, to, room.min(5.0), &label) } else { ticks };
    Axis { scale: Scale::Log, unit, from, to, ticks }
}

/// Ticks at 1 to 9 times each power of ten; `shown` says of a digit and a decade, counted from the first, whether it has a label.
fn log_ticks(from: f64, to: f64, label: &impl Fn(f64) -> String, shown: impl Fn(u32, u32) -> bool) -> Vec<Tick> {
    let mut ticks = Vec::new();
    let mut power = decade_below(from);
    let mut decade = 0;
    while power <= to {
        for digit in 1..=9 {
            let at = power * f64::from(digit);
            if at >= from * 0.999_999 && at <= to * 1.000_001 {
                ticks.push(Tick { at, label: shown(digit, decade).then(|| label(at)) });
            }
        }
        power *= 10.0;
        decade += 1;
    }
    ticks
}

fn labelled(ticks: &[Tick]) -> usize {
    ticks.iter().filter(|tick| tick.label.is_some()).count()
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small positive whole number")]
fn whole(value: f64) -> u32 {
    value.max(1.0) as u32
}

fn linear(least: f64, greatest: f64, wanted: f64, unit: Unit, label: impl Fn(f64) -> String) -> Axis {
    let (least, greatest) = apart(least, greatest);
    let step = round_step((greatest - least) / wanted);
    let (from, to) = ((least / step).floor() * step, (greatest / step).ceil() * step);
    Axis { scale: Scale::Linear, unit, from, to, ticks: even_ticks(from, to, wanted, &label) }
}

/// The ends of a linear axis: finite, and so far apart that labels of four decimals differ: by a unit and a thousandth at least.
fn apart(least: f64, greatest: f64) -> (f64, f64) {
    let least = if least.is_finite() { least } else { 0.0 };
    let nearest = least + (least.abs() / 1_000.0).max(1.0);
    (least, if greatest.is_finite() { greatest.max(nearest) } else { nearest })
}

fn even_ticks(from: f64, to: f64, wanted: f64, label: &impl Fn(f64) -> String) -> Vec<Tick> {
    let step = round_step((to - from) / wanted);
    let first = (from / step - 1e-9).ceil();
    let mut ticks = Vec::new();
    let mut n = 0.0;
    while (first + n) * step <= to + step * 1e-9 {
        let at = (first + n) * step;
        ticks.push(Tick { at, label: Some(label(at)) });
        n += 1.0;
    }
    ticks
}

/// The smallest of 1, 2, 5, 10, 20, … that is at least `step`; fractions of a nanosecond or of one packet make no sense.
fn round_step(step: f64) -> f64 {
    if step.is_finite() { step_above(step.max(1.0)) } else { 1.0 }
}

fn decade_below(value: f64) -> f64 {
    10f64.powf((value.log10() + 1e-9).floor())
}

fn step_below(value: f64) -> f64 {
    let decade = decade_below(value);
    STEPS.iter().rev().map(|step| step * decade).find(|step| *step <= value * 1.000_001).unwrap_or(decade)
}

fn step_above(value: f64) -> f64 {
    let decade = decade_below(value);
    STEPS.iter().map(|step| step * decade).find(|step| *step >= value * 0.999_999).unwrap_or(decade * 10.0)
}

fn is_power_of_ten(n: u64) -> bool {
    n.checked_ilog10().is_some_and(|log| 10u64.checked_pow(log) == Some(n))
}

/// A round count, shortened: `500`, `20 k`, `3 M`.
pub(super) fn thousands(count: f64) -> String {
    match count {
        count if count >= 999_999.0 => format!("{}\u{a0}M", number::plain(count / 1e6)),
        count if count >= 999.9 => format!("{}\u{a0}k", number::plain(count / 1e3)),
        count => number::plain(count),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn labels(axis: &Axis) -> Vec<String> {
        axis.ticks.iter().filter_map(|tick| tick.label.as_ref()).map(|label| label.replace('\u{a0}', " ")).collect()
    }

    #[test]
    fn ticks_are_those_a_person_would_choose() {
        assert_eq!(labels(&Axis::log_time(1_200.0, 400_000.0, 6)), ["1 µs", "10 µs", "100 µs"]);
        assert_eq!(labels(&Axis::log_time(1_200.0, 9_000.0, 6)), ["1 µs", "2 µs", "5 µs", "10 µs"]);
        assert_eq!(labels(&Axis::log_time(1_200.0, 1_900.0, 6)), ["1 µs", "1.2 µs", "1.4 µs", "1.6 µs", "1.8 µs", "2 µs"]);
        assert_eq!(labels(&Axis::linear_time(0.0, 5e9, 5.0)), ["0", "1 s", "2 s", "3 s", "4 s", "5 s"]);
        assert_eq!(labels(&Axis::log_count(30_000.0)), ["1", "10", "100", "1 k", "10 k"]);
        assert_eq!(
            labels(&Axis::percentile(1_250_000)),
            ["0 %", "50 %", "90 %", "99 %", "99.9 %", "99.99 %", "99.999 %", "99.9999 %"]
        );
        assert_eq!(labels(&Axis::percentile(0)), ["0 %", "50 %", "90 %", "99 %", "99.9 %"]);
        assert_eq!(labels(&Axis::percentile(10_000)).last().map(String::as_str), Some("99.99 %"));
    }

    proptest! {
        /// Whatever the data, the axis holds it, its ticks lie within and ascend, and there are enough labels but not too many.
        #[test]
        fn axes_hold_the_data(
            (least, greatest) in prop_oneof![
                (0u64..100_000_000_000, 0u64..100_000_000_000).prop_map(|(a, b)| (a.min(b), a.max(b))),
                (any::<u64>(), 0u64..1_000).prop_map(|(least, more)| (least, least.saturating_add(more))),
            ]
        ) {
            let (least, greatest) = (least as f64, greatest as f64);
            for axis in [Axis::log_time(least, greatest, 8), Axis::linear_time(least, greatest, 6.0)] {
                let floor = if axis.scale == Scale::Log { least.max(1.0) } else { least };
                prop_assert!(axis.from <= floor * 1.000_001 && axis.to >= greatest * 0.999_999, "{axis:?}");
                prop_assert!(axis.from < axis.to);
                prop_assert!(axis.ticks.iter().all(|tick| tick.at >= axis.from * 0.999 - 1.0 && tick.at <= axis.to * 1.001));
                prop_assert!(axis.ticks.windows(2).all(|pair| pair[0].at < pair[1].at), "{axis:?}");
                prop_assert!((2..=13).contains(&labels(&axis).len()), "{axis:?}");
                let mut unique = labels(&axis);
                unique.dedup();
                prop_assert_eq!(unique.len(), labels(&axis).len());
            }
        }

        #[test]
        fn shares_stay_within(from in 1u64..1_000_000, value in any::<u64>()) {
            let axis = Axis::log_time(from as f64, from as f64 * 50.0, 8);
            prop_assert!((0.0..=1.0).contains(&axis.share(value as f64)));
        }
    }
}
