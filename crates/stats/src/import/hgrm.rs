//! HdrHistogram's percentile table: `Value Percentile TotalCount 1/(1-Percentile)`, and a footer of mean, deviation, maximum and count
//! (`outputPercentileDistribution` of HdrHistogram, in Java, C and other languages).
//!
//! The table does not say in which unit its values are. Tables that tailbed writes do, in a last line; for others it must be told.

use super::{Fault, Read, Scale, lines, number};

/// What tailbed writes below its tables.
const MICROSECONDS: &str = "# Values are in microseconds";

pub(super) fn is_like(text: &str) -> bool {
    let first = lines(text).map(|(_, line)| line).find(|line| !line.is_empty());
    first.is_some_and(is_header)
}

fn is_header(line: &str) -> bool {
    let mut words = line.split_whitespace();
    words.next() == Some("Value") && words.next() == Some("Percentile")
}

/// Reads such a table.
///
/// # Errors
/// A table without its header or footer, a row that is none, values that do not ascend, a unit that nobody told; [`Fault::is_empty`] of
/// a histogram of nothing.
pub fn read(text: &str, scale: Option<Scale>) -> Result<Read, Fault> {
    if !is_like(text) {
        return Err(Fault::whole("it does not begin with HdrHistogram's header, Value Percentile TotalCount 1/(1-Percentile)"));
    }
    let own = lines(text).any(|(_, line)| line.starts_with(MICROSECONDS)).then_some(Scale::MICRO);
    let scale = scale.or(own).ok_or_else(|| {
        Fault::whole("it does not say in which unit its values are, as no such table does; say it with --unit ns, us, ms or s")
    })?;
    let mut read = Read::default();
    let mut rows = 0;
    for (at, line) in lines(text) {
        if line.is_empty() || is_header(line) {
            continue;
        }
        if let Some(comment) = line.strip_prefix('#') {
            footer(at, comment, scale, &mut read)?;
            continue;
        }
        rows += 1;
        row(at, line, scale, &mut read)?;
    }
    if read.count == Some(0) || rows == 0 {
        return Err(Fault::empty("it is of a histogram without a value"));
    }
    // the last row, of all values, may bear the bucket's upper end; the footer has the greatest as it was rounded
    let last = read.percentiles.last().map(|(_, value)| *value);
    read.maximum = read.maximum.map(|maximum| last.map_or(maximum, |last| maximum.max(last))).or(last);
    Ok(read)
}

fn row(at: usize, line: &str, scale: Scale, read: &mut Read) -> Result<(), Fault> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let &[value, percentile, count, ..] = words.as_slice() else {
        return Err(Fault::at(at, line, "is no row of the table: value, percentile, count and 1/(1-percentile)"));
    };
    let value = scale.time(value).ok_or_else(|| Fault::at(at, value, "is no value"))?;
    let percentile = number::share(percentile).ok_or_else(|| Fault::at(at, percentile, "is no percentile from 0 to 1"))?;
    let below: u64 = count.parse().map_err(|_| Fault::at(at, count, "is no count of values"))?;
    if let Some(&(share, greatest)) = read.percentiles.last()
        && (percentile < share || value < greatest)
    {
        return Err(Fault::at(at, line, "lies below the row before it; such a table is damaged"));
    }
    read.percentiles.push((percentile, value));
    read.count = Some(read.count.unwrap_or(0).max(below));
    Ok(())
}

/// `#[Max = 12.3, Total count = 45]`; other lines say nothing that is needed.
fn footer(at: usize, comment: &str, scale: Scale, read: &mut Read) -> Result<(), Fault> {
    let Some(inner) = comment.trim().strip_prefix("[Max") else { return Ok(()) };
    let (maximum, rest) = inner.split_once(',').ok_or_else(|| Fault::at(at, comment, "is no footer with Max and Total count"))?;
    let after = |text: &str| text.split_once('=').map(|(_, value)| value.trim_matches([' ', ']']).to_owned());
    let maximum = after(maximum).and_then(|text| scale.time(&text));
    let total = after(rest).and_then(|text| text.parse::<u64>().ok());
    let (Some(maximum), Some(total)) = (maximum, total) else {
        return Err(Fault::at(at, comment, "is no footer with Max and Total count"));
    };
    (read.maximum, read.count) = (Some(maximum), Some(total));
    Ok(())
}
