//! HdrHistogram percentile tables, as its `outputPercentileDistribution` prints them, for the tools that plot `.hgrm` files.

use std::fmt::{self, Write};

use hdrhistogram::Histogram;

use crate::counter::Counter;

/// Digits that a value keeps in the table, HdrHistogram's usual choice.
const SIGNIFICANT_DIGITS: u8 = 3;
/// The sub-buckets that three digits take: the power of two above 2 * 10^3.
const SUB_BUCKETS: u32 = 2048;
/// Steps per halving of the distance to 100 %, HdrHistogram's default.
const TICKS_PER_HALF: u32 = 5;
/// Values are recorded in ns and printed in µs.
const SCALE: f64 = 1_000.0;

/// A value that no HdrHistogram holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a value of {0} ns is beyond an HdrHistogram (and beyond a century); the clock it came from must be wrong")]
pub struct TooLarge(pub u64);

/// The percentile table of a counter of nanoseconds: Value in µs, Percentile, TotalCount, 1/(1-Percentile), HdrHistogram's footer,
/// and a line that says how values are scaled.
///
/// Values are rounded to three significant digits, upwards within HdrHistogram's buckets; nothing is rounded beyond the exact
/// maximum, which the last row and the footer bear. The mean is exact too.
///
/// # Errors
/// When a value is beyond 2^62 ns.
pub fn percentile_table(counter: &Counter) -> Result<String, TooLarge> {
    let histogram = histogram(counter, counter.maximum().unwrap_or(0))?;
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = print(counter, &histogram, &mut text);
    Ok(text)
}

/// What a counter holds, in an HdrHistogram for values up to `maximum`, which is no less than the greatest.
///
/// # Errors
/// When that is beyond 2^62 ns.
pub(crate) fn histogram(counter: &Counter, maximum: u64) -> Result<Histogram<u64>, TooLarge> {
    if maximum > 1 << 62 {
        return Err(TooLarge(maximum));
    }
    let mut histogram = Histogram::new_with_bounds(1, maximum.max(2), SIGNIFICANT_DIGITS).map_err(|_| TooLarge(maximum))?;
    for (value, times) in counter {
        histogram.record_n(value, times).map_err(|_| TooLarge(value))?;
    }
    Ok(histogram)
}

fn print(counter: &Counter, histogram: &Histogram<u64>, text: &mut String) -> fmt::Result {
    let maximum = counter.maximum().unwrap_or(0);
    writeln!(text, "{:>12} {:>14} {:>10} {:>14}\n", "Value", "Percentile", "TotalCount", "1/(1-Percentile)")?;
    let mut below = 0;
    for step in histogram.iter_quantiles(TICKS_PER_HALF) {
        below += step.count_since_last_iteration();
        let value = step.value_iterated_to().min(maximum) as f64 / SCALE;
        let quantile = step.quantile_iterated_to();
        write!(text, "{value:12.3} {quantile:14.12} {below:10}")?;
        if quantile < 1.0 {
            write!(text, " {:14.2}", 1.0 / (1.0 - quantile))?;
        }
        writeln!(text)?;
    }
    let (mean, deviation) = (counter.mean().unwrap_or(0.0), if counter.count() > 0 { histogram.stdev() } else { 0.0 });
    writeln!(text, "#[Mean    = {:12.3}, StdDeviation   = {:12.3}]", mean / SCALE, deviation / SCALE)?;
    writeln!(text, "#[Max     = {:12.3}, Total count    = {:12}]", maximum as f64 / SCALE, counter.count())?;
    writeln!(text, "#[Buckets = {:12}, SubBuckets     = {SUB_BUCKETS:12}]", histogram.buckets())?;
    writeln!(text, "# Values are in microseconds: nanoseconds divided by 1000.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_of_a_small_sample() {
        let mut counter: Counter = (0..1_000).map(|n| 3_000 + n % 200).collect();
        counter.record(1_234_567);
        insta::assert_snapshot!(percentile_table(&counter).unwrap());
    }

    #[test]
    fn table_of_nothing() {
        insta::assert_snapshot!(percentile_table(&Counter::new()).unwrap());
    }

    #[test]
    fn absurd_values_are_refused() {
        let counter: Counter = [u64::MAX].into_iter().collect();
        assert_eq!(percentile_table(&counter), Err(TooLarge(u64::MAX)));
    }
}
