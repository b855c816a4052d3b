//! What the timestamper found: latency through the nodes by its stamps alone, and its files.

use maud::{Markup, html};
use tailbed_format::capture::{CaptureSummary, Stamps, TapSummary, Through, joined};
use tailbed_format::percentile::Percentile;
use tailbed_format::summary::{CampaignSummary, RunSummary};

use super::cells::{Cell, label_of};
use super::page;
use super::percentiles::estimate;
use crate::plot::number;

/// Nothing where no run was captured.
pub(super) fn section(summary: &CampaignSummary, cells: &[Cell<'_>]) -> Markup {
    let captured: Vec<_> = summary.runs.iter().filter_map(|run| Some((run, run.capture.as_ref()?))).collect();
    let Some((_, first)) = captured.first() else { return html! {} };
    let incomplete = captured.iter().filter(|(_, capture)| !capture.is_complete()).count();
    page::section(
        "capture",
        "Through the DuT, by the timestamper",
        &html! {
            p {
                "A third party has stamped the packets before and behind the device: stamp behind minus stamp before, without the load "
                "generator’s own share. " (stamps(first, &captured))
            }
            @if incomplete > 0 {
                p { strong.no { "Incomplete" } " in " (incomplete) " of " (captured.len()) " runs: frames are missing in their files." }
            }
            @if cells.iter().any(|cell| !cell.summary.through.is_empty()) {
                (page::scrolling("Latency through the nodes with 95 % intervals", &latencies(cells)))
            }
            details {
                summary { "Packets and files, run by run" }
                (page::scrolling("Packets seen before and behind", &packets(&captured, cells)))
                (page::scrolling("Files, below the folder of their run", &files(&captured)))
            }
        },
    )
}

/// Who stamped, and what is known of the error.
fn stamps(first: &CaptureSummary, captured: &[(&RunSummary, &CaptureSummary)]) -> String {
    let reading = captured.iter().map(|(_, capture)| capture.reading).max().unwrap_or_default();
    let shift = captured.iter().map(|(_, capture)| capture.shift.unsigned_abs()).max().unwrap_or_default();
    let who = match first.stamps {
        Stamps::Software => "the kernel, in software, as it takes a frame over from the interface",
        Stamps::Hardware => "the network card",
    };
    let card = first.card.as_ref().map_or_else(String::new, |card| {
        let offset = card.before.unsigned_abs();
        let moved = captured.iter().filter_map(|(_, capture)| capture.card.as_ref());
        let moved = moved.map(|card| card.after.wrapping_sub(card.before).unsigned_abs()).max().unwrap_or_default();
        format!(
            " Its clock {} was {} from the wall clock (read within {}, {}), and moved by at most {} against it in a run.",
            card.device,
            number::time(offset),
            number::time(card.bound),
            card.by,
            number::time(moved)
        )
    });
    format!(
        "Stamps are of {who}; clocks were read together within {}, and the wall clock moved by at most {} in a run.{card}",
        number::time(reading),
        number::time(shift)
    )
}

fn latencies(cells: &[Cell<'_>]) -> Markup {
    html! {
        thead { tr {
            th scope="col" { "Configuration" }
            th.word scope="col" { "Through" }
            @for percentile in Percentile::REPORTED { th scope="col" { (percentile) } }
            th scope="col" { "max" }
        } }
        tbody { @for cell in cells { @for part in &cell.summary.through { tr data-cell=(cell.summary.cell) {
            th scope="row" { (page::swatch(cell.style)) (cell.label) span.under { (number::count(part.latency.count)) " packets" } }
            td.word { (joined(&part.nodes)) }
            @for percentile in Percentile::REPORTED { td { (estimate(part.latency.at(percentile))) } }
            td { (part.latency.maximum.map_or_else(|| "–".to_owned(), number::time)) }
        } } } }
    }
}

fn packets(captured: &[(&RunSummary, &CaptureSummary)], cells: &[Cell<'_>]) -> Markup {
    let rows = captured.iter().flat_map(|(run, capture)| capture.through.iter().map(move |part| (*run, part)));
    html! {
        thead { tr {
            th.word scope="col" { "Run" }
            th.word scope="col" { "Configuration" }
            th.word scope="col" { "Through" }
            th scope="col" { "Before" }
            th scope="col" { "Behind" }
            th scope="col" { "Lost" }
            th scope="col" { "Duplicates" }
            th scope="col" { "Reordered" }
            th.word scope="col" { "Complete" }
        } }
        tbody { @for (run, part) in rows { tr data-cell=(run.cell) {
            th scope="row" { code { (run.run) } }
            td.word { (label_of(cells, run.cell)) }
            td.word { (joined(&part.nodes)) }
            (counts(part))
            td.word { @if part.complete { "yes" } @else { strong.no { "no" } } }
        } } }
    }
}

fn counts(part: &Through) -> Markup {
    let Through { entered, left, lost, duplicates, reordered, .. } = part;
    html! { @for count in [entered, left, lost, duplicates, reordered] { td { (number::count(*count)) } } }
}

fn files(captured: &[(&RunSummary, &CaptureSummary)]) -> Markup {
    let rows = captured.iter().flat_map(|(run, capture)| capture.taps.iter().map(move |tap| (*run, tap)));
    html! {
        thead { tr {
            th.word scope="col" { "Run" }
            th.word scope="col" { "File" }
            th scope="col" { "Frames" }
            th scope="col" { "Missing" }
            th scope="col" { "Bytes" }
        } }
        tbody { @for (run, TapSummary { file, count, .. }) in rows { tr data-cell=(run.cell) {
            th scope="row" { code { (run.run) } }
            td.word { code { (file) } }
            td { (number::count(count.written)) }
            td { (number::count(count.dropped + count.left_out)) }
            td { (number::count(count.bytes)) }
        } } }
    }
}

#[cfg(test)]
mod tests {
    use tailbed_format::capture::{TapCount, ThroughCell};

    use super::*;
    use crate::report::example;

    #[test]
    fn latencies_and_what_is_missing_are_shown() {
        let mut summary = example::campaign().summary;
        assert_eq!(section(&summary, &[]).into_string(), "");
        let latency = summary.cells[1].latency.clone();
        let count = TapCount { written: 990, dropped: 10, ..TapCount::default() };
        let tap = TapSummary { file: "capture/1-a.pcapng".to_owned(), from: "a".to_owned(), to: "b".to_owned(), count };
        let through = Through {
            nodes: vec!["x<y".to_owned()],
            before: "capture/1-a.pcapng".to_owned(),
            behind: "capture/2-b.pcapng".to_owned(),
            trim: 0,
            entered: 990,
            left: 989,
            lost: 1,
            duplicates: 0,
            reordered: 0,
            ambiguous: 0,
            unmatched: 0,
            latency: latency.clone(),
            complete: false,
        };
        let capture = CaptureSummary {
            stamps: Stamps::Software,
            reading: 60,
            shift: -3,
            card: None,
            taps: vec![tap],
            through: vec![through],
        };
        summary.runs[0].capture = Some(capture);
        summary.cells[1].through = vec![ThroughCell { nodes: vec!["x<y".to_owned()], latency }];
        let example = example::campaign();
        let cells = super::super::cells::of(&crate::report::ReportInput { summary: &summary, ..example.input() });
        let page = section(&summary, &cells).into_string();
        assert!(page.contains("by the timestamper") && page.contains("x&lt;y") && page.contains("in software"), "{page}");
        assert!(page.contains("Incomplete") && page.contains("1 of 1 runs: frames are missing"), "{page}");
    }
}
