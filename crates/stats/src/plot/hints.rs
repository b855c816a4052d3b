//! What a drawing tells a script of the page about itself, so that the place of the pointer can be turned back into values.
//!
//! The contract, which every plot keeps:
//!
//! - The root `<svg>` has `data-plot="KIND"`, where KIND is the name of the file of [`crate::plot`] that draws it (`percentiles`,
//!   `worst`, `density`, …).
//! - A panel is an area between axes. It has `data-area="LEFT RIGHT TOP BOTTOM"`, pixels of the view box, `data-x="SCALE LO HI UNIT"`
//!   and `data-y="SCALE LO HI UNIT"`. LO is the value at the left or lower edge, HI that at the right or upper one. The root has these
//!   three of the only panel or, where there are several, of the first one; then each panel is a
//!   `<g data-panel="NAME" data-area="…" data-x="…" data-y="…">` of its own, and a script looks at those instead of the root. A drawing
//!   that says that there is nothing to show has `data-plot` only.
//! - SCALE is `linear`, `log`, or `tail`: a percentile axis whose value is 1/(1 - share), drawn logarithmically, so that 1000 is 99.9 %.
//! - UNIT is `ns`, `s`, `packets` (any count: the axis says of what), `pps`, `share` (0 to 1), `one-in` (of `tail`), or `none` (rows, trials).
//! - What belongs to one series is in a `<g data-series="NAME" class="CLASS">`, where NAME is the one in the legend and CLASS says how the
//!   series is coloured. A series may have several such groups, one in each panel.
//! - A thing that can be pointed at has `data-at="X Y"`, in the units of its panel's axes, and a `<title>` that says what it is.
//! - A path of many packets has `data-cloud="N"`, how many of them it stands for.

use std::fmt::Write as _;

use super::axis::{Axis, Scale, Unit};
use super::frame::Frame;

/// The attributes of a panel: name, value.
pub(super) fn panel(frame: &Frame) -> [(&'static str, String); 3] {
    let area = [frame.left, frame.right, frame.top, frame.bottom].map(value).join(" ");
    [("data-area", area), ("data-x", axis(&frame.x)), ("data-y", axis(&frame.y))]
}

fn axis(axis: &Axis) -> String {
    let scale = match axis.scale {
        Scale::Linear => "linear",
        Scale::Log => "log",
        Scale::Tail => "tail",
    };
    let unit = match axis.unit {
        Unit::Time => "ns",
        Unit::Count => "packets",
        Unit::Rate => "pps",
        Unit::Share => "share",
        Unit::OneIn => "one-in",
        Unit::None => "none",
    };
    format!("{scale} {} {} {unit}", value(axis.from), value(axis.to))
}

/// A pair of values as `data-at` has it.
pub(super) fn at((x, y): (f64, f64)) -> String {
    format!("{} {}", value(x), value(y))
}

/// A value without needless digits: six significant ones below a thousand, whole numbers above; 0 for what is no number.
fn value(value: f64) -> String {
    if !value.is_finite() || value == 0.0 {
        return "0".to_owned();
    }
    let mut text = String::new();
    if value.abs() >= 1_000.0 && value.fract() == 0.0 {
        let _ = write!(text, "{value:.0}");
        return text;
    }
    let digits = 5 - clamped(value.abs().log10().floor());
    let _ = write!(text, "{value:.digits$}", digits = usize::try_from(digits.max(0)).unwrap_or(0));
    if text.contains('.') {
        text.truncate(text.trim_end_matches('0').trim_end_matches('.').len());
    }
    text
}

#[allow(clippy::cast_possible_truncation, reason = "the logarithm of a finite number lies within -324 and 309")]
fn clamped(log: f64) -> i32 {
    log.clamp(-324.0, 309.0) as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_short_and_always_numbers() {
        let texts =
            [0.0, f64::NAN, f64::INFINITY, 1.0, 0.7, 0.000_001, 1_234.0, 61_000_000_000.0, 33.333_333_3, 1_234.56].map(value);
        assert_eq!(texts, ["0", "0", "0", "1", "0.7", "0.000001", "1234", "61000000000", "33.3333", "1234.56"]);
    }

    #[test]
    fn axes_say_their_scale_and_unit() {
        assert_eq!(axis(&Axis::percentile(1_000_000)), "tail 1 1000000 one-in");
        assert_eq!(axis(&Axis::log_time(1_000.0, 90_000.0, 8)), "log 1000 100000 ns");
        assert_eq!(axis(&Axis::rows(3)), "linear 0 3 none");
    }
}
