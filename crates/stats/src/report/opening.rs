//! The top of the page: the question, the answer, whether to trust it, and what was compared.

use maud::{Markup, html};
use tailbed_format::summary::{CampaignSummary, RunKind};

use super::factors::{self, Factor};
use super::{ReportInput, page};
use crate::plot::number;

/// The question, or the experiment's name when it asks none.
pub(super) fn title(summary: &CampaignSummary) -> &str {
    summary.question.as_deref().filter(|question| !question.trim().is_empty()).unwrap_or(&summary.name)
}

/// Question, answer, badges.
pub(super) fn section(input: &ReportInput<'_>) -> Markup {
    let summary = input.summary;
    let began = summary.runs.iter().map(|run| run.began).min();
    html! {
        header {
            p.source { (summary.name) @if let Some(began) = began { " · " (number::moment(began)) } " · " (input.facts.hostname) }
            h1 { (title(summary)) }
            p.answer { (summary.answer) }
            (badges(summary))
            @if summary.simulated {
                p.warning role="note" {
                    strong { "Simulated." }
                    " The packets of this campaign came from a model with known behaviour. It tests the instrument; none of it is a measurement."
                }
            }
        }
    }
}

fn badges(summary: &CampaignSummary) -> Markup {
    let mut wanted: Vec<_> = summary.runs.iter().map(|run| (run.cell, run.repeat)).collect();
    wanted.sort_unstable();
    wanted.dedup();
    let has_valid = |of: &&(usize, u32)| summary.runs.iter().any(|run| (run.cell, run.repeat) == **of && run.is_valid());
    let valid = wanted.iter().filter(has_valid).count();
    let discarded = summary.runs.iter().filter(|run| !run.is_valid()).count();
    let downgraded = summary.runs.iter().any(|run| !run.downgrades.is_empty());
    html! {
        ul.badges aria-label="How far to trust this" {
            li.good[valid == wanted.len() && valid > 0].bad[valid < wanted.len() || valid == 0] {
                (valid) " of " (wanted.len()) " runs valid"
            }
            @if discarded > 0 { li.bad { (discarded) @if discarded == 1 { " attempt" } @else { " attempts" } " discarded" } }
            @if downgraded { li.bad { "not everything asked for was granted" } }
            @if summary.simulated { li.bad { "simulated" } }
        }
    }
}

/// The factors with their values, repeats and packets.
pub(super) fn compared(summary: &CampaignSummary, factors: &[Factor<'_>]) -> Markup {
    let measured: Vec<_> = summary.cells.iter().filter(|cell| cell.kind == RunKind::Measurement).collect();
    let repeats = summary.runs.iter().map(|run| run.repeat + 1).max().unwrap_or(0);
    let floors = summary.cells.len() - measured.len();
    page::section(
        "compared",
        "What was compared",
        &html! {
            dl.facts {
                @for factor in factors {
                    dt { (factor.key) }
                    dd { (factor.values.iter().map(|value| factors::named(value)).collect::<Vec<_>>().join(", ")) }
                }
                @if factors.is_empty() { dt { "Varied" } dd { "nothing: one configuration" } }
                dt { "Repeats" }
                dd { (repeats) " of each" }
                dt { "Packets sent" }
                dd { (number::count(measured.iter().map(|cell| cell.counts.sent).sum())) " in valid runs" }
                dt { "Instrument floor" }
                dd {
                    @if floors == 0 { "not measured" }
                    @else { "the same path with a wire in place of the device; differences smaller than it are not claimed" }
                }
            }
        },
    )
}
