//! Whether a tail is one: the mean excess and the shape above each threshold that was looked at, side by side.
//!
//! Above the right threshold the mean excess is a straight line in it and the shape stays the same (Coles 2001, sections 4.3.1 and 4.3.4). Both
//! axes of the mean excess are linear for that.

use std::fmt::Write as _;

use tailbed_format::extremes::{Extremes, Threshold};

use super::axis::{Axis, Scale, Tick, Unit};
use super::frame::{Frame, Legend, WIDTH};
use super::svg::{Anchor, Path, Svg};
use super::theme::Style;
use super::{Figure, csv_field, empty, number};

/// Height of the area between the axes, pixels.
const HEIGHT: f64 = 220.0;

/// Shapes beyond these are drawn at the edge.
const SHAPES: (f64, f64) = (-1.5, 2.5);

/// The thresholds of one cell.
#[derive(Debug, Clone, Copy)]
pub struct Looked<'a> {
    /// Name in the legend.
    pub label: &'a str,
    /// How it is drawn.
    pub style: Style,
    /// What was looked at.
    pub tail: &'a Extremes,
}

/// Draws both diagrams; the chosen thresholds have marks.
pub fn thresholds(cells: &[Looked<'_>]) -> Figure {
    let mut csv = "series,threshold_ns,exceedances,clusters,mean_excess_ns,shape,shape_low,shape_high,chance,chosen\n".to_owned();
    let all = || cells.iter().flat_map(|cell| &cell.tail.thresholds);
    let range = |of: fn(&Threshold) -> f64| {
        all().map(of).fold((f64::INFINITY, 0.0), |(low, high): (f64, f64), at| (low.min(at), high.max(at)))
    };
    let (least, greatest) = range(|threshold| threshold.value);
    if !least.is_finite() {
        return empty("thresholds", "Thresholds, without data", csv);
    }
    let (_, excess) = range(|threshold| threshold.mean_excess);
    let legend = Legend::new(cells.iter().map(|cell| (cell.style, cell.label)));
    let top = legend.height + 34.0;
    let across = || Axis::linear_time(least, greatest, 4.0);
    let middle = WIDTH / 2.0;
    let left = Frame {
        left: 74.0,
        right: middle - 24.0,
        top,
        bottom: top + HEIGHT,
        x: across(),
        y: Axis::linear_time(0.0, excess, 5.0),
    };
    let right = Frame { left: middle + 50.0, right: WIDTH - 24.0, top, bottom: top + HEIGHT, x: across(), y: shapes(cells) };
    let mut svg = Svg::new(WIDTH, left.bottom + 50.0, &describe(cells));
    svg.announce("thresholds", &left);
    for frame in [&left, &right] {
        frame.draw_y(&mut svg);
        frame.draw_x(&mut svg);
        frame.name_x(&mut svg, "Threshold");
    }
    left.name_y(&mut svg, "Mean excess above the threshold");
    svg.text("soft small", Anchor::Start, (middle + 8.0, top - 15.0), "Shape of the tail above it, with its 95 % interval");
    legend.draw(&mut svg);
    svg.begin_panel("mean excess", &left);
    for cell in cells {
        draw_excess(&mut svg, &left, cell);
    }
    svg.end();
    svg.begin_panel("shape", &right);
    let count = cells.len() as f64;
    for (index, cell) in cells.iter().enumerate() {
        // side by side by a few pixels, so that intervals do not hide each other
        let shift = (index as f64 - (count - 1.0) / 2.0) * f64::min(10.0 / count, 4.0);
        draw_shapes(&mut svg, &right, cell, shift);
    }
    svg.end();
    for cell in cells {
        for (place, threshold) in cell.tail.thresholds.iter().enumerate() {
            let Threshold { value, exceedances, clusters, mean_excess, shape, shape_interval: [low, high], chance, .. } =
                threshold;
            let (label, chosen) = (csv_field(cell.label), is_chosen(cell, place));
            let _ = writeln!(
                csv,
                "{label},{value},{exceedances},{clusters},{mean_excess:.1},{shape:.4},{low:.4},{high:.4},{chance:.4},{chosen}"
            );
        }
    }
    Figure { svg, csv }
}

fn is_chosen(cell: &Looked<'_>, place: usize) -> bool {
    cell.tail.fit.is_some_and(|fit| fit.threshold == place)
}

fn draw_excess(svg: &mut Svg, frame: &Frame, cell: &Looked<'_>) {
    let class = cell.style.class();
    let mut line = Path::default();
    svg.begin_series(cell.label, cell.style);
    for (place, threshold) in cell.tail.thresholds.iter().enumerate() {
        let values = (threshold.value, threshold.mean_excess);
        let at = frame.at(values.0, values.1);
        if place == 0 {
            line.move_to(at);
        } else {
            line.line_to(at);
        }
        let [above, excess] = [values.0, values.1].map(number::mean);
        let title = format!("{}, above {above}: mean excess {excess}", cell.label);
        svg.point(&format!("mark {class}"), &cell.style.marker(at, radius(cell, place)), values, &title);
    }
    svg.path(&cell.style.line_class(), &line);
    svg.end();
}

fn draw_shapes(svg: &mut Svg, frame: &Frame, cell: &Looked<'_>, shift: f64) {
    let class = cell.style.class();
    svg.begin_series(cell.label, cell.style);
    for (place, threshold) in cell.tail.thresholds.iter().enumerate() {
        let values = (threshold.value, threshold.shape);
        let (x, y) = frame.at(values.0, values.1);
        let x = x + shift;
        let [low, high] = threshold.shape_interval;
        let mut bar = Path::default();
        bar.move_to((x, frame.down(low)));
        bar.down_to(frame.down(high));
        svg.path(&format!("{class} thin"), &bar);
        let above = number::mean(threshold.value);
        let title = format!(
            "{}, above {above}: shape {:.2} ({low:.2} to {high:.2}), {} clusters",
            cell.label, threshold.shape, threshold.clusters
        );
        svg.point(&format!("mark {class}"), &cell.style.marker((x, y), radius(cell, place)), values, &title);
    }
    svg.end();
}

/// Size of a mark, pixels.
fn radius(cell: &Looked<'_>, place: usize) -> f64 {
    if is_chosen(cell, place) { 5.0 } else { 2.0 }
}

/// An axis of shapes that holds all intervals, within what makes sense.
fn shapes(cells: &[Looked<'_>]) -> Axis {
    const STEP: f64 = 0.5;
    let bounds = cells.iter().flat_map(|cell| &cell.tail.thresholds).flat_map(|threshold| threshold.shape_interval);
    let (low, high) = bounds.fold((-0.5, 0.5), |(low, high): (f64, f64), at| (low.min(at), high.max(at)));
    let (from, to) = ((low.max(SHAPES.0) / STEP).floor() * STEP, (high.min(SHAPES.1) / STEP).ceil() * STEP);
    let mut ticks = Vec::new();
    let mut at = from;
    while at <= to + 1e-9 {
        let label = if at < 0.0 { format!("−{}", number::plain(-at)) } else { number::plain(at) };
        ticks.push(Tick { at, label: Some(label) });
        at += STEP;
    }
    Axis { scale: Scale::Linear, unit: Unit::None, from, to, ticks }
}

/// What a screen reader says.
fn describe(cells: &[Looked<'_>]) -> String {
    let mut text = "Mean excess and shape of the tail above each threshold.".to_owned();
    for cell in cells {
        let chosen = cell.tail.fit.and_then(|fit| Some((fit, cell.tail.thresholds.get(fit.threshold)?)));
        if let Some((fit, threshold)) = chosen {
            let _ = write!(text, " {}: {} chosen, shape {:.2} there.", cell.label, number::mean(threshold.value), fit.shape);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extremes::{Peaks, analyse};

    #[test]
    fn each_threshold_is_in_both_diagrams() {
        // the quantiles of an exponential distribution, spread by a stride
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a positive latency")]
        let value = |rank: u64| 5_000 + (-900.0 * (1.0 - (rank as f64 + 0.5) / 20_000.0).ln()) as u64;
        let tail = analyse(0, &[Peaks::of_latencies((0..20_000_u64).map(|place| Some(value(place * 7_919 % 20_000))))], None);
        let figure = thresholds(&[Looked { label: "host, \"x\"", style: Style::Series(0), tail: &tail }]);
        assert_eq!(figure.csv().lines().count(), 1 + tail.thresholds.len());
        assert_eq!(figure.csv().matches(",true").count(), 1);
        let drawing = figure.standalone();
        assert!(roxmltree::Document::parse(&drawing).is_ok());
        assert_eq!(drawing.matches(": mean excess").count(), tail.thresholds.len());
        assert_eq!(drawing.matches("clusters</title>").count(), tail.thresholds.len());
    }

    #[test]
    fn nothing_looked_at_is_said() {
        assert!(thresholds(&[]).standalone().contains("No packets"));
    }
}
