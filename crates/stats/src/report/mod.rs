//! The report: one HTML file that needs nothing else, to be read with or without scripts, on screen or paper.
//!
//! One file per part of the page; this one says in which order they stand. Text given by the user is escaped by the templates.

mod again;
pub mod analysis;
mod capture;
mod cells;
mod contrasts;
mod figures;
mod forwarders;
mod instrument;
mod knobs;
pub mod life;
mod load;
mod machine;
pub mod noise;
mod opening;
mod page;
mod percentiles;
mod ports;
mod proof;
mod runs;
mod spread;
mod streams;
pub mod throughput;

use maud::html;
use tailbed_format::facts::Facts;
use tailbed_format::summary::CampaignSummary;

use crate::plot::Figure;
use crate::plot::worst::WorstPoint;
use crate::proof::HostTimeline;

pub use again::Repeat;
pub use cells::{label, values};

/// All that a report is made of.
#[derive(Debug, Clone, Copy)]
pub struct ReportInput<'a> {
    /// The campaign's results.
    pub summary: &'a CampaignSummary,
    /// The host it ran on.
    pub facts: &'a Facts,
    /// What the plots show of each cell; cells without an entry have no curve.
    pub data: &'a [CellData],
    /// The topology drawn in text, lines separated by line feeds.
    pub topology: &'a str,
    /// Name of the experiment file, for example `first-look.toml`.
    pub experiment_name: &'a str,
    /// The experiment file as it was given.
    pub experiment: &'a str,
    /// The command line that runs it again.
    pub command: &'a str,
    /// Seed of the order of the runs.
    pub seed: u64,
}

/// What the plots show of a cell, over its valid runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CellData {
    /// Number of the cell, as in [`tailbed_format::summary::CellSummary::cell`].
    pub cell: usize,
    /// Every latency that occurred, ns, ascending, with how often.
    pub latency: Vec<(u64, u64)>,
    /// Every lateness of the generator that occurred, ns, ascending, with how often.
    pub lateness: Vec<(u64, u64)>,
    /// For each valid run its repeat, from 0, and its share of the cell's worst packets.
    pub worst: Vec<(u32, Vec<WorstPoint>)>,
    /// For each valid run its repeat, from 0, and what the host did in it.
    pub host: Vec<(u32, HostTimeline)>,
}

/// A plot of the report with the name of its files, without extension.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedFigure {
    /// `percentiles`, `worst`, `host`, `repeats`, `lateness`; where there are several of a kind, numbered from 2 on (`percentiles-2`).
    pub name: String,
    /// The plot.
    pub figure: Figure,
}

/// The report as one HTML file.
pub fn html(input: &ReportInput<'_>) -> String {
    let cells = cells::of(input);
    let figures = figures::all(&cells);
    let title = opening::title(input.summary);
    page::page(
        title,
        &html! {
            (opening::section(input))
            (opening::compared(input))
            (percentiles::section(&cells))
            (streams::section(&cells))
            (capture::section(input.summary, &cells))
            (contrasts::section(input.summary, &cells))
            (figures::curves(&figures))
            (figures::worst(&figures))
            (proof::section(input.summary, &cells, &figures))
            (spread::section(&cells, &figures))
            (load::section(&cells))
            (runs::section(input.summary, &cells))
            (forwarders::section(input.summary, &cells))
            (instrument::section(input.summary, &cells, &figures))
            (knobs::section(input.summary.runs.iter().filter(|run| run.is_valid()).filter_map(|run| run.knobs.as_ref())))
            (machine::section(input.facts))
            (again::topology(input))
            (again::section(&Repeat::of(input)))
            (again::method())
        },
    )
}

/// The plots of the report, to be written beside it as SVG and CSV. The same as those within [`html()`].
pub fn plots(input: &ReportInput<'_>) -> Vec<NamedFigure> {
    figures::all(&cells::of(input)).into_iter().map(|captioned| captioned.named).collect()
}

#[cfg(test)]
mod example;

#[cfg(test)]
mod tests;
