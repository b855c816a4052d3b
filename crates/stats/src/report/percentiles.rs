//! The table of percentiles, one row per cell.

use maud::{Markup, html};
use tailbed_format::percentile::Percentile;
use tailbed_format::summary::{Estimate, RunKind};

use super::cells::Cell;
use super::page;
use crate::plot::number;

/// The table, with what became of the packets.
pub(super) fn section(cells: &[Cell<'_>]) -> Markup {
    let table = html! {
        thead {
            tr {
                th scope="col" rowspan="2" { "Configuration" }
                th scope="colgroup" colspan=(Percentile::REPORTED.len() + 1) { "One-way latency" }
                th scope="colgroup" colspan="3" { "Packets" }
            }
            tr {
                @for percentile in Percentile::REPORTED { th scope="col" { (percentile) } }
                th scope="col" { "max" }
                th scope="col" { "lost" }
                th scope="col" { "dupl." }
                th scope="col" { "reord." }
            }
        }
        tbody { @for cell in cells { (row(cell)) } }
    };
    page::section_by(
        "latency",
        "Latency",
        "percentile",
        &html! {
            (page::scrolling("Percentiles of latency with their 95 % intervals, and what became of the packets", &table))
            p.hint {
                "Small figures below a value are its 95 % interval: between repeats where there are several, else of order statistics. “Not enough packets”: fewer than ten packets lie beyond the "
                "percentile, so that it would be little more than the maximum."
            }
        },
    )
}

fn row(cell: &Cell<'_>) -> Markup {
    let (summary, counts) = (cell.summary, cell.summary.counts);
    html! {
        tr.floor-row[summary.kind == RunKind::Floor] data-cell=(summary.cell) {
            th scope="row" {
                (page::swatch(cell.style)) (cell.label)
                span.under {
                    (summary.valid.len()) @if summary.valid.len() == 1 { " run, " } @else { " runs, " }
                    (number::count(summary.latency.count)) " packets"
                }
            }
            @for percentile in Percentile::REPORTED { td { (estimate(summary.latency.at(percentile))) } }
            td { @match summary.latency.maximum { Some(maximum) => (number::time(maximum)), None => "–" } }
            (loss(counts.lost, counts.sent))
            (loss(counts.duplicates, counts.sent))
            (loss(counts.reordered, counts.sent))
        }
    }
}

/// A percentile's value with its interval, or that there is none.
pub(super) fn estimate(estimate: Option<&Estimate>) -> Markup {
    html! {
        @match estimate {
            Some(Estimate::Value { value, low, high }) => {
                (number::time(*value))
                @if let Some(interval) = number::interval(*low, *high) { span.under { (interval) } }
            }
            Some(Estimate::NotEnough { needed }) => {
                span.missing title=(format!("It would take {} packets", number::count(*needed))) { "not enough packets" }
            }
            None => "–",
        }
    }
}

fn loss(packets: u64, of: u64) -> Markup {
    html! { td {
        @if of == 0 { "–" } @else { (number::count(packets)) }
        @if packets > 0 { span.under { (number::share(packets, of)) } }
    } }
}
