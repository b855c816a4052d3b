//! A comparison in words and tables a reader can trust.

use std::fmt::Write as _;

use tailbed_format::summary::Parameter;

use super::escaped;
use super::gate::{Measure, Outcome};
use super::machine::Difference;
use super::silent::Through;
use super::{Compared, Comparison, Judged, Range, Row, TooFew, Verdict};
use crate::interval::MedianInterval;
use crate::plot::number::{count, difference, mean, time};

#[allow(clippy::cast_possible_truncation, reason = "differences of whole nanoseconds")]
fn signed(ns: f64) -> String {
    difference(ns.round() as i64)
}

/// Whole per cent; certainty is never claimed.
pub(crate) fn sure(confidence: f64) -> String {
    format!("{:.0} %", (confidence * 100.0).min(99.0))
}

pub(crate) fn percent(share: f64) -> String {
    format!("{}{:.1} %", if share > 0.0 { "+" } else { "" }, share * 100.0).replace('-', "−")
}

fn small_percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent == 0.0 || percent >= 0.01 { format!("{percent:.3} %") } else { format!("{percent:.1e} %") }
}

pub(super) fn too_few(base: usize, other: usize) -> String {
    format!("{base} and {other} repeats have a value")
}

pub(super) fn no_value() -> String {
    "no repeat has a value".to_owned()
}

/// Of an interval that decides nothing.
pub(super) fn few_repeats(needed: usize) -> String {
    format!("; so few repeats decide nothing: {needed} a side could")
}

/// Of an interval that holds the limit.
pub(super) fn in_between() -> String {
    "; the limit lies within that".to_owned()
}

pub(super) fn too_few_packets(too_few: &TooFew) -> String {
    format!("a run needs {} packets for {}, and these have {}", count(too_few.needed), too_few.percentile, count(too_few.packets))
}

/// Of a path through which nothing comes.
pub(crate) fn nothing(measure: Measure, runs: usize, sent: u64) -> String {
    let what = match measure {
        Measure::Loss => "all of them are lost",
        Measure::At(_) | Measure::Maximum => "there is no latency to hold",
    };
    format!("{}: {what}", silence(runs, sent))
}

/// Of runs in which nothing came in.
pub(crate) fn silence(runs: usize, sent: u64) -> String {
    format!("nothing came through in {}, of {} packets sent", so_many(runs), count(sent))
}

/// Why a side's runs decide nothing; `whose` stands before it.
pub(super) fn uncounted(whose: &str, through: Through<'_>) -> String {
    match through {
        Through::Counted => String::new(),
        Through::Nothing { runs, .. } => format!("{whose}nothing came through in {}", so_many(runs)),
        Through::Unknown { runs: 0, .. } => format!("{whose}no run was made"),
        Through::Unknown { runs, first } => {
            let reason = first.map_or_else(String::new, |first| format!(": {first}"));
            format!("{whose}none of {} counts{reason}", so_many(runs))
        }
    }
}

/// Of runs beside those that count.
pub(super) fn but_silent(why: &str, silent: usize) -> String {
    format!("{why}; but nothing came through in {}, left out of this", so_many(silent))
}

/// Of a combination that the other has not.
pub(super) fn absent() -> String {
    "only the base has this combination".to_owned()
}

fn so_many(runs: usize) -> String {
    if runs == 1 { "1 run".to_owned() } else { format!("{runs} runs") }
}

pub(super) fn share_more(ratio: &Range) -> String {
    format!(
        "{}, {} to {} ({} confidence)",
        percent(ratio.estimate - 1.0),
        percent(ratio.low - 1.0),
        percent(ratio.high - 1.0),
        sure(ratio.confidence)
    )
}

pub(super) fn more(range: &Range) -> String {
    format!("{}, {} to {} ({} confidence)", signed(range.estimate), signed(range.low), signed(range.high), sure(range.confidence))
}

pub(super) fn at(interval: &MedianInterval) -> String {
    let [median, low, high] = [interval.median, interval.low, interval.high].map(|ns| time(ns.unsigned_abs()));
    format!("{median}, {low} to {high} ({} confidence)", sure(interval.confidence))
}

pub(super) fn lost(lost: u64, sent: u64, low: f64, high: f64) -> String {
    format!(
        "{} of {} packets lost, {} to {} (95 % confidence)",
        count(lost),
        count(sent),
        small_percent(low),
        small_percent(high)
    )
}

pub(crate) fn verdict(row: &Row) -> String {
    match row.verdict {
        Verdict::Slower => "**slower**".to_owned(),
        Verdict::Faster => "**faster**".to_owned(),
        Verdict::BelowFloor => "differs by less than the instrument takes itself".to_owned(),
        Verdict::NoLargerThan(ns) => format!("no difference larger than {}", mean(ns)),
        Verdict::NotEnough(repeats) => format!("not enough data: {repeats} repeats a side could tell"),
    }
}

pub(crate) fn named(parameters: &[Parameter]) -> String {
    let all: Vec<String> = parameters.iter().map(|parameter| format!("{} = {}", parameter.key, parameter.value)).collect();
    if all.is_empty() { "The experiment".to_owned() } else { all.join(", ") }
}

/// The comparison as Markdown.
pub fn markdown(comparison: &Comparison, differences: &[Difference]) -> String {
    let differences: Vec<Difference> = differences.iter().map(escaped::difference).collect();
    text(&escaped::comparison(comparison), &differences)
}

/// The comparison for a terminal: the same, but for names that Markdown would take for markup. With `differences` that make two machines of
/// one, every line says so.
pub fn text(comparison: &Comparison, differences: &[Difference]) -> String {
    let mut text = String::new();
    let mark = if differences.iter().any(|difference| difference.machine) { " (different machines)" } else { "" };
    let _ = writeln!(text, "# {} against {}{mark}\n", comparison.other, comparison.base);
    if let Some(outcome) = comparison.outcome() {
        let _ = writeln!(text, "{}\n", sentence(outcome));
    }
    let simulated = |which: &str, rest: &str| format!("{which} is simulated and not measured; {rest} is measured.\n");
    let _ = match comparison.simulated {
        [false, false] => Ok(()),
        [true, true] => writeln!(text, "Both are simulated: nothing of this was measured.\n"),
        [true, false] => writeln!(text, "{}", simulated(&comparison.base, &comparison.other)),
        [false, true] => writeln!(text, "{}", simulated(&comparison.other, &comparison.base)),
    };
    for Difference { what, base, other, .. } in differences {
        let _ = writeln!(text, "- {what} differs: {} here, {} in the base", or_none(other), or_none(base));
    }
    if !differences.is_empty() {
        text.push('\n');
    }
    for cell in &comparison.cells {
        let _ = writeln!(text, "## {}{mark}\n", named(&cell.parameters));
        if let Some(slower) = cell.slower {
            let _ = writeln!(
                text,
                "A packet is slower than one of the base with a probability of {:.1} %; {} and {} repeats count.{mark}\n",
                slower * 100.0,
                cell.repeats[1],
                cell.repeats[0]
            );
        }
        table(&mut text, cell, mark);
        conditions(&mut text, &cell.conditions, mark);
    }
    for (whose, alone) in [("the base", &comparison.only_base), (comparison.other.as_str(), &comparison.only_other)] {
        for parameters in alone {
            let _ = writeln!(text, "Only {whose} has {}: it is not compared.", named(parameters));
        }
    }
    for cell in &comparison.absent {
        let _ = writeln!(text, "\n## {}{mark}\n", named(&cell.parameters));
        conditions(&mut text, &cell.conditions, mark);
    }
    text
}

fn conditions(text: &mut String, judged: &[Judged], mark: &str) {
    for judged in judged {
        let _ = writeln!(text, "- {}: `{}`: {}{mark}", label(judged.outcome), judged.condition, judged.why);
    }
    if !judged.is_empty() {
        text.push('\n');
    }
}

fn or_none(text: &str) -> &str {
    if text.is_empty() { "none" } else { text }
}

fn sentence(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Held => "Every condition holds.",
        Outcome::Undecided => "No condition fails, and some cannot be decided.",
        Outcome::Failed => "**A condition fails.**",
    }
}

pub(crate) fn label(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Held => "holds",
        Outcome::Undecided => "cannot be decided",
        Outcome::Failed => "**fails**",
    }
}

/// What is said of a percentile for which there are too few packets.
pub(crate) fn not_enough(too_few: &TooFew) -> String {
    format!("not enough data: a run needs {} packets, and these have {}", count(too_few.needed), count(too_few.packets))
}

fn table(text: &mut String, cell: &Compared, mark: &str) {
    let Compared { rows, too_few, .. } = cell;
    if rows.is_empty() && too_few.is_empty() {
        let _ = writeln!(text, "No percentile has a value on both sides.{mark}\n");
        return;
    }
    let mut lines = vec![["percentile", "base", "other", "difference", "interval", "ratio", "verdict"].map(str::to_owned)];
    lines.extend(rows.iter().map(|row| {
        [
            row.percentile.to_string(),
            time(row.medians[0]),
            time(row.medians[1]),
            signed(row.difference.estimate),
            format!("{} to {} ({})", signed(row.difference.low), signed(row.difference.high), sure(row.difference.confidence)),
            format!("{:.3}", row.ratio.estimate),
            format!("{}{mark}", verdict(row)),
        ]
    }));
    lines.extend(too_few.iter().map(|too_few| {
        let [none, verdict] = ["–".to_owned(), format!("{}{mark}", not_enough(too_few))];
        [too_few.percentile.to_string(), none.clone(), none.clone(), none.clone(), none.clone(), none, verdict]
    }));
    aligned(text, &lines);
}

/// A Markdown table whose columns stand below each other; the first line is its head.
pub(crate) fn aligned(text: &mut String, lines: &[impl AsRef<[String]>]) {
    let columns = lines.first().map_or(0, |line| line.as_ref().len());
    let width = |column: usize| lines.iter().map(|line| line.as_ref()[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    for (number, line) in lines.iter().map(AsRef::as_ref).enumerate() {
        let padded: Vec<String> =
            line.iter().zip(&widths).map(|(word, width)| format!("{word}{}", " ".repeat(width - word.chars().count()))).collect();
        let _ = writeln!(text, "| {} |", padded.join(" | "));
        if number == 0 {
            let rule: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
            let _ = writeln!(text, "| {} |", rule.join(" | "));
        }
    }
    text.push('\n');
}
