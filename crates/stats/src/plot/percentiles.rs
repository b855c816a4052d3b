//! The HDR percentile diagram: latency against 1/(1 - percentile), both logarithmic, so that the tail gets as much room as the bulk.

use std::fmt::Write as _;

use tailbed_format::percentile::Percentile;
use tailbed_format::summary::{Distribution, Estimate};

use super::axis::Axis;
use super::frame::{Frame, Legend, WIDTH};
use super::stairs::{Stair, curve as drawn, thin, total};
use super::svg::{Anchor, Path, Point, Svg};
use super::theme::Style;
use super::{Figure, csv_field, empty, number};

/// Height of the area between the axes, pixels.
const HEIGHT: f64 = 400.0;

/// Up to so many curves have bands; of more they would cover each other.
const BANDS: usize = 4;

/// The distribution of one cell.
#[derive(Debug, Clone, Copy)]
pub struct Curve<'a> {
    /// Name in the legend.
    pub label: &'a str,
    /// How it is drawn.
    pub style: Style,
    /// Every value that occurred, ascending, ns, with how often it did. May be as fine as the clock: it is thinned to what can be seen.
    pub values: &'a [(u64, u64)],
    /// The reported percentiles, drawn as markers with their intervals.
    pub distribution: Option<&'a Distribution>,
}

/// Draws the curves of packets. `what` names the quantity on the vertical axis, for example `Latency`.
pub fn percentiles(what: &str, curves: &[Curve<'_>]) -> Figure {
    percentiles_of("packets", what, curves)
}

/// Draws the curves of `things`, in the plural, for example `wake-ups`.
pub fn percentiles_of(things: &str, what: &str, curves: &[Curve<'_>]) -> Figure {
    let most = curves.iter().map(|curve| total(curve.values)).max().unwrap_or(0);
    let values = || curves.iter().flat_map(|curve| curve.values).map(|(value, _)| *value);
    let mut csv = format!("series,percentile,one_in,latency_ns,{}_at_or_beyond\n", things.replace('-', "_"));
    let (Some(least), Some(greatest)) = (values().min(), values().max()) else {
        return empty("percentiles", "Percentile diagram without data", csv);
    };
    let legend = Legend::new(curves.iter().map(|curve| (curve.style, curve.label)));
    let top = legend.height + 34.0;
    let (x, y) = (Axis::percentile(most), Axis::log_time(least as f64, greatest as f64, 12));
    let frame = Frame { left: 74.0, right: WIDTH - 34.0, top, bottom: top + HEIGHT, x, y };
    let mut svg = Svg::new(WIDTH, frame.bottom + 50.0, &describe(what, curves));
    svg.announce("percentiles", &frame);
    svg.attribute("data-one-in", &frame.x.to.to_string());
    svg.attribute("data-ns", &format!("{} {}", frame.y.from, frame.y.to));
    frame.draw_y(&mut svg);
    frame.draw_x(&mut svg);
    frame.name_y(&mut svg, what);
    frame.name_x(&mut svg, &format!("Percentile of {things}"));
    legend.draw(&mut svg);
    let (floors, rest): (Vec<&Curve<'_>>, Vec<&Curve<'_>>) = curves.iter().partition(|curve| curve.style == Style::Floor);
    for curve in floors.iter().chain(rest.iter()) {
        let stairs = thin(curve.values, |stair| frame.at(stair.one_in(), stair.value as f64));
        let (solid, faint) = drawn(&stairs, &frame);
        let class = curve.style.line_class();
        svg.begin_series(curve.label, curve.style);
        if curves.len() <= BANDS {
            svg.path(&format!("band {}", curve.style.class()), &band(curve, &stairs, &frame));
        }
        svg.path(&class, &solid);
        svg.path(&format!("{class} faint thin"), &faint);
        if let Some(last) = stairs.last() {
            let at = (last.total as f64, last.value as f64);
            let title = format!("{}, greatest: {}", curve.label, number::time(last.value));
            let outline = curve.style.marker(frame.at(at.0, at.1), 2.6);
            svg.point(&format!("mark thin {}", curve.style.class()), &outline, at, &title);
        }
        svg.end();
        for stair in &stairs {
            let percentile = (stair.total - stair.beyond) as f64 / stair.total as f64 * 100.0;
            let (label, value, beyond) = (csv_field(curve.label), stair.value, stair.beyond);
            let _ = writeln!(csv, "{label},{percentile:.6},{:.3},{value},{beyond}", stair.one_in());
        }
    }
    let cells = rest.len() as f64;
    for (index, curve) in rest.iter().enumerate() {
        // Side by side by a few pixels, so that intervals at the same percentile do not hide each other.
        let shift = (index as f64 - (cells - 1.0) / 2.0) * f64::min(14.0 / cells, 5.0);
        draw_marks(&mut svg, &frame, curve, shift);
    }
    let bands = if curves.len() <= BANDS { ", bands between them" } else { "" };
    let note = format!("Faint: fewer than ten {things} lie beyond. Bars: 95 % intervals{bands}.");
    svg.text("soft small", Anchor::End, (frame.right - 8.0, frame.bottom - 10.0), &note);
    Figure { svg, csv }
}

/// The curve as wide as the intervals of the reported percentiles are in relation to their values; in between this relation changes evenly.
fn band(curve: &Curve<'_>, stairs: &[Stair], frame: &Frame) -> Path {
    let rows = curve.distribution.map(|distribution| distribution.percentiles.as_slice()).unwrap_or_default();
    let known = rows.iter().filter_map(|row| match row.estimate {
        Estimate::Value { value, low: Some(low), high: Some(high) } => {
            let ratio = |bound: u64| (bound.max(1) as f64 / value.max(1) as f64).ln();
            Some((one_in(row.percentile).ln(), [ratio(low), ratio(high)]))
        }
        _ => None,
    });
    let known: Vec<_> = known.collect();
    let mut edges: [Vec<Point>; 2] = [Vec::new(), Vec::new()];
    for stair in stairs {
        let at = stair.one_in().ln();
        let pair = known.windows(2).find(|pair| pair[0].0 <= at && at <= pair[1].0);
        let Some([(from, of_from), (to, of_to)]) = pair.and_then(|pair| pair.first_chunk::<2>()) else { continue };
        let share = (at - from) / (to - from);
        let x = frame.across(stair.one_in());
        if edges[0].last().is_some_and(|last| x - last.0 < 2.0) {
            continue;
        }
        for (side, edge) in edges.iter_mut().enumerate() {
            let ratio = of_from[side] + (of_to[side] - of_from[side]) * share;
            edge.push((x, frame.down(stair.value.max(1) as f64 * ratio.exp())));
        }
    }
    let mut path = Path::default();
    let [lower, upper] = edges;
    for (index, at) in lower.into_iter().chain(upper.into_iter().rev()).enumerate() {
        if index == 0 { path.move_to(at) } else { path.line_to(at) }
    }
    if !path.is_empty() {
        path.close();
    }
    path
}

fn one_in(percentile: Percentile) -> f64 {
    1_000_000.0 / f64::from((1_000_000 - percentile.ppm()).max(1))
}

fn draw_marks(svg: &mut Svg, frame: &Frame, curve: &Curve<'_>, shift: f64) {
    let Some(distribution) = curve.distribution else { return };
    svg.begin_series(curve.label, curve.style);
    for row in &distribution.percentiles {
        let Estimate::Value { value, low, high } = row.estimate else { continue };
        let one_in = one_in(row.percentile);
        if one_in > frame.x.to * 1.000_001 {
            continue;
        }
        let at = (frame.across(one_in) + shift, frame.down(value as f64));
        let mut bar = Path::default();
        for bound in [low, high].into_iter().flatten() {
            let y = frame.down(bound as f64);
            bar.move_to(at);
            bar.down_to(y);
            bar.move_to((at.0 - 3.5, y));
            bar.across_to(at.0 + 3.5);
        }
        let class = curve.style.class();
        svg.path(&format!("{class} thin"), &bar);
        let title = mark_title(curve.label, row.percentile, value, low, high);
        svg.point(&format!("mark {class}"), &curve.style.marker(at, 4.5), (one_in, value as f64), &title);
    }
    svg.end();
}

fn mark_title(label: &str, percentile: Percentile, value: u64, low: Option<u64>, high: Option<u64>) -> String {
    let interval = number::interval(low, high).map(|text| format!(" ({text})")).unwrap_or_default();
    format!("{label}, {percentile}: {}{interval}", number::time(value))
}

/// What a screen reader says: the median and the furthest reported percentile of each curve.
fn describe(what: &str, curves: &[Curve<'_>]) -> String {
    let mut text = format!("{what} by percentile, both axes logarithmic.");
    for curve in curves {
        let rows = curve.distribution.map(|distribution| distribution.percentiles.as_slice()).unwrap_or_default();
        let known: Vec<_> = rows.iter().filter_map(|row| Some((row.percentile, row.estimate.value()?))).collect();
        if let (Some(first), Some(last)) = (known.first(), known.last()) {
            let (first_time, last_time) = (number::time(first.1), number::time(last.1));
            let _ = write!(text, " {}: {} {first_time}, {} {last_time}.", curve.label, first.0, last.0);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use tailbed_format::summary::PercentileRow;

    fn distribution(rows: [Estimate; 3]) -> Distribution {
        let percentiles = Percentile::REPORTED.into_iter().zip(rows);
        let percentiles = percentiles.map(|(percentile, estimate)| PercentileRow { percentile, estimate }).collect();
        Distribution { count: 0, minimum: None, maximum: None, mean: None, percentiles }
    }

    #[test]
    fn a_floor_and_a_cell() {
        let cell = distribution([
            Estimate::Value { value: 1_650, low: Some(1_640), high: Some(1_660) },
            Estimate::Value { value: 2_500, low: Some(2_400), high: None },
            Estimate::NotEnough { needed: 1_000 },
        ]);
        let curves = [
            Curve {
                label: "container",
                style: Style::Series(0),
                values: &[(1_600, 20), (1_650, 50), (2_500, 28), (60_000, 2)],
                distribution: Some(&cell),
            },
            Curve { label: "floor", style: Style::Floor, values: &[(1_200, 90), (1_900, 10)], distribution: None },
        ];
        let figure = percentiles("Latency", &curves);
        insta::assert_snapshot!("percentiles.svg", figure.standalone());
        insta::assert_snapshot!("percentiles.csv", figure.csv());
    }

    #[test]
    fn nothing_to_show_is_said() {
        assert!(percentiles("Latency", &[]).standalone().contains("No packets"));
        let none = [Curve { label: "container", style: Style::Series(0), values: &[], distribution: None }];
        assert!(percentiles("Latency", &none).standalone().contains("No packets"));
    }

    /// A million different values give a drawing of a few thousand steps, and the furthest packet is always in it.
    #[test]
    fn curves_are_thinned_to_what_can_be_seen() {
        let values: Vec<_> = (1_000..1_001_000).map(|value| (value, 1)).collect();
        let figure =
            percentiles("Latency", &[Curve { label: "many", style: Style::Series(0), values: &values, distribution: None }]);
        assert!(figure.csv().lines().count() < 4_000);
        assert!(figure.csv().lines().last().unwrap().ends_with(",1000999,1"));
    }
}
