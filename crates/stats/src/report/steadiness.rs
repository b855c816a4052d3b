//! Whether the campaign stood still: early regimes, drifts, runs of two kinds, and what the runs' differences make of the intervals.

use maud::{Markup, html};
use tailbed_format::course::{Between, Course};
use tailbed_format::percentile::Percentile;
use tailbed_format::summary::{CampaignSummary, RunSummary};

use super::cells::{Cell, label_of};
use super::page;
use crate::plot::number;
use crate::plot::theme::Style;
use crate::repeats::words;

/// The section; nothing for a campaign whose runs were not looked at.
pub(super) fn section(summary: &CampaignSummary, cells: &[Cell<'_>]) -> Markup {
    let looked_at: Vec<(&RunSummary, &Course)> =
        summary.runs.iter().filter(|run| run.is_valid()).filter_map(|run| Some((run, run.course.as_ref()?))).collect();
    let apart = cells.iter().any(|cell| cell.summary.repeats.as_ref().is_some_and(|repeats| !repeats.between.is_empty()));
    if looked_at.is_empty() && !apart {
        return Markup::default();
    }
    let modes = cells.iter().filter_map(|cell| Some((cell, cell.summary.repeats.as_ref()?.modes.as_ref()?)));
    page::section(
        "steadiness",
        "How steady it was",
        &html! {
            @for drift in &summary.drift { p { strong { (words::campaign_drift(drift)) } } }
            @for (cell, modes) in modes {
                p { strong { (cell.label) ": " (words::modes(modes)) "." } " Runs: " (modes.fast.runs.join(", ")) " and " (modes.slow.runs.join(", ")) "." }
            }
            (warm_ups(&looked_at, cells))
            (drifts(&looked_at, cells))
            @if apart { (intervals(cells)) }
            p.hint {
                "Nothing is left out because of what is said here. A run that stands still is said to warm up with 1 % probability, to drift "
                "with 1 %; a configuration with runs of one kind is said to have two with 1 %, a campaign without a drift to have one with 1 %."
            }
        },
    )
}

fn warm_ups(runs: &[(&RunSummary, &Course)], cells: &[Cell<'_>]) -> Markup {
    let found: Vec<_> = runs.iter().filter_map(|(run, course)| Some((*run, course.warm_up?))).collect();
    let table = html! {
        thead { tr {
            th.word scope="col" { "Run" } th.word scope="col" { "Configuration" } th scope="col" { "Percentile" } th scope="col" { "Until" }
            th scope="col" { "Packets" } th scope="col" { "Before" } th scope="col" { "After" }
        } }
        tbody { @for (run, warm_up) in &found { tr {
            th scope="row" { code { (run.run) } }
            td.word { (label_of(cells, run.cell)) }
            td { (warm_up.percentile) }
            td { (number::time(warm_up.until.unsigned_abs())) }
            td { (number::count(warm_up.packets)) }
            td { (number::time(warm_up.early)) }
            td { (number::time(warm_up.rest)) }
        } } }
    };
    html! {
        @if found.is_empty() { @if !runs.is_empty() { p { "No run begins unlike it goes on (" (runs.len()) " looked at)." } } }
        @else {
            p { "In " (found.len()) " of " (runs.len()) " runs the beginning is unlike the rest; a longer `traffic.warm_up` would leave it out." }
            (page::scrolling("Runs whose beginning is unlike the rest", &table))
        }
    }
}

fn drifts(runs: &[(&RunSummary, &Course)], cells: &[Cell<'_>]) -> Markup {
    let found: Vec<_> = runs.iter().flat_map(|(run, course)| course.drift.iter().map(move |drift| (*run, drift))).collect();
    let drifting = runs.iter().filter(|(_, course)| !course.drift.is_empty()).count();
    let table = html! {
        thead { tr {
            th.word scope="col" { "Run" } th.word scope="col" { "Configuration" } th scope="col" { "Percentile" }
            th scope="col" { "First quarter" } th scope="col" { "Last quarter" }
        } }
        tbody { @for (run, drift) in &found { tr {
            th scope="row" { code { (run.run) } }
            td.word { (label_of(cells, run.cell)) }
            td { (drift.percentile) }
            td { (number::time(drift.from)) }
            td { (number::time(drift.to)) }
        } } }
    };
    html! {
        @if found.is_empty() { @if !runs.is_empty() { p { "No run drifts while it lasts." } } }
        @else {
            p { (drifting) " of " (runs.len()) " runs rise or fall steadily while they last." }
            (page::scrolling("Runs that rise or fall steadily", &table))
        }
    }
}

/// By how much the runs of each cell differ more than their packets make them.
fn intervals(cells: &[Cell<'_>]) -> Markup {
    let of = |cell: &Cell<'_>, percentile: Percentile| -> Option<Between> {
        cell.summary.repeats.as_ref()?.between.iter().find(|row| row.percentile == percentile).copied()
    };
    let known = |percentile: &Percentile| cells.iter().any(|cell| of(cell, *percentile).is_some());
    let percentiles: Vec<_> = Percentile::REPORTED.into_iter().filter(known).collect();
    let table = html! {
        thead { tr { th scope="col" { "Configuration" } @for percentile in &percentiles { th scope="col" { (percentile) } } } }
        tbody { @for cell in cells { tr.floor-row[cell.style == Style::Floor] {
            th scope="row" { (page::swatch(cell.style)) (cell.label) }
            @for percentile in &percentiles { td { @match of(cell, *percentile).and_then(|row| Some((row.inflation?, row.differ))) {
                Some((inflation, differ)) => {
                    "× " (number::plain((inflation.sqrt() * 100.0).round() / 100.0))
                    span.under { @if differ { "runs differ" } @else { "as packets make it" } }
                }
                None => "–",
            } } }
        } } }
    };
    html! {
        p {
            "The intervals of latency are those between repeats: runs are drawn again, and blocks of packets in each. Runs that differ make them "
            "wider than their packets alone would."
        }
        (page::scrolling("How far the runs of a configuration lie apart, in terms of what their packets alone would make of it", &table))
    }
}
