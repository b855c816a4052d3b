//! A distribution drawn in one line: where on a logarithmic axis of time how many of its values lie.
//!
//! All lines of a table share one scale, so that they can be read against each other: the axis goes from the least value of all to the greatest,
//! and a bar is as high as the logarithm of the share of values in it, from one value of the longest list to the greatest share of any.

use std::collections::BTreeMap;

use super::charset::Charset;

/// Parts that an octave of time is counted in: a 256th is 0.27 %, finer than what a line of characters shows of any axis longer than a tenth.
const PARTS: f64 = 256.0;

/// Values of a distribution, counted in parts of octaves.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Density {
    parts: BTreeMap<i32, f64>,
    total: f64,
}

impl Density {
    /// Counts a value, ns, so many times.
    pub(crate) fn count(&mut self, value: u64, times: u64) {
        self.add(part_of(value), times as f64);
    }

    /// Counts so many values of which no more is known than that they lie between two, ns: they are spread evenly along the logarithmic axis.
    pub(crate) fn spread(&mut self, low: u64, high: u64, times: f64) {
        let (first, last) = (part_of(low.min(high)), part_of(high));
        let each = times / f64::from(last - first + 1);
        (first..=last).for_each(|part| self.add(part, each));
    }

    /// Counts everything that another one has.
    pub(crate) fn merge(&mut self, other: &Self) {
        other.parts.iter().for_each(|(part, times)| self.add(*part, *times));
    }

    fn add(&mut self, part: i32, times: f64) {
        if times > 0.0 {
            *self.parts.entry(part).or_default() += times;
            self.total += times;
        }
    }

    /// Whether it holds nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// Values in each bar.
    fn bars(&self, axis: &Axis) -> Vec<f64> {
        let mut bars = vec![0.0; axis.bars];
        for (part, times) in &self.parts {
            let (from, to) = (axis.position(f64::from(*part)), axis.position(f64::from(part + 1)));
            // a part that reaches over the border of two bars is in both; what lies outside, by rounding, is in the outermost
            let (first, last) = (axis.bar(from), axis.bar(to));
            let width = (to - from).max(f64::MIN_POSITIVE);
            for (at, bar) in bars.iter_mut().enumerate().take(last + 1).skip(first) {
                let left = if at == first { from } else { at as f64 };
                let right = if at == last { to } else { at as f64 + 1.0 };
                *bar += times * ((right - left) / width).clamp(0.0, 1.0);
            }
        }
        bars
    }
}

/// The part of an octave that a time lies in.
#[allow(clippy::cast_possible_truncation, reason = "a logarithm of 64 bits times 256 is below 2^14")]
fn part_of(value: u64) -> i32 {
    ((value.max(1) as f64).log2() * PARTS).floor() as i32
}

/// The scale of a table's drawings.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Axis {
    /// The least value, ns.
    pub(crate) least: u64,
    /// The greatest value, ns.
    pub(crate) greatest: u64,
    /// How many bars a line has.
    pub(crate) bars: usize,
    /// Share of the lowest bar.
    bottom: f64,
    /// Share of the highest bar.
    top: f64,
}

impl Axis {
    /// The scale for all these distributions, between the least and the greatest of all values, ns, in lines of so many bars; `None` when none
    /// holds anything.
    pub(crate) fn of<'a>(all: impl Iterator<Item = &'a Density> + Clone, least: u64, greatest: u64, bars: usize) -> Option<Self> {
        let most = all.clone().map(|density| density.total).fold(0.0, f64::max);
        if most <= 0.0 || bars == 0 {
            return None;
        }
        let mut axis = Self { least, greatest: greatest.max(least), bars, bottom: 1.0 / most, top: 0.0 };
        let shares = all.filter(|density| !density.is_empty());
        let highest = |density: &Density| density.bars(&axis).into_iter().fold(0.0, f64::max) / density.total;
        axis.top = shares.map(highest).fold(0.0, f64::max);
        Some(axis)
    }

    /// Where a part of an octave begins, in bars from the left end.
    fn position(&self, part: f64) -> f64 {
        let (low, high) = (f64::from(part_of(self.least)), f64::from(part_of(self.greatest)) + 1.0);
        (part - low) / (high - low) * self.bars as f64
    }

    /// The bar at a position.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "not negative, and cut to the number of bars")]
    fn bar(&self, position: f64) -> usize {
        (position.max(0.0) as usize).min(self.bars - 1)
    }

    /// The bar that a value, ns, lies in; `None` outside the axis.
    pub(crate) fn place(&self, value: u64) -> Option<usize> {
        (self.least..=self.greatest).contains(&value).then(|| self.bar(self.position(f64::from(part_of(value)) + 0.5)))
    }

    /// The bars of a distribution, an empty place where it has no value.
    pub(crate) fn draw(&self, density: &Density, charset: Charset) -> String {
        let levels = charset.levels();
        let bar = |times: f64| {
            let share = times / density.total;
            if share <= 0.0 {
                return ' ';
            }
            // an axis so short that no bar holds a whole value has one height
            let flat = self.top <= self.bottom;
            let height = if flat { 1.0 } else { (share / self.bottom).ln() / (self.top / self.bottom).ln() };
            levels[level(height, levels.len())]
        };
        density.bars(self).into_iter().map(bar).collect()
    }

    /// Its ends, at the ends of a line as wide as the drawings.
    pub(crate) fn ends(&self, show: impl Fn(u64) -> String) -> String {
        let (left, right) = (show(self.least), show(self.greatest));
        let room = self.bars.saturating_sub(left.chars().count() + right.chars().count()).max(1);
        format!("{left}{}{right}", " ".repeat(room))
    }
}

/// A height from 0 to 1 as one of so many levels.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "cut to 0 and 1 before, and to the number of levels after"
)]
fn level(height: f64, levels: usize) -> usize {
    ((height.clamp(0.0, 1.0) * levels as f64) as usize).min(levels - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn density(values: &[(u64, u64)]) -> Density {
        let mut density = Density::default();
        for (value, times) in values {
            density.count(*value, *times);
        }
        density
    }

    fn axis(all: &[&Density], least: u64, greatest: u64) -> Axis {
        Axis::of(all.iter().copied(), least, greatest, 24).unwrap()
    }

    #[test]
    fn the_ends_of_a_distribution_are_the_ends_of_its_line() {
        let one = density(&[(1_000, 999_999), (1_000_000, 1)]);
        let line = axis(&[&one], 1_000, 1_000_000).draw(&one, Charset::Blocks);
        assert_eq!(line.chars().count(), 24);
        assert!(line.starts_with('█') && line.ends_with('▁'), "{line}");
        assert_eq!(line.trim_matches(['█', '▁']).trim(), "");
    }

    #[test]
    fn lines_of_one_table_have_one_scale() {
        let (fast, slow) = (density(&[(1_000, 500), (1_100, 500)]), density(&[(900_000, 10)]));
        let axis = axis(&[&fast, &slow], 1_000, 900_000);
        assert_eq!(axis.draw(&fast, Charset::Ascii).trim_end(), "#");
        assert_eq!(axis.draw(&slow, Charset::Ascii).find('#'), Some(23));
        assert_eq!(axis.place(1_000), Some(0));
        assert_eq!(axis.place(50_000), Some(13));
        assert_eq!((axis.place(999), axis.place(900_001)), (None, None));
        assert_eq!(axis.ends(|ns| format!("{ns} ns")), "1000 ns        900000 ns");
    }

    #[test]
    fn values_known_by_their_bounds_lie_between_them() {
        let mut spread = Density::default();
        spread.spread(1_000, 1_000, 8.0);
        spread.spread(2_100, 3_900, 4.0);
        let line = axis(&[&spread], 1_000, 8_000).draw(&spread, Charset::Ascii);
        assert_eq!(line.trim_end(), "#       ........", "{line}");
    }

    #[test]
    fn nothing_has_no_axis_and_one_value_has_one_bar() {
        assert_eq!(Axis::of([&Density::default()].into_iter(), 0, 0, 24), None);
        let one = density(&[(5, 3)]);
        let line = axis(&[&one], 5, 5).draw(&one, Charset::Blocks);
        assert_eq!(line, "█".repeat(24), "one value fills an axis that has no length");
    }

    proptest! {
        /// Whatever is counted is drawn, all of it, and nothing beside it.
        #[test]
        fn no_value_is_lost(values in proptest::collection::vec((1u64..10_000_000_000, 1u64..1_000), 1..50)) {
            let one = density(&values);
            let least = values.iter().map(|(value, _)| *value).min().unwrap();
            let greatest = values.iter().map(|(value, _)| *value).max().unwrap();
            let axis = axis(&[&one], least, greatest);
            let drawn: f64 = one.bars(&axis).into_iter().sum();
            let counted: u64 = values.iter().map(|(_, times)| times).sum();
            prop_assert!((drawn - counted as f64).abs() < 1e-6 * counted as f64, "{drawn} of {counted}");
            let line = axis.draw(&one, Charset::Blocks);
            for (value, _) in &values {
                let at = axis.place(*value).unwrap();
                prop_assert!(line.chars().nth(at) != Some(' '), "{value} at {at} of {line}");
            }
        }
    }
}
