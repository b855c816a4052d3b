//! Numbers as people read them: times with a fitting unit and three significant digits, counts in groups of three.

use tailbed_format::rounded::{NO_BREAK, UNITS, split};

pub use tailbed_format::rounded::{time, whole};

/// A mean of times in ns, printed as [`time`]; what is no number is a dash.
pub fn mean(ns: f64) -> String {
    if ns.is_finite() { time(whole(ns)) } else { "–".to_owned() }
}

/// A difference in ns with its sign: `+1.20 µs`, `−340 ns`, `0 ns`.
pub fn difference(ns: i64) -> String {
    let size = time(ns.unsigned_abs());
    match ns.signum() {
        1 => format!("+{size}"),
        -1 => format!("−{size}"),
        _ => size,
    }
}

/// The bounds of an interval in ns, the unit once where both share it: `1.63–1.67 µs`. A bound the sample cannot give is left
/// open: `from 1.63 µs`, `up to 1.67 µs`; `None` when both are. Bounds too close to differ in three digits are given to the
/// nanosecond: `1.668–1.671 µs`.
pub fn interval(low: Option<u64>, high: Option<u64>) -> Option<String> {
    match (low, high) {
        (Some(low), Some(high)) => {
            let (mut left, mut right) = (split(low), split(high));
            if left == right {
                (left, right) = (exact(low), exact(high));
            }
            let (right_number, right_unit) = right;
            let unit_once = left.1 == right_unit;
            let left = if unit_once { left.0 } else { format!("{}{NO_BREAK}{}", left.0, left.1) };
            Some(format!("{left}–{right_number}{NO_BREAK}{right_unit}"))
        }
        (Some(low), None) => Some(format!("from {}", time(low))),
        (None, Some(high)) => Some(format!("up to {}", time(high))),
        (None, None) => None,
    }
}

/// A count in groups of three digits: `1 250 000`.
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut grouped = String::with_capacity(digits.len() * 2);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push('\u{202f}');
        }
        grouped.push(digit);
    }
    grouped
}

/// A share as a percentage with two or three significant digits, `0.012 %`; nothing of something is `0 %`.
pub fn share(part: u64, whole: u64) -> String {
    if part == 0 || whole == 0 {
        return format!("0{NO_BREAK}%");
    }
    let percent = part as f64 / whole as f64 * 100.0;
    let decimals = match percent {
        p if p >= 100.0 => 0,
        p if p >= 10.0 => 1,
        p if p >= 1.0 => 2,
        p if p >= 0.1 => 2,
        p if p >= 0.01 => 3,
        p if p >= 0.001 => 4,
        p if p >= 0.000_1 => 5,
        _ => 6,
    };
    format!("{percent:.decimals$}{NO_BREAK}%")
}

/// A position on a time axis, exact to four decimals and without trailing zeros: `0`, `1 µs`, `1.65 µs`, `200 ns`.
pub fn tick(ns: f64) -> String {
    if ns == 0.0 {
        return "0".to_owned();
    }
    // no latency, but what a broken clock may say: no label can hold its digits
    if ns >= 1e14 {
        return format!("{:e}{NO_BREAK}s", (ns / 1e9).round());
    }
    let (scale, unit) = UNITS.iter().rev().find(|(scale, _)| ns >= *scale as f64 * 0.999_999).unwrap_or(&UNITS[0]);
    format!("{}{NO_BREAK}{unit}", plain(ns / *scale as f64))
}

/// A number without needless zeros: `0.5`, `12`, `1.65`.
pub fn plain(value: f64) -> String {
    let text = format!("{value:.4}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" || text.is_empty() { "0".to_owned() } else { text.to_owned() }
}

/// A rate with four significant digits, so that the usual width of a search is still told apart: `164.5 kpps`, `1.283 Mpps`.
pub fn rate(packets_per_second: u64) -> String {
    let (scale, unit) = match packets_per_second {
        0..1_000 => return format!("{packets_per_second}{NO_BREAK}pps"),
        1_000..999_950 => (1e3, "kpps"),
        _ => (1e6, "Mpps"),
    };
    let value = packets_per_second as f64 / scale;
    let places = match value {
        value if value < 9.9995 => 3,
        value if value < 99.995 => 2,
        _ => 1,
    };
    format!("{value:.places$}{NO_BREAK}{unit}")
}

/// A moment given in seconds since 1970 as a UTC date and time: `2026-11-21 01:30 UTC`.
pub fn moment(seconds: u64) -> String {
    let time = chrono::DateTime::from_timestamp(i64::try_from(seconds).unwrap_or(i64::MAX), 0).unwrap_or_default();
    time.format("%Y-%m-%d %H:%M UTC").to_string()
}

/// All digits down to the nanosecond, in the unit of [`split`].
fn exact(ns: u64) -> (String, &'static str) {
    let (scale, unit) = UNITS.iter().rev().find(|(scale, _)| ns >= *scale).unwrap_or(&UNITS[0]);
    let digits = usize::try_from(scale.ilog10()).unwrap_or(0);
    let (whole, rest) = (ns / scale, ns % scale);
    let number = if digits == 0 { whole.to_string() } else { format!("{whole}.{rest:0digits$}") };
    (number, unit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn spaced(text: &str) -> String {
        text.replace(['\u{a0}', '\u{202f}'], " ")
    }

    #[test]
    fn rates_have_four_digits() {
        let printed =
            [0, 999, 1_000, 9_999, 67_259, 164_482, 999_949, 999_950, 1_282_899, 148_809_523].map(|pps| spaced(&rate(pps)));
        let expected = [
            "0 pps",
            "999 pps",
            "1.000 kpps",
            "9.999 kpps",
            "67.26 kpps",
            "164.5 kpps",
            "999.9 kpps",
            "1.000 Mpps",
            "1.283 Mpps",
            "148.8 Mpps",
        ];
        assert_eq!(printed, expected);
    }

    #[test]
    fn differences_carry_their_sign() {
        assert_eq!(spaced(&difference(1_200)), "+1.20 µs");
        assert_eq!(spaced(&difference(-340)), "−340 ns");
        assert_eq!(spaced(&difference(0)), "0 ns");
    }

    #[test]
    fn intervals_name_a_shared_unit_once() {
        assert_eq!(interval(Some(1_630), Some(1_670)).map(|text| spaced(&text)).as_deref(), Some("1.63–1.67 µs"));
        assert_eq!(interval(Some(980), Some(1_020)).map(|text| spaced(&text)).as_deref(), Some("980 ns–1.02 µs"));
        assert_eq!(interval(Some(1_668), Some(1_671)).map(|text| spaced(&text)).as_deref(), Some("1.668–1.671 µs"));
        assert_eq!(interval(Some(980), None).map(|text| spaced(&text)).as_deref(), Some("from 980 ns"));
        assert_eq!(interval(None, Some(980)).map(|text| spaced(&text)).as_deref(), Some("up to 980 ns"));
        assert_eq!(interval(None, None), None);
    }

    #[test]
    fn counts_shares_ticks_and_moments() {
        assert_eq!(spaced(&count(1_250_000)), "1 250 000");
        assert_eq!(spaced(&count(999)), "999");
        assert_eq!(spaced(&share(0, 10)), "0 %");
        assert_eq!(spaced(&share(3, 250_000)), "0.0012 %");
        assert_eq!(spaced(&tick(1_000.0)), "1 µs");
        assert_eq!(spaced(&tick(1_650.0)), "1.65 µs");
        assert_eq!(spaced(&tick(2e18)), "2e9 s");
        assert_eq!(moment(0), "1970-01-01 00:00 UTC");
        assert_eq!(moment(1_795_224_600), "2026-11-21 01:30 UTC");
        assert_eq!(moment(951_782_400), "2000-02-29 00:00 UTC");
    }

    proptest! {
        /// What is printed is within half a unit of the third digit of the value.
        #[test]
        fn printed_times_are_close(ns in any::<u64>()) {
            let text = spaced(&time(ns));
            let (number, unit) = text.split_once(' ').unwrap();
            let scale = UNITS.iter().find(|(_, name)| *name == unit).unwrap().0 as f64;
            let printed: f64 = number.parse::<f64>().unwrap() * scale;
            prop_assert!((printed - ns as f64).abs() <= ns as f64 * 0.005 + 1e-9, "{ns} as {text}");
        }
    }
}
