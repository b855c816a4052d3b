//! The differences between cells, and what may be said of each.

use maud::{Markup, html};
use tailbed_format::percentile::Percentile;
use tailbed_format::rounded::time;
use tailbed_format::summary::{CampaignSummary, Contrast, Verdict};

use super::cells::{Cell, label_of};
use super::page;
use crate::campaign::{Maxima, differ_in_one, maxima};
use crate::compare::packets;
use crate::plot::number;

/// The table of differences; nothing where nothing was compared.
pub(super) fn section(summary: &CampaignSummary, cells: &[Cell<'_>]) -> Markup {
    if summary.contrasts.is_empty() {
        return Markup::default();
    }
    let in_one = |contrast: &&Contrast| {
        let cell = |number: usize| summary.cells.iter().find(|cell| cell.cell == number);
        cell(contrast.base).zip(cell(contrast.other)).is_some_and(|(base, other)| differ_in_one(base, other))
    };
    let (one, several): (Vec<&Contrast>, Vec<&Contrast>) = summary.contrasts.iter().partition(in_one);
    page::section_by(
        "differences",
        "Differences",
        "difference",
        &html! {
            @if !one.is_empty() { (page::scrolling("Differences between configurations, over their repeats", &table(&one, &maxima(&summary.cells, &summary.runs), cells))) }
            @if !several.is_empty() {
                details {
                    summary { "Configurations that differ in several factors" }
                    (page::scrolling("Differences between configurations that differ in several factors", &table(&several, &Maxima::default(), cells)))
                }
            }
            p.hint {
                "Each run is one value. The difference is the median of all differences between a run of the one and a run of the other, with "
                "the interval that goes with it; the ratio likewise. “Slower” and “faster” are said where runs as far apart would come by chance "
                "in 5 % of campaigns at most, all comparisons of this one taken together (Holm 1979), and where the difference is larger than what the "
                "instrument takes itself. The maximum is one packet of each run: it is compared from run to run, and nothing bounds it within one. It grows with "
                "the number of packets, so that runs whose numbers differ by more than 5 % are not compared by it."
            }
        },
    )
}

fn table(contrasts: &[&Contrast], maxima: &Maxima, cells: &[Cell<'_>]) -> Markup {
    html! {
        thead {
            tr {
                th scope="col" { "Percentile" }
                th scope="col" { "Difference" }
                th scope="col" { "Ratio" }
                th scope="col" { "Confidence" }
                th scope="col" { "Repeats" }
                th.word scope="col" { "What may be said" }
            }
        }
        @for pair in contrasts.chunk_by(|a, b| (a.base, a.other) == (b.base, b.other)) {
            tbody data-cells=(format!("{} {}", pair[0].base, pair[0].other)) {
                tr { th.pair scope="rowgroup" colspan="6" {
                    (label_of(cells, pair[0].other)) " against " (label_of(cells, pair[0].base))
                    @if let Some(slower) = pair[0].slower {
                        span.under { "a packet of the former is the slower one with a probability of " (format!("{:.1}\u{a0}%", slower * 100.0)) }
                    }
                } }
                @for contrast in pair { (row(contrast)) }
                @for contrast in maxima.contrasts.iter().filter(|maximum| (maximum.base, maximum.other) == (pair[0].base, pair[0].other)) { (row(contrast)) }
                @for (_, _, packets) in maxima.unlike.iter().filter(|(base, other, _)| (*base, *other) == (pair[0].base, pair[0].other)) { (unlike(*packets)) }
            }
        }
    }
}

fn row(contrast: &Contrast) -> Markup {
    let shown = contrast.verdict != Verdict::NotEnough;
    html! {
        tr {
            th scope="row" { @if contrast.percentile == Percentile::MAXIMUM { "max" } @else { (contrast.percentile) } }
            td {
                @if contrast.pairs > 0 { (number::difference(contrast.difference)) } @else { "–" }
                @if shown { span.under { (number::difference(contrast.low)) " to " (number::difference(contrast.high)) } }
            }
            td {
                @if let Some(ratio) = contrast.ratio {
                    (format!("{:.3}", ratio.estimate))
                    @if shown { span.under { (format!("{:.3} to {:.3}", ratio.low, ratio.high)) } }
                } @else { "–" }
            }
            td { @if shown { (format!("{:.1}\u{a0}%", contrast.confidence * 100.0)) } @else { "–" } }
            td { (contrast.pairs) }
            td.word.phrase.claim[matches!(contrast.verdict, Verdict::Slower | Verdict::Faster)] { (words(contrast, contrast.verdict)) }
        }
    }
}

/// The greatest latencies of runs of different lengths.
fn unlike(packets: [u64; 2]) -> Markup {
    html! { tr {
        th scope="row" { "max" }
        td { "–" } td { "–" } td { "–" } td { "–" }
        td.word { (packets::words(packets)) }
    } }
}

/// What may be said, in words, were the verdict this one.
pub(super) fn words(contrast: &Contrast, verdict: Verdict) -> String {
    match verdict {
        Verdict::Slower => "slower".to_owned(),
        Verdict::Faster => "faster".to_owned(),
        Verdict::NotShown => {
            format!("no difference larger than {}", time(contrast.low.unsigned_abs().max(contrast.high.unsigned_abs())))
        }
        Verdict::BelowFloor => "smaller than the instrument’s floor: not claimed".to_owned(),
        Verdict::NotEnough => {
            match contrast.needed.and_then(|needed| needed.checked_sub(contrast.pairs)).filter(|more| *more > 0) {
                Some(1) => "not enough data: one more repeat could tell".to_owned(),
                Some(more) => format!("not enough data: {more} more repeats could tell"),
                None => "not enough data".to_owned(),
            }
        }
    }
}

/// What may be said when both change places.
pub(super) fn reversed(verdict: Verdict) -> Verdict {
    match verdict {
        Verdict::Slower => Verdict::Faster,
        Verdict::Faster => Verdict::Slower,
        same => same,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{cells, example};

    #[test]
    fn maxima_of_runs_of_different_lengths_have_no_verdict() {
        let mut example = example::campaign();
        let part = |example: &example::Example| super::section(&example.summary, &cells::of(&example.input())).into_string();
        assert!(!part(&example).contains("not comparable"));
        let longer = example.summary.runs.iter_mut().filter(|run| run.cell == 2);
        longer.for_each(|run| run.counts.received *= 10);
        assert!(part(&example).contains("not comparable: a maximum grows with the packets"), "{}", part(&example));
    }
}
