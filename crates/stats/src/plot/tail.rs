//! The tail beyond the data: what occurred, and the distribution fitted to it with its interval, both axes logarithmic.

use std::fmt::Write as _;

use tailbed_format::extremes::{CurvePoint, Extremes};

use super::axis::{Axis, Scale, Tick, Unit};
use super::frame::{Frame, Legend, WIDTH};
use super::svg::{Anchor, Path, Svg};
use super::theme::Style;
use super::{Figure, csv_field, empty, number};

/// Height of the area between the axes, pixels.
const HEIGHT: f64 = 360.0;

/// The axis ends here at the earliest: one in a billion.
const RAREST: f64 = 1e9;

/// Where fewer than this many packets lie beyond, single ones are drawn.
const ENOUGH: u64 = 10;

/// One cell with its tail.
#[derive(Debug, Clone, Copy)]
pub struct BeyondData<'a> {
    /// Name in the legend.
    pub label: &'a str,
    /// How it is drawn.
    pub style: Style,
    /// Every latency that occurred, ascending, ns, with how often it did.
    pub values: &'a [(u64, u64)],
    /// What was fitted.
    pub tail: &'a Extremes,
}

/// Draws what occurred from one packet in ten on, and the fitted tails.
pub fn tail(cells: &[BeyondData<'_>]) -> Figure {
    let mut csv = "series,kind,one_in,latency_ns,low_ns,high_ns\n".to_owned();
    let seen: Vec<Vec<(f64, u64, u64)>> = cells.iter().map(|cell| steps(cell.values)).collect();
    let curves = || cells.iter().flat_map(|cell| &cell.tail.curve);
    let least = seen
        .iter()
        .flatten()
        .map(|(_, value, _)| *value as f64)
        .chain(curves().map(|point| point.level))
        .fold(f64::INFINITY, f64::min);
    // an interval may reach to where nothing can be drawn any more: the axis ends at a hundred times the greatest level
    let level =
        seen.iter().flatten().map(|(_, value, _)| *value as f64).chain(curves().map(|point| point.level)).fold(0.0, f64::max);
    let bound = cells.iter().filter(|cell| cell.tail.warnings.is_empty()).flat_map(|cell| &cell.tail.curve);
    let greatest = bound.filter_map(|point| point.high).fold(level, f64::max).min(level * 100.0);
    if level <= 0.0 || !least.is_finite() {
        return empty("tail", "Tail beyond the data, without data", csv);
    }
    let legend = Legend::new(cells.iter().map(|cell| (cell.style, cell.label)));
    let top = legend.height + 34.0;
    let rarest = curves().map(|point| point.one_in).fold(RAREST, f64::max);
    let frame = Frame {
        left: 74.0,
        right: WIDTH - 34.0,
        top,
        bottom: top + HEIGHT,
        x: rarity(rarest),
        y: Axis::log_time(least.max(1.0), greatest, 10),
    };
    let mut svg = Svg::new(WIDTH, frame.bottom + 50.0, &describe(cells));
    svg.announce("tail", &frame);
    frame.draw_y(&mut svg);
    frame.draw_x(&mut svg);
    frame.name_y(&mut svg, "Latency");
    frame.name_x(&mut svg, "One packet in so many takes longer");
    legend.draw(&mut svg);
    for (cell, steps) in cells.iter().zip(&seen) {
        svg.begin_series(cell.label, cell.style);
        draw_seen(&mut svg, &frame, cell, steps, &mut csv);
        draw_fitted(&mut svg, &frame, cell, &mut csv);
        svg.end();
    }
    Figure { svg, csv }
}

/// The axis of rarity: powers of ten from one in ten on.
fn rarity(to: f64) -> Axis {
    const NAMES: [&str; 13] =
        ["10", "100", "1 k", "10 k", "100 k", "1 M", "10 M", "100 M", "1 G", "10 G", "100 G", "1 T", "10 T"];
    let mut ticks = Vec::new();
    let mut at = 10.0;
    for name in NAMES {
        ticks.push(Tick { at, label: Some(name.replace(' ', "\u{a0}")) });
        if at >= to {
            break;
        }
        at *= 10.0;
    }
    let to = ticks.last().map_or(RAREST, |tick| tick.at);
    Axis { scale: Scale::Log, unit: Unit::OneIn, from: 10.0, to, ticks }
}

/// From one packet in ten on: one in how many takes at least a latency, the latency, and how many do.
fn steps(values: &[(u64, u64)]) -> Vec<(f64, u64, u64)> {
    let total: u64 = values.iter().map(|(_, count)| count).sum();
    let mut beyond = 0;
    let mut found: Vec<(f64, u64, u64)> = Vec::new();
    for &(value, count) in values.iter().rev().filter(|(_, count)| *count > 0) {
        beyond += count;
        if beyond.saturating_mul(10) > total {
            break;
        }
        found.push((total as f64 / beyond as f64, value, beyond));
    }
    found.reverse();
    found
}

fn draw_seen(svg: &mut Svg, frame: &Frame, cell: &BeyondData<'_>, steps: &[(f64, u64, u64)], csv: &mut String) {
    let (mut line, mut dots) = (Path::default(), Path::default());
    let (mut pen, mut dot) = (None, (0.0, 0.0));
    let label = csv_field(cell.label);
    for &(one_in, value, beyond) in steps {
        let at = frame.at(one_in, value as f64);
        if beyond < ENOUGH {
            dots.dot_by((at.0 - dot.0, at.1 - dot.1));
            // the next is counted from what was written, which is rounded
            dot = ((at.0 * 10.0).round() / 10.0, (at.1 * 10.0).round() / 10.0);
        } else if let Some(before) = pen {
            let (x, y): (f64, f64) = before;
            if (at.0 - x).abs() < 0.5 && (at.1 - y).abs() < 0.5 {
                continue;
            }
            line.line_to(at);
            pen = Some(at);
        } else {
            line.move_to(at);
            pen = Some(at);
        }
        let _ = writeln!(csv, "{label},seen,{one_in:.3},{value},,");
    }
    svg.path(&cell.style.line_class(), &line);
    svg.path(&format!("{} cloud", cell.style.class()), &dots);
}

fn draw_fitted(svg: &mut Svg, frame: &Frame, cell: &BeyondData<'_>, csv: &mut String) {
    let curve = &cell.tail.curve;
    let Some(first) = curve.first() else { return };
    let believed = cell.tail.warnings.is_empty();
    let class = cell.style.class();
    if believed {
        let mut band = Path::default();
        band.move_to(frame.at(first.one_in, first.low));
        curve.iter().skip(1).for_each(|point| band.line_to(frame.at(point.one_in, point.low)));
        // what nothing bounds goes to the edge
        let high = |point: &CurvePoint| frame.at(point.one_in, point.high.unwrap_or(frame.y.to));
        curve.iter().rev().for_each(|point| band.line_to(high(point)));
        band.close();
        svg.path(&format!("{class} area"), &band);
    }
    let mut line = Path::default();
    line.move_to(frame.at(first.one_in, first.level));
    curve.iter().skip(1).for_each(|point| line.line_to(frame.at(point.one_in, point.level)));
    svg.path(&format!("{class} {}", if believed { "dashed" } else { "dotted faint" }), &line);
    let what = if believed { "fitted from here on" } else { "fitted from here on, and not to be believed" };
    let title = format!("{}: {what}, {}", cell.label, number::mean(first.level));
    let at = (first.one_in, first.level);
    svg.point(&format!("mark {class}"), &cell.style.marker(frame.at(at.0, at.1), 4.5), at, &title);
    if !believed && let Some(last) = curve.last() {
        let at = frame.at(last.one_in, last.level);
        svg.text("soft small", Anchor::End, (at.0 - 4.0, (at.1 - 6.0).max(frame.top + 12.0)), "no extrapolation");
    }
    let label = csv_field(cell.label);
    for CurvePoint { one_in, level, low, high } in curve {
        let kind = if believed { "fitted" } else { "fitted-not-believed" };
        let high = high.map_or_else(String::new, |high| format!("{high:.0}"));
        let _ = writeln!(csv, "{label},{kind},{one_in:.3},{level:.0},{low:.0},{high}");
    }
}

/// What a screen reader says.
fn describe(cells: &[BeyondData<'_>]) -> String {
    let mut text = "Latency by rarity beyond the data, both axes logarithmic.".to_owned();
    for cell in cells {
        if !cell.tail.warnings.is_empty() {
            let _ = write!(text, " {}: no extrapolation.", cell.label);
            continue;
        }
        for level in &cell.tail.levels {
            let _ = write!(text, " {}: {} {}.", cell.label, number::time(level.level), level.period);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extremes::{Peaks, analyse};

    /// An exponential tail of 20 000 latencies, drawn without chance: the quantiles themselves, shuffled by a stride.
    fn exponential() -> (Vec<(u64, u64)>, Extremes) {
        let count = 20_000_u64;
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a positive latency")]
        let value = |rank: u64| 10_000 + (-2_000.0 * (1.0 - (rank as f64 + 0.5) / count as f64).ln()) as u64;
        let shuffled = (0..count).map(|place| value(place * 7_919 % count));
        let tail = analyse(0, &[Peaks::of_latencies(shuffled.map(Some))], Some(2_000_000_000));
        let mut values: Vec<(u64, u64)> = Vec::new();
        for rank in 0..count {
            match values.last_mut() {
                Some((last, times)) if *last == value(rank) => *times += 1,
                _ => values.push((value(rank), 1)),
            }
        }
        (values, tail)
    }

    #[test]
    fn a_tail_is_drawn_beyond_its_data() {
        let (values, tail) = exponential();
        let drawn =
            |tail: &Extremes| super::tail(&[BeyondData { label: "container", style: Style::Series(0), values: &values, tail }]);
        let figure = drawn(&tail);
        insta::assert_snapshot!(
            "tail.csv",
            figure.csv().lines().filter(|line| line.contains("fitted")).collect::<Vec<_>>().join("\n")
        );
        assert!(roxmltree::Document::parse(&figure.standalone()).is_ok());
        assert!(figure.standalone().contains("area") && !figure.standalone().contains("no extrapolation"));
        let warned = Extremes { warnings: vec![tailbed_format::extremes::TailWarning::InfiniteMean { shape: 1.2 }], ..tail };
        let figure = drawn(&warned).standalone();
        assert!(figure.contains("no extrapolation") && !figure.contains("class=\"s0 area\""));
    }

    #[test]
    fn nothing_to_show_is_said() {
        assert!(super::tail(&[]).standalone().contains("No packets"));
    }
}
