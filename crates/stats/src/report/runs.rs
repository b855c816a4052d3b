//! Every attempt: whether it counts, and if not, why.

use maud::{Markup, html};
use tailbed_format::summary::{CampaignSummary, RunSummary};

use super::cells::{Cell, label_of};
use super::page;
use crate::plot::number;

/// The attempts, those that do not count open to view.
pub(super) fn section(summary: &CampaignSummary, cells: &[Cell<'_>]) -> Markup {
    let invalid: Vec<_> = summary.runs.iter().filter(|run| !run.is_valid()).collect();
    let common = common_downgrades(&summary.runs);
    page::section_by(
        "runs",
        "Validity of the runs",
        "validity",
        &html! {
            p {
                "A run counts unless the instrument itself failed: its generator late or at a standstill, its receiver out of room, "
                "its clock moved. Such a run is repeated, shown here, and never held against the device."
            }
            @if !common.is_empty() {
                p { "Asked for and not granted, in every run:" }
                ul.downgrades { @for downgrade in &common { li { (downgrade) } } }
            }
            @if summary.runs.is_empty() { p.missing { "No run was made." } }
            @else if invalid.is_empty() { p { "All " (summary.runs.len()) " runs count." } }
            @else { (page::scrolling("Attempts that do not count", &table(&invalid, cells, &common))) }
            @if !summary.runs.is_empty() {
                details {
                    summary { "All " (summary.runs.len()) " attempts in the order they were made" }
                    (page::scrolling("All attempts", &table(&summary.runs.iter().collect::<Vec<_>>(), cells, &common)))
                }
            }
        },
    )
}

/// What every attempt lacked, so that it need be said only once.
fn common_downgrades(runs: &[RunSummary]) -> Vec<&str> {
    let Some((first, rest)) = runs.split_first() else { return Vec::new() };
    let shared = |downgrade: &&String| rest.iter().all(|run| run.downgrades.contains(downgrade));
    first.downgrades.iter().filter(shared).map(String::as_str).collect()
}

fn table(runs: &[&RunSummary], cells: &[Cell<'_>], common: &[&str]) -> Markup {
    html! {
        thead { tr {
            th.word scope="col" { "Run" }
            th.word scope="col" { "Configuration" }
            th scope="col" { "Repeat" }
            th scope="col" { "Attempt" }
            th scope="col" { "Sent" }
            th scope="col" { "Lost" }
            th.word scope="col" { "Counts" }
        } }
        tbody { @for run in runs { tr data-cell=(run.cell) {
            th scope="row" { code { (run.run) } }
            td.word { (label_of(cells, run.cell)) }
            td { (run.repeat + 1) }
            td { (run.attempt + 1) }
            td { (number::count(run.counts.sent)) }
            td { (number::count(run.counts.lost)) }
            td.word { (verdict(run, common)) }
        } } }
    }
}

fn verdict(run: &RunSummary, common: &[&str]) -> Markup {
    html! {
        @if run.is_valid() { "yes" }
        @else {
            strong.no { "no" }
            @for reason in &run.invalid { span.under { (reason) } }
        }
        @for program in run.programs.iter().filter(|program| !program.good) { span.under { (program) } }
        @for downgrade in run.downgrades.iter().filter(|downgrade| !common.contains(&downgrade.as_str())) {
            span.under { "not granted: " (downgrade) }
        }
    }
}
