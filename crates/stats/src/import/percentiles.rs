//! Percentiles as CSV: `percentile,value[,1/(1-percentile)]`, the percentile from 0 to 1, the value in ns.
//!
//! A row without a value says that there was none. A table of which no row has one is that of a measurement that was lost.

use super::{Fault, Read, Scale, lines, number};

/// The header that the published tables begin with.
const HEADER: &str = "percentile,value";

pub(super) fn is_like(text: &str) -> bool {
    let Some((_, first)) = lines(text).find(|(_, line)| !line.is_empty()) else { return false };
    let mut fields = first.split(',');
    first.to_ascii_lowercase().starts_with(HEADER)
        || fields.next().is_some_and(|field| field.contains('.') && number::share(field).is_some())
            && fields.next().is_some_and(|field| Scale::NANO.time(field).is_some())
}

/// Reads such a table.
///
/// # Errors
/// A row without two fields, a share or a time that is none, shares or values that do not ascend; [`Fault::is_empty`] without a value.
pub fn read(text: &str, scale: Option<Scale>) -> Result<Read, Fault> {
    let scale = scale.unwrap_or(Scale::NANO);
    let mut points: Vec<(f64, u64)> = Vec::new();
    let mut rows = 0;
    for (at, line) in lines(text).filter(|(_, line)| !line.is_empty()) {
        if rows == 0 && line.to_ascii_lowercase().starts_with(HEADER) {
            continue;
        }
        rows += 1;
        let (share, rest) =
            line.split_once(',').ok_or_else(|| Fault::at(at, line, "is no row; write percentile,value, such as 0.999,83029"))?;
        let percentile =
            number::share(share).ok_or_else(|| Fault::at(at, share, "is no percentile from 0 to 1; 99.9 % is written 0.999"))?;
        let value = rest.split(',').next().unwrap_or_default().trim();
        if value.is_empty() {
            continue;
        }
        let value = scale
            .time(value)
            .ok_or_else(|| Fault::at(at, value, format!("is no time in {scale}; write a number such as 83029")))?;
        if let Some(&(last, greatest)) = points.last() {
            if percentile < last {
                return Err(Fault::at(
                    at,
                    share,
                    format!("is below the percentile {last} before it; sort the rows by percentile"),
                ));
            }
            if value < greatest {
                return Err(Fault::at(
                    at,
                    line,
                    format!("has a value below the {greatest} ns of a lower percentile; such a table is damaged"),
                ));
            }
        }
        points.push((percentile, value));
    }
    if points.is_empty() {
        let wrong = if rows == 0 { "it has no row" } else { "none of its percentiles has a value" };
        return Err(Fault::empty(wrong));
    }
    let minimum = points.first().filter(|(share, _)| *share == 0.0).map(|(_, value)| *value);
    Ok(Read { minimum, maximum: reached(&points), percentiles: points, ..Read::default() })
}

/// The greatest value, where the last percentiles reach it: either the last is 1, or several of the last have the same value, which is
/// then the value of the last rank.
fn reached(points: &[(f64, u64)]) -> Option<u64> {
    let (share, value) = *points.last()?;
    let again = points.iter().rev().nth(1).is_some_and(|(_, before)| *before == value);
    (share >= 1.0 || again).then_some(value)
}
