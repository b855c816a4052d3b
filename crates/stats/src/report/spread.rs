//! How far the repeats of a cell lie apart.

use maud::{Markup, html};
use tailbed_format::percentile::Percentile;

use super::cells::Cell;
use super::figures::{Captioned, of_kind};
use super::page;
use crate::plot::number;
use crate::plot::theme::Style;

/// The plot and the table.
pub(super) fn section(cells: &[Cell<'_>], figures: &[Captioned]) -> Markup {
    let known =
        |percentile: &Percentile| cells.iter().any(|cell| cell.summary.spread.iter().any(|row| row.percentile == *percentile));
    let percentiles: Vec<_> = Percentile::REPORTED.into_iter().filter(known).collect();
    let table = html! {
        thead { tr {
            th scope="col" { "Configuration" }
            @for percentile in &percentiles { th scope="col" { (percentile) } }
        } }
        tbody { @for cell in cells { tr.floor-row[cell.style == Style::Floor] data-cell=(cell.summary.cell) {
            th scope="row" { (page::swatch(cell.style)) (cell.label) }
            @for percentile in &percentiles { td { (spread(cell, *percentile)) } }
        } } }
    };
    page::section_by(
        "spread",
        "Between repeats",
        "spread",
        &html! {
            @for captioned in of_kind(figures, "repeats") { (page::figure(captioned)) }
            @if !percentiles.is_empty() {
                (page::scrolling("Median over the repeats; below it the least and the greatest", &table))
            }
        },
    )
}

fn spread(cell: &Cell<'_>, percentile: Percentile) -> Markup {
    let Some(spread) = cell.summary.spread.iter().find(|row| row.percentile == percentile) else {
        return html! { "–" };
    };
    let all = cell.summary.valid.len();
    html! {
        (number::time(spread.median))
        @if let Some(interval) = number::interval(Some(spread.minimum), Some(spread.maximum)) { span.under { (interval) } }
        @if usize::try_from(spread.runs).is_ok_and(|runs| runs < all) { span.under { "in " (spread.runs) " of " (all) " runs" } }
    }
}
