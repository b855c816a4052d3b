//! A percentile by two swept factors: a field for each pair of values, the darker the slower, with the figure in it.

use std::fmt::Write as _;

use super::frame::{Frame, WIDTH};
use super::grid::fitting;
use super::svg::{Anchor, Path, Svg, text_width};
use super::theme::{FILLS, fill};
use super::{Figure, csv_field, empty, number};
use crate::plot::axis::Axis;

/// Height of a field, of a panel's name, and of the names of the columns, pixels.
const FIELD: f64 = 46.0;
const TITLE: f64 = 40.0;
const COLUMNS: f64 = 26.0;

/// What is known of a pair of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// The percentile, ns; `None` where the sample does not carry it.
    pub value: Option<u64>,
    /// The same of the instrument alone, ns, where there is a floor.
    pub floor: Option<u64>,
}

/// A percentile by two factors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Map {
    /// What the fields show: `p99.9 of one-way latency`.
    pub title: String,
    /// Name of the factor whose values stand beside each other, and these values.
    pub across: (String, Vec<String>),
    /// Name of the factor whose values stand below each other, and these values.
    pub down: (String, Vec<String>),
    /// A row for each of the latter, a field in it for each of the former; `None` where there was no such cell.
    pub fields: Vec<Vec<Option<Field>>>,
}

/// Draws the maps below each other, each to a logarithmic scale of its own.
pub fn heat(maps: &[Map]) -> Figure {
    let mut csv = "map,down,across,latency_ns,floor_ns\n".to_owned();
    if !maps.iter().any(|map| range(map).is_some()) {
        return empty("heat", "A percentile by two factors, without data", csv);
    }
    let rows = |map: &Map| map.down.1.len() as f64;
    let height: f64 = maps.iter().map(|map| TITLE + COLUMNS + rows(map) * FIELD + 34.0).sum();
    let names = || maps.iter().flat_map(|map| map.down.1.iter().chain([&map.down.0]));
    let left = names().map(|name| text_width(name, 13.0)).fold(50.0, f64::max).min(230.0) + 24.0;
    let mut svg = Svg::new(WIDTH, height, &describe(maps));
    let mut top = TITLE + COLUMNS;
    for (index, map) in maps.iter().enumerate() {
        let (x, y) = (Axis::rows(map.across.1.len()), Axis::rows(map.down.1.len()));
        let frame = Frame { left, right: WIDTH - 24.0, top, bottom: top + rows(map) * FIELD, x, y };
        if index == 0 {
            svg.announce("heat", &frame);
        }
        svg.begin_panel(&map.title, &frame);
        svg.text("strong", Anchor::Start, (8.0, top - COLUMNS - 18.0), &map.title);
        draw(&mut svg, &frame, map);
        svg.end();
        write(&mut csv, map);
        top = frame.bottom + 34.0 + TITLE + COLUMNS;
    }
    Figure { svg, csv }
}

fn draw(svg: &mut Svg, frame: &Frame, map: &Map) {
    let Some((least, greatest)) = range(map) else { return };
    svg.text("soft small", Anchor::Start, (8.0, frame.top - 8.0), &fitting(&map.down.0, frame.left - 20.0));
    let width = (frame.right - frame.left) / map.across.1.len().max(1) as f64;
    let named = format!("{}:", map.across.0);
    svg.text("soft small", Anchor::Start, (frame.left, frame.top - 26.0), &fitting(&named, frame.right - frame.left));
    for (column, name) in map.across.1.iter().enumerate() {
        let middle = frame.left + (column as f64 + 0.5) * width;
        svg.text("", Anchor::Middle, (middle, frame.top - 8.0), &fitting(name, width - 12.0));
    }
    for (row, name) in map.down.1.iter().enumerate() {
        let y = frame.top + row as f64 * FIELD;
        svg.text("", Anchor::Start, (8.0, y + FIELD / 2.0 + 4.5), &fitting(name, frame.left - 20.0));
        for (column, across) in map.across.1.iter().enumerate() {
            let x = frame.left + column as f64 * width;
            let field = map.fields.get(row).and_then(|fields| fields.get(column)).copied().flatten();
            let outline = rectangle((x, y), (width, FIELD));
            let middle = (x + width / 2.0, y + FIELD / 2.0);
            let Some(Field { value: Some(value), floor }) = field else {
                svg.path("absent", &outline);
                let why = if field.is_some() { "too few packets" } else { "not measured" };
                svg.text("soft small", Anchor::Middle, (middle.0, middle.1 + 4.0), &fitting(why, width - 8.0));
                continue;
            };
            let (class, on) = fill(shade(value, least, greatest));
            let floor = floor.map(|floor| format!("floor {}", number::time(floor)));
            let known = floor.as_ref().map_or_else(String::new, |floor| format!(" ({floor})"));
            let title = format!("{name}, {across}: {}{known}", number::time(value));
            let at = (column as f64 + 0.5, (map.down.1.len() - row) as f64 - 0.5);
            svg.point(&format!("fill {class}"), &outline, at, &title);
            let lift = if floor.is_some() { 1.0 } else { 5.0 };
            let figure = number::time(value);
            if text_width(&figure, 13.0) < width - 4.0 {
                svg.text(&format!("strong {on}"), Anchor::Middle, (middle.0, middle.1 + lift), &figure);
            }
            if let Some(floor) = floor.filter(|floor| text_width(floor, 11.5) < width - 6.0) {
                svg.text(&format!("small {on}"), Anchor::Middle, (middle.0, middle.1 + 15.0), &floor);
            }
        }
    }
    let (least, greatest) = (number::time(least), number::time(greatest));
    let note = format!("The darker, the slower: {least} to {greatest}, logarithmic.");
    svg.text("soft small", Anchor::Start, (frame.left, frame.bottom + 18.0), &note);
}

fn rectangle((x, y): (f64, f64), (width, height): (f64, f64)) -> Path {
    let mut outline = Path::default();
    outline.move_to((x, y));
    outline.across_to(x + width);
    outline.down_to(y + height);
    outline.across_to(x);
    outline.close();
    outline
}

/// The least and the greatest value.
fn range(map: &Map) -> Option<(u64, u64)> {
    let values = || map.fields.iter().flatten().flatten().filter_map(|field| field.value);
    Some((values().min()?, values().max()?))
}

/// The fill of a value: equal ratios of latency, equal steps.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of the fills, between 0 and their number")]
fn shade(value: u64, least: u64, greatest: u64) -> usize {
    let (value, least, greatest) = (value.max(1) as f64, least.max(1) as f64, greatest.max(1) as f64);
    if greatest <= least {
        return 0;
    }
    let share = (value / least).ln() / (greatest / least).ln();
    ((share.clamp(0.0, 1.0) * FILLS as f64) as usize).min(FILLS - 1)
}

fn write(csv: &mut String, map: &Map) {
    let text = |ns: Option<u64>| ns.map_or_else(String::new, |ns| ns.to_string());
    for (down, fields) in map.down.1.iter().zip(&map.fields) {
        for (across, field) in map.across.1.iter().zip(fields) {
            let Some(field) = field else { continue };
            let (title, down, across) = (csv_field(&map.title), csv_field(down), csv_field(across));
            let _ = writeln!(csv, "{title},{down},{across},{},{}", text(field.value), text(field.floor));
        }
    }
}

fn describe(maps: &[Map]) -> String {
    let mut text = String::new();
    for map in maps {
        let _ = write!(text, "{} by {} and {}.", map.title, map.down.0, map.across.0);
        if let Some((least, greatest)) = range(map) {
            let _ = write!(text, " From {} to {}. ", number::time(least), number::time(greatest));
        }
    }
    text.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(values: &[&[Option<u64>]]) -> Map {
        let names = |prefix: &str, n: usize| (0..n).map(|n| format!("{prefix} {n}")).collect();
        let field = |value: &Option<u64>| Some(Field { value: *value, floor: value.map(|value| value / 3) });
        let mut fields: Vec<Vec<Option<Field>>> = values.iter().map(|row| row.iter().map(field).collect()).collect();
        if let Some(last) = fields.last_mut().and_then(|row| row.last_mut()) {
            *last = None;
        }
        Map {
            title: "p99.9 of one-way latency".to_owned(),
            across: ("traffic.rate".to_owned(), names("rate", values[0].len())),
            down: ("nodes.dut.environment".to_owned(), names("environment", values.len())),
            fields,
        }
    }

    #[test]
    fn a_percentile_by_environment_and_rate() {
        let maps = [map(&[&[Some(1_600), Some(2_900), Some(90_000)], &[Some(6_000), None, Some(1)]])];
        let figure = heat(&maps);
        insta::assert_snapshot!("heat.svg", figure.standalone());
        insta::assert_snapshot!("heat.csv", figure.csv());
    }

    #[test]
    fn equal_ratios_are_equal_steps() {
        assert_eq!([10, 100, 1_000, 10_000, 99_999, 100_000].map(|value| shade(value, 10, 100_000)), [0, 2, 5, 7, 9, 9]);
        assert_eq!([shade(0, 0, 0), shade(5, 5, 5)], [0, 0]);
    }

    #[test]
    fn nothing_to_show_is_said() {
        assert!(heat(&[]).standalone().contains("No packets"));
        assert!(heat(&[map(&[&[None]])]).standalone().contains("No packets"));
    }
}
