//! The report of a campaign of noise tests.

mod figures;

use maud::{Markup, html};
use tailbed_format::noise::{CoreFound, LoadThread, NoiseCampaign, NoiseCell, NoisePooled, Test};
use tailbed_format::percentile::Percentile;
use tailbed_format::unit::Time;

use super::again::{self, Repeat};
use super::percentiles::estimate;
use super::{NamedFigure, damaged, knobs, machine, page, proof};
use crate::noise::{RecordedNoise, label};
use crate::plot::number;
use crate::plot::theme::Style;
use figures::figures;

/// All that the report of a campaign of noise tests is made of.
#[derive(Debug, Clone, Copy)]
pub struct NoiseInput<'a> {
    /// The campaign's results.
    pub summary: &'a NoiseCampaign,
    /// Every run with all its values.
    pub runs: &'a [RecordedNoise],
    /// How to run it again, and where it ran.
    pub again: Repeat<'a>,
    /// What of the results folder could not be read, a sentence each without its full stop; empty where all of it could.
    pub faults: &'a [String],
}

/// The report as one HTML file.
pub fn noise_html(input: &NoiseInput<'_>) -> String {
    let summary = input.summary;
    let title = summary.question.as_deref().filter(|question| !question.trim().is_empty()).unwrap_or(&summary.name);
    let figures = figures(input);
    page::page(
        title,
        &html! {
            (opening(input, title))
            (damaged::section(input.faults))
            @for kind in ["timer", "gaps"] {
                @if let Some(table) = table(summary, kind) {
                    (page::section(kind, heading(kind), &html! {
                        (table)
                        @for captioned in figures.iter().filter(|captioned| captioned.named.name.starts_with(kind)) { (page::figure(captioned)) }
                    }))
                }
            }
            (by_core(summary))
            (load(summary))
            (knobs::section(summary.runs.iter().filter(|run| run.is_valid()).filter_map(|run| run.knobs.as_ref())))
            (proof::of_tests(&summary.runs, |cell| label_of(summary, cell)))
            (invalid(summary))
            (machine::section(input.again.facts))
            (notes(summary))
            (again::section(&input.again))
            (method())
        },
    )
}

/// The plots of the report, to be written beside it as SVG and CSV.
pub fn noise_plots(input: &NoiseInput<'_>) -> Vec<NamedFigure> {
    figures(input).into_iter().map(|captioned| captioned.named).collect()
}

fn label_of(summary: &NoiseCampaign, cell: usize) -> String {
    summary.cells.iter().find(|found| found.cell == cell).map(|cell| name(summary, cell)).unwrap_or_default()
}

fn heading(kind: &str) -> &'static str {
    if kind == "timer" { "How late sleepers are woken" } else { "What cores take away" }
}

fn opening(input: &NoiseInput<'_>, title: &str) -> Markup {
    let summary = input.summary;
    let began = summary.runs.iter().map(|run| run.began).min();
    let valid = summary.runs.iter().filter(|run| run.is_valid()).count();
    let emulated = summary.cells.iter().any(|cell| label(cell).contains("(TCG)"));
    html! {
        header {
            p.source { (summary.name) @if let Some(began) = began { " · " (number::moment(began)) } " · " (input.again.facts.hostname) }
            h1 { (title) }
            p.answer { (summary.answer) }
            ul.badges aria-label="How far to trust this" {
                li.good[valid == summary.runs.len()].bad[valid < summary.runs.len()] { (valid) " of " (summary.runs.len()) " runs count" }
                @if emulated { li.bad { "virtual machines are emulated (TCG)" } }
            }
        }
    }
}

fn name(summary: &NoiseCampaign, cell: &NoiseCell) -> String {
    Some(label(cell)).filter(|label| !label.is_empty()).unwrap_or_else(|| summary.name.clone())
}

/// Tests of a kind, each with its cell and the cell's place.
fn of_kind<'a>(summary: &'a NoiseCampaign, kind: &'a str) -> impl Iterator<Item = (usize, &'a NoiseCell, &'a NoisePooled)> {
    let own = move |(place, cell): (usize, &'a NoiseCell)| {
        cell.tests.iter().find(|pooled| pooled.test.name() == kind).map(|pooled| (place, cell, pooled))
    };
    summary.cells.iter().enumerate().filter_map(own)
}

/// The table of a kind of test, a row for each cell that made it.
fn table(summary: &NoiseCampaign, kind: &str) -> Option<Markup> {
    of_kind(summary, kind).next()?;
    let caption = if kind == "timer" {
        "From when a sleeper was due to when it ran: percentiles with their 95 % intervals, over all cores and repeats"
    } else {
        "Stretches in which a loop that never pauses was not running: percentiles of their lengths with their 95 % intervals, over all cores and repeats"
    };
    let rows = html! {
        thead { tr {
            th scope="col" { "Configuration" }
            @for percentile in Percentile::REPORTED { th scope="col" { (percentile) } }
            th scope="col" { "max" }
            th scope="col" { "max of a run" }
            @if kind == "gaps" { th scope="col" { "a second" } th scope="col" { "of the time" } } @else { th scope="col" { "overdue" } }
        } }
        tbody { @for (place, cell, pooled) in of_kind(summary, kind) { (row(&name(summary, cell), Some(Style::Series(place)), cell, pooled)) } }
    };
    Some(page::scrolling(caption, &rows))
}

fn row(name: &str, style: Option<Style>, cell: &NoiseCell, pooled: &NoisePooled) -> Markup {
    html! {
        tr {
            th scope="row" {
                @if let Some(style) = style { (page::swatch(style)) }
                (name)
                span.under { (cell.valid.len()) @if cell.valid.len() == 1 { " run, " } @else { " runs, " } (asked(&pooled.test)) }
            }
            (numbers(&pooled.all))
            td {
                @match pooled.maximum {
                    Some(most) => {
                        (number::time(most.median))
                        @let (low, high) = most.interval.unwrap_or((most.minimum, most.maximum));
                        @if low != high { span.under { (number::interval(Some(low), Some(high)).unwrap_or_default()) } }
                    }
                    None => "–",
                }
            }
            (rest(&pooled.test, &pooled.all))
        }
    }
}

/// What was asked of a core, in few words.
fn asked(test: &Test) -> String {
    match *test {
        Test::Gaps { threshold, .. } => format!("gaps from {} on", number::time(threshold)),
        Test::Timer { interval, .. } => format!("every {}", Time(interval)),
    }
}

fn numbers(found: &CoreFound) -> Markup {
    html! {
        @for percentile in Percentile::REPORTED { td { (estimate(found.distribution.at(percentile))) } }
        td { @match found.distribution.maximum { Some(maximum) => (number::time(maximum)), None => "–" } }
    }
}

fn rest(test: &Test, found: &CoreFound) -> Markup {
    html! {
        @if matches!(test, Test::Gaps { .. }) {
            td { (a_second(found)) }
            td { (number::share(found.sum, found.span)) }
        } @else {
            td { (number::count(found.overdue)) }
        }
    }
}

/// Gaps a second and core.
fn a_second(found: &CoreFound) -> String {
    if found.span == 0 {
        "–".to_owned()
    } else {
        number::plain((found.distribution.count as f64 / found.span as f64 * 1e11).round() / 100.0)
    }
}

fn by_core(summary: &NoiseCampaign) -> Markup {
    let several = summary.cells.iter().flat_map(|cell| &cell.tests).any(|pooled| pooled.cores.len() > 1);
    if !several {
        return html! {};
    }
    let core = |found: &CoreFound| found.cpu.map_or_else(|| "any".to_owned(), |cpu| cpu.to_string());
    let table = html! {
        thead { tr {
            th scope="col" { "Configuration" } th scope="col" { "Test" } th scope="col" { "Core" }
            @for percentile in Percentile::REPORTED { th scope="col" { (percentile) } }
            th scope="col" { "max" }
        } }
        tbody {
            @for cell in &summary.cells { @for pooled in &cell.tests { @for found in &pooled.cores {
                tr { th scope="row" { (name(summary, cell)) } td { (pooled.test.name()) } td { (core(found)) } (numbers(found)) }
            } } }
        }
    };
    page::section("cores", "Core by core", &page::scrolling("Each core over all repeats, as its environment numbers it", &table))
}

fn load(summary: &NoiseCampaign) -> Markup {
    if summary.runs.iter().all(|run| run.load.is_none()) {
        return html! {};
    }
    let thread = |thread: &LoadThread| {
        let place = thread.cpu.map_or_else(|| "any core".to_owned(), |cpu| format!("core {cpu}"));
        format!("{} on {place}: {} turns", thread.work, number::count(thread.turns))
    };
    let table = html! {
        thead { tr { th scope="col" { "Run" } th scope="col" { "What the neighbour did meanwhile" } } }
        tbody {
            @for run in &summary.runs {
                tr {
                    th scope="row" { code { (run.run) } }
                    td { @match &run.load {
                        Some(load) => (load.threads.iter().map(thread).collect::<Vec<_>>().join(", ")),
                        None => "no neighbour",
                    } }
                }
            }
        }
    };
    page::section(
        "load",
        "The load",
        &page::scrolling("A turn is 65 536 steps of arithmetic, a copied mebibyte, or a round of calls and page faults", &table),
    )
}

fn invalid(summary: &NoiseCampaign) -> Markup {
    let invalid: Vec<_> = summary.runs.iter().filter(|run| !run.is_valid()).collect();
    if invalid.is_empty() {
        return html! {};
    }
    page::section(
        "invalid",
        "Runs that do not count",
        &html! { ul { @for run in invalid { li { code { (run.run) } ": " (run.invalid.join("; ")) } } } },
    )
}

/// What the plan had to say, and what was not granted.
fn notes(summary: &NoiseCampaign) -> Markup {
    let mut all: Vec<&String> = summary.notes.iter().collect();
    for downgrade in summary.runs.iter().flat_map(|run| &run.downgrades) {
        if !all.contains(&downgrade) {
            all.push(downgrade);
        }
    }
    if all.is_empty() {
        html! {}
    } else {
        page::section("notes", "Notes", &html! { ul { @for note in all { li { (note) } } } })
    }
}

fn method() -> Markup {
    page::section(
        "method",
        "How a number was made",
        &html! {
            p {
                "Gaps: a loop on one core reads the time-stamp counter without a pause; where two neighbouring readings lie further apart than the "
                "threshold, the core was doing something else, and the difference is the gap. Wake-ups: a thread sleeps until an absolute time "
                "(clock_nanosleep(2)) and reads the clock when it runs again; what was due during a stall is late by what was left of the stall, and is not left "
                "out. Every value is kept, and percentiles are nearest ranks. The agent that tests is the same program in every environment."
            }
            p { "The whole of it is in " code { "docs/method.md" } " of tailbed." }
        },
    )
}
