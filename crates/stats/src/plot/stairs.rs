//! The steps of a distribution, thinned to what can be seen. Percentile diagrams and complementary distributions draw the same ones.

use super::frame::Frame;
use super::svg::{Path, Point};

/// A percentile is reported only with at least this many observations beyond it.
pub(super) const ENOUGH: f64 = 10.0;

/// A step: so many of all are at least this value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stair {
    /// The value, ns.
    pub(super) value: u64,
    /// How many are at least this value.
    pub(super) beyond: u64,
    /// How many there are.
    pub(super) total: u64,
}

impl Stair {
    /// One in so many is at least this value.
    pub(super) fn one_in(&self) -> f64 {
        self.total as f64 / self.beyond.max(1) as f64
    }

    /// The share of values that are at least this one, 0 to 1.
    pub(super) fn share(&self) -> f64 {
        self.beyond as f64 / self.total.max(1) as f64
    }
}

/// How many values there are.
pub(super) fn total(values: &[(u64, u64)]) -> u64 {
    values.iter().fold(0, |sum, (_, count)| sum.saturating_add(*count))
}

/// The steps whose places differ by at least half a pixel; the first and the last always stay.
pub(super) fn thin(values: &[(u64, u64)], place: impl Fn(&Stair) -> Point) -> Vec<Stair> {
    let total = total(values);
    let mut stairs: Vec<Stair> = Vec::new();
    let mut below: u64 = 0;
    let mut last = (f64::NEG_INFINITY, f64::NEG_INFINITY);
    for (index, &(value, count)) in values.iter().enumerate() {
        let beyond = total.saturating_sub(below);
        below = below.saturating_add(count);
        if count == 0 || beyond == 0 {
            continue;
        }
        let stair = Stair { value, beyond, total };
        let at = place(&stair);
        if (at.0 - last.0).abs() >= 0.5 || (at.1 - last.1).abs() >= 0.5 || index + 1 == values.len() {
            stairs.push(stair);
            last = at;
        }
    }
    stairs
}

/// The curve of a percentile diagram: from a step's share on, latency is its value. The second path is where fewer than [`ENOUGH`] lie
/// beyond.
pub(super) fn curve(stairs: &[Stair], frame: &Frame) -> (Path, Path) {
    let (mut solid, mut faint) = (Path::default(), Path::default());
    let Some(first) = stairs.first() else { return (solid, faint) };
    let trusted_until = frame.across(first.total as f64 / ENOUGH);
    let end = frame.across(first.total as f64);
    let start = frame.at(1.0, first.value as f64);
    let mut pen = start;
    let mut on_faint = start.0 >= trusted_until;
    if on_faint {
        faint.move_to(start);
    } else {
        solid.move_to(start);
    }
    let ends = stairs.iter().skip(1).map(|stair| frame.at(stair.one_in(), stair.value as f64));
    for to in ends.chain([(end, f64::NAN)]) {
        if !on_faint && to.0 > trusted_until {
            solid.across_to(trusted_until);
            faint.move_to((trusted_until, pen.1));
            on_faint = true;
        }
        let path = if on_faint { &mut faint } else { &mut solid };
        path.across_to(to.0);
        if to.1.is_finite() {
            path.down_to(to.1);
            pen = to;
        }
    }
    (solid, faint)
}
