//! The campaign as a table: a row per cell, its distribution drawn beneath its name, a column per percentile.

use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use comfy_table::{Attribute, Cell, CellAlignment, Color, ColumnConstraint, ContentArrangement, Table, Width};
use tailbed_format::capture::joined;
use tailbed_format::percentile::Percentile;
use tailbed_format::summary::{CampaignSummary, CellSummary, Distribution, Estimate};
use tailbed_stats::plot::number::{count, interval, share, time};
use tailbed_stats::report::label;

use super::charset::Charset;
use super::density::{Axis, Density};

/// Bars of a distribution in a line.
pub(crate) const BARS: usize = 24;

/// How a table is shown.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Look {
    /// Whether lines are broken to the terminal's width.
    pub(crate) fit: bool,
    /// Whether what needs attention is coloured.
    pub(crate) colour: bool,
    /// What drawings are made of.
    pub(crate) charset: Charset,
}

/// Every cell with its percentiles, intervals beneath. `densities` are those of the cells, in their order.
pub(crate) fn campaign(summary: &CampaignSummary, densities: &[Density], look: Look) -> String {
    let axis = axis(summary, densities);
    let title = axis.map_or_else(String::new, |axis| format!("\n{}", look.charset.fitting(&axis.ends(time))));
    let mut table = percentile_table(&format!("one-way latency{title}"), look.fit, &["runs", "packets", "lost"]);
    if let (Some(_), Some(first)) = (axis, table.column_mut(0)) {
        // a drawing is not to be broken; its column is as wide as it and the margins
        first.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(u16::try_from(BARS + 2).unwrap_or(u16::MAX))));
    }
    for (cell, density) in summary.cells.iter().zip(densities.iter().map(Some).chain(std::iter::repeat(None))) {
        let sent = cell.counts.sent;
        let runs = number(format!("{}/{}", cell.valid.len(), cell.valid.len() + cell.invalid.len()));
        let drawn = axis.zip(density).map(|(axis, density)| drawing(&axis, density, floor_median(summary, cell), look.charset));
        let named = [Some(name(summary, cell)), drawn].into_iter().flatten().collect::<Vec<_>>().join("\n");
        let attention = |cell: Cell, needed: bool| if needed && look.colour { cell.fg(Color::Yellow) } else { cell };
        let mut row = vec![
            Cell::new(named),
            attention(runs, !cell.invalid.is_empty()),
            number(count(sent)),
            attention(number(lost(cell.counts.lost, sent)), cell.counts.lost > 0),
        ];
        row.extend(percentiles(&cell.latency));
        table.add_row(row);
    }
    let drawn = if axis.is_none() {
        ""
    } else {
        "; beneath each name its distribution on one logarithmic axis for all, heights logarithmic as well"
    };
    let explained = format!(
        "runs: those that count / all attempts; beneath each value its 95 % interval, between repeats where there are several{drawn}"
    );
    format!("{table}\n{explained}{}", through(summary, look.fit).map_or_else(String::new, |table| format!("\n\n{table}")))
}

/// One axis for all cells.
fn axis(summary: &CampaignSummary, densities: &[Density]) -> Option<Axis> {
    let least = summary.cells.iter().filter_map(|cell| cell.latency.minimum).min()?;
    let greatest = summary.cells.iter().filter_map(|cell| cell.latency.maximum).max()?;
    Axis::of(densities.iter(), least, greatest, BARS)
}

/// The instrument's own median with the same traffic, ns.
fn floor_median(summary: &CampaignSummary, cell: &CellSummary) -> Option<u64> {
    let floor = summary.cells.iter().find(|other| Some(other.cell) == cell.floor)?;
    floor.latency.at(Percentile::REPORTED[0])?.value()
}

/// A distribution, and beneath it where the floor's median lies.
fn drawing(axis: &Axis, density: &Density, floor: Option<u64>, charset: Charset) -> String {
    let line = axis.draw(density, charset);
    let Some((median, at)) = floor.and_then(|median| Some((median, axis.place(median)?))) else { return line };
    let (pointer, words) = (charset.pointer(), charset.fitting(&format!("floor {}", time(median))));
    let room = words.chars().count() + 1;
    let beneath = if at + 1 + room <= axis.bars {
        format!("{}{pointer} {words}", " ".repeat(at))
    } else {
        format!("{}{words} {pointer}", " ".repeat(at.saturating_sub(room)))
    };
    format!("{line}\n{beneath}")
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
    match lost {
        _ if sent == 0 => "–".to_owned(),
        0 => "0".to_owned(),
        lost => format!("{} ({})", count(lost), share(lost, sent)),
    }
}

fn number(text: String) -> Cell {
    Cell::new(text).set_alignment(CellAlignment::Right)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_floor_is_marked_beneath_a_drawing_where_it_lies() {
        let mut density = Density::default();
        density.count(10_000, 90);
        density.count(100_000, 10);
        let axis = Axis::of([&density].into_iter(), 1_000, 1_000_000, BARS).unwrap();
        let beneath = |floor| drawing(&axis, &density, Some(floor), Charset::Ascii).lines().nth(1).map(str::to_owned);
        assert_eq!(beneath(2_000).as_deref(), Some("  ^ floor 2.00 us"));
        assert_eq!(beneath(500_000).as_deref(), Some("        floor 500 us ^"));
        assert_eq!(beneath(10), None, "beyond the axis");
        assert_eq!(drawing(&axis, &density, None, Charset::Blocks).chars().count(), BARS);
    }
}
