//! The campaign as a table: a row per cell, a column per percentile.

use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use comfy_table::{Attribute, Cell, CellAlignment, ContentArrangement, Table};
use tailbed_format::capture::joined;
use tailbed_format::percentile::Percentile;
use tailbed_format::summary::{CampaignSummary, CellSummary, Distribution, Estimate};
use tailbed_stats::plot::number::{count, interval, share, time};
use tailbed_stats::report::label;

/// Every cell with its percentiles, intervals beneath; `fit` breaks lines to the terminal's width.
pub(crate) fn campaign(summary: &CampaignSummary, fit: bool) -> String {
    let mut table = percentile_table("one-way latency", fit, &["runs", "packets", "lost"]);
    for cell in &summary.cells {
        let sent = cell.counts.sent;
        let runs = format!("{}/{}", cell.valid.len(), cell.valid.len() + cell.invalid.len());
        let mut row =
            vec![Cell::new(name(summary, cell)), number(runs), number(count(sent)), number(lost(cell.counts.lost, sent))];
        row.extend(percentiles(&cell.latency));
        table.add_row(row);
    }
    let explained = "runs: those that count / all attempts; beneath each value its 95 % interval";
    format!("{table}\n{explained}{}", through(summary, fit).map_or_else(String::new, |table| format!("\n\n{table}")))
}

/// Latency through the nodes by the timestamper, where there was one.
fn through(summary: &CampaignSummary, fit: bool) -> Option<String> {
    let mut table = percentile_table("through the DuT, by the timestamper", fit, &["nodes", "packets"]);
    for (cell, part) in summary.cells.iter().flat_map(|cell| cell.through.iter().map(move |part| (cell, part))) {
        let mut row = vec![Cell::new(name(summary, cell)), Cell::new(joined(&part.nodes)), number(count(part.latency.count))];
        row.extend(percentiles(&part.latency));
        table.add_row(row);
    }
    let captures = || summary.runs.iter().filter_map(|run| run.capture.as_ref());
    let incomplete = captures().filter(|capture| !capture.is_complete()).count();
    let missing = if incomplete == 0 {
        String::new()
    } else {
        format!("\nincomplete: in {incomplete} of {} runs frames are missing in the files", captures().count())
    };
    (table.row_count() > 0).then(|| format!("{table}{missing}"))
}

/// An empty table with a column per percentile and the maximum, after the columns given.
pub(crate) fn percentile_table(first: &str, fit: bool, columns: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_HORIZONTAL_ONLY);
    if fit {
        table.set_content_arrangement(ContentArrangement::Dynamic);
    }
    let reported = Percentile::REPORTED.iter().map(ToString::to_string);
    let titles = std::iter::once(first.to_owned()).chain(columns.iter().map(|title| (*title).to_owned())).chain(reported);
    table.set_header(titles.chain(["max".to_owned()]).map(|title| Cell::new(title).add_attribute(Attribute::Bold)));
    table
}

/// The cells of a distribution's percentiles and maximum.
pub(crate) fn percentiles(distribution: &Distribution) -> impl Iterator<Item = Cell> + '_ {
    let maximum = distribution.maximum.map_or_else(|| "–".to_owned(), time);
    distribution.percentiles.iter().map(|row| number(estimate(&row.estimate))).chain(std::iter::once(number(maximum)))
}

fn estimate(estimate: &Estimate) -> String {
    match *estimate {
        Estimate::NotEnough { .. } => "not enough\npackets".to_owned(),
        Estimate::Value { value, low, high } => {
            interval(low, high).map_or_else(|| time(value), |interval| format!("{}\n{interval}", time(value)))
        }
    }
}

fn name(summary: &CampaignSummary, cell: &CellSummary) -> String {
    Some(label(cell)).filter(|label| !label.is_empty()).unwrap_or_else(|| summary.name.clone())
}

fn lost(lost: u64, sent: u64) -> String {
    if lost == 0 { "0".to_owned() } else { format!("{} ({})", count(lost), share(lost, sent)) }
}

fn number(text: String) -> Cell {
    Cell::new(text).set_alignment(CellAlignment::Right)
}
