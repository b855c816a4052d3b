//! The complementary distribution: which share of the packets took at least so long, both axes logarithmic. A straight line is a power law,
//! a cliff a bound, a shelf a second way through the device.

use std::fmt::Write as _;

use super::axis::Axis;
use super::frame::{Frame, Legend, WIDTH};
use super::percentiles::Curve;
use super::stairs::{ENOUGH, Stair, thin, total};
use super::svg::{Anchor, Path, Svg};
use super::theme::Style;
use super::{Figure, csv_field, empty, number};

/// Height of the area between the axes, pixels.
const HEIGHT: f64 = 340.0;

/// Draws the curves of packets. `what` names the quantity on the horizontal axis, for example `Latency`.
pub fn ccdf(what: &str, curves: &[Curve<'_>]) -> Figure {
    let mut csv = "series,latency_ns,share_at_least,packets_at_least\n".to_owned();
    let values = || curves.iter().flat_map(|curve| curve.values).map(|(value, _)| *value);
    let (Some(least), Some(greatest)) = (values().min(), values().max()) else {
        return empty("ccdf", "Complementary distribution, without data", csv);
    };
    let most = curves.iter().map(|curve| total(curve.values)).max().unwrap_or(1).max(1);
    let legend = Legend::new(curves.iter().map(|curve| (curve.style, curve.label)));
    let top = legend.height + 34.0;
    let (x, y) = (Axis::log_time(least as f64, greatest as f64, 13), Axis::log_share((1.0 / most as f64).max(1e-7)));
    let frame = Frame { left: 82.0, right: WIDTH - 34.0, top, bottom: top + HEIGHT, x, y };
    let labels: Vec<_> = curves.iter().map(|curve| curve.label).collect();
    let (from, to) = (number::time(least), number::time(greatest));
    let description = format!("Share of packets that took at least so long: {}. From {from} to {to}.", labels.join(", "));
    let mut svg = Svg::new(WIDTH, frame.bottom + 50.0, &description);
    svg.announce("ccdf", &frame);
    frame.draw_y(&mut svg);
    frame.draw_x(&mut svg);
    frame.name_y(&mut svg, "Share of packets that took at least so long");
    frame.name_x(&mut svg, what);
    legend.draw(&mut svg);
    let (floors, rest): (Vec<&Curve<'_>>, Vec<&Curve<'_>>) = curves.iter().partition(|curve| curve.style == Style::Floor);
    for curve in floors.into_iter().chain(rest) {
        let stairs = thin(curve.values, |stair| frame.at(stair.value as f64, stair.share()));
        let (solid, faint) = falling(&stairs, &frame);
        let class = curve.style.line_class();
        svg.begin_series(curve.label, curve.style);
        svg.path(&class, &solid);
        svg.path(&format!("{class} faint thin"), &faint);
        svg.end();
        for stair in &stairs {
            let (label, value, share, beyond) = (csv_field(curve.label), stair.value, stair.share(), stair.beyond);
            let _ = writeln!(csv, "{label},{value},{share:.9},{beyond}");
        }
    }
    let note = (frame.left + 8.0, frame.bottom - 10.0);
    svg.text("soft small", Anchor::Start, note, "Faint: fewer than ten packets.");
    Figure { svg, csv }
}

/// From the left edge down to the last packet; the second path is where fewer than [`ENOUGH`] are left.
fn falling(stairs: &[Stair], frame: &Frame) -> (Path, Path) {
    let (mut solid, mut faint) = (Path::default(), Path::default());
    let Some(first) = stairs.first() else { return (solid, faint) };
    let trusted = |stair: &Stair| stair.beyond as f64 >= ENOUGH;
    let start = frame.at(frame.x.from, 1.0);
    let mut on_faint = !trusted(first);
    if on_faint {
        faint.move_to(start);
    } else {
        solid.move_to(start);
    }
    for (index, stair) in stairs.iter().enumerate() {
        let across = frame.across(stair.value as f64);
        if on_faint {
            faint.across_to(across);
        } else {
            solid.across_to(across);
        }
        let down = stairs.get(index + 1).map_or(frame.bottom, |next| frame.down(next.share()));
        if !on_faint && stairs.get(index + 1).is_none_or(|next| !trusted(next)) {
            let limit =
                frame.down(ENOUGH / first.total as f64).clamp(frame.down(stair.share()), down.max(frame.down(stair.share())));
            solid.down_to(limit);
            faint.move_to((across, limit));
            on_faint = true;
        }
        if on_faint { faint.down_to(down) } else { solid.down_to(down) }
    }
    (solid, faint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_floor_and_a_cell() {
        let curves = [
            Curve {
                label: "container",
                style: Style::Series(0),
                values: &[(1_600, 200), (1_650, 500), (2_500, 280), (9_000, 18), (60_000, 2)],
                distribution: None,
            },
            Curve { label: "floor", style: Style::Floor, values: &[(1_200, 90), (1_900, 10)], distribution: None },
        ];
        let figure = ccdf("Latency", &curves);
        insta::assert_snapshot!("ccdf.svg", figure.standalone());
        insta::assert_snapshot!("ccdf.csv", figure.csv());
    }

    #[test]
    fn nothing_to_show_is_said() {
        assert!(ccdf("Latency", &[]).standalone().contains("No packets"));
    }
}
