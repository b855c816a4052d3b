//! Buckets and how many values fell into each, as CSV: `bucket,count` or `value,count`, in ns unless told otherwise. `tailbed analyze`
//! and the pipeline of gallenmu/low-latency write such tables.
//!
//! Where the rows are equally far apart they are buckets named by their lower end, and a value counts as its bucket's upper end: nothing
//! is then told as faster than it was. The rows of a table of single values are told apart by a header that begins with `value`.

use super::{Fault, Read, Scale, lines};
use crate::counter::Counter;

pub(super) fn is_like(text: &str) -> bool {
    let mut rows = lines(text).map(|(_, line)| line).filter(|line| !line.is_empty());
    let Some(first) = rows.next() else { return false };
    let pair = |line: &str| {
        line.split_once(',')
            .is_some_and(|(value, count)| Scale::NANO.time(value).is_some() && count.trim().parse::<u64>().is_ok())
    };
    pair(first) || first.to_ascii_lowercase().ends_with(",count") && rows.next().is_none_or(pair)
}

/// Reads such a table.
///
/// # Errors
/// A row without two numbers, or values that do not ascend; [`Fault::is_empty`] when all counts are zero.
pub fn read(text: &str, scale: Option<Scale>) -> Result<Read, Fault> {
    let scale = scale.unwrap_or(Scale::NANO);
    let mut rows: Vec<(u64, u64)> = Vec::new();
    let mut single = false;
    for (at, line) in lines(text).filter(|(_, line)| !line.is_empty()) {
        if rows.is_empty() && line.to_ascii_lowercase().ends_with(",count") {
            single = line.to_ascii_lowercase().starts_with("value");
            continue;
        }
        let (value, times) =
            line.split_once(',').ok_or_else(|| Fault::at(at, line, "is no row; write bucket,count such as 3100,255363"))?;
        let bucket = scale.time(value).ok_or_else(|| Fault::at(at, value, format!("is no time in {scale}")))?;
        let times: u64 = times.trim().parse().map_err(|_| Fault::at(at, times, "is no count"))?;
        if rows.last().is_some_and(|(last, _)| *last >= bucket) {
            return Err(Fault::at(at, value, "is not above the bucket before it; sort the rows, each bucket once"));
        }
        rows.push((bucket, times));
    }
    let total = rows.iter().try_fold(0_u64, |sum, (_, times)| sum.checked_add(*times));
    match total {
        None => return Err(Fault::whole("its counts add up to more than 2^64")),
        Some(0) => return Err(Fault::empty("it counts no value")),
        Some(_) => {}
    }
    // single nanoseconds are values, however they are called
    let width = Some(width(&rows)).filter(|width| *width > 1 && !single).unwrap_or(0);
    let mut counter = Counter::new();
    for (bucket, times) in &rows {
        counter.record_many(bucket + width, *times);
    }
    let note = (width > 0).then(|| format!("values are the upper ends of buckets of {width} ns"));
    // of the least value a bucket knows its lower end
    let minimum = rows.iter().find(|(_, times)| *times > 0).map(|(bucket, _)| *bucket);
    Ok(Read { minimum, note, ..Read::of_counter(&counter) })
}

/// The greatest step that leads to every row: 100 where rows are 3000, 3100, 3300. Buckets without a value are often left out.
fn width(rows: &[(u64, u64)]) -> u64 {
    let first = rows.first().map_or(0, |(bucket, _)| *bucket);
    rows.iter().fold(0, |step, (bucket, _)| greatest_common_divisor(step, bucket - first))
}

fn greatest_common_divisor(mut one: u64, mut other: u64) -> u64 {
    while other > 0 {
        (one, other) = (other, one % other);
    }
    one
}
