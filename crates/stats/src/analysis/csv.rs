//! The results as CSV, column for column and digit for digit as the pipeline of gallenmu/low-latency prints them, so that
//! its plotting scripts read them too. All times in ns.

use std::fmt::Write;

use tailbed_format::percentile::Percentile;

use super::{Analysis, Traffic, Worst, histogram};
use crate::counter::Counter;

/// Latency histogram in buckets of 100 ns: `hist.csv`.
pub fn latency_histogram(latency: &Counter) -> String {
    pairs("latency_bucket,count", histogram(latency))
}

/// Histogram of the gaps between neighbouring packets in buckets of 100 ns: `jitterpre.csv` and `jitterpost.csv`.
pub fn gaps(traffic: &Traffic) -> String {
    pairs("bucket,count", traffic.gaps())
}

/// Nearest-rank percentiles and the maximum: `percentiles.csv`. As there, every percentile has a value, however few packets lie
/// beyond it; the fields of an analysis without pairs are empty.
pub fn percentiles(latency: &Counter) -> String {
    let names = "perc_50,perc_90,perc_99,perc_999,perc_9999,perc_99999,perc_999999,maximum";
    let values = Percentile::REPORTED.iter().map(|&percentile| latency.quantile(percentile)).chain([latency.maximum()]);
    let values: Vec<_> = values.map(|value| value.map_or_else(String::new, |value| value.to_string())).collect();
    format!("{names}\n{}\n", values.join(","))
}

/// Packets in front, packets behind and their ratio: `transferrate.csv`.
pub fn transfer_rate(analysis: &Analysis) -> String {
    let (pre, post) = (analysis.pre.packets, analysis.post.packets);
    format!("countpre,countpost,transferrate\n{pre},{post},{}\n", ratio(post, pre).unwrap_or_default())
}

/// The worst pairs, at most `most`: `worst.csv`.
pub fn worst(worst: &[Worst], most: usize) -> String {
    let mut text = "latency,prets,postts,encode\n".to_owned();
    for Worst { latency, pre, post, key } in worst.iter().take(most) {
        // Writing to a String cannot fail.
        let _ = write!(text, "{latency},{pre},{post},");
        for byte in key {
            let _ = write!(text, "{byte:02x}");
        }
        text.push('\n');
    }
    text
}

/// Packets in each second of either capture's clock: `rates.csv`.
pub fn rates(pre: &Traffic, post: &Traffic) -> String {
    let mut text = "second,pre,post\n".to_owned();
    for (second, pre, post) in seconds(pre, post) {
        let _ = writeln!(text, "{second},{pre},{post}");
    }
    text
}

/// Second, packets in front, packets behind, for each second in which there was any.
pub fn seconds(pre: &Traffic, post: &Traffic) -> Vec<(u64, u64, u64)> {
    let mut joined = std::collections::BTreeMap::<u64, (u64, u64)>::new();
    for &(second, count) in pre.seconds() {
        joined.entry(second).or_default().0 += count;
    }
    for &(second, count) in post.seconds() {
        joined.entry(second).or_default().1 += count;
    }
    joined.into_iter().map(|(second, (pre, post))| (second, pre, post)).collect()
}

fn pairs(header: &str, rows: Vec<(u64, u64)>) -> String {
    let mut text = format!("{header}\n");
    for (bucket, count) in rows {
        let _ = writeln!(text, "{bucket},{count}");
    }
    text
}

/// `part / whole` as PostgreSQL prints a division of numerics: at least sixteen significant digits, in steps of four decimals
/// (`select_div_scale` in numeric.c), the last one rounded. `None` for a division by zero.
pub fn ratio(part: u64, whole: u64) -> Option<String> {
    // Weight and first digit in base 10 000.
    let leading = |mut number: u64| {
        let mut weight = 0u32;
        while number >= 10_000 {
            number /= 10_000;
            weight += 1;
        }
        (weight, number)
    };
    let ((weight, first), (whole_weight, whole_first)) = (leading(part), leading(whole));
    let quotient_weight = i64::from(weight) - i64::from(whole_weight) - i64::from(first <= whole_first);
    let decimals = usize::try_from(16 - quotient_weight * 4).unwrap_or(0);
    let whole = u128::from(whole);
    let mut digits = u128::from(part).checked_div(whole)?.to_string();
    let mut rest = u128::from(part) % whole;
    let mut fraction = Vec::with_capacity(decimals);
    for _ in 0..decimals {
        rest *= 10;
        fraction.push(rest / whole);
        rest %= whole;
    }
    if rest * 2 >= whole {
        let mut carry = 1;
        for digit in fraction.iter_mut().rev() {
            *digit += carry;
            carry = *digit / 10;
            *digit %= 10;
        }
        if carry > 0 {
            digits = (u128::from(part) / whole + 1).to_string();
        }
    }
    if decimals > 0 {
        digits.push('.');
        fraction
            .iter()
            .filter_map(|&digit| char::from_digit(u32::try_from(digit).ok()?, 10))
            .for_each(|digit| digits.push(digit));
    }
    Some(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first is in the published files; the others have the number of decimals that `select_div_scale` gives.
    #[test]
    fn ratios_have_the_digits_of_postgresql() {
        for (part, whole, expected) in [
            (300_000, 300_000, "1.00000000000000000000"),
            (299_999, 300_000, "0.99999666666666666667"),
            (1, 3, "0.33333333333333333333"),
            (2, 1, "2.0000000000000000"),
            (0, 5, "0.00000000000000000000"),
            (20_000, 3, "6666.6666666666666667"),
            (1, 99_999_999, "0.000000010000000100000001"),
        ] {
            assert_eq!(ratio(part, whole).as_deref(), Some(expected), "{part} / {whole}");
        }
        assert_eq!(ratio(1, 0), None);
    }
}
