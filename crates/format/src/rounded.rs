//! Times as people read them: a fitting unit and three significant digits.

/// Units of time, ascending, in ns.
pub const UNITS: [(u64, &str); 4] = [(1, "ns"), (1_000, "µs"), (1_000_000, "ms"), (1_000_000_000, "s")];

/// Keeps a number and its unit on one line.
pub const NO_BREAK: char = '\u{a0}';

/// A time in ns, rounded to whole ones; 0 for what is negative or no number, the greatest there is for what is beyond it.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "casts of floats saturate")]
pub fn whole(ns: f64) -> u64 {
    ns.round() as u64
}

/// A time in ns with three significant digits: `834 ns`, `1.65 µs`, `12.4 µs`, `1.02 ms`.
pub fn time(ns: u64) -> String {
    let (number, unit) = split(ns);
    format!("{number}{NO_BREAK}{unit}")
}

/// The number and the unit of [`time`] apart.
pub fn split(ns: u64) -> (String, &'static str) {
    let rounded = three_significant(ns);
    let (scale, unit) = UNITS.iter().rev().find(|(scale, _)| rounded >= u128::from(*scale)).unwrap_or(&UNITS[0]);
    let scale = u128::from(*scale);
    let (whole, rest) = (rounded / scale, rounded % scale);
    let number = match (scale, whole) {
        (1, _) => whole.to_string(),
        (_, 0..=9) => format!("{whole}.{:02}", rest * 100 / scale),
        (_, 10..=99) => format!("{whole}.{}", rest * 10 / scale),
        _ => whole.to_string(),
    };
    (number, unit)
}

fn three_significant(n: u64) -> u128 {
    let n = u128::from(n);
    let digits = n.checked_ilog10().map_or(1, |log| log + 1);
    let step = 10u128.pow(digits.saturating_sub(3));
    (n + step / 2) / step * step
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_three_significant_digits() {
        let printed = [0, 7, 834, 999, 1_000, 1_649, 12_449, 102_400, 999_600, 1_020_000, 1_500_000_000, 95_000_000_000];
        let printed: Vec<_> = printed.into_iter().map(|ns| time(ns).replace(NO_BREAK, " ")).collect();
        let expected = [
            "0 ns", "7 ns", "834 ns", "999 ns", "1.00 µs", "1.65 µs", "12.4 µs", "102 µs", "1.00 ms", "1.02 ms", "1.50 s",
            "95.0 s",
        ];
        assert_eq!(printed, expected);
    }
}
