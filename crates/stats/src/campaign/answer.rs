//! The answer in one sentence, with its uncertainty.

use tailbed_format::percentile::Percentile;
use tailbed_format::summary::{CellSummary, Contrast, Estimate, RunKind, Verdict};

use super::contrast::{differing_parameter, floor};
use crate::plot::number::count;

use super::wording::{circumstances, is_environment, percent, range, subject, time};

/// What a campaign answers.
///
/// The comparison answered for is fixed beforehand and not picked by its outcome: the first measurement cell against the first that
/// differs from it in one parameter, at the highest percentile whose repeats are enough to show a difference. How many comparisons
/// there are besides is said. Without comparisons the sentence gives the first cell's highest percentile. A simulated campaign
/// says that it is one.
pub fn answer(cells: &[CellSummary], contrasts: &[Contrast], simulated: bool) -> String {
    let measured: Vec<_> = cells.iter().filter(|cell| cell.kind == RunKind::Measurement).collect();
    let sentence = match measured.as_slice() {
        [] => "Nothing can be said: nothing was measured.".to_owned(),
        [first, rest @ ..] => match rest.iter().find(|other| differing_parameter(first, other).is_some()) {
            Some(other) => comparison(first, other, cells, contrasts),
            None => alone(first, cells, rest.len()),
        },
    };
    if simulated { format!("Simulated, not measured: {}", lower_first(&sentence)) } else { sentence }
}

fn lower_first(sentence: &str) -> String {
    let mut rest = sentence.chars();
    rest.next().map_or_else(String::new, |first| first.to_lowercase().chain(rest).collect())
}

fn comparison(base: &CellSummary, other: &CellSummary, cells: &[CellSummary], contrasts: &[Contrast]) -> String {
    let mine = || contrasts.iter().filter(|contrast| (contrast.base, contrast.other) == (base.cell, other.cell));
    let pairs: std::collections::BTreeSet<_> = contrasts.iter().map(|contrast| (contrast.base, contrast.other)).collect();
    let more = match pairs.len().saturating_sub(1) {
        0 => String::new(),
        1 => " One more comparison is in the table.".to_owned(),
        more => format!(" {more} more comparisons are in the table."),
    };
    match mine().rfind(|contrast| contrast.verdict != Verdict::NotEnough) {
        Some(contrast) => format!("{}{more}", verdict(base, other, contrast, cells)),
        None => format!("{}{more}", unsaid(base, other, mine().next())),
    }
}

fn verdict(base: &CellSummary, other: &CellSummary, contrast: &Contrast, cells: &[CellSummary]) -> String {
    let Some((from, to)) = differing_parameter(base, other) else { return String::new() };
    let under = circumstances(base, Some(&from.key));
    let percentile = contrast.percentile;
    let evidence = format!("{} confidence, {} repeats", percent(contrast.confidence), contrast.pairs);
    let difference = time(contrast.difference.unsigned_abs());
    let own = floor(base, other, percentile, cells);
    let own_floor = own.map_or_else(
        || "; the instrument's own floor was not measured".to_owned(),
        |floor| format!("; the instrument's own floor there is {}", time(floor)),
    );
    let (low, high) = if contrast.difference < 0 { (-contrast.high, -contrast.low) } else { (contrast.low, contrast.high) };
    let slower = contrast.difference > 0;
    match contrast.verdict {
        Verdict::Slower | Verdict::Faster if is_environment(to) => {
            let word = if slower { "slower" } else { "faster" };
            let (to, from) = (subject(to), subject(from));
            format!(
                "At {percentile} {to} is {difference} {word} than {from}{under} ({}, {evidence}){own_floor}.",
                range(low, high)
            )
        }
        Verdict::Slower | Verdict::Faster => {
            let word = if slower { "higher" } else { "lower" };
            let (to, from) = (subject(to), &from.value);
            format!(
                "At {percentile} latency is {difference} {word} with {to} than with {from}{under} ({}, {evidence}){own_floor}.",
                range(low, high)
            )
        }
        Verdict::BelowFloor => format!(
            "At {percentile} the difference between {} and {}{under} is {difference} ({}, {evidence}), no more than the \
             instrument's own floor of {}, and is not claimed.",
            subject(from),
            subject(to),
            range(low, high),
            time(own.unwrap_or(0)),
        ),
        Verdict::NotShown | Verdict::NotEnough => format!(
            "At {percentile} there is no difference larger than {} between {} and {}{under}: it lies between {} ({evidence}){own_floor}.",
            time(contrast.low.unsigned_abs().max(contrast.high.unsigned_abs())),
            subject(from),
            subject(to),
            range(contrast.low, contrast.high).replacen(" to ", " and ", 1),
        ),
    }
}

fn unsaid(base: &CellSummary, other: &CellSummary, first: Option<&Contrast>) -> String {
    let (from, to) = match differing_parameter(base, other) {
        Some((from, to)) => (subject(from), subject(to)),
        None => return String::new(),
    };
    let why = match first {
        _ if base.valid.is_empty() || other.valid.is_empty() => {
            let none = if base.valid.is_empty() { &from } else { &to };
            format!("no run of {none} counts")
        }
        Some(Contrast { pairs, needed, .. }) => format!(
            "{pairs} {} of each that {}, and with this many comparisons it takes {} to show any difference",
            if *pairs == 1 { "repeat" } else { "repeats" },
            if *pairs == 1 { "counts" } else { "count" },
            needed.map_or_else(|| "more".to_owned(), |needed| needed.to_string()),
        ),
        None => "too few packets for any percentile; run longer or at a higher rate".to_owned(),
    };
    format!("Whether {to} is slower than {from} cannot be said: {why}.")
}

fn alone(cell: &CellSummary, cells: &[CellSummary], others: usize) -> String {
    let highest = cell.latency.percentiles.iter().rev().find_map(|row| match row.estimate {
        Estimate::Value { value, low, high } => Some((row.percentile, value, low, high)),
        Estimate::NotEnough { .. } => None,
    });
    let name = if cell.parameters.is_empty() { String::new() } else { circumstances(cell, None) };
    let Some((percentile, value, low, high)) = highest else {
        let why = if cell.valid.is_empty() {
            "no run counts".to_owned()
        } else {
            format!("{} packets are too few for any percentile", cell.latency.count)
        };
        return format!("The latency{name} cannot be said: {why}.");
    };
    let signed = |ns: u64| i64::try_from(ns).unwrap_or(i64::MAX);
    let bounds = match (low, high) {
        (Some(low), Some(high)) => range(signed(low), signed(high)),
        (Some(low), None) => format!("at least {}", time(low)),
        (None, Some(high)) => format!("at most {}", time(high)),
        (None, None) => "unbounded".to_owned(),
    };
    let own = floor(cell, cell, percentile, cells)
        .map_or_else(String::new, |floor| format!("; the instrument's own floor there is {}", time(floor)));
    let more = match others {
        0 => "",
        _ => " The other cells differ from it in more than one parameter and are not compared.",
    };
    format!(
        "{}{name} is {} ({bounds}, 95 % confidence, {} packets in {} {}){own}.{more}",
        latency_at(percentile),
        time(value),
        count(cell.latency.count),
        cell.valid.len(),
        if cell.valid.len() == 1 { "run" } else { "runs" },
    )
}

fn latency_at(percentile: Percentile) -> String {
    format!("Latency at {percentile}")
}
