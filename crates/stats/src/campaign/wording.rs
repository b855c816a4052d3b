//! Names and figures in sentences.

use tailbed_format::rounded::{NO_BREAK, UNITS};
use tailbed_format::summary::{CellSummary, Parameter};

pub(super) use tailbed_format::rounded::time;

/// Two ends of a range in the unit of the wider one, to its third digit: `0.40 to 3.10 µs`, `-200 to 40 ns`.
pub(super) fn range(low: i64, high: i64) -> String {
    let wider = low.unsigned_abs().max(high.unsigned_abs());
    let (scale, unit) = UNITS.iter().rev().find(|(scale, _)| wider >= *scale).unwrap_or(&UNITS[0]);
    let decimals = match wider / scale {
        _ if *scale == 1 => 0,
        0..=9 => 2,
        10..=99 => 1,
        _ => 0,
    };
    let figure = |ns: i64| format!("{:.decimals$}", ns as f64 / *scale as f64);
    format!("{} to {}{NO_BREAK}{unit}", figure(low), figure(high))
}

/// A confidence in whole percent, never rounded up to certainty: `94 %`.
pub(super) fn percent(confidence: f64) -> String {
    format!("{:.0}{NO_BREAK}%", (confidence * 100.0).min(99.0))
}

/// The subject of a comparison: `the container` for an environment, the key and its value otherwise.
pub(super) fn subject(parameter: &Parameter) -> String {
    if is_environment(parameter) {
        format!("the {}", parameter.value)
    } else {
        format!("{} = {}", parameter.key, parameter.value)
    }
}

pub(super) fn is_environment(parameter: &Parameter) -> bool {
    parameter.key.rsplit('.').next() == Some("environment")
}

/// What two compared cells have in common: ` (traffic.rate = 10kpps)`, or nothing.
pub(super) fn circumstances(cell: &CellSummary, except: Option<&str>) -> String {
    let shared: Vec<_> = cell
        .parameters
        .iter()
        .filter(|parameter| Some(parameter.key.as_str()) != except)
        .map(|parameter| format!("{} = {}", parameter.key, parameter.value))
        .collect();
    if shared.is_empty() { String::new() } else { format!(" ({})", shared.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_read_as_people_write_them() {
        assert_eq!(range(400, 3_100), "0.40 to 3.10\u{a0}µs");
        assert_eq!(range(-200, 40), "-200 to 40\u{a0}ns");
        assert_eq!(range(-23_614_000, 12), "-23.6 to 0.0\u{a0}ms");
        assert_eq!(percent(0.9375), "94\u{a0}%");
        assert_eq!(percent(0.9999), "99\u{a0}%");
    }
}
