//! What the host did, under the timeline of the worst packets: interrupts and tasks of the packet cores, on the same axis of time.

use std::fmt::Write as _;

use super::axis::Axis;
use super::frame::{Frame, WIDTH, shorten};
use super::svg::{Anchor, Path, Svg};
use super::theme::Style;
use super::worst::{LEFT, RIGHT, WorstPoint, cloud, draw_times, in_slot, name_slot, panel_name};
use super::{Figure, csv_field, empty, number};

/// Heights: of the packets' panel, of a row's name and of the row itself, and what lies between the cells, pixels.
const PANEL: f64 = 110.0;
const NAME: f64 = 17.0;
const ROW: f64 = 15.0;
const BETWEEN: f64 = 30.0;

/// How a row is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// As a rate that changes from one reading to the next.
    Rate,
    /// As a stroke for each turn.
    Turns,
}

/// Something that happened from one time to another, so many times, ns from the origin of the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    /// When it began.
    pub from: i64,
    /// When it was over.
    pub to: i64,
    /// How often.
    pub count: u64,
}

/// What happened of one kind on one core.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The core and the kind: `core 1: Local timer interrupts (LOC)`.
    pub label: String,
    /// Whether it belongs there; what does not is drawn in colour.
    pub expected: bool,
    /// How it is drawn.
    pub kind: Kind,
    /// One for each repeat of the cell.
    pub repeats: Vec<Vec<Piece>>,
}

/// A cell: its worst packets, and what its host did.
#[derive(Debug, Clone, Copy)]
pub struct Timeline<'a> {
    /// Name of the cell.
    pub label: &'a str,
    /// How its packets are drawn.
    pub style: Style,
    /// Its repeats, each with its name and its worst packets in any order.
    pub repeats: &'a [(String, Vec<WorstPoint>)],
    /// What is drawn beneath them.
    pub rows: &'a [Row],
}

/// Draws a panel per cell with its rows beneath, all to the same scale of time; the repeats stand side by side.
pub fn host(cells: &[Timeline<'_>]) -> Figure {
    let mut csv = "series,repeat,what,from_ns,to_ns,count\n".to_owned();
    let points = cells.iter().flat_map(|cell| cell.repeats).flat_map(|(_, points)| points);
    let least = points.clone().map(|point| point.latency).min();
    let greatest = points.clone().map(|point| point.latency).max();
    let latest = points.map(|point| point.at).max().unwrap_or(0).max(1);
    let (Some(least), Some(greatest)) = (least, greatest) else {
        return empty("host", "What the host did, without data", csv);
    };
    let columns = cells.iter().map(|cell| cell.repeats.len()).max().unwrap_or(1).max(1) as f64;
    let slot = (RIGHT - LEFT) / columns;
    let heights = cells.iter().map(|cell| 38.0 + PANEL + (NAME + ROW) * cell.rows.len() as f64 + BETWEEN);
    let mut svg = Svg::new(WIDTH, heights.sum::<f64>() + 34.0, &describe(cells));
    let x = Axis::times_until(latest as f64, slot, 75.0);
    let y = Axis::log_time(least as f64, greatest as f64, 5);
    let mut top = 0.0;
    for (place, cell) in cells.iter().enumerate() {
        top += 38.0;
        svg.path(&format!("mark {}", cell.style.class()), &cell.style.marker((14.0, top - 19.0), 4.5));
        svg.text("strong", Anchor::Start, (26.0, top - 14.5), &shorten(cell.label, 90));
        let whole = Frame { left: LEFT, right: RIGHT, top, bottom: top + PANEL, x: x.clone(), y: y.clone() };
        if place == 0 {
            svg.announce("host", &in_slot(&whole, slot, 0));
        }
        whole.draw_y(&mut svg);
        for (column, (name, points)) in cell.repeats.iter().enumerate() {
            let frame = in_slot(&whole, slot, column);
            svg.begin_panel(&panel_name(cell.label, name), &frame);
            svg.line("axis", (frame.left, frame.bottom), (frame.right, frame.bottom));
            svg.begin_series(cell.label, cell.style);
            svg.cloud(&format!("cloud {}", cell.style.class()), &cloud(points, &frame), points.len());
            svg.end();
            svg.end();
        }
        top += PANEL;
        for row in cell.rows {
            draw_row(&mut svg, row, &Frame { top: top + NAME, bottom: top + NAME + ROW, ..whole.clone() }, slot);
            top += NAME + ROW;
            write_row(&mut csv, cell, row);
        }
        if place + 1 == cells.len() {
            let below = Frame { top, bottom: top, ..whole.clone() };
            for (column, (name, _)) in cell.repeats.iter().enumerate() {
                name_slot(&mut svg, &in_slot(&below, slot, column), name);
            }
            let unnamed = cell.repeats.iter().all(|(name, _)| name.is_empty());
            draw_times(&mut svg, top, slot, columns, &x, ("Time since the first packet", if unnamed { 38.0 } else { 54.0 }));
        }
        top += BETWEEN;
    }
    Figure { svg, csv }
}

/// Pieces a second.
fn rate(piece: &Piece) -> f64 {
    piece.count as f64 * 1e9 / (piece.to.saturating_sub(piece.from)).max(1) as f64
}

fn draw_row(svg: &mut Svg, row: &Row, whole: &Frame, slot: f64) {
    let pieces = || row.repeats.iter().flatten();
    let most = pieces().map(rate).fold(0.0, f64::max);
    let said = match row.kind {
        Kind::Rate => format!("up to {} a second", number::plain(rounded(most))),
        Kind::Turns => match pieces().map(|piece| piece.count).sum() {
            1 => "1 turn".to_owned(),
            turns => format!("{} turns", number::count(turns)),
        },
    };
    let name = format!("{}, {said}", shorten(&row.label, 70));
    svg.text("soft small", Anchor::Start, (LEFT + 5.0, whole.top - 3.5), &name);
    let colour = if row.expected { Style::Floor } else { Style::Series(1) }.class();
    for (column, pieces) in row.repeats.iter().enumerate() {
        let frame = Frame { y: Axis::linear_count(most.max(1.0), 1.0), ..in_slot(whole, slot, column) };
        svg.line("grid", (frame.left, frame.bottom), (frame.right, frame.bottom));
        match row.kind {
            Kind::Rate => {
                let (area, line) = steps(pieces, &frame, most);
                svg.path(&format!("area {colour}"), &area);
                svg.path(&format!("thin {colour}"), &line);
            }
            Kind::Turns => {
                let (area, strokes) = strokes(pieces, &frame);
                svg.path(&format!("area {colour}"), &area);
                svg.path(&format!("thin {colour}"), &strokes);
            }
        }
    }
}

/// The outline of a rate over time, closed and open. Where several readings lie within a pixel the greatest rate is drawn: what came once is
/// seen.
fn steps(pieces: &[Piece], frame: &Frame, most: f64) -> (Path, Path) {
    let mut treads: Vec<Tread> = Vec::new();
    for piece in pieces.iter().filter(|piece| piece.to > 0 && frame.x.to > piece.from as f64) {
        let share = if most > 0.0 { rate(piece) / most } else { 0.0 };
        let next = Tread {
            left: frame.across(piece.from as f64),
            right: frame.across(piece.to as f64),
            height: frame.bottom - share * (frame.bottom - frame.top),
        };
        match treads.last_mut() {
            Some(last) if last.meets(&next) && (next.right - last.left < 1.0 || last.is_as_high(&next)) => {
                last.right = next.right;
                last.height = last.height.min(next.height);
            }
            _ => treads.push(next),
        }
    }
    let (mut area, mut line) = (Path::default(), Path::default());
    for stretch in treads.chunk_by(Tread::meets) {
        area.move_to((stretch[0].left, frame.bottom));
        line.move_to((stretch[0].left, stretch[0].height));
        for (place, tread) in stretch.iter().enumerate() {
            area.down_to(tread.height);
            area.across_to(tread.right);
            if place > 0 {
                line.down_to(tread.height);
            }
            line.across_to(tread.right);
        }
        area.down_to(frame.bottom);
        area.close();
    }
    (area, line)
}

/// A part of a rate that is drawn level, pixels.
struct Tread {
    left: f64,
    right: f64,
    height: f64,
}

impl Tread {
    /// Whether the next one begins where this one ends, to a tenth of a pixel.
    fn meets(&self, next: &Self) -> bool {
        (next.left - self.right).abs() < 0.1
    }

    /// Whether both look equally high.
    fn is_as_high(&self, other: &Self) -> bool {
        (self.height - other.height).abs() < 0.05
    }
}

/// Turns that are wider than a pixel, closed, and a stroke for the beginning of each; those in the same place, to half a pixel, are one.
fn strokes(pieces: &[Piece], frame: &Frame) -> (Path, Path) {
    let (mut area, mut strokes) = (Path::default(), Path::default());
    let mut last = f64::NEG_INFINITY;
    for piece in pieces.iter().filter(|piece| frame.x.holds(piece.from as f64)) {
        let (from, to) = (frame.across(piece.from as f64), frame.across(piece.to as f64));
        if to - from > 1.0 {
            area.move_to((from, frame.bottom));
            area.down_to(frame.top);
            area.across_to(to);
            area.down_to(frame.bottom);
            area.close();
        }
        let place = (from * 2.0).round() / 2.0;
        if place > last {
            strokes.move_to((place, frame.bottom));
            strokes.down_to(frame.top);
            last = place;
        }
    }
    (area, strokes)
}

/// To three significant digits.
pub(crate) fn rounded(value: f64) -> f64 {
    if value <= 0.0 {
        return 0.0;
    }
    let scale = 10f64.powf(2.0 - value.log10().floor());
    (value * scale).round() / scale
}

fn write_row(csv: &mut String, cell: &Timeline<'_>, row: &Row) {
    for (pieces, (name, _)) in row.repeats.iter().zip(cell.repeats) {
        for Piece { from, to, count } in pieces {
            let (series, name, what) = (csv_field(cell.label), csv_field(name), csv_field(&row.label));
            let _ = writeln!(csv, "{series},{name},{what},{from},{to},{count}");
        }
    }
}

fn describe(cells: &[Timeline<'_>]) -> String {
    let mut text = "Interrupts and tasks of the packet cores, under the worst packets by the time they were sent.".to_owned();
    for cell in cells {
        let foreign: Vec<_> = cell.rows.iter().filter(|row| !row.expected).map(|row| row.label.as_str()).collect();
        if !foreign.is_empty() {
            let _ = write!(text, " {}: {}.", cell.label, foreign.join("; "));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_and_turns_stand_under_the_packets() {
        let worst = |at, latency| WorstPoint { at, latency };
        let repeats = [
            ("repeat 1".to_owned(), vec![worst(1_000_000, 9_000), worst(2_500_000_000, 61_000)]),
            ("repeat 2".to_owned(), vec![worst(900_000_000, 12_000)]),
        ];
        let piece = |from, to, count| Piece { from, to, count };
        let rows = [
            Row {
                label: "core 1: Local timer interrupts (LOC)".to_owned(),
                expected: true,
                kind: Kind::Rate,
                repeats: vec![
                    vec![piece(-1_000_000_000, 1_000_000_000, 500), piece(1_000_000_000, 2_600_000_000, 1_600)],
                    vec![piece(-1_000_000_000, 2_600_000_000, 3_600)],
                ],
            },
            Row {
                label: "core 1: stress".to_owned(),
                expected: false,
                kind: Kind::Turns,
                repeats: vec![vec![piece(2_499_000_000, 2_500_000_000, 1), piece(2_499_000_001, 2_500_000_001, 1)], Vec::new()],
            },
        ];
        let cell = Timeline { label: "host", style: Style::Series(0), repeats: &repeats, rows: &rows };
        let figure = host(&[cell, Timeline { label: "container", rows: &[], ..cell }]);
        insta::assert_snapshot!("host.svg", figure.standalone());
        insta::assert_snapshot!("host.csv", figure.csv());
    }

    #[test]
    fn of_readings_within_a_pixel_the_greatest_rate_is_seen() {
        let (x, y) = (Axis::times_until(1e9, 100.0, 75.0), Axis::linear_count(1.0, 1.0));
        let frame = Frame { left: 0.0, right: 100.0, top: 0.0, bottom: 10.0, x, y };
        // four readings to the pixel; one of them, in the middle, is four times as high
        let pieces: Vec<_> = (0..400)
            .map(|number| Piece {
                from: number * 2_500_000,
                to: (number + 1) * 2_500_000,
                count: if number == 201 { 4 } else { 1 },
            })
            .collect();
        let (area, line) = steps(&pieces, &frame, 1_600.0);
        let drawn = |draw: &dyn Fn(&mut Path)| {
            let mut path = Path::default();
            draw(&mut path);
            path
        };
        let treads = |path: &mut Path| {
            path.across_to(50.25);
            path.down_to(0.0);
            path.across_to(51.0);
            path.down_to(7.5);
            path.across_to(100.0);
        };
        let expected = drawn(&|path| {
            path.move_to((0.0, 7.5));
            treads(path);
        });
        assert_eq!(line, expected);
        let expected = drawn(&|path| {
            path.move_to((0.0, 10.0));
            path.down_to(7.5);
            treads(path);
            path.down_to(10.0);
            path.close();
        });
        assert_eq!(area, expected);
    }

    #[test]
    fn nothing_to_show_is_said() {
        assert!(host(&[]).standalone().contains("No packets"));
    }
}
