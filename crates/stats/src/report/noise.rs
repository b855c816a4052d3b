//! The report of a campaign of noise tests.

use maud::{Markup, html};
use tailbed_format::noise::{CoreFound, LoadThread, NoiseCampaign, NoiseCell, NoisePooled, Test};
use tailbed_format::percentile::Percentile;
use tailbed_format::unit::Time;

use super::again::{self, Repeat};
use super::figures::Captioned;
use super::percentiles::estimate;
use super::{NamedFigure, machine, page};
use crate::noise::{RecordedNoise, label, values};
use crate::plot::number;
use crate::plot::percentiles::{Curve, percentiles_of};
use crate::plot::theme::Style;
use crate::plot::worst::{Words, WorstPoint, WorstSeries, worst_of};

/// All that the report of a campaign of noise tests is made of.
#[derive(Debug, Clone, Copy)]
pub struct NoiseInput<'a> {
    /// The campaign's results.
    pub summary: &'a NoiseCampaign,
    /// Every run with all its values.
    pub runs: &'a [RecordedNoise],
    /// How to run it again, and where it ran.
    pub again: Repeat<'a>,
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

const WAKE_UPS: Words<'static> = Words {
    first: "The latest wake-ups of each run by when they were due.",
    things: "wake-ups",
    time: "Time since the test began",
};
const GAPS: Words<'static> =
    Words { first: "The longest gaps of each run by when they began.", things: "gaps", time: "Time since the core's test began" };

/// For each kind of test that was made the percentile diagram and the worst over time.
fn figures(input: &NoiseInput<'_>) -> Vec<Captioned> {
    let mut figures = Vec::new();
    for (kind, words, what) in [("timer", WAKE_UPS, "Lateness"), ("gaps", GAPS, "Length")] {
        let cells: Vec<Drawn<'_>> =
            of_kind(input.summary, kind).map(|(place, cell, pooled)| drawn(input, place, cell, pooled)).collect();
        if cells.is_empty() {
            continue;
        }
        let curves: Vec<Curve<'_>> = cells
            .iter()
            .map(|cell| Curve {
                label: &cell.label,
                style: cell.style,
                values: &cell.values,
                distribution: Some(&cell.pooled.all.distribution),
            })
            .collect();
        let series: Vec<WorstSeries<'_>> =
            cells.iter().map(|cell| WorstSeries { label: &cell.label, style: cell.style, repeats: &cell.worst }).collect();
        let all = [
            (
                kind.to_owned(),
                percentiles_of(words.things, what, &curves),
                format!(
                    "How to read it: at p99.9 on the horizontal axis, one in a thousand {} was at least as long as the curve is high.",
                    words.things
                ),
            ),
            (
                format!("{kind}-over-time"),
                worst_of(&words, &series),
                format!(
                    "The longest {} of each core and repeat, by their time. Regular stripes come from something periodic, such as the tick; a single cluster from something that happened once.",
                    words.things
                ),
            ),
        ];
        figures.extend(all.map(|(name, figure, caption)| Captioned {
            named: NamedFigure { name, figure },
            heading: None,
            caption,
        }));
    }
    figures
}

/// A cell as it is drawn.
struct Drawn<'a> {
    label: String,
    style: Style,
    values: Vec<(u64, u64)>,
    worst: Vec<(String, Vec<WorstPoint>)>,
    pooled: &'a NoisePooled,
}

fn drawn<'a>(input: &NoiseInput<'_>, place: usize, cell: &NoiseCell, pooled: &'a NoisePooled) -> Drawn<'a> {
    let own = input.runs.iter().filter(|recorded| recorded.run.cell == cell.cell && recorded.run.is_valid());
    let points = |recorded: &RecordedNoise| {
        let cores = recorded.records.iter().filter(|record| record.test == pooled.test).flat_map(|record| &record.cores);
        cores.flat_map(|core| &core.worst).map(|gap| WorstPoint { at: gap.at, latency: gap.length }).collect()
    };
    let mut worst: Vec<(u32, Vec<WorstPoint>)> = own.map(|recorded| (recorded.run.repeat, points(recorded))).collect();
    worst.sort_by_key(|(repeat, _)| *repeat);
    Drawn {
        label: name(input.summary, cell),
        style: Style::Series(place),
        values: values(cell.cell, &pooled.test, input.runs),
        worst: worst.into_iter().map(|(repeat, points)| (format!("repeat {}", repeat + 1), points)).collect(),
        pooled,
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
