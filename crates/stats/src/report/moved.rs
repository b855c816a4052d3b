//! Which of the proof's counters moved between configurations that differ in one factor.

use maud::{Markup, html};
use tailbed_format::proof::Proof;
use tailbed_format::summary::{CampaignSummary, RunKind};

use super::cells::Cell;
use super::page;
use crate::campaign::differing_parameter;
use crate::plot::host::rounded;
use crate::plot::number;
use crate::proof::moved::{LEAST_RUNS, Moved, Repeats, Unit, Way, by_chance, moved};

/// Two configurations and their counters.
struct Pair<'a> {
    base: &'a Cell<'a>,
    other: &'a Cell<'a>,
    rows: Vec<Moved>,
}

/// The counters of each two configurations that differ in one factor, those that moved first; nothing where there are no two that were watched.
pub(super) fn section(summary: &CampaignSummary, cells: &[Cell<'_>]) -> Markup {
    let pairs = pairs(cells);
    if pairs.is_empty() {
        return html! {};
    }
    let moved = |row: &&Moved| matches!(row.way, Way::More | Way::Less);
    let repeats = pairs.iter().flat_map(|pair| &pair.rows).map(|row| (row.base.runs, row.other.runs));
    let most = repeats.max_by_key(|(base, other)| *base.min(other)).unwrap_or_default();
    let some: Vec<&Pair<'_>> = pairs.iter().filter(|pair| pair.rows.iter().any(|row| moved(&row))).collect();
    page::section(
        "moved",
        "What moved on the packet cores",
        &html! {
            p {
                "Counters of the packet cores, a second, of configurations that differ in one factor. A counter has moved where every repeat of one lies "
                "above every repeat of the other, with " (LEAST_RUNS) " of each at least"
                @if most.0.min(most.1) >= LEAST_RUNS {
                    "; two configurations that do not differ lie apart like this in " (share(by_chance(most.0, most.1)))
                    " of comparisons, so of many counters some do"
                } @else { ": here there are too few" }
                "."
            }
            @if some.is_empty() { p { strong.no { "No counter moved" } " by more than repeats differ among themselves." } }
            @else {
                (page::scrolling(
                    "Counters that moved: the median of the repeats, beneath it their range",
                    &table(&some, |row| moved(&row)),
                ))
            }
            details {
                summary { "All counters, side by side" }
                (page::scrolling(
                    "Every counter of each pair: the median of the repeats, beneath it their range",
                    &table(&pairs.iter().collect::<Vec<_>>(), |_| true),
                ))
            }
            @if summary.simulated { p.hint { "The path is simulated." } }
        },
    )
}

fn pairs<'a>(cells: &'a [Cell<'a>]) -> Vec<Pair<'a>> {
    let measured: Vec<&Cell<'_>> = cells.iter().filter(|cell| cell.summary.kind == RunKind::Measurement).collect();
    let proofs = |cell: &Cell<'a>| cell.runs.iter().filter_map(|run| run.proof.as_ref()).collect::<Vec<&Proof>>();
    let mut pairs = Vec::new();
    for (number, base) in measured.iter().enumerate() {
        for other in &measured[number + 1..] {
            if differing_parameter(base.summary, other.summary).is_some() {
                let rows = moved(&proofs(base), &proofs(other));
                pairs.extend((!rows.is_empty()).then_some(Pair { base, other, rows }));
            }
        }
    }
    pairs
}

fn table(pairs: &[&Pair<'_>], shown: impl Fn(&Moved) -> bool) -> Markup {
    html! {
        thead { tr {
            th scope="col" { "Counter" }
            th scope="col" { "Of the first" }
            th scope="col" { "Of the second" }
            th.word scope="col" { "It moved" }
        } }
        @for pair in pairs {
            tbody {
                tr { th.pair scope="rowgroup" colspan="4" { (pair.base.label) " and " (pair.other.label) } }
                @for row in pair.rows.iter().filter(|row| shown(row)) {
                    tr {
                        th scope="row" { (row.counter) }
                        (value(&row.base, row.unit))
                        (value(&row.other, row.unit))
                        td.word.phrase.claim[matches!(row.way, Way::More | Way::Less)] { (words(row.way)) }
                    }
                }
            }
        }
    }
}

fn value(repeats: &Repeats, unit: Unit) -> Markup {
    let (least, greatest) = (shown(repeats.least, unit), shown(repeats.greatest, unit));
    html! {
        td {
            (shown(repeats.median, unit))
            @if least != greatest { span.under { (least) " to " (greatest) } }
        }
    }
}

/// With its unit where it is a time.
fn shown(value: f64, unit: Unit) -> String {
    match unit {
        Unit::Times => number::plain(rounded(value)),
        Unit::Time => number::time(number::whole(value)),
    }
}

fn share(part: f64) -> String {
    format!("{}\u{a0}%", number::plain(rounded(part * 100.0)))
}

fn words(way: Way) -> &'static str {
    match way {
        Way::More => "up",
        Way::Less => "down",
        Way::Within => "no more than repeats differ",
        Way::TooFew => "too few repeats to say",
    }
}

#[cfg(test)]
mod tests {
    use super::super::proof::tests::proof_with;
    use super::super::{cells, example, html};
    use super::*;

    /// Three repeats of each cell, the containers' with so many interrupts that do not belong on their core.
    fn campaign(repeats: u32, in_containers: u64) -> example::Example {
        let mut example = example::campaign();
        let all = std::mem::take(&mut example.summary.runs);
        for run in all.iter().filter(|run| run.repeat == 0 && run.is_valid()) {
            for repeat in 0..repeats {
                let count = if run.cell == 2 { in_containers } else { 0 };
                let proof = Some(proof_with(count + u64::from(repeat)));
                example.summary.runs.push(tailbed_format::summary::RunSummary { repeat, proof, ..run.clone() });
            }
        }
        example
    }

    fn part(example: &example::Example) -> String {
        section(&example.summary, &cells::of(&example.input())).into_string()
    }

    #[test]
    fn a_counter_that_lies_apart_is_shown_with_both_ranges() {
        let page = part(&campaign(3, 50));
        assert!(page.contains("host and container"), "{page}");
        assert!(page.contains("other interrupts") && page.contains("50 to 52"), "{page}");
        assert!(page.contains(">up<") && page.contains("lie apart like this in 10\u{a0}% of"), "{page}");
        assert!(html(&campaign(3, 50).input()).contains("What moved on the packet cores"));
    }

    #[test]
    fn what_does_not_lie_apart_is_not_claimed() {
        let page = part(&campaign(3, 1));
        assert!(page.contains("No counter moved") && page.contains("no more than repeats differ"), "{page}");
        let page = part(&campaign(2, 50));
        assert!(page.contains("here there are too few") && page.contains("too few repeats to say"), "{page}");
        assert_eq!(part(&example::campaign()), "", "nothing was watched");
    }
}
