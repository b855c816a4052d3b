//! The report: one HTML file that needs nothing else, to be read with or without scripts, on screen or paper.
//!
//! One file per part of the page; this one says in which order they stand. Text given by the user is escaped by the templates.

mod again;
pub mod analysis;
mod capture;
mod cells;
mod contrasts;
mod damaged;
mod deadlines;
pub mod embedded;
mod extremes;
mod factors;
mod figures;
mod forwarders;
mod instrument;
mod knobs;
pub mod life;
mod load;
mod machine;
mod method;
mod moved;
pub mod noise;
mod opening;
mod page;
mod pair;
mod percentiles;
mod ports;
mod proof;
mod runs;
pub mod several;
mod spread;
mod steadiness;
mod streams;
mod sweep;
pub mod table;
pub mod throughput;
mod worst;

use maud::html;
use tailbed_format::facts::Facts;
use tailbed_format::packet::PacketRecord;
use tailbed_format::summary::CampaignSummary;

use crate::plot::Figure;
use crate::plot::worst::WorstPoint;
use crate::proof::HostTimeline;
use crate::timeline::Timeline;

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
    /// Seed of the order of the runs; `None` where the folder does not say.
    pub seed: Option<u64>,
    /// What of the results folder could not be read, a sentence each without its full stop; empty where all of it could.
    pub faults: &'a [String],
}

/// What the plots show of a cell, over its valid runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CellData {
    /// Number of the cell, as in [`tailbed_format::summary::CellSummary::cell`].
    pub cell: usize,
    /// Every latency that occurred, ns, ascending, with how often.
    pub latency: Vec<(u64, u64)>,
    /// Every lateness of the generator that occurred, ns, ascending, with how often.
    pub lateness: Vec<(u64, u64)>,
    /// For each valid run its repeat, from 0, and its share of the cell's worst packets.
    pub worst: Vec<(u32, Vec<WorstPoint>)>,
    /// For each valid run its repeat, from 0, and the records of the very worst of these packets; all of them were received. May be empty:
    /// then the page says of a packet when it was sent and what it took.
    pub records: Vec<(u32, Vec<PacketRecord>)>,
    /// For each valid run its repeat, from 0, and what the host did in it.
    pub host: Vec<(u32, HostTimeline)>,
    /// For each valid run its repeat, from 0, and what went over time in it.
    pub timeline: Vec<(u32, Timeline)>,
}

/// A plot of the report with the name of its files, without extension.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedFigure {
    /// The kind of plot: `percentiles`, `ccdf`, `boxes`, `worst`, `density`, `gaps`, `traffic`, `repeats`, `lateness`, `host`, `heat`,
    /// `multiples`, `tail`, `thresholds`; where there are several of a kind, numbered from 2 on (`percentiles-2`).
    pub name: String,
    /// The plot.
    pub figure: Figure,
}

/// The report as one HTML file.
pub fn html(input: &ReportInput<'_>) -> String {
    let summary = input.summary;
    let cells = cells::of(input);
    let figures = figures::all(summary, &cells);
    let factors = factors::of(&summary.cells);
    page::page_with(
        opening::title(summary),
        &factors::form(&factors),
        &html! {
            (opening::section(input))
            (damaged::section(input.faults))
            (opening::compared(summary, &factors))
            // the tables
            (percentiles::section(&cells))
            (contrasts::section(summary, &cells))
            (pair::section(&cells))
            (streams::section(&cells))
            (capture::section(summary, &cells))
            (deadlines::section(summary, &cells))
            (load::section(&cells))
            // the plots
            (figures::curves_and_spreads(&figures))
            (extremes::section(summary, &cells, &figures))
            (worst::section(&cells, &figures))
            (figures::traffic(&figures))
            (spread::section(&cells, &figures))
            (steadiness::section(summary, &cells))
            // what does not count
            (runs::section(summary, &cells))
            // what the host and the instrument did
            (proof::section(summary, &cells, &figures))
            (moved::section(summary, &cells))
            (instrument::section(summary, &cells, &figures))
            (forwarders::section(summary, &cells))
            (knobs::section(summary.runs.iter().filter(|run| run.is_valid()).filter_map(|run| run.knobs.as_ref())))
            (machine::section(input.facts))
            // again
            (again::topology(input))
            (again::section(&Repeat::of(input)))
            (method::section())
            (embedded::block(summary, &cells))
        },
    )
}

/// The plots of the report, to be written beside it as SVG, PNG and CSV. The same as those within [`html()`].
pub fn plots(input: &ReportInput<'_>) -> Vec<NamedFigure> {
    figures::all(input.summary, &cells::of(input)).into_iter().map(|captioned| captioned.named).collect()
}

#[cfg(test)]
pub(crate) mod example;

#[cfg(test)]
mod tests;
