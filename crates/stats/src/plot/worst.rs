//! The worst packets over time: when in its run did each of them come, and how late. Stripes mean something periodic, a cluster
//! something that happened once. The runs of a cell stand side by side, each in a colour of its own.

use std::cmp::Reverse;
use std::fmt::Write as _;

use super::axis::Axis;
use super::frame::{Frame, WIDTH, shorten};
use super::svg::{Anchor, Path, Svg, text_width};
use super::theme::Style;
use super::{Figure, csv_field, empty, number};

/// So many of the worst of each run can be pointed at, and so many of each cell where it has many runs.
const NAMED: usize = 12;
const NAMED_OF_CELL: usize = 48;

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
    /// How it is drawn: its runs have colours of their own unless it is a floor or there is only one.
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
        return empty("worst", "Worst packets over time, without data", csv);
    };
    let columns = series.iter().map(|series| series.repeats.len()).max().unwrap_or(1).max(1) as f64;
    let slot = (RIGHT - LEFT) / columns;
    let height = if series.len() > 4 { 90.0 } else { 150.0 };
    let drawing_height = series.len() as f64 * (height + BETWEEN) + 58.0;
    let mut svg = Svg::new(WIDTH, drawing_height, &describe(words, series));
    let y = Axis::log_time(least as f64, greatest as f64, if series.len() > 4 { 4 } else { 7 });
    let x = Axis::times_until(latest as f64, slot, 75.0);
    let series_count = series.len();
    let mut top = 38.0;
    for (index, series) in series.iter().enumerate() {
        let lowest = top + height;
        svg.text("strong", Anchor::Start, (8.0, top - 14.5), &shorten(series.label, 90));
        let whole = Frame { left: LEFT, right: RIGHT, top, bottom: lowest, x: x.clone(), y: y.clone() };
        if index == 0 {
            svg.announce("worst", &in_slot(&whole, slot, 0));
        }
        whole.draw_y(&mut svg);
        for (column, (name, points)) in series.repeats.iter().enumerate() {
            let frame = in_slot(&whole, slot, column);
            draw_run(&mut svg, &frame, series, (column, name), points);
            if index + 1 == series_count {
                name_slot(&mut svg, &frame, name);
            }
            for point in points {
                let (label, name) = (csv_field(series.label), csv_field(name));
                let _ = writeln!(csv, "{label},{name},{},{}", point.at, point.latency);
            }
        }
        top = lowest + BETWEEN;
    }
    let unnamed = series.iter().flat_map(|series| series.repeats).all(|(name, _)| name.is_empty());
    let title_at = if unnamed { 38.0 } else { 54.0 };
    draw_times(&mut svg, top - BETWEEN, slot, columns, &x, (words.time, title_at));
    Figure { svg, csv }
}

/// The part of a frame that a repeat has.
pub(super) fn in_slot(whole: &Frame, slot: f64, column: usize) -> Frame {
    let left = whole.left + slot * column as f64;
    Frame { left: left + 5.0, right: left + slot - 5.0, ..whole.clone() }
}

/// Writes the name of a repeat below its part of the frame: whole, or its last word, or not at all, as there is room.
pub(super) fn name_slot(svg: &mut Svg, frame: &Frame, name: &str) {
    let short = shorten(name, 12);
    let fits = |text: &&str| text_width(text, 11.5) <= frame.right - frame.left + 4.0;
    let last = name.rsplit(' ').next().unwrap_or_default();
    if let Some(text) = [short.as_str(), last].into_iter().find(|text| fits(text)) {
        let middle = f64::midpoint(frame.left, frame.right);
        svg.text("soft small", Anchor::Middle, (middle, frame.bottom + 36.0), text);
    }
}

/// What the panel of a repeat is called.
pub(super) fn panel_name(label: &str, repeat: &str) -> String {
    if repeat.is_empty() { label.to_owned() } else { format!("{label}, {repeat}") }
}

/// A run's packets as dots, the very worst of them as marks that can be pointed at.
fn draw_run(svg: &mut Svg, frame: &Frame, series: &WorstSeries<'_>, (column, name): (usize, &str), points: &[WorstPoint]) {
    let style = match series.style {
        Style::Series(_) if series.repeats.len() > 1 => Style::Series(column),
        one => one,
    };
    let (class, panel) = (style.class(), panel_name(series.label, name));
    svg.begin_panel(&panel, frame);
    svg.line("axis", (frame.left, frame.bottom), (frame.right, frame.bottom));
    svg.begin_series(if name.is_empty() { series.label } else { name }, style);
    svg.cloud(&format!("cloud {class}"), &cloud(points, frame), points.len());
    let mut worst = points.to_vec();
    worst.sort_unstable_by_key(|point| (Reverse(point.latency), point.at));
    for point in worst.iter().take(NAMED.min(NAMED_OF_CELL.div_ceil(series.repeats.len().max(1)))) {
        let at = (point.at as f64, point.latency as f64);
        let after = number::tick(point.at.max(0) as f64);
        let title = format!("{panel}: {} after {after}", number::time(point.latency));
        svg.point(&format!("mark thin {class}"), &style.marker(frame.at(at.0, at.1), 2.6), at, &title);
    }
    svg.end();
    svg.end();
}

/// From this width on, pixels, a panel's dots lie where they belong to half a pixel; in a narrower one, of which there are many, to a whole one.
const WIDE: f64 = 300.0;

/// One dot per place that holds a packet: thousands of packets in the same place look like one.
pub(super) fn cloud(points: &[WorstPoint], frame: &Frame) -> Path {
    let step = if frame.right - frame.left < WIDE { 1.0 } else { 0.5 };
    let place = |point: &WorstPoint| {
        let at = frame.at(point.at as f64, point.latency as f64);
        (steps(at.0, step), steps(at.1, step))
    };
    let mut places: Vec<(i64, i64)> = points.iter().map(place).collect();
    places.sort_unstable();
    places.dedup();
    let mut path = Path::default();
    let mut from = (0, 0);
    for (x, y) in places {
        path.dot_by(((x - from.0) as f64 * step, (y - from.1) as f64 * step));
        from = (x, y);
    }
    path
}

#[allow(clippy::cast_possible_truncation, reason = "coordinates lie within the picture, a few thousand pixels")]
fn steps(coordinate: f64, step: f64) -> i64 {
    (coordinate / step).round() as i64
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
        let mut free_from = f64::NEG_INFINITY;
        for tick in x.ticks.iter().filter(|tick| !crowded || ends.contains(&Some(*tick))) {
            let at = frame.across(tick.at);
            svg.line("axis", (at, bottom), (at, bottom + 4.0));
            let first = tick.at <= x.from;
            let label = if first { "0" } else { tick.label.as_deref().unwrap_or_default() };
            let width = text_width(label, 11.5);
            let from = (at - width / 2.0).clamp(frame.left, (frame.right - width).max(frame.left));
            if from >= free_from && from + width <= frame.right + 4.0 {
                svg.text("small", Anchor::Start, (from, bottom + 18.0), label);
                free_from = from + width + 6.0;
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
