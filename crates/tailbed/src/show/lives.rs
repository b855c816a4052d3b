//! A campaign of lives as a table: a row per environment, a column per phase.

use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use comfy_table::{Attribute, Cell, CellAlignment, ContentArrangement, Table};
use tailbed_format::lifecycle::{LifeCampaign, LifeCell, Phase, Repeats};
use tailbed_stats::life::label;
use tailbed_stats::plot::number::{interval, time};

/// Every environment with its phases, memory and how many fit; `fit` breaks lines to the terminal's width.
pub(crate) fn table(summary: &LifeCampaign, fit: bool) -> String {
    let has = |phase: &Phase| summary.cells.iter().any(|cell| cell.phases.iter().any(|found| found.phase == *phase));
    let phases: Vec<Phase> = Phase::ALL.into_iter().filter(has).collect();
    let mut table = Table::new();
    table.load_style(UTF8_HORIZONTAL_ONLY);
    if fit {
        table.set_content_arrangement(ContentArrangement::Dynamic);
    }
    let titles = ["environment", "lives"].map(str::to_owned).into_iter().chain(phases.iter().map(ToString::to_string));
    let titles = titles.chain(["memory, idle", "fit"].map(str::to_owned));
    table.set_header(titles.map(|title| Cell::new(title).add_attribute(Attribute::Bold)));
    for cell in &summary.cells {
        table.add_row(row(summary, cell, &phases));
    }
    format!("{table}\nmedian of the repeats, beneath it its 95 % interval (the range with fewer than six repeats)")
}

fn row(summary: &LifeCampaign, cell: &LifeCell, phases: &[Phase]) -> Vec<Cell> {
    let name = Some(label(cell)).filter(|label| !label.is_empty()).unwrap_or_else(|| summary.name.clone());
    let lives = format!("{}/{}", cell.valid.len(), cell.valid.len() + cell.invalid.len());
    let mut row = vec![Cell::new(name), number(lives)];
    for phase in phases {
        let found = cell.phases.iter().find(|found| found.phase == *phase);
        row.push(number(found.map_or_else(|| "–".to_owned(), |found| times(&found.time))));
    }
    row.push(number(cell.memory.map_or_else(|| "–".to_owned(), |memory| mebibytes(&memory))));
    row.push(number(cell.density.as_ref().map_or_else(|| "–".to_owned(), |density| density.nodes.to_string())));
    row
}

fn times(repeats: &Repeats) -> String {
    let (low, high) = repeats.interval.unwrap_or((repeats.minimum, repeats.maximum));
    let bounds = if low == high { String::new() } else { interval(Some(low), Some(high)).unwrap_or_default() };
    format!("{}\n{bounds}", time(repeats.median))
}

fn mebibytes(repeats: &Repeats) -> String {
    let (low, high) = repeats.interval.unwrap_or((repeats.minimum, repeats.maximum));
    let in_mebibytes = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    let (median, low, high) = (in_mebibytes(repeats.median), in_mebibytes(low), in_mebibytes(high));
    format!("{median:.1}\u{a0}MiB\n{low:.1}–{high:.1}\u{a0}MiB")
}

fn number(text: String) -> Cell {
    Cell::new(text).set_alignment(CellAlignment::Right)
}
