//! The report of a campaign of lives.

use maud::{Markup, html};
use tailbed_format::lifecycle::{Density, LifeCampaign, LifeCell, Limit, Phase, Repeats};

use super::again::{self, Repeat};
use super::figures::Captioned;
use super::{NamedFigure, damaged, knobs, machine, page};
use crate::life::{label, published};
use crate::plot::number::{self, time};
use crate::plot::phases::{Block, Row, phases};
use crate::plot::theme::Style;

/// All that the report of a campaign of lives is made of.
#[derive(Debug, Clone, Copy)]
pub struct LifeInput<'a> {
    /// The campaign's results.
    pub summary: &'a LifeCampaign,
    /// How to run it again, and where it ran.
    pub again: Repeat<'a>,
    /// What of the results folder could not be read, a sentence each without its full stop; empty where all of it could.
    pub faults: &'a [String],
}

/// The report as one HTML file.
pub fn life_html(input: &LifeInput<'_>) -> String {
    let summary = input.summary;
    let title = summary.question.as_deref().filter(|question| !question.trim().is_empty()).unwrap_or(&summary.name);
    page::page(
        title,
        &html! {
            (opening(input, title))
            (damaged::section(input.faults))
            (times(summary))
            (plot(summary))
            (footprint(summary))
            (density(summary))
            (published_beside(summary))
            (knobs::section(summary.runs.iter().filter(|life| life.failed.is_none()).filter_map(|life| life.knobs.as_ref())))
            (failed(summary))
            (machine::section(input.again.facts))
            @if !summary.notes.is_empty() {
                (page::section("notes", "Notes", &html! { ul { @for note in &summary.notes { li { (note) } } } }))
            }
            (again::section(&input.again))
            (method())
        },
    )
}

/// The plots of the report, to be written beside it as SVG and CSV.
pub fn life_plots(summary: &LifeCampaign) -> Vec<NamedFigure> {
    vec![NamedFigure { name: "phases".to_owned(), figure: phases(&blocks(summary)) }]
}

fn opening(input: &LifeInput<'_>, title: &str) -> Markup {
    let summary = input.summary;
    let began = summary.runs.iter().map(|life| life.began).min();
    let failed = summary.runs.iter().filter(|life| life.failed.is_some()).count();
    html! {
        header {
            p.source { (summary.name) @if let Some(began) = began { " · " (number::moment(began)) } " · " (input.again.facts.hostname) }
            h1 { (title) }
            p.answer { (summary.answer) }
            ul.badges aria-label="How far to trust this" {
                li.good[failed == 0].bad[failed > 0] { (summary.runs.len() - failed) " of " (summary.runs.len()) " lives count" }
                @if emulated(summary) { li.bad { "virtual machines are emulated (TCG)" } }
            }
        }
    }
}

fn emulated(summary: &LifeCampaign) -> bool {
    summary.cells.iter().any(|cell| label(cell).contains("(TCG)"))
}

fn name(summary: &LifeCampaign, cell: &LifeCell) -> String {
    Some(label(cell)).filter(|label| !label.is_empty()).unwrap_or_else(|| summary.name.clone())
}

/// Phases that any cell has, in the order of a life.
fn phases_of(summary: &LifeCampaign) -> Vec<Phase> {
    let has = |phase: &Phase| summary.cells.iter().any(|cell| cell.phases.iter().any(|found| found.phase == *phase));
    Phase::ALL.into_iter().filter(has).collect()
}

fn of_phase(cell: &LifeCell, phase: Phase) -> Option<Repeats> {
    cell.phases.iter().find(|found| found.phase == phase).map(|found| found.time)
}

fn times(summary: &LifeCampaign) -> Markup {
    let phases = phases_of(summary);
    let table = html! {
        thead { tr { th scope="col" { "Environment" } th scope="col" { "Repeats" } @for phase in &phases { th scope="col" { (phase) } } } }
        tbody {
            @for (n, cell) in summary.cells.iter().enumerate() {
                tr {
                    th scope="row" { (page::swatch(Style::Series(n))) (name(summary, cell)) }
                    td { (cell.valid.len()) }
                    @for phase in &phases { td { (value(of_phase(cell, *phase), time)) } }
                }
            }
        }
    };
    page::section("times", "How long each phase takes", &page::scrolling(beneath(summary), &table))
}

/// What stands beneath each median of a campaign.
fn beneath(summary: &LifeCampaign) -> &'static str {
    let carried = summary.cells.iter().flat_map(|cell| &cell.phases).all(|phase| phase.time.interval.is_some());
    if carried {
        "Median of the repeats, beneath it its 95 % interval"
    } else {
        "Median of the repeats, beneath it their range: fewer than six cannot carry a 95 % interval"
    }
}

/// The interval of the median, or the range where the repeats cannot carry an interval; the unit stands once where both have the same.
fn bounds(repeats: Repeats, show: impl Fn(u64) -> String) -> String {
    let (low, high) = repeats.interval.unwrap_or((repeats.minimum, repeats.maximum));
    let (low, high) = (show(low), show(high));
    match (low.rsplit_once('\u{a0}'), high.rsplit_once('\u{a0}')) {
        (Some((number, unit)), Some((_, other))) if unit == other => format!("{number} to {high}"),
        _ => format!("{low} to {high}"),
    }
}

/// Median with what bounds it.
fn value(repeats: Option<Repeats>, show: impl Fn(u64) -> String + Copy) -> Markup {
    html! {
        @match repeats {
            None => "–",
            Some(repeats) => {
                (show(repeats.median)) br;
                small { (bounds(repeats, show)) }
            }
        }
    }
}

fn blocks(summary: &LifeCampaign) -> Vec<Block<'_>> {
    let block = |phase: Phase| {
        let measured = summary.cells.iter().enumerate().filter_map(|(n, cell)| {
            let times: Vec<u64> = lives(summary, cell)
                .flat_map(|life| &life.phases)
                .filter(|taken| taken.phase == phase)
                .map(|taken| taken.time)
                .collect();
            (!times.is_empty()).then(|| Row { label: cell_value(cell), style: Some(Style::Series(n)), times })
        });
        let beside = published::TIMES.iter().filter(|figure| figure.phase == phase && measured_kind(summary, figure.kind));
        let published = beside.map(|figure| Row { label: published_label(figure), style: None, times: vec![figure.time] });
        Block { title: phase.to_string(), rows: measured.chain(published).collect() }
    };
    phases_of(summary).into_iter().map(block).collect()
}

fn lives<'a>(summary: &'a LifeCampaign, cell: &LifeCell) -> impl Iterator<Item = &'a tailbed_format::lifecycle::Life> + use<'a> {
    let number = cell.cell;
    summary.runs.iter().filter(move |life| life.cell == number && life.failed.is_none())
}

/// The value that sets a cell apart most: its environment, else its kind.
fn cell_value(cell: &LifeCell) -> &str {
    let environment = cell.parameters.iter().find(|parameter| parameter.key.ends_with(".environment"));
    environment.map_or(cell.kind.as_str(), |parameter| parameter.value.as_str())
}

/// A figure stands beside a measurement only where something of its kind was measured.
fn measured_kind(summary: &LifeCampaign, kind: &str) -> bool {
    summary.cells.iter().any(|cell| cell.kind == kind)
}

fn published_label(figure: &published::PublishedTime) -> &'static str {
    match (figure.source, figure.what) {
        (published::Source::Clemson, "KVM") => "KVM (Clemson 2013)",
        (published::Source::Clemson, "KVM, qcow2") => "KVM, qcow2 (Clemson 2013)",
        (published::Source::Clemson, "LXC") => "LXC (Clemson 2013)",
        (published::Source::Clemson, _) => "Xen (Clemson 2013)",
        (published::Source::Intel, what) if what.starts_with("VM") => "VM (Intel 2015)",
        (published::Source::Intel, _) => "container (Intel 2015)",
    }
}

fn plot(summary: &LifeCampaign) -> Markup {
    let named = life_plots(summary).remove(0);
    let caption = "Time of each phase on a logarithmic axis.".to_owned();
    page::section("phases", "The phases side by side", &page::figure(&Captioned { named, heading: None, caption }))
}

fn bytes(bytes: u64) -> String {
    let (scale, unit) = match bytes {
        0..1024 => return format!("{bytes}\u{a0}B"),
        1024..1_048_576 => (1024.0, "KiB"),
        1_048_576..1_073_741_824 => (1_048_576.0, "MiB"),
        _ => (1_073_741_824.0, "GiB"),
    };
    format!("{:.1}\u{a0}{unit}", bytes as f64 / scale)
}

fn footprint(summary: &LifeCampaign) -> Markup {
    let table = html! {
        thead { tr { th scope="col" { "Environment" } th scope="col" { "Memory given" } th scope="col" { "Memory of its processes, idle" } th scope="col" { "Files of its own" } th scope="col" { "Image it shares" } } }
        tbody {
            @for (n, cell) in summary.cells.iter().enumerate() {
                @if let Some(footprint) = &cell.footprint {
                    tr {
                        th scope="row" { (page::swatch(Style::Series(n))) (name(summary, cell)) }
                        td { (footprint.configured.map_or_else(|| "no limit".to_owned(), bytes)) }
                        td { (value(cell.memory, bytes)) }
                        td { (bytes(footprint.own)) }
                        td { (footprint.image.map_or_else(|| "none".to_owned(), bytes)) }
                    }
                }
            }
        }
    };
    let caption = "Proportional set size summed over the processes the host sees, the agent and an emulator among them; files: bundle, initial RAM file system, overlay; the image lies on the disk once, whatever the number of nodes: root file system, disk or kernel";
    page::section("footprint", "What an idle node takes", &page::scrolling(caption, &table))
}

fn density(summary: &LifeCampaign) -> Markup {
    if summary.cells.iter().all(|cell| cell.density.is_none()) {
        return html! {};
    }
    let table = html! {
        thead { tr { th scope="col" { "Environment" } th scope="col" { "Nodes up at once" } th scope="col" { "Memory lost per node" } th scope="col" { "Time to bring them up" } th scope="col" { "Why no more" } } }
        tbody {
            @for (n, cell) in summary.cells.iter().enumerate() {
                @if let Some(Density { nodes, memory, time: taken, limit }) = &cell.density {
                    tr {
                        th scope="row" { (page::swatch(Style::Series(n))) (name(summary, cell)) }
                        td { (nodes) }
                        td { @if *memory < 0 { "not seen" } @else { (bytes(memory.unsigned_abs())) } }
                        td { (time(*taken)) }
                        td { (why(limit)) }
                    }
                }
            }
        }
    };
    let caption = "Drop of the host's available memory, divided by the nodes; one count each, so there is no interval";
    page::section("density", "How many fit", &page::scrolling(caption, &table))
}

/// Why no more nodes were started.
pub fn why(limit: &Limit) -> String {
    match limit {
        Limit::Cap => "as many as the experiment allows".to_owned(),
        Limit::Memory => "the host's memory".to_owned(),
        Limit::Time => "the time was over".to_owned(),
        Limit::Failed(error) => error.clone(),
    }
}

fn published_beside(summary: &LifeCampaign) -> Markup {
    let mut rows: Vec<(String, String, String, &str)> = Vec::new();
    let own = |kind: &str, show: &dyn Fn(&LifeCell) -> Option<String>| {
        let cells = summary.cells.iter().filter(|cell| cell.kind == kind);
        let values: Vec<_> = cells.filter_map(|cell| Some(format!("{} ({})", show(cell)?, name(summary, cell)))).collect();
        if values.is_empty() { "not measured here".to_owned() } else { values.join(", ") }
    };
    for figure in published::TIMES {
        let here = own(figure.kind, &|cell| Some(time(of_phase(cell, figure.phase)?.median)));
        rows.push((format!("{}, {}", figure.phase, figure.what), time(figure.time), here, figure.source.name()));
    }
    for figure in published::MEMORY {
        let here = own(figure.kind, &|cell| Some(bytes(cell.memory?.median)));
        rows.push((format!("memory, {}", figure.what), format!("{}\u{a0}MB", figure.megabytes), here, figure.source.name()));
    }
    let table = html! {
        thead { tr { th scope="col" { "What" } th scope="col" { "Published elsewhere" } th scope="col" { "Here" } th scope="col" { "Source" } } }
        tbody { @for (what, there, here, source) in &rows { tr { th scope="row" { (what) } td { (there) } td { (here) } td { (source) } } } }
    };
    let caption = "Published elsewhere, on other hardware and other software: no comparison, only a sense of scale";
    page::section(
        "published",
        "Beside published figures",
        &html! {
            (page::scrolling(caption, &table))
            p { "To provision meant there to install an operating system; here an image lies ready and only what is made from it is timed." }
        },
    )
}

fn failed(summary: &LifeCampaign) -> Markup {
    let failed: Vec<_> = summary.runs.iter().filter_map(|life| Some((&life.run, life.failed.as_ref()?))).collect();
    if failed.is_empty() {
        return html! {};
    }
    page::section(
        "failed",
        "Lives that do not count",
        &html! { ul { @for (run, error) in &failed { li { code { (run) } ": " (error) } } } },
    )
}

fn method() -> Markup {
    page::section(
        "method",
        "How a number was made",
        &html! {
            p {
                "A boot ends with the first message of the agent inside, over the channel it will obey, not with the return of a command. "
                "A reboot is a shutdown and a boot; a clone has ended when its own agent speaks: a virtual machine goes on from the running one's state, an LXC container shares its root file system and copies what it wrote, others begin with an overlay of their own over the same image; a shutdown has ended "
                "when the last process is gone. Phases are timed one after the other on CLOCK_MONOTONIC, and environments take turns, so that a drift "
                "of the machine hits all alike."
            }
            p { "The whole of it is in " code { "docs/method.md" } " of tailbed." }
        },
    )
}
