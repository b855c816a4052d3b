//! The worst packets over time: when in its run did each of them come, and how late. Stripes mean something periodic, a cluster
//! something that happened once.

use std::fmt::Write as _;

use super::axis::Axis;
use super::frame::{Frame, WIDTH, shorten};
use super::svg::{Anchor, Path, Svg};
use super::theme::Style;
use super::{Figure, csv_field, empty};

/// Distance between two panels, pixels.
const BETWEEN: f64 = 42.0;

/// Where the panels begin and end, pixels.
pub(super) const LEFT: f64 = 74.0;
pub(super) const RIGHT: f64 = WIDTH - 34.0;

/// One of the worst packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WorstPoint {
    /// When it was sent, ns from the origin of its run.
    pub at: i64,
    /// Its latency, ns.
    pub latency: u64,
}

/// The worst packets of one cell.
#[derive(Debug, Clone, Copy)]
pub struct WorstSeries<'a> {
    /// Name of the cell.
    pub label: &'a str,
    /// How it is drawn.
    pub style: Style,
    /// Its repeats, each with its name (`repeat 1`) and its packets in any order.
    pub repeats: &'a [(String, Vec<WorstPoint>)],
}

/// What the points are and what they are drawn by.
#[derive(Debug, Clone, Copy)]
pub struct Words<'a> {
    /// What a screen reader says first, for example `The worst packets of each run by the time they were sent.`
    pub first: &'a str,
    /// The points, in the plural: `packets`.
    pub things: &'a str,
    /// The horizontal axis: `Time since the first packet`.
    pub time: &'a str,
}

const PACKETS: Words<'static> = Words {
    first: "The worst packets of each run by the time they were sent.",
    things: "packets",
    time: "Time since the first packet",
};

/// Draws one panel of packets per cell, all to the same scale; within a panel the repeats stand side by side.
pub fn worst(series: &[WorstSeries<'_>]) -> Figure {
    worst_of(&PACKETS, series)
}

/// Draws one panel per cell of what the words say.
pub fn worst_of(words: &Words<'_>, series: &[WorstSeries<'_>]) -> Figure {
    let mut csv = "series,repeat,at_ns,latency_ns\n".to_owned();
    let points = series.iter().flat_map(|series| series.repeats).flat_map(|(_, points)| points);
    let least = points.clone().map(|point| point.latency).min();
    let greatest = points.clone().map(|point| point.latency).max();
    let latest = points.map(|point| point.at).max().unwrap_or(0).max(1);
    let (Some(least), Some(greatest)) = (least, greatest) else {
        return empty(WIDTH, "Worst packets over time, without data", csv);
    };
    let columns = series.iter().map(|series| series.repeats.len()).max().unwrap_or(1).max(1) as f64;
    let slot = (RIGHT - LEFT) / columns;
    let height = if series.len() > 4 { 90.0 } else { 150.0 };
    let drawing_height = series.len() as f64 * (height + BETWEEN) + 58.0;
    let mut svg = Svg::new(WIDTH, drawing_height, &describe(words, series));
    let y = Axis::log_time(least as f64, greatest as f64, if series.len() > 4 { 4 } else { 7 });
    let x = Axis::linear_time(0.0, latest as f64, (slot / 75.0).clamp(1.0, 6.0));
    let series_count = series.len();
    let mut top = 38.0;
    for (index, series) in series.iter().enumerate() {
        let lowest = top + height;
        svg.path(&format!("mark {}", series.style.class()), &series.style.marker((14.0, top - 19.0), 4.5));
        svg.text("strong", Anchor::Start, (26.0, top - 14.5), &shorten(series.label, 90));
        let whole = Frame { left: LEFT, right: RIGHT, top, bottom: lowest, x: x.clone(), y: y.clone() };
        whole.draw_y(&mut svg);
        let mut left = LEFT;
        for (name, points) in series.repeats {
            let frame = Frame { left: left + 5.0, right: left + slot - 5.0, ..whole.clone() };
            svg.line("axis", (frame.left, lowest), (frame.right, lowest));
            svg.path(&format!("cloud {}", series.style.class()), &cloud(points, &frame));
            if index + 1 == series_count && slot > 40.0 {
                svg.text("soft small", Anchor::Middle, (left + slot / 2.0, lowest + 36.0), &shorten(name, 12));
            }
            for point in points {
                let (label, name) = (csv_field(series.label), csv_field(name));
                let _ = writeln!(csv, "{label},{name},{},{}", point.at, point.latency);
            }
            left += slot;
        }
        top = lowest + BETWEEN;
    }
    let unnamed = series.iter().flat_map(|series| series.repeats).all(|(name, _)| name.is_empty());
    let title_at = if unnamed { 38.0 } else { 54.0 };
    draw_times(&mut svg, top - BETWEEN, slot, columns, &x, (words.time, title_at));
    Figure { svg, csv }
}

/// One dot per place that holds a packet, to half a pixel: thousands of packets in the same place look like one.
pub(super) fn cloud(points: &[WorstPoint], frame: &Frame) -> Path {
    let mut places: Vec<(i64, i64)> = points
        .iter()
        .map(|point| {
            let at = frame.at(point.at as f64, point.latency as f64);
            (half_pixel(at.0), half_pixel(at.1))
        })
        .collect();
    places.sort_unstable();
    places.dedup();
    let mut path = Path::default();
    let mut from = (0, 0);
    for (x, y) in places {
        path.dot_by(((x - from.0) as f64 / 2.0, (y - from.1) as f64 / 2.0));
        from = (x, y);
    }
    path
}

#[allow(clippy::cast_possible_truncation, reason = "coordinates lie within the picture, a few thousand pixels")]
fn half_pixel(coordinate: f64) -> i64 {
    (coordinate * 2.0).round() as i64
}

/// Times below the last panel, in each repeat's slot; the axis has its name so many pixels below it.
pub(super) fn draw_times(svg: &mut Svg, bottom: f64, slot: f64, columns: f64, x: &Axis, (title, title_at): (&str, f64)) {
    let mut left = LEFT;
    let mut column = 0.0;
    while column < columns {
        let frame = Frame {
            left: left + 5.0,
            right: left + slot - 5.0,
            top: bottom,
            bottom,
            x: x.clone(),
            y: Axis::log_time(1.0, 2.0, 2),
        };
        let ends = [x.ticks.first(), x.ticks.last()];
        let crowded = slot < 150.0;
        for tick in x.ticks.iter().filter(|tick| !crowded || ends.contains(&Some(*tick))) {
            let at = frame.across(tick.at);
            svg.line("axis", (at, bottom), (at, bottom + 4.0));
            let (first, last) = (tick.at <= x.from, tick.at >= x.to);
            let anchor = if first { Anchor::Start } else { Anchor::Middle };
            let anchor = if last { Anchor::End } else { anchor };
            let label = if first { "0" } else { tick.label.as_deref().unwrap_or_default() };
            if slot > 60.0 || (last && column + 1.5 > columns) {
                svg.text("small", anchor, (at, bottom + 18.0), label);
            }
        }
        left += slot;
        column += 1.0;
    }
    svg.text("soft small", Anchor::Middle, (f64::midpoint(LEFT, RIGHT), bottom + title_at), title);
}

fn describe(words: &Words<'_>, series: &[WorstSeries<'_>]) -> String {
    let mut text = words.first.to_owned();
    for series in series {
        let points: usize = series.repeats.iter().map(|(_, points)| points.len()).sum();
        let _ = write!(text, " {}: {points} {}.", series.label, words.things);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(of: &[(i64, u64)]) -> Vec<WorstPoint> {
        of.iter().map(|&(at, latency)| WorstPoint { at, latency }).collect()
    }

    #[test]
    fn two_cells_of_two_repeats() {
        let host = [
            ("repeat 1".to_owned(), points(&[(1_000_000, 9_000), (2_500_000_000, 61_000)])),
            ("repeat 2".to_owned(), points(&[(900_000_000, 12_000)])),
        ];
        let container =
            [("repeat 1".to_owned(), points(&[(3_000_000, 400_000), (3_000_100, 400_010)])), ("repeat 2".to_owned(), Vec::new())];
        let figure = worst(&[
            WorstSeries { label: "host", style: Style::Series(0), repeats: &host },
            WorstSeries { label: "container", style: Style::Series(1), repeats: &container },
        ]);
        insta::assert_snapshot!("worst.svg", figure.standalone());
        insta::assert_snapshot!("worst.csv", figure.csv());
    }

    #[test]
    fn nothing_to_show_is_said() {
        assert!(worst(&[]).standalone().contains("No packets"));
    }
}
