//! A run's distribution, from the percentile table that it left (`latency.hgrm`): small whatever the number of packets, so that it can be read
//! while others are measured.

use std::fs;
use std::path::Path;

use anyhow::Context;

use crate::show::density::Density;

/// The distribution in a table; between two of its rows values are spread evenly.
pub(super) fn read(path: &Path) -> anyhow::Result<Density> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    parse(&text).with_context(|| format!("{} is damaged", path.display()))
}

fn parse(text: &str) -> anyhow::Result<Density> {
    let mut density = Density::default();
    let mut before: Option<(u64, u64)> = None;
    let rows = text.lines().enumerate().filter(|(_, line)| line.trim_start().starts_with(|first: char| first.is_ascii_digit()));
    for (number, line) in rows {
        let (value, below) =
            row(line).with_context(|| format!("line {}: {line:?} is no row of a percentile table", number + 1))?;
        let (low, already) = before.map_or((value, 0), |(low, already)| (low + 1, already));
        density.spread(low.min(value), value, below.saturating_sub(already) as f64);
        before = Some((value, below));
    }
    Ok(density)
}

/// Value in ns, and how many values are at or below it; the table has µs with three decimals, the quantile, and the count.
fn row(line: &str) -> Option<(u64, u64)> {
    let mut columns = line.split_whitespace();
    let (whole, decimals) = columns.next()?.split_once('.')?;
    let below = columns.nth(1)?.parse().ok()?;
    let decimals: u64 = (decimals.len() == 3).then(|| decimals.parse().ok())??;
    Some((whole.parse::<u64>().ok()?.checked_mul(1_000)?.checked_add(decimals)?, below))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::show::charset::Charset;
    use crate::show::density::Axis;
    use tailbed_stats::counter::Counter;
    use tailbed_stats::hgrm::percentile_table;

    #[test]
    fn what_a_run_writes_is_drawn_as_its_values_are() {
        let counter: Counter = (0..10_000).map(|n| 1_000 + n % 900).chain([400_000, 900_000]).collect();
        let read = parse(&percentile_table(&counter).unwrap()).unwrap();
        let mut exact = Density::default();
        counter.iter().for_each(|(value, times)| exact.count(value, times));
        let axis = Axis::of([&exact, &read].into_iter(), 1_000, 900_000, 24).unwrap();
        let (exact, read) = (axis.draw(&exact, Charset::Ascii), axis.draw(&read, Charset::Ascii));
        assert_eq!(exact, "##%                  . .");
        // the body is the same; the two outliers are known by the rows that they lie between
        assert_eq!((&read[..2], read.ends_with(' ')), ("##", false), "{read}");
    }

    #[test]
    fn a_table_that_is_none_is_told_by_its_line() {
        let error = format!("{:#}", parse("   Value Percentile\n\n 1.5 0.1 x 1\n").unwrap_err());
        assert!(error.contains("line 3") && error.contains("1.5 0.1 x 1"), "{error}");
        assert!(parse("").unwrap().is_empty());
    }
}
