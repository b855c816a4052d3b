//! What the instrument knows of itself: its floor, how late it was, how long it stood still, how its clocks agreed.

use maud::{Markup, html};
use tailbed_format::percentile::Percentile;
use tailbed_format::summary::{CampaignSummary, Estimate, RunKind, RunSummary};

use super::cells::Cell;
use super::figures::{Captioned, of_kind};
use super::{page, ports};
use crate::plot::number;

/// Floor, lateness, gaps, clocks.
pub(super) fn section(summary: &CampaignSummary, cells: &[Cell<'_>], figures: &[Captioned]) -> Markup {
    let valid: Vec<_> = summary.runs.iter().filter(|run| run.is_valid()).collect();
    page::section_by(
        "instrument",
        "The instrument",
        "floor",
        &html! {
            dl.facts {
                @for floor in cells.iter().filter(|cell| cell.summary.kind == RunKind::Floor) {
                    dt { (floor.label) }
                    dd { (floor_words(floor)) }
                }
                @if let Some(latest) = valid.iter().filter_map(|run| run.lateness.maximum).max() {
                    dt { "Latest departure" }
                    dd { (number::time(latest)) " after it was due, in any valid run" }
                }
                @if let Some(longest) = valid.iter().filter_map(|run| run.gaps.first()).map(|gap| gap.length).max() {
                    dt { "Longest standstill" }
                    dd { (number::time(longest)) " during which the packet loop saw nothing, in any valid run" }
                }
                @if let Some(shift) = valid.iter().filter_map(|run| run.clock.as_ref()).map(|clock| clock.realtime_shift.unsigned_abs()).max() {
                    dt { "Clocks" }
                    dd { "wall and monotonic clock moved against each other by at most " (number::time(shift)) " in a valid run" }
                }
                @if let Some(bracket) = valid.iter().filter_map(|run| run.clock.as_ref()).map(|clock| clock.bracket).max() {
                    dt { "Clock reading" }
                    dd { "clocks related to within " (number::time(bracket)) }
                }
                (ports::facts(summary.runs.iter().map(|run| run.ports.as_slice())))
            }
            @for captioned in of_kind(figures, "lateness") { (page::figure(captioned)) }
            @if !summary.runs.is_empty() {
                details {
                    summary { "Instrument, run by run" }
                    (page::scrolling("Lateness, standstills and clocks of each attempt", &table(&summary.runs)))
                }
            }
        },
    )
}

fn floor_words(floor: &Cell<'_>) -> String {
    let known = |percentile: Percentile| floor.summary.latency.at(percentile).and_then(Estimate::value);
    let mut parts: Vec<String> = Vec::new();
    for percentile in [Percentile::REPORTED[0], Percentile::REPORTED[2], Percentile::REPORTED[4]] {
        if let Some(value) = known(percentile) {
            parts.push(format!("{percentile} {}", number::time(value)));
        }
    }
    if parts.is_empty() { "no valid run".to_owned() } else { parts.join(", ") }
}

fn table(runs: &[RunSummary]) -> Markup {
    let p999 = Percentile::REPORTED[3];
    html! {
        thead {
            tr {
                th.word scope="col" rowspan="2" { "Run" }
                th scope="colgroup" colspan="2" { "Lateness" }
                th scope="colgroup" colspan="2" { "Standstills" }
                th scope="colgroup" colspan="3" { "Clocks" }
            }
            tr {
                th scope="col" { (p999) } th scope="col" { "max" }
                th scope="col" { "number" } th scope="col" { "longest" }
                th scope="col" { "TSC" } th scope="col" { "shift" } th scope="col" { "reading" }
            }
        }
        tbody { @for run in runs { tr data-cell=(run.cell) {
            th scope="row" { code { (run.run) } @if !run.is_valid() { span.under { "does not count" } } }
            td { (time(run.lateness.at(p999).and_then(Estimate::value))) }
            td { (time(run.lateness.maximum)) }
            td { (number::count(run.gap_count)) }
            td { (time(run.gaps.first().map(|gap| gap.length))) }
            @if let Some(clock) = &run.clock {
                td { (format!("{:.6}\u{a0}GHz", clock.tsc_hz / 1e9)) }
                td { (number::difference(clock.realtime_shift)) }
                td { (number::time(clock.bracket)) }
            } @else { td { "–" } td { "–" } td { "–" } }
        } } }
    }
}

fn time(ns: Option<u64>) -> String {
    ns.map_or_else(|| "–".to_owned(), number::time)
}
