//! The HDR percentile diagram: latency against 1/(1 - percentile), both logarithmic, so that the tail gets as much room as the bulk.

use std::fmt::Write as _;

use tailbed_format::percentile::Percentile;
use tailbed_format::summary::{Distribution, Estimate};

use super::axis::Axis;
use super::frame::{Frame, Legend, WIDTH};
use super::svg::{Anchor, Path, Svg};
use super::theme::Style;
use super::{Figure, csv_field, empty, number};

/// Height of the area between the axes, pixels.
const HEIGHT: f64 = 400.0;

/// A percentile is reported only with at least this many observations beyond it.
const ENOUGH: f64 = 10.0;

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
    let values = curves.iter().flat_map(|curve| curve.values);
    let least = values.clone().map(|(value, _)| *value).min();
    let greatest = values.map(|(value, _)| *value).max();
    let mut csv = format!("series,percentile,one_in,latency_ns,{}_at_or_beyond\n", things.replace('-', "_"));
    let (Some(least), Some(greatest)) = (least, greatest) else {
        return empty(WIDTH, "Percentile diagram without data", csv);
    };
    let legend = Legend::new(curves.iter().map(|curve| (curve.style, curve.label)));
    let top = legend.height + 34.0;
    let (x, y) = (Axis::percentile(most), Axis::log_time(least as f64, greatest as f64, 12));
    let frame = Frame { left: 74.0, right: WIDTH - 34.0, top, bottom: top + HEIGHT, x, y };
    let mut svg = Svg::new(WIDTH, frame.bottom + 50.0, &describe(what, curves));
    script_hints(&mut svg, &frame);
    frame.draw_y(&mut svg);
    frame.draw_x(&mut svg);
    frame.name_y(&mut svg, what);
    frame.name_x(&mut svg, &format!("Percentile of {things}"));
    legend.draw(&mut svg);
    let (floors, rest): (Vec<&Curve<'_>>, Vec<&Curve<'_>>) = curves.iter().partition(|curve| curve.style == Style::Floor);
    for curve in floors.iter().chain(rest.iter()) {
        let stairs = thin(curve.values, &frame);
        draw_stairs(&mut svg, &frame, curve, &stairs);
        for stair in &stairs {
            let one_in = stair.total as f64 / stair.beyond as f64;
            let percentile = (stair.total - stair.beyond) as f64 / stair.total as f64 * 100.0;
            let (label, value, beyond) = (csv_field(curve.label), stair.value, stair.beyond);
            let _ = writeln!(csv, "{label},{percentile:.6},{one_in:.3},{value},{beyond}");
        }
    }
    let cells = rest.len() as f64;
    for (index, curve) in rest.iter().enumerate() {
        // Side by side by a few pixels, so that intervals at the same percentile do not hide each other.
        let shift = (index as f64 - (cells - 1.0) / 2.0) * f64::min(14.0 / cells, 5.0);
        draw_marks(&mut svg, &frame, curve, shift);
    }
    svg.text(
        "soft small",
        Anchor::End,
        (frame.right - 8.0, frame.bottom - 10.0),
        &format!("Faint: fewer than ten {things} lie beyond. Bars: 95 % intervals."),
    );
    Figure { svg, csv }
}

/// A step of the curve: from the share of packets below it on, latency is this value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stair {
    value: u64,
    beyond: u64,
    total: u64,
}

fn total(values: &[(u64, u64)]) -> u64 {
    values.iter().fold(0, |sum, (_, count)| sum.saturating_add(*count))
}

/// The stairs that differ by at least half a pixel; the last always stays.
fn thin(values: &[(u64, u64)], frame: &Frame) -> Vec<Stair> {
    let total = total(values);
    let mut stairs: Vec<Stair> = Vec::new();
    let mut below = 0;
    let mut last = (f64::NEG_INFINITY, f64::NEG_INFINITY);
    for (index, &(value, count)) in values.iter().enumerate() {
        let beyond = total - below;
        below += count;
        if count == 0 || beyond == 0 {
            continue;
        }
        let at = frame.at(total as f64 / beyond as f64, value as f64);
        if (at.0 - last.0).abs() >= 0.5 || (at.1 - last.1).abs() >= 0.5 || index + 1 == values.len() {
            stairs.push(Stair { value, beyond, total });
            last = at;
        }
    }
    stairs
}

fn draw_stairs(svg: &mut Svg, frame: &Frame, curve: &Curve<'_>, stairs: &[Stair]) {
    let Some(first) = stairs.first() else { return };
    let trusted_until = frame.across(first.total as f64 / ENOUGH);
    let end = frame.across(first.total as f64);
    let (mut solid, mut faint) = (Path::default(), Path::default());
    let start = frame.at(1.0, first.value as f64);
    let mut pen = start;
    let mut on_faint = start.0 >= trusted_until;
    if on_faint {
        faint.move_to(start);
    } else {
        solid.move_to(start);
    }
    let ends = stairs.iter().skip(1).map(|stair| frame.at(stair.total as f64 / stair.beyond as f64, stair.value as f64));
    for to in ends.chain([(end, f64::NAN)]) {
        if !on_faint && to.0 > trusted_until {
            solid.across_to(trusted_until);
            faint.move_to((trusted_until, pen.1));
            on_faint = true;
        }
        let path = if on_faint { &mut faint } else { &mut solid };
        path.across_to(to.0);
        if to.1.is_finite() {
            path.down_to(to.1);
            pen = to;
        }
    }
    let class = curve.style.line_class();
    svg.path(&class, &solid);
    svg.path(&format!("{class} faint thin"), &faint);
}

fn draw_marks(svg: &mut Svg, frame: &Frame, curve: &Curve<'_>, shift: f64) {
    let Some(distribution) = curve.distribution else { return };
    for row in &distribution.percentiles {
        let Estimate::Value { value, low, high } = row.estimate else { continue };
        let one_in = 1_000_000.0 / f64::from((1_000_000 - row.percentile.ppm()).max(1));
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
        svg.path_titled(&format!("mark {class}"), &curve.style.marker(at, 4.5), &title);
    }
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

/// Lets a script of the page turn the pointer's place back into values.
fn script_hints(svg: &mut Svg, frame: &Frame) {
    let area = format!("{} {} {} {}", frame.left, frame.right, frame.top, frame.bottom);
    svg.attribute("data-area", &area);
    svg.attribute("data-one-in", &frame.x.to.to_string());
    svg.attribute("data-ns", &format!("{} {}", frame.y.from, frame.y.to));
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
