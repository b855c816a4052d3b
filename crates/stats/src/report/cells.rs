//! The cells with what the page needs of each: its name, how it is drawn, which cells it stands beside.

use tailbed_format::summary::{CellSummary, Parameter, RunKind, RunSummary};

use super::{CellData, ReportInput};
use crate::plot::theme::Style;

/// A cell as the page shows it.
#[derive(Debug, Clone)]
pub(super) struct Cell<'a> {
    /// Its numbers.
    pub(super) summary: &'a CellSummary,
    /// Its curves, where there are some.
    pub(super) data: Option<&'a CellData>,
    /// Its valid runs.
    pub(super) runs: Vec<&'a RunSummary>,
    /// Its name.
    pub(super) label: String,
    /// How it is drawn.
    pub(super) style: Style,
    /// The group of cells it is drawn with: those measured with the same traffic, their floor among them.
    pub(super) group: usize,
    /// How many of its worst packets are drawn at most: fewer where there are many cells, so that the page stays small.
    pub(super) most_worst: usize,
}

/// So many of the worst packets are drawn of all cells together: about a megabyte of the page.
const WORST_OF_ALL: usize = 100_000;

/// The cells of the campaign, in the summary's order.
pub(super) fn of<'a>(input: &ReportInput<'a>) -> Vec<Cell<'a>> {
    let all = &input.summary.cells;
    let mut floors: Vec<usize> = all.iter().map(traffic).collect();
    floors.sort_unstable();
    floors.dedup();
    let measured = |floor: usize| all.iter().filter(|cell| cell.kind == RunKind::Measurement && traffic(cell) == floor).count();
    // Where only the traffic varies there is nothing to compare within a group: all stand together.
    let together = floors.iter().all(|floor| measured(*floor) <= 1);
    let group = |cell: &CellSummary| if together { 0 } else { floors.iter().position(|f| *f == traffic(cell)).unwrap_or(0) };
    let mut seen = vec![0; floors.len().max(1)];
    let most_worst = (WORST_OF_ALL / all.len().max(1)).max(200);
    let mut cells = Vec::with_capacity(all.len());
    for summary in all {
        let group = group(summary);
        let style = match summary.kind {
            RunKind::Floor => Style::Floor,
            RunKind::Measurement => {
                seen[group] += 1;
                Style::Series(seen[group] - 1)
            }
        };
        let label = label(summary);
        let label = if label.is_empty() { input.summary.name.clone() } else { label };
        let data = input.data.iter().find(|data| data.cell == summary.cell);
        let runs = input.summary.runs.iter().filter(|run| run.cell == summary.cell && run.is_valid()).collect();
        cells.push(Cell { summary, data, runs, label, style, group, most_worst });
    }
    cells
}

/// What identifies a cell's traffic: the number of its floor.
fn traffic(cell: &CellSummary) -> usize {
    match cell.kind {
        RunKind::Floor => cell.cell,
        RunKind::Measurement => cell.floor.unwrap_or(usize::MAX),
    }
}

/// The name of a cell: the values that set it apart, `container, 10kpps`; a floor is called so. Empty when nothing was varied.
pub fn label(cell: &CellSummary) -> String {
    let values = values(&cell.parameters);
    match cell.kind {
        RunKind::Measurement => values,
        RunKind::Floor if values.is_empty() => "floor".to_owned(),
        RunKind::Floor => format!("floor, {values}"),
    }
}

/// Values that say by themselves what they are stand alone; bare numbers and yes or no get the last part of their key, and empty texts are
/// said to be none of it.
pub fn values(parameters: &[Parameter]) -> String {
    let named = |parameter: &Parameter| {
        let value = &parameter.value;
        let bare = value.parse::<f64>().is_ok() || value == "true" || value == "false";
        let key = parameter.key.rsplit('.').next().unwrap_or_default();
        match value.as_str() {
            "" => format!("no {key}"),
            _ if bare => format!("{key} {value}"),
            _ => value.clone(),
        }
    };
    parameters.iter().map(named).collect::<Vec<_>>().join(", ")
}

/// The label of a cell by its number.
pub(super) fn label_of<'a>(cells: &'a [Cell<'_>], number: usize) -> &'a str {
    cells.iter().find(|cell| cell.summary.cell == number).map_or("an unknown cell", |cell| cell.label.as_str())
}
