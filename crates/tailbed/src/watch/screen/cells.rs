//! The list of cells: how many runs, the distribution, percentiles.

use std::fmt::Write as _;

use tailbed_format::percentile::Percentile;
use tailbed_stats::plot::number::{share, time};

use super::super::cells::CellSeen;
use super::super::seen::Seen;
use super::lines::{Tone, cut};
use super::{Line, Look};
use crate::show::density::Axis;

/// Bars of a drawing where there is room, and where there is little.
const BARS: [usize; 2] = [24, 12];

/// Width of a column of times with the space before it: `1.63 ms`.
const TIME: usize = 9;

/// Width of the column of runs: `12/30 `.
const RUNS: usize = 8;

/// A column of times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Column {
    /// One of [`Percentile::REPORTED`], by its place there.
    Percentile(usize),
    /// The greatest latency.
    Maximum,
}

/// Columns of times in the order in which they are given room.
const WANTED: [Column; 8] = [
    Column::Percentile(0),
    Column::Maximum,
    Column::Percentile(3),
    Column::Percentile(2),
    Column::Percentile(4),
    Column::Percentile(5),
    Column::Percentile(1),
    Column::Percentile(6),
];

/// The head of the table and its rows, a cell each.
pub(super) fn table(seen: &Seen, width: usize, look: Look) -> (Option<Line>, Vec<Line>) {
    if seen.cells.is_empty() {
        let nothing = "not packets: what came of each run is in the list of runs";
        return (None, vec![vec![(cut(nothing, width), Tone::Dim)]]);
    }
    let bars = if width >= 70 { BARS[0] } else { BARS[1] };
    let longest = seen.cells.iter().map(|cell| cell.label.chars().count()).max().unwrap_or(0).max(4);
    let besides = RUNS + bars + 1;
    // three columns of times at least, and ten letters of a name
    let names = longest.min(width.saturating_sub(besides + 3 * TIME).max(10));
    let room = width.saturating_sub(names + besides) / TIME;
    let mut columns: Vec<Column> = WANTED.into_iter().take(room).collect();
    columns.sort_unstable();
    let losses = seen.cells.iter().any(|cell| cell.lost > 0) && width >= names + besides + columns.len() * TIME + TIME;
    let axis = axis(seen, bars);
    let ends = axis.map_or_else(String::new, |axis| axis.ends(|ns| time(ns).replace('\u{a0}', "")));
    let mut head = format!("{:<names$}{:>RUNS$} {:<bars$}", "cell", "runs ", cut(&ends, bars));
    for column in &columns {
        let title = match column {
            Column::Percentile(place) => Percentile::REPORTED.get(*place).map_or_else(String::new, ToString::to_string),
            Column::Maximum => "max".to_owned(),
        };
        let _ = write!(head, "{title:>TIME$}");
    }
    if losses {
        let _ = write!(head, "{:>TIME$}", "lost");
    }
    let rows = seen.cells.iter().map(|cell| row(seen, cell, names, bars, axis.as_ref(), &columns, losses, look)).collect();
    (Some(vec![(head, Tone::Strong)]), rows)
}

fn axis(seen: &Seen, bars: usize) -> Option<Axis> {
    let least = seen.cells.iter().filter_map(|cell| cell.least).min()?;
    let greatest = seen.cells.iter().filter_map(|cell| cell.greatest).max()?;
    Axis::of(seen.cells.iter().map(|cell| &cell.density), least, greatest, bars)
}

#[allow(clippy::too_many_arguments, reason = "the measures of one table")]
fn row(
    seen: &Seen,
    cell: &CellSeen,
    names: usize,
    bars: usize,
    axis: Option<&Axis>,
    columns: &[Column],
    losses: bool,
    look: Look,
) -> Line {
    let runs = format!("{:>RUNS$}", format!("{}/{} ", cell.valid, cell.planned));
    let mut line = vec![
        (format!("{:<names$}", cut(&cell.label, names)), Tone::Plain),
        (runs, if cell.invalid > 0 { Tone::Warn } else { Tone::Plain }),
        (" ".to_owned(), Tone::Plain),
    ];
    line.extend(drawing(seen, cell, bars, axis, look));
    for column in columns {
        let value = match column {
            Column::Percentile(place) => cell.median(*place),
            Column::Maximum => cell.greatest,
        };
        line.push((format!("{:>TIME$}", value.map_or_else(|| "–".to_owned(), time)), Tone::Plain));
    }
    if losses {
        let lost = if cell.sent == 0 { "–".to_owned() } else { share(cell.lost, cell.sent) };
        line.push((format!("{lost:>TIME$}"), if cell.lost > 0 { Tone::Warn } else { Tone::Plain }));
    }
    line
}

/// The distribution, with the floor's median in it: coloured, or a mark in its place where there are no colours.
fn drawing(seen: &Seen, cell: &CellSeen, bars: usize, axis: Option<&Axis>, look: Look) -> Line {
    let Some(axis) = axis.filter(|_| !cell.density.is_empty()) else {
        return vec![(" ".repeat(bars), Tone::Plain)];
    };
    let drawn = axis.draw(&cell.density, look.charset);
    let floor = cell.floor.and_then(|floor| seen.cells.get(floor)?.median(0));
    let Some(at) = floor.and_then(|floor| axis.place(floor)) else { return vec![(drawn, Tone::Plain)] };
    let place = |from: usize, to: usize| drawn.chars().take(to).skip(from).collect::<String>();
    let own = place(at, at + 1);
    let mark = if look.colour && own != " " { own } else { look.charset.mark().to_string() };
    vec![(place(0, at), Tone::Plain), (mark, Tone::Floor), (place(at + 1, bars), Tone::Plain)]
}
