//! The differences between cells that differ in one factor, and what may be said of each.

use maud::{Markup, html};
use tailbed_format::summary::{CampaignSummary, Contrast, Verdict};

use super::cells::{Cell, label_of};
use super::page;
use crate::plot::number;

/// The table of differences; nothing where nothing was compared.
pub(super) fn section(summary: &CampaignSummary, cells: &[Cell<'_>]) -> Markup {
    if summary.contrasts.is_empty() {
        return Markup::default();
    }
    let pairs = summary.contrasts.chunk_by(|a, b| (a.base, a.other) == (b.base, b.other));
    let table = html! {
        thead {
            tr {
                th scope="col" { "Percentile" }
                th scope="col" { "Difference" }
                th scope="col" { "Interval" }
                th scope="col" { "Confidence" }
                th scope="col" { "Repeats" }
                th.word scope="col" { "What may be said" }
            }
        }
        @for pair in pairs {
            tbody {
                tr { th.pair scope="rowgroup" colspan="6" { (label_of(cells, pair[0].other)) " against " (label_of(cells, pair[0].base)) } }
                @for contrast in pair { (row(contrast)) }
            }
        }
    };
    page::section(
        "differences",
        "Differences",
        &html! {
            (page::scrolling("Differences between configurations, repeat by repeat", &table))
            p.hint {
                "Each repeat of one is paired with the same repeat of the other; the difference is the median over these pairs, the "
                "interval that of the median, free of assumptions about the distribution."
            }
        },
    )
}

fn row(contrast: &Contrast) -> Markup {
    let shown = contrast.verdict != Verdict::NotEnough;
    html! {
        tr {
            th scope="row" { (contrast.percentile) }
            td { @if contrast.pairs > 0 { (number::difference(contrast.difference)) } @else { "–" } }
            td { @if shown { (number::difference(contrast.low)) " to " (number::difference(contrast.high)) } @else { "–" } }
            td { @if shown { (format!("{:.1}\u{a0}%", contrast.confidence * 100.0)) } @else { "–" } }
            td { (contrast.pairs) }
            td.word.phrase.claim[matches!(contrast.verdict, Verdict::Slower | Verdict::Faster)] { (words(contrast.verdict)) }
        }
    }
}

fn words(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Slower => "slower",
        Verdict::Faster => "faster",
        Verdict::NotShown => "no difference shown",
        Verdict::BelowFloor => "smaller than the instrument’s floor: not claimed",
        Verdict::NotEnough => "too few repeats to say",
    }
}
