//! An answer in words and tables a reader can trust.

use std::fmt::Write as _;

use tailbed_format::summary::Parameter;

use super::{Along, Contrast, Factors, Group, Row, Verdict, escaped, measure};
use crate::compare::words::{aligned, label, named, percent, sure};
use crate::compare::{Judged, Range, packets};
use crate::plot::number::{difference, time, whole};

/// So many blocks are named, and the others counted.
const NAMED: usize = 3;

pub(super) fn share(ratio: &Range) -> String {
    let [estimate, low, high] = [ratio.estimate, ratio.low, ratio.high].map(|value| percent(value - 1.0));
    format!("{estimate}, {low} to {high} ({} confidence)", sure(ratio.confidence))
}

#[allow(clippy::cast_possible_truncation, reason = "differences of whole nanoseconds")]
pub(super) fn time_more(range: &Range) -> String {
    let [estimate, low, high] = [range.estimate, range.low, range.high].map(|ns| difference(ns.round() as i64));
    format!("{estimate}, {low} to {high} ({} confidence)", sure(range.confidence))
}

/// A probability with two decimals, and small ones as a power of ten.
fn chance(probability: f64) -> String {
    if probability >= 0.01 { format!("{probability:.2}") } else { format!("{probability:.0e}").replace('-', "−") }
}

/// The answer as Markdown.
pub fn markdown(factors: &Factors) -> String {
    text(&escaped::factors(factors))
}

/// The answer for a terminal: the same, but for names that Markdown would take for markup.
pub fn text(factors: &Factors) -> String {
    let mut text = format!("# {}: {}\n\n", factors.name, factors.by);
    for sentence in &factors.said {
        let _ = writeln!(text, "{sentence}\n");
    }
    if !factors.only.is_empty() {
        let _ = writeln!(text, "Only {}.\n", named(&factors.only));
    }
    if let Some(margin) = factors.margin {
        let _ = writeln!(text, "Close is what differs by no more than {:.1} %.\n", margin * 100.0);
    }
    for group in &factors.groups {
        one_group(&mut text, factors, group);
    }
    let _ = writeln!(
        text,
        "Chance is that of ranks as one-sided were there no difference, counted exactly within blocks (van Elteren 1960) and corrected \
         for {} rows (Holm 1979); below 0.05 a difference is claimed. Ratios are other over {}, as if the same in every block.",
        factors.rows, factors.against
    );
    text
}

fn one_group(text: &mut String, factors: &Factors, group: &Group) {
    if !group.parameters.is_empty() {
        let _ = writeln!(text, "## {}\n", named(&group.parameters));
    }
    levels(text, factors, group);
    for contrast in &group.contrasts {
        one_contrast(text, factors, contrast);
    }
    if group.contrasts.is_empty() {
        let there: Vec<&str> = group.levels.iter().map(|level| level.value.as_str()).collect();
        let _ = writeln!(
            text,
            "Here {} is {} only, and not {}: there is nothing to compare.\n",
            factors.by,
            there.join(", "),
            factors.against
        );
    }
}

fn levels(text: &mut String, factors: &Factors, group: &Group) {
    let mut lines = vec![vec![factors.by.clone(), "repeats".to_owned()]];
    let measures = super::distinct(group.levels.iter().flat_map(|level| &level.spread).map(|spread| spread.measure));
    lines[0].extend(measures.iter().map(|one| measure::name(*one)));
    for level in &group.levels {
        let cell = |one: &_| {
            let spread = level.spread.iter().find(|spread| spread.measure == *one);
            spread.map_or_else(
                || "–".to_owned(),
                |spread| {
                    let [least, median, greatest] = spread.values.map(|ns| time(whole(ns)));
                    format!("{median} ({least} to {greatest})")
                },
            )
        };
        let head = [level.value.clone(), level.runs.to_string()];
        lines.push(head.into_iter().chain(measures.iter().map(cell)).collect());
    }
    aligned(text, &lines);
    let judged = group.levels.iter().flat_map(|level| level.conditions.iter().map(move |judged| (level.value.as_str(), judged)));
    let lines: Vec<String> = judged.map(|(value, judged)| format!("- {value}: {}", condition(judged))).collect();
    if !lines.is_empty() {
        let _ = writeln!(text, "{}\n", lines.join("\n"));
    }
}

fn condition(judged: &Judged) -> String {
    format!("{}: `{}`: {}", label(judged.outcome), judged.condition, judged.why)
}

fn one_contrast(text: &mut String, factors: &Factors, contrast: &Contrast) {
    let Contrast { base, other, .. } = contrast;
    let _ = writeln!(text, "### {other} against {base}\n");
    if contrast.blocks == 0 {
        let _ = writeln!(
            text,
            "There is no combination of {} that both have, so nothing can be said: another factor always changes along with {}. With \
             --regardless and its name they are compared all the same, and every line says so.\n",
            words_and(&contrast.kept),
            factors.by
        );
        conditions(text, contrast);
        return;
    }
    sentence(text, contrast);
    blocks(text, contrast);
    for [here, there] in &contrast.along {
        let _ = writeln!(text, "{}\n", along(here, there, contrast));
    }
    table(text, factors, contrast);
    for row in &contrast.rows {
        exceptions(text, factors, row);
    }
    conditions(text, contrast);
}

fn conditions(text: &mut String, contrast: &Contrast) {
    let lines: Vec<String> = contrast.conditions.iter().map(|judged| format!("- {}", condition(judged))).collect();
    if !lines.is_empty() {
        let _ = writeln!(text, "{}\n", lines.join("\n"));
    }
}

fn along(base: &Along, other: &Along, contrast: &Contrast) -> String {
    format!(
        "**{} is not kept apart**: it is {} with {} and {} with {}, so a difference may be of either or of both.",
        base.key,
        words_and(&base.values),
        contrast.base,
        words_and(&other.values),
        contrast.other
    )
}

/// What the table says, one clause for each verdict.
fn sentence(text: &mut String, contrast: &Contrast) {
    let mut clauses = Vec::new();
    let mut say = |is: &dyn Fn(&Verdict) -> bool, words: &str| {
        let measures: Vec<String> =
            contrast.rows.iter().filter(|row| is(&row.verdict)).map(|row| measure::name(row.measure)).collect();
        if !measures.is_empty() {
            clauses.push(format!("{words} at {}", words_and(&measures)));
        }
    };
    say(&|verdict| *verdict == Verdict::Slower, "**slower**");
    say(&|verdict| *verdict == Verdict::Faster, "**faster**");
    say(&|verdict| *verdict == Verdict::Close, "**close**");
    say(&|verdict| matches!(verdict, Verdict::CloseExcept(_)), "**close, with exceptions,**");
    say(&|verdict| *verdict == Verdict::BelowFloor, "apart by less than the instrument takes itself");
    say(&|verdict| matches!(verdict, Verdict::NoLargerThan(_)), "not shown to differ");
    say(&|verdict| matches!(verdict, Verdict::Unlike(_)), "not comparable");
    say(&|verdict| *verdict == Verdict::NotEnough, "measured too seldom to tell");
    let what = if clauses.is_empty() { "without a value on both sides".to_owned() } else { clauses.join("; ") };
    let _ = writeln!(text, "{} is {what}.\n", contrast.other);
}

fn blocks(text: &mut String, contrast: &Contrast) {
    let kept = if contrast.kept.is_empty() { "nothing else".to_owned() } else { words_and(&contrast.kept) };
    let [single, all] = contrast.reach;
    let one = if contrast.blocks == 1 {
        format!("1 block with the same {kept}: at best it shows a difference with a chance of {}", chance(single))
    } else {
        format!(
            "{} blocks with the same {kept}: a single one shows a difference with a chance of {} at best, all together with {}",
            contrast.blocks,
            chance(single),
            chance(all)
        )
    };
    let alone = match contrast.alone {
        [0, 0] => String::new(),
        [base, other] => format!(" Repeats without a partner: {base} of {}, {other} of {}.", contrast.base, contrast.other),
    };
    let _ = writeln!(text, "{one}.{alone}\n");
}

fn table(text: &mut String, factors: &Factors, contrast: &Contrast) {
    let head = ["measure", "repeats", "ratio", "interval", "blocks", "chance", "verdict"];
    let mut lines = vec![head.map(str::to_owned).to_vec()];
    let mark = contrast.along.iter().fold(String::new(), |mark, [base, _]| mark + " (or of " + &base.key + ")");
    lines.extend(contrast.rows.iter().map(|row| {
        let [low, high] = [row.ratio.low, row.ratio.high].map(|value| percent(value - 1.0));
        vec![
            measure::name(row.measure),
            format!("{} and {}", row.repeats[0], row.repeats[1]),
            percent(row.ratio.estimate - 1.0),
            format!("{low} to {high} ({})", sure(row.ratio.confidence)),
            extremes(row),
            if matches!(row.verdict, Verdict::Unlike(_)) { "–".to_owned() } else { chance(row.chance) },
            format!("{}{mark}", verdict(row, factors)),
        ]
    }));
    aligned(text, &lines);
}

/// How many blocks there are, and between which ratios they lie.
fn extremes(row: &Row) -> String {
    let ratios = || row.blocks.iter().map(|(_, ratio)| *ratio - 1.0);
    let (least, greatest) = (ratios().fold(f64::INFINITY, f64::min), ratios().fold(f64::NEG_INFINITY, f64::max));
    if row.blocks.len() < 2 {
        row.blocks.len().to_string()
    } else {
        format!("{}, {} to {}", row.blocks.len(), percent(least), percent(greatest))
    }
}

fn verdict(row: &Row, factors: &Factors) -> String {
    match row.verdict {
        Verdict::Slower => "**slower**".to_owned(),
        Verdict::Faster => "**faster**".to_owned(),
        Verdict::Close => "**close**".to_owned(),
        Verdict::CloseExcept(blocks) => format!("**close**, but in {blocks} of {} blocks", row.blocks.len()),
        Verdict::BelowFloor => "differs by less than the instrument takes itself".to_owned(),
        Verdict::NoLargerThan(share) => format!("no difference larger than {:.1} %", share * 100.0),
        Verdict::Unlike(packets) => packets::words(packets),
        Verdict::NotEnough => {
            format!("not enough data: so many repeats reach {} at best, {} rows", chance(row.reach), factors.rows)
        }
    }
}

/// Blocks that a verdict does not hold for.
fn exceptions(text: &mut String, factors: &Factors, row: &Row) {
    let (blocks, how) = match (row.verdict, factors.margin) {
        (Verdict::CloseExcept(_), Some(margin)) => (row.beyond(margin), "not close in"),
        (Verdict::Slower | Verdict::Faster, _) => (row.contrary(), "the other way in"),
        _ => return,
    };
    if blocks.is_empty() {
        return;
    }
    // what all blocks have alike tells none apart
    let differs = |parameter: &&Parameter| row.blocks.iter().any(|(others, _)| !others.contains(parameter));
    let one = |(parameters, ratio): &&(Vec<Parameter>, f64)| {
        let apart: Vec<Parameter> = parameters.iter().filter(differs).cloned().collect();
        format!("{} ({})", named(&apart), percent(ratio - 1.0))
    };
    let mut named: Vec<String> = blocks.iter().take(NAMED).map(one).collect();
    if blocks.len() > NAMED {
        named.push(format!("{} more", blocks.len() - NAMED));
    }
    let _ = writeln!(text, "- {}: {how} {}\n", measure::name(row.measure), named.join("; "));
}

/// `a`, `a and b`, `a, b and c`.
fn words_and<T: AsRef<str>>(words: &[T]) -> String {
    let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
    match words.split_last() {
        None => "nothing".to_owned(),
        Some((last, [])) => (*last).to_owned(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
    }
}
