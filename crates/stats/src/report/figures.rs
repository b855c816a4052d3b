//! The plots of the report with their captions.

use std::fmt::Display;

use maud::{Markup, html};
use tailbed_format::percentile::Percentile;

use super::cells::Cell;
use super::{NamedFigure, page, proof};
use crate::plot::Figure;
use crate::plot::histogram::{self, Histogram};
use crate::plot::percentiles::{self, Curve};
use crate::plot::repeats::{self, Strip};
use crate::plot::theme::Style;
use crate::plot::worst::{self, WorstPoint, WorstSeries};

/// Width of a bucket of lateness, ns.
const BUCKET: u64 = 100;

/// The percentiles whose repeats are shown side by side.
const COMPARED: [Percentile; 3] = [Percentile::REPORTED[0], Percentile::REPORTED[2], Percentile::REPORTED[3]];

/// A plot with what stands above and below it.
#[derive(Debug, Clone)]
pub(super) struct Captioned {
    /// The plot and its name.
    pub(super) named: NamedFigure,
    /// Which cells it shows, where there are several of the kind.
    pub(super) heading: Option<String>,
    /// What it shows and how to read it.
    pub(super) caption: String,
}

/// All plots, each kind once for every group of cells.
pub(super) fn all(cells: &[Cell<'_>]) -> Vec<Captioned> {
    let groups = cells.iter().map(|cell| cell.group).max().map_or(1, |last| last + 1);
    let mut figures = Vec::new();
    for group in 0..groups {
        let own: Vec<_> = cells.iter().filter(|cell| cell.group == group).collect();
        let traffic = own.iter().find(|cell| cell.style == Style::Floor);
        let heading = traffic.filter(|_| groups > 1).map(|floor| floor.label.replacen("floor, ", "", 1));
        for (kind, figure, caption) in [
            ("percentiles", curves_of(&own), CURVES_CAPTION),
            ("worst", worst_of(&own), WORST_CAPTION),
            ("repeats", repeats_of(&own), REPEATS_CAPTION),
            ("lateness", lateness_of(&own), LATENESS_CAPTION),
        ] {
            let name = if group == 0 { kind.to_owned() } else { format!("{kind}-{}", group + 1) };
            let named = NamedFigure { name, figure };
            figures.push(Captioned { named, heading: heading.clone(), caption: caption.to_owned() });
        }
        if let Some(figure) = proof::figure(&own) {
            let name = if group == 0 { "host".to_owned() } else { format!("host-{}", group + 1) };
            let named = NamedFigure { name, figure };
            figures.push(Captioned { named, heading: heading.clone(), caption: HOST_CAPTION.to_owned() });
        }
    }
    figures
}

const CURVES_CAPTION: &str = "How to read it: at 99.9 % on the horizontal axis, one packet in a thousand took at least as long as the curve \
     is high. Each step to the right is ten times rarer.";
const WORST_CAPTION: &str = "The packets with the greatest latencies, by the time they were sent. Regular stripes come from something \
     periodic, such as a timer; a single cluster from something that happened once.";
const REPEATS_CAPTION: &str = "Each mark is one valid run. Where the repeats of two configurations overlap, their difference is no larger \
     than what one run differs from the next.";
const HOST_CAPTION: &str = "The worst packets again, and beneath them on the same axis of time what came to the packet cores: interrupts from one reading \
     of the kernel’s counters to the next, grey where they belong there, and each turn of a task that does not.";
const LATENESS_CAPTION: &str = "How long after it was due each packet left the generator. A packet that leaves late is the instrument’s fault, never the device’s.";

/// The figures of a kind.
pub(super) fn of_kind<'a>(figures: &'a [Captioned], kind: &'a str) -> impl Iterator<Item = &'a Captioned> {
    figures.iter().filter(move |captioned| captioned.named.name.starts_with(kind))
}

/// The percentile diagrams.
pub(super) fn curves(figures: &[Captioned]) -> Markup {
    let content = html! { @for captioned in of_kind(figures, "percentiles") { (page::figure(captioned)) } };
    page::section("tail", "The tail", &content)
}

/// The worst packets over time.
pub(super) fn worst(figures: &[Captioned]) -> Markup {
    let content = html! { @for captioned in of_kind(figures, "worst") { (page::figure(captioned)) } };
    page::section("worst", "The worst packets", &content)
}

fn curves_of(cells: &[&Cell<'_>]) -> Figure {
    let curves: Vec<_> = cells
        .iter()
        .filter_map(|cell| {
            let values = &cell.data?.latency;
            Some(Curve { label: &cell.label, style: cell.style, values, distribution: Some(&cell.summary.latency) })
        })
        .collect();
    percentiles::percentiles("One-way latency", &curves)
}

fn worst_of(cells: &[&Cell<'_>]) -> Figure {
    let named: Vec<_> = cells.iter().filter_map(|cell| Some((*cell, worst_packets(cell)?))).collect();
    let series: Vec<_> =
        named.iter().map(|(cell, repeats)| WorstSeries { label: &cell.label, style: cell.style, repeats }).collect();
    worst::worst(&series)
}

/// The worst packets of each repeat of a cell, with its name.
pub(super) fn worst_packets(cell: &Cell<'_>) -> Option<Vec<(String, Vec<WorstPoint>)>> {
    let mut repeats: Vec<_> = cell.data?.worst.iter().collect();
    repeats.sort_by_key(|(repeat, _)| *repeat);
    Some(repeats.into_iter().map(|(repeat, points)| (repeat_name(repeat + 1), points.clone())).collect())
}

fn repeats_of(cells: &[&Cell<'_>]) -> Figure {
    let named: Vec<_> = cells
        .iter()
        .map(|cell| {
            let values = cell.runs.iter().map(|run| {
                let rows = run.latency.percentiles.iter();
                let known = rows.filter_map(|row| Some((row.percentile, row.estimate.value()?))).collect();
                (repeat_name(run.repeat + 1), known)
            });
            (cell, values.collect::<Vec<_>>())
        })
        .collect();
    // The floor would stretch the scale for nothing: how far its repeats lie apart is in the table.
    let named: Vec<_> = named.into_iter().filter(|(cell, _)| cell.style != Style::Floor || cells.len() == 1).collect();
    let strips: Vec<_> = named.iter().map(|(cell, repeats)| Strip { label: &cell.label, style: cell.style, repeats }).collect();
    repeats::repeats(&COMPARED, &strips)
}

fn lateness_of(cells: &[&Cell<'_>]) -> Figure {
    let bucketed: Vec<_> =
        cells.iter().filter_map(|cell| Some((cell, histogram::buckets(&cell.data?.lateness, BUCKET)))).collect();
    let histograms: Vec<_> =
        bucketed.iter().map(|(cell, buckets)| Histogram { label: &cell.label, style: cell.style, buckets }).collect();
    histogram::histogram("Lateness of the generator", BUCKET, &histograms)
}

fn repeat_name(number: impl Display) -> String {
    format!("repeat {number}")
}
