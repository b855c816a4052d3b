//! The traffic of each cell over time: packets a second as they left and as they came in, a line for each run. Where a line dips below the
//! one of what was sent, the device held packets back or lost them.

use std::fmt::Write as _;

use super::axis::Axis;
use super::density::column_for;
use super::frame::{Frame, Legend, WIDTH};
use super::grid::{Grid, MOST};
use super::svg::{Path, Svg};
use super::theme::Style;
use super::{Figure, csv_field, empty, number};
use crate::timeline::Timeline;

/// From so many runs on, all cells together, no step is narrower than this, pixels; a dip that is shorter is drawn as shallow as it is over
/// that time.
const MANY: usize = 48;
const LEAST: f64 = 2.4;

/// How what was sent is drawn, in every panel alike.
const SENT: Style = Style::Series(11);

/// The runs of one cell.
#[derive(Debug, Clone, Copy)]
pub struct Traffic<'a> {
    /// Name of the cell.
    pub label: &'a str,
    /// How the cell is drawn elsewhere: its marker stands beside its name.
    pub style: Style,
    /// Its repeats, each with its name and its timeline.
    pub repeats: &'a [(String, &'a Timeline)],
}

/// Draws a panel for each of the first cells. A run's last column is covered in part only: it is in neither drawing nor CSV where there
/// are others.
pub fn traffic(cells: &[Traffic<'_>]) -> Figure {
    let mut csv = "series,repeat,from_ns,to_ns,sent_per_second,received_per_second\n".to_owned();
    let drawn = &cells[..cells.len().min(MOST)];
    let timelines =
        || drawn.iter().flat_map(|cell| cell.repeats).map(|(_, timeline)| *timeline).filter(|timeline| timeline.column > 0);
    let Some(end) = timelines().map(|timeline| timeline.column.saturating_mul(whole(timeline).len() as u64)).max() else {
        return empty("traffic", "Packet rates, without data", csv);
    };
    for cell in cells {
        for (name, timeline) in cell.repeats.iter().filter(|(_, timeline)| timeline.column > 0) {
            for (place, (sent, received)) in whole(timeline).iter().zip(&timeline.received).enumerate() {
                let from = timeline.column.saturating_mul(place as u64);
                let [sent, received] = [*sent, *received].map(|packets| number::plain(rate(packets, timeline.column)));
                let (label, name, to) = (csv_field(cell.label), csv_field(name), from.saturating_add(timeline.column));
                let _ = writeln!(csv, "{label},{name},{from},{to},{sent},{received}");
            }
        }
    }
    let most = timelines()
        .flat_map(|timeline| whole(timeline).iter().chain(&timeline.received).map(|packets| rate(*packets, timeline.column)));
    let most = most.fold(1.0, f64::max);
    let repeats = drawn.iter().map(|cell| cell.repeats.len()).max().unwrap_or(0);
    let many = drawn.iter().map(|cell| cell.repeats.len()).sum::<usize>() >= MANY;
    let names: Vec<String> = (1..=repeats).map(|number| format!("received, repeat {number}")).collect();
    let received = names.iter().enumerate().map(|(number, name)| (Style::Series(number), name.as_str())).take(6);
    let legend = Legend::new(std::iter::once((SENT, "sent")).chain(received));
    let grid = Grid::new(drawn.len(), legend.height + 50.0, 200.0);
    let x = Axis::times_until(end as f64, grid.room(1.0) as f64, 75.0);
    let y = Axis::linear_rate(0.0, most * 1.02, 4.0);
    let mut svg = Svg::new(WIDTH, grid.bottom() + 50.0, &format!("Packets per second over time, up to {}.", number::plain(most)));
    svg.announce("traffic", &grid.frame(0, &x, &y));
    legend.draw(&mut svg);
    grid.name_axes(&mut svg, "Time since the first packet", "Packets per second");
    for (index, cell) in drawn.iter().enumerate() {
        let frame = grid.frame(index, &x, &y);
        grid.begin(&mut svg, index, &frame, cell.label, Some(cell.style));
        let known = || cell.repeats.iter().enumerate().filter(|(_, (_, timeline))| timeline.column > 0);
        let column = if many { column_for(end, (frame.right - frame.left) / LEAST) } else { 0 };
        let known: Vec<_> = known().map(|(number, (name, timeline))| (number, name, as_drawn(timeline, column))).collect();
        for (_, name, timeline) in &known {
            svg.begin_series(&format!("sent, {name}"), SENT);
            svg.path(&format!("{} thin", SENT.line_class()), &steps(whole(timeline), timeline.column, &frame));
            svg.end();
        }
        for (number, name, timeline) in &known {
            let style = if cell.style == Style::Floor { Style::Floor } else { Style::Series(*number) };
            let received = &timeline.received[..timeline.received.len().min(whole(timeline).len())];
            svg.begin_series(&format!("received, {name}"), style);
            svg.path(&format!("{} thin", style.line_class()), &steps(received, timeline.column, &frame));
            svg.end();
        }
        svg.end();
    }
    Figure { svg, csv }
}

/// With columns of at least this length, unless one would hold the whole run: that is covered in part, and would be drawn too low.
fn as_drawn(timeline: &Timeline, column: u64) -> Timeline {
    let coarser = timeline.coarser(column);
    if coarser.sent.len() > 1 { coarser } else { timeline.clone() }
}

/// The columns that are covered whole; the only one, if there are no others.
fn whole(timeline: &Timeline) -> &[u64] {
    match timeline.sent.split_last() {
        Some((_, rest)) if !rest.is_empty() => rest,
        _ => &timeline.sent,
    }
}

fn rate(packets: u64, column: u64) -> f64 {
    packets as f64 * 1e9 / column.max(1) as f64
}

fn steps(packets: &[u64], column: u64, frame: &Frame) -> Path {
    let mut path = Path::default();
    let mut at = 0.0;
    let mut last = f64::NAN;
    for &count in packets {
        let place = frame.at(at, rate(count, column));
        at += column as f64;
        if last.is_nan() {
            path.move_to(place);
        } else if (place.1 - last).abs() >= 0.05 {
            path.across_to(place.0);
            path.down_to(place.1);
        }
        last = place.1;
    }
    if last.is_finite() {
        path.across_to(frame.across(at));
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dip_in_one_of_two_runs() {
        let column = 100_000_000;
        let timeline =
            |received: &[u64]| Timeline { column, sent: vec![1_000; 5], received: received.to_vec(), ..Timeline::default() };
        let (even, dip) = (timeline(&[1_000; 5]), timeline(&[1_000, 400, 1_600, 1_000, 1_000]));
        let repeats = [("repeat 1".to_owned(), &even), ("repeat 2".to_owned(), &dip)];
        let alone = [("repeat 1".to_owned(), &even)];
        let figure = traffic(&[
            Traffic { label: "floor", style: Style::Floor, repeats: &alone },
            Traffic { label: "container", style: Style::Series(0), repeats: &repeats },
        ]);
        insta::assert_snapshot!("traffic.svg", figure.standalone());
        insta::assert_snapshot!("traffic.csv", figure.csv());
    }

    #[test]
    fn a_run_shorter_than_a_step_is_drawn_by_its_own_columns() {
        let of = |columns: usize| Timeline {
            column: 1 << 20,
            sent: vec![5; columns],
            received: vec![5; columns],
            ..Timeline::default()
        };
        assert_eq!(as_drawn(&of(4), 1 << 24), of(4));
        assert_eq!(as_drawn(&of(40), 1 << 24).sent, [80, 80, 40]);
        assert_eq!(as_drawn(&of(4), 0), of(4));
    }

    #[test]
    fn nothing_to_show_is_said() {
        let nothing = Timeline::default();
        let repeats = [("repeat 1".to_owned(), &nothing)];
        let cell = Traffic { label: "container", style: Style::Series(0), repeats: &repeats };
        assert!(traffic(&[cell]).standalone().contains("No packets"));
    }
}
