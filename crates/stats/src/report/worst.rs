//! The worst packets: over time, and the records of the very worst.

use std::cmp::Reverse;
use std::fmt::Display;

use maud::{Markup, html};
use tailbed_format::packet::PacketRecord;

use super::cells::Cell;
use super::figures::{Captioned, of_kind};
use super::page;
use crate::plot::number;
use crate::plot::theme::Style;

/// So many packets of each configuration are listed.
const LISTED: usize = 5;

/// The plots and the table.
pub(super) fn section(cells: &[Cell<'_>], figures: &[Captioned]) -> Markup {
    let listed: Vec<_> =
        cells.iter().map(|cell| (cell, greatest(cell, LISTED))).filter(|(_, packets)| !packets.is_empty()).collect();
    let content = html! {
        @for kind in ["worst", "density"] { @for captioned in of_kind(figures, kind) { (page::figure(captioned)) } }
        @if !listed.is_empty() {
            details {
                summary { "Records of the slowest packets of each configuration" }
                (page::scrolling("The slowest packets as they were recorded; times are relative to the first packet after the warm-up", &table(&listed)))
            }
        }
    };
    page::section_by("worst", "The worst packets", "latency", &content)
}

/// A packet with the repeat, from 0, and the name of the run it belongs to.
pub(super) type OfRun<'a> = (u32, &'a str, &'a PacketRecord);

/// The packets of a cell with the greatest latencies, greatest first, at most so many.
pub(super) fn greatest<'a>(cell: &'a Cell<'_>, most: usize) -> Vec<OfRun<'a>> {
    let run = |repeat| cell.runs.iter().find(|run| run.repeat == repeat).map_or("", |run| run.run.as_str());
    let records = cell.data.iter().flat_map(|data| &data.records);
    let mut all: Vec<OfRun<'a>> =
        records.flat_map(|(repeat, records)| records.iter().map(move |record| (*repeat, run(*repeat), record))).collect();
    all.sort_by_key(|(repeat, _, record)| (Reverse(record.latency()), *repeat, record.departure.sent));
    all.truncate(most);
    all
}

/// What a repeat, counted from 0, is called.
pub(super) fn repeat_name(repeat: u32) -> String {
    format!("repeat {}", u64::from(repeat) + 1)
}

fn table(listed: &[(&Cell<'_>, Vec<OfRun<'_>>)]) -> Markup {
    let several = listed.iter().flat_map(|(_, packets)| packets).any(|(_, _, record)| record.departure.flow > 0);
    html! {
        thead { tr {
            th scope="col" { "Configuration" }
            th.word scope="col" { "Run" }
            @if several { th scope="col" { "Flow" } }
            th scope="col" { "Packet" }
            th scope="col" { "Sent at" }
            th scope="col" { "Late by" }
            th scope="col" { "Latency" }
            th scope="col" { "To user space" }
        } }
        tbody { @for (cell, packets) in listed { @for (_, run, record) in packets {
            tr.floor-row[cell.style == Style::Floor] data-cell=(cell.summary.cell) {
                th scope="row" { (page::swatch(cell.style)) (cell.label) }
                td.word { code { (run) } }
                @if several { td { (record.departure.flow) } }
                td { (number::count(record.departure.sequence)) }
                td { (seconds(record.departure.sent)) }
                td { (time(Some(record.departure.sent - record.departure.due))) }
                td { (time(record.latency())) }
                td { (time(record.latency_to_user())) }
            }
        } } }
    }
}

fn seconds(ns: i64) -> impl Display {
    format!("{:.6}\u{a0}s", ns as f64 / 1e9)
}

/// A time that may be negative where clocks disagree.
fn time(ns: Option<i64>) -> String {
    match ns {
        None => "–".to_owned(),
        Some(ns) if ns < 0 => number::difference(ns),
        Some(ns) => number::time(ns.unsigned_abs()),
    }
}
