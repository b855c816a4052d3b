//! The streams of each configuration, where it has several: what became of the packets of each, and how long they took.

use maud::{Markup, html};
use tailbed_format::percentile::Percentile;
use tailbed_format::stream::StreamSummary;
use tailbed_format::summary::Estimate;

use super::cells::Cell;
use super::page;
use crate::plot::number;
use crate::plot::theme::Style;

/// More rows than this are unfolded on demand.
const SHOWN: usize = 40;

/// Nothing where no cell has several streams.
pub(super) fn section(cells: &[Cell<'_>]) -> Markup {
    let rows: Vec<_> = cells.iter().flat_map(|cell| cell.summary.streams.iter().map(move |stream| (cell, stream))).collect();
    if rows.is_empty() {
        return html! {};
    }
    let elsewhere = rows.iter().any(|(_, stream)| stream.misdelivered > 0);
    let table = page::scrolling("Over the packets of all runs that count", &table(&rows, elsewhere));
    page::section(
        "streams",
        "Streams",
        &html! {
            p {
                "Several streams at the same time, sent and received by one packet loop. All other figures of this page are of all "
                "streams together; here each speaks for itself. A percentile without enough packets has no value."
            }
            @if elsewhere {
                p {
                    "Packets that came in at the end of another stream than their own were sent the wrong way by a node. They count as lost."
                }
            }
            @if rows.len() > SHOWN {
                details { summary { (rows.len()) " streams of " (cells.len()) " configurations" } (table) }
            } @else { (table) }
        },
    )
}

fn table(rows: &[(&Cell<'_>, &StreamSummary)], elsewhere: bool) -> Markup {
    let percentiles = [0, 2, 3].map(|at| Percentile::REPORTED[at]);
    html! {
        thead { tr {
            th.word scope="col" { "Configuration" }
            th.word scope="col" { "Stream" }
            th scope="col" { "Mbit/s received" }
            th scope="col" { "Sent" }
            th scope="col" { "Received" }
            th scope="col" { "Lost" }
            @if elsewhere { th scope="col" { "Came in elsewhere" } }
            th scope="col" { "Reordered" }
            th scope="col" { "Duplicates" }
            @for percentile in percentiles { th scope="col" { (percentile) } }
            th scope="col" { "Max" }
        } }
        tbody { @for (cell, stream) in rows { tr.floor-row[cell.style == Style::Floor] data-cell=(cell.summary.cell) {
            th.word scope="row" { (page::swatch(cell.style)) (cell.label) }
            td.word { (stream.name) }
            td { (stream.volume.map_or_else(|| "–".to_owned(), |volume| format!("{:.3}", volume.rate(volume.received) / 1e6))) }
            td { (number::count(stream.counts.sent)) }
            td { (number::count(stream.counts.received)) }
            td { (number::count(stream.counts.lost)) }
            @if elsewhere { td { (number::count(stream.misdelivered)) } }
            td { (number::count(stream.counts.reordered)) }
            td { (number::count(stream.counts.duplicates)) }
            @for percentile in percentiles { td { (time(stream.latency.at(percentile).and_then(Estimate::value))) } }
            td { (time(stream.latency.maximum)) }
        } } }
    }
}

fn time(ns: Option<u64>) -> String {
    ns.map_or_else(|| "–".to_owned(), number::time)
}

#[cfg(test)]
mod tests {
    use tailbed_format::flow::{FlowCounts, Volume};

    use super::*;
    use crate::report::{ReportInput, cells, example};

    #[test]
    fn only_configurations_with_several_streams_are_listed() {
        let example = example::campaign();
        let input = example.input();
        assert_eq!(section(&cells::of(&input)).into_string(), "");
        let mut summary = input.summary.clone();
        let last = summary.cells.last_mut().unwrap();
        let stream = |name: &str, flow, misdelivered| StreamSummary {
            name: name.to_owned(),
            counts: FlowCounts {
                flow,
                sent: 1_000,
                received: 999 - misdelivered,
                lost: 1 + misdelivered,
                duplicates: 0,
                reordered: 2,
            },
            misdelivered,
            latency: last.latency.clone(),
            volume: Some(Volume { sent: 64_000, received: 63_936, duration: 100_000_000 }),
        };
        let streams = vec![stream("forth", 0, 0), stream("ba<ck", 1, 7)];
        last.streams = streams;
        let input = ReportInput { summary: &summary, ..input };
        let page = section(&cells::of(&input)).into_string();
        assert_eq!(page.matches("<tr").count(), 3, "{page}");
        assert!(page.contains("forth") && page.contains("ba&lt;ck") && page.contains("Came in elsewhere"), "{page}");
        assert!(page.contains("5.115"), "{page}");
        summary.cells.last_mut().unwrap().streams.pop();
        let input = ReportInput { summary: &summary, ..example.input() };
        let nothing_lost = section(&cells::of(&input)).into_string();
        assert!(!nothing_lost.contains("elsewhere"), "{nothing_lost}");
    }
}
