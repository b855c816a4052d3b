//! Two configurations side by side, chosen by the reader. The script fills it; without it the differences stand in the section before.

use maud::{Markup, html};

use super::cells::Cell;
use super::page;

/// The form and the place of its results; nothing where there are not two configurations with packets.
pub(super) fn section(cells: &[Cell<'_>]) -> Markup {
    let shown: Vec<_> = cells.iter().filter(|cell| cell.summary.latency.count > 0).collect();
    let [first, second, ..] = shown.as_slice() else { return Markup::default() };
    // the floor comes first and is seldom what is asked about
    let measured: Vec<_> = shown.iter().filter(|cell| cell.summary.floor.is_some()).collect();
    let (base, other) = if let [base, other, ..] = measured.as_slice() { (**base, **other) } else { (*first, *second) };
    let choice = |id: &str, label: &str, chosen: &Cell<'_>| {
        html! {
            label for=(id) { (label) }
            select id=(id) {
                @for cell in &shown {
                    option value=(cell.summary.cell) selected[cell.summary.cell == chosen.summary.cell] { (cell.label) }
                }
            }
        }
    };
    html! {
        div #compare hidden {
            (page::section_by("pair", "Compare any two", "pair", &html! {
                form.pair aria-label="Two configurations to compare" {
                    span.choice { (choice("pair-base", "Compare", base)) }
                    span.choice { (choice("pair-other", "with", other)) }
                    button type="button" id="pair-swap" { "Swap" }
                    button type="button" id="pair-only" aria-pressed="false" { "Show only these two" }
                }
                p.answer-small #pair-answer role="status" {}
                (page::scrolling("Percentiles of both configurations and how they differ", &html! {
                    thead { tr #pair-head {} }
                    tbody #pair-rows {}
                }))
                p.hint #pair-hint {}
            }))
        }
    }
}
