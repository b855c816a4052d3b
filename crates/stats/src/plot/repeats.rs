//! How far the repeats of a cell lie apart: one panel per percentile, one row per cell, one mark per repeat.

use std::fmt::Write as _;

use tailbed_format::percentile::Percentile;

use super::axis::Axis;
use super::frame::{Frame, WIDTH, shorten};
use super::svg::{Anchor, Path, Svg, text_width};
use super::theme::Style;
use super::{Figure, csv_field, empty, number};

/// Height of a row, pixels.
const ROW: f64 = 36.0;

/// Distance between two panels, pixels.
const BETWEEN: f64 = 56.0;

/// The repeats of one cell.
#[derive(Debug, Clone, Copy)]
pub struct Strip<'a> {
    /// Name of the cell.
    pub label: &'a str,
    /// How it is drawn.
    pub style: Style,
    /// Each repeat's name with its percentiles, ns; those without a value are left out.
    pub repeats: &'a [(String, Vec<(Percentile, u64)>)],
}

/// Draws one panel for each of the percentiles that at least one repeat has a value for.
pub fn repeats(percentiles: &[Percentile], strips: &[Strip<'_>]) -> Figure {
    let mut csv = "series,repeat,percentile,latency_ns\n".to_owned();
    let shown: Vec<_> = percentiles.iter().copied().filter(|p| strips.iter().any(|s| values(s, *p).next().is_some())).collect();
    if shown.is_empty() {
        return empty("repeats", "Spread between repeats, without data", csv);
    }
    let longest = strips.iter().map(|strip| text_width(&shorten(strip.label, 34), 13.0)).fold(60.0, f64::max);
    let left = longest + 40.0;
    let panels = shown.len() as f64;
    let panel = (WIDTH - 24.0 - left - BETWEEN * (panels - 1.0)) / panels;
    let (top, rows) = (34.0, strips.len() as f64);
    let bottom = top + rows * ROW;
    let mut svg = Svg::new(WIDTH, bottom + 48.0, &describe(&shown, strips));
    for (index, strip) in strips.iter().enumerate() {
        let y = middle_of(index, top);
        svg.path(&format!("mark {}", strip.style.class()), &strip.style.marker((14.0, y), 4.5));
        svg.text("", Anchor::Start, (26.0, y + 4.5), &shorten(strip.label, 34));
    }
    let mut from = left;
    for (index, percentile) in shown.iter().enumerate() {
        draw_panel(&mut svg, *percentile, strips, (from, from + panel), (top, bottom), index == 0);
        from += panel + BETWEEN;
    }
    svg.text(
        "soft small",
        Anchor::Middle,
        (f64::midpoint(left, WIDTH - 24.0), bottom + 40.0),
        "One mark per repeat, first to last from above; the line joins the least and the greatest",
    );
    for strip in strips {
        for (name, known) in strip.repeats {
            for (percentile, value) in known.iter().filter(|(percentile, _)| shown.contains(percentile)) {
                let _ = writeln!(csv, "{},{},{percentile},{value}", csv_field(strip.label), csv_field(name));
            }
        }
    }
    Figure { svg, csv }
}

fn draw_panel(svg: &mut Svg, percentile: Percentile, strips: &[Strip<'_>], across: (f64, f64), down: (f64, f64), first: bool) {
    // The floor must not stretch the scale: where it lies outside, it is written at the edge.
    let cells = strips.iter().filter(|strip| strip.style != Style::Floor);
    let of_cells: Vec<u64> = cells.flat_map(|strip| values(strip, percentile)).map(|(_, value)| value).collect();
    let of_all = strips.iter().flat_map(|strip| values(strip, percentile)).map(|(_, value)| value);
    let all: Vec<u64> = if of_cells.is_empty() { of_all.collect() } else { of_cells };
    let (Some(least), Some(greatest)) = (all.iter().min().copied(), all.iter().max().copied()) else { return };
    let (least, greatest) = ((least as f64).max(1.0), greatest as f64);
    let x = if greatest / least > 8.0 {
        Axis::log_time(least, greatest, 4)
    } else {
        let margin = ((greatest - least) * 0.12).max(2.0);
        Axis::tight_time((least - margin).max(0.0), greatest + margin, 3.0)
    };
    let frame = Frame { left: across.0, right: across.1, top: down.0, bottom: down.1, x, y: Axis::rows(strips.len()) };
    if first {
        svg.announce("repeats", &frame);
    }
    svg.begin_panel(&percentile.to_string(), &frame);
    frame.draw_x(svg);
    svg.text("strong", Anchor::Start, (across.0, down.0 - 12.0), &percentile.to_string());
    for (index, strip) in strips.iter().enumerate() {
        let y = middle_of(index, down.0);
        let class = strip.style.class();
        let known: Vec<u64> = values(strip, percentile).map(|(_, value)| value).collect();
        if known.iter().any(|value| !frame.x.holds(*value as f64)) {
            outside(svg, &frame, &known, y);
            continue;
        }
        svg.begin_series(strip.label, strip.style);
        let own = values(strip, percentile).map(|(_, value)| frame.across(value as f64));
        let (from, to) = (own.clone().fold(f64::INFINITY, f64::min), own.fold(f64::NEG_INFINITY, f64::max));
        if from < to {
            svg.line(&format!("faint {class}"), (from, y), (to, y));
        }
        let repeats = strip.repeats.len() as f64;
        let apart = (14.0 / (repeats - 1.0).max(1.0)).min(3.5);
        for (order, (name, value)) in values(strip, percentile).enumerate() {
            // One below the other, so that equal repeats do not hide each other.
            let row = y + (order as f64 - (repeats - 1.0) / 2.0) * apart;
            let title = format!("{}, {name}, {percentile}: {}", strip.label, number::time(value));
            let outline: Path = strip.style.marker((frame.across(value as f64), row), 3.6);
            let row = strips.len() as f64 - index as f64 - 0.5;
            svg.point(&format!("mark {class}"), &outline, (value as f64, row), &title);
        }
        svg.end();
    }
    svg.end();
}

/// Writes at the edge what lies beyond it.
fn outside(svg: &mut Svg, frame: &Frame, known: &[u64], y: f64) {
    let (Some(&least), Some(&greatest)) = (known.iter().min(), known.iter().max()) else { return };
    let text = number::interval(Some(least), Some(greatest)).unwrap_or_default();
    if (least as f64) < frame.x.from {
        svg.text("soft small", Anchor::Start, (frame.left + 4.0, y + 4.0), &format!("‹ {text}"));
    } else {
        svg.text("soft small", Anchor::End, (frame.right - 4.0, y + 4.0), &format!("{text} ›"));
    }
}

fn values<'a>(strip: &Strip<'a>, percentile: Percentile) -> impl Iterator<Item = (&'a str, u64)> + Clone + use<'a> {
    strip.repeats.iter().filter_map(move |(name, known)| {
        known.iter().find(|(known, _)| *known == percentile).map(|(_, value)| (name.as_str(), *value))
    })
}

fn middle_of(row: usize, top: f64) -> f64 {
    top + (row as f64 + 0.5) * ROW
}

fn describe(percentiles: &[Percentile], strips: &[Strip<'_>]) -> String {
    let mut text = "Spread between repeats.".to_owned();
    for strip in strips {
        for percentile in percentiles {
            let all = values(strip, *percentile).map(|(_, value)| value);
            if let (Some(least), Some(greatest)) = (all.clone().min(), all.max()) {
                let _ = write!(text, " {}, {percentile}: {} to {}.", strip.label, number::time(least), number::time(greatest));
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wide_and_a_narrow_spread() {
        let (p50, p99) = (Percentile::REPORTED[0], Percentile::REPORTED[2]);
        let host = [("repeat 1".to_owned(), vec![(p50, 1_610), (p99, 4_000)]), ("repeat 2".to_owned(), vec![(p50, 1_620)])];
        let guest = [("repeat 1".to_owned(), vec![(p50, 1_900), (p99, 90_000)])];
        let strips = [
            Strip { label: "host", style: Style::Series(0), repeats: &host },
            Strip { label: "guest, 10kpps", style: Style::Series(1), repeats: &guest },
        ];
        let figure = repeats(&[p50, p99, Percentile::REPORTED[3]], &strips);
        insta::assert_snapshot!("repeats.svg", figure.standalone());
        insta::assert_snapshot!("repeats.csv", figure.csv());
    }

    #[test]
    fn nothing_to_show_is_said() {
        let strips = [Strip { label: "host", style: Style::Series(0), repeats: &[] }];
        assert!(repeats(&Percentile::REPORTED, &strips).standalone().contains("No packets"));
    }
}
