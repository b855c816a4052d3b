//! What a campaign varied, for plots that have a place for each value: heat maps and small multiples.

use tailbed_format::percentile::Percentile;
use tailbed_format::summary::{Estimate, RunKind};

use super::cells::Cell;
use super::factors::{self, Factor};
use crate::plot::heat::{Field, Map};
use crate::plot::multiples::Panel;
use crate::plot::percentiles::Curve;
use crate::plot::theme::Style;

/// Most maps of one figure.
const MAPS: usize = 6;

/// From so many curves on, a diagram of all of them is hard to read.
const CROWDED: usize = 6;

fn measured<'c, 'a>(cells: &'c [Cell<'a>]) -> impl Iterator<Item = &'c Cell<'a>> + Clone {
    cells.iter().filter(|cell| cell.summary.kind == RunKind::Measurement)
}

/// The keys of which the measured cells have more than one value.
fn varied<'a>(cells: &[Cell<'a>]) -> Vec<Factor<'a>> {
    let mut factors = factors::of(cells.iter().map(|cell| cell.summary));
    factors.retain(|factor| factor.values.len() > 1);
    factors
}

fn value_of<'a>(cell: &Cell<'a>, key: &str) -> Option<&'a str> {
    cell.summary.parameters.iter().find(|parameter| parameter.key == key).map(|parameter| parameter.value.as_str())
}

/// The values of all other factors: the name of what cells in one map or panel have in common.
fn common(cell: &Cell<'_>, factors: &[Factor<'_>], but: &[&str]) -> String {
    let others = factors.iter().filter(|factor| !but.contains(&factor.key));
    let names = others.filter_map(|factor| Some(factor.name(value_of(cell, factor.key)?)));
    names.collect::<Vec<_>>().join(", ")
}

/// The median and the furthest percentile that every cell with a median has.
fn shown_percentiles(cells: &[Cell<'_>]) -> Vec<Percentile> {
    let median = Percentile::REPORTED[0];
    let known = |cell: &Cell<'_>, percentile| cell.summary.latency.at(percentile).and_then(Estimate::value).is_some();
    let carried =
        |percentile: &Percentile| measured(cells).filter(|cell| known(cell, median)).all(|cell| known(cell, *percentile));
    match Percentile::REPORTED.into_iter().rev().find(carried) {
        Some(furthest) if furthest != median => vec![median, furthest],
        _ => vec![median],
    }
}

/// A map for each percentile and each combination of what two factors leave open. None where fewer than two factors were varied, or they
/// were not varied independently: then most fields would be empty.
pub(super) fn maps(cells: &[Cell<'_>]) -> Vec<Map> {
    let factors = varied(cells);
    let [first, second, ..] = factors.as_slice() else { return Vec::new() };
    // quantities grow from left to right
    let (across, down) = if first.is_quantity() && !second.is_quantity() { (first, second) } else { (second, first) };
    let keys = [across.key, down.key];
    let mut others: Vec<String> = measured(cells).map(|cell| common(cell, &factors, &keys)).collect();
    others.dedup();
    others.sort_unstable();
    others.dedup();
    let fields = across.values.len() * down.values.len() * others.len();
    if measured(cells).count() * 2 <= fields {
        return Vec::new();
    }
    let mut maps = Vec::new();
    for percentile in shown_percentiles(cells) {
        let known = |cell: &Cell<'_>| cell.summary.latency.at(percentile).and_then(Estimate::value);
        let field = |cell: &Cell<'_>| {
            let floor = cells.iter().find(|other| Some(other.summary.cell) == cell.summary.floor);
            Field { value: known(cell), floor: floor.and_then(known) }
        };
        for other in &others {
            let at = |across_value: &str, down_value: &str| {
                let own = |cell: &&Cell<'_>| {
                    value_of(cell, across.key) == Some(across_value)
                        && value_of(cell, down.key) == Some(down_value)
                        && common(cell, &factors, &keys) == *other
                };
                measured(cells).find(own).map(field)
            };
            let apart = if other.is_empty() { String::new() } else { format!(", {other}") };
            maps.push(Map {
                title: format!("{percentile} of one-way latency{apart}"),
                across: (across.key.to_owned(), across.values.iter().map(|value| across.name(value)).collect()),
                down: (down.key.to_owned(), down.values.iter().map(|value| down.name(value)).collect()),
                fields: down.values.iter().map(|down| across.values.iter().map(|across| at(across, down)).collect()).collect(),
            });
        }
    }
    maps.truncate(MAPS);
    maps
}

/// What each style stands for in all panels.
type Legend = Vec<(Style, String)>;

/// The panels of small multiples with what their styles stand for: of a factor of names the values are drawn over each other, and each
/// combination of what the others are has a panel. None where one diagram shows all cells well enough.
pub(super) fn panels<'c>(cells: &'c [Cell<'_>]) -> Option<(Legend, Vec<Panel<'c>>)> {
    let factors = varied(cells);
    let groups = cells.iter().map(|cell| cell.group).max().unwrap_or(0) + 1;
    let count = measured(cells).filter(|cell| cell.data.is_some()).count();
    if count <= groups || (groups == 1 && count <= CROWDED) {
        return None;
    }
    let over = factors.iter().filter(|_| factors.len() > 1).find(|factor| !factor.is_quantity());
    let over = over.or_else(|| factors.first().filter(|_| factors.len() > 1));
    let without: Vec<&str> = over.iter().map(|factor| factor.key).collect();
    let mut panels: Vec<Panel<'c>> = Vec::new();
    for cell in measured(cells) {
        let Some(data) = cell.data else { continue };
        let title = common(cell, &factors, &without);
        let place = over.and_then(|factor| factor.values.iter().position(|value| Some(*value) == value_of(cell, factor.key)));
        let curve = Curve {
            label: &cell.label,
            style: Style::Series(place.unwrap_or(0)),
            values: &data.latency,
            distribution: Some(&cell.summary.latency),
        };
        if let Some(panel) = panels.iter_mut().find(|panel| panel.title == title) {
            panel.curves.push(curve);
            continue;
        }
        let floor = cells.iter().find(|other| Some(other.summary.cell) == cell.summary.floor);
        let floor = floor.and_then(|floor| {
            Some(Curve { label: &floor.label, style: Style::Floor, values: &floor.data?.latency, distribution: None })
        });
        panels.push(Panel { title, curves: floor.into_iter().chain([curve]).collect() });
    }
    if panels.len() < 2 {
        return None;
    }
    let has_floor = panels.iter().any(|panel| panel.curves.iter().any(|curve| curve.style == Style::Floor));
    let floor = has_floor.then(|| (Style::Floor, "floor".to_owned()));
    let named = over
        .iter()
        .flat_map(|factor| factor.values.iter().enumerate().map(|(place, value)| (Style::Series(place), factor.name(value))));
    Some((floor.into_iter().chain(named).collect(), panels))
}
