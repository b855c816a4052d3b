//! The load as it was: packets and bits per second, and the flows that fared worst.

use std::cmp::Reverse;

use maud::{Markup, html};
use tailbed_format::flow::{FlowSummary, FlowTable};
use tailbed_format::percentile::Percentile;
use tailbed_format::summary::RunSummary;

use super::cells::Cell;
use super::page;
use crate::plot::number;
use crate::plot::theme::Style;

/// Nothing where no run has counted its bytes.
pub(super) fn section(cells: &[Cell<'_>]) -> Markup {
    let loads: Vec<_> = cells.iter().filter_map(|cell| Some((cell, Load::of(cell)?))).collect();
    if loads.is_empty() {
        return html! {};
    }
    page::section(
        "load",
        "Load",
        &html! {
            (page::scrolling("Means over the runs; bits of whole frames with their check sequence", &rates(&loads)))
            @if cells.iter().any(|cell| cell.runs.iter().any(|run| run.flows.is_some())) {
                p {
                    "Of many flows those that fared worst are shown: those that lost most, then those with the greatest latency. "
                    "All are in the " code { "flows.csv" } " of each run."
                }
                (page::scrolling("Flows that fared worst", &flows(cells)))
            }
        },
    )
}

/// Sums over the valid runs of a cell.
struct Load {
    packets: u64,
    sent: u64,
    received: u64,
    /// ns.
    duration: u64,
}

impl Load {
    fn of(cell: &Cell<'_>) -> Option<Self> {
        let volumes = cell.runs.iter().filter_map(|run| Some((run.counts.sent, run.volume?)));
        let sum = |sum: Self, (packets, volume): (u64, tailbed_format::flow::Volume)| Self {
            packets: sum.packets + packets,
            sent: sum.sent + volume.sent,
            received: sum.received + volume.received,
            duration: sum.duration + volume.duration,
        };
        let load = volumes.fold(Self { packets: 0, sent: 0, received: 0, duration: 0 }, sum);
        (load.duration > 0).then_some(load)
    }

    fn per_second(&self, of: u64) -> f64 {
        of as f64 * 1e9 / self.duration as f64
    }
}

fn rates(loads: &[(&Cell<'_>, Load)]) -> Markup {
    let megabits = |load: &Load, bytes: u64| format!("{:.3}", load.per_second(bytes) * 8.0 / 1e6);
    html! {
        thead { tr {
            th scope="col" { "Configuration" }
            th scope="col" { "Packets/s sent" }
            th scope="col" { "Mean frame, bytes" }
            th scope="col" { "Mbit/s sent" }
            th scope="col" { "Mbit/s received" }
        } }
        tbody { @for (cell, load) in loads { tr.floor-row[cell.style == Style::Floor] data-cell=(cell.summary.cell) {
            th scope="row" { (page::swatch(cell.style)) (cell.label) }
            td { (format!("{:.1}", load.per_second(load.packets))) }
            td { (format!("{:.1}", load.sent as f64 / load.packets.max(1) as f64)) }
            td { (megabits(load, load.sent)) }
            td { (megabits(load, load.received)) }
        } } }
    }
}

fn flows(cells: &[Cell<'_>]) -> Markup {
    let shown = [0, 2];
    let percentiles = shown.map(|at| Percentile::REPORTED[at]);
    let time = |ns: Option<u64>| ns.map_or_else(|| "–".to_owned(), number::time);
    html! {
        thead { tr {
            th.word scope="col" { "Configuration" }
            th.word scope="col" { "Run" }
            th scope="col" { "Flow" }
            th scope="col" { "Sent" }
            th scope="col" { "Lost" }
            th scope="col" { "Reordered" }
            th scope="col" { "Duplicates" }
            @for percentile in percentiles { th scope="col" { (percentile) } }
            th scope="col" { "Max" }
        } }
        tbody { @for cell in cells { @for (run, flow) in worst(cell) { tr data-cell=(cell.summary.cell) {
            th.word scope="row" { (cell.label) }
            td.word { code { (run.run) } }
            td { @if let Some(stream) = stream_of(run, flow.counts.flow) { (stream) ": " } (flow.counts.flow) " of " (run.flows.as_ref().map_or(0, |table| table.count)) }
            td { (number::count(flow.counts.sent)) }
            td { (number::count(flow.counts.lost)) }
            td { (number::count(flow.counts.reordered)) }
            td { (number::count(flow.counts.duplicates)) }
            @for at in shown { td { (time(flow.percentiles.get(at).copied().flatten())) } }
            td { (time(flow.maximum)) }
        } } } }
    }
}

/// The stream that a flow belongs to, where there are several.
fn stream_of(run: &RunSummary, flow: u32) -> Option<&str> {
    let before = run.streams.iter().take_while(|stream| stream.counts.flow <= flow);
    before.last().map(|stream| stream.name.as_str())
}

/// The worst flows of all runs of a cell.
fn worst<'a>(cell: &Cell<'a>) -> Vec<(&'a RunSummary, &'a FlowSummary)> {
    let of = |run: &&'a RunSummary| {
        let run = *run;
        run.flows.iter().flat_map(|table| &table.worst).map(move |flow| (run, flow)).collect::<Vec<_>>()
    };
    let mut all: Vec<_> = cell.runs.iter().flat_map(of).collect();
    all.sort_by_key(|(_, flow)| (Reverse(flow.counts.lost), Reverse(flow.maximum)));
    all.truncate(FlowTable::SHOWN);
    all
}
