//! Percentile diagrams as small multiples: a panel for each value of a swept factor, the cells that share it over each other, all panels to
//! the same scales, with the instrument's floor in each.

use super::axis::Axis;
use super::frame::{Legend, WIDTH};
use super::grid::{Grid, MOST};
use super::percentiles::Curve;
use super::stairs::{curve, thin, total};
use super::svg::Svg;
use super::theme::Style;
use super::{Figure, csv_field, empty};
use std::fmt::Write as _;

/// The cells that share the value of a factor.
#[derive(Debug, Clone)]
pub struct Panel<'a> {
    /// The value they share.
    pub title: String,
    /// They, with their floor.
    pub curves: Vec<Curve<'a>>,
}

/// Draws the panels. `what` names the quantity on the vertical axis; `legend` says which style stands for what in all panels.
pub fn multiples(what: &str, legend: &[(Style, String)], panels: &[Panel<'_>]) -> Figure {
    let mut csv = "panel,series,percentile,one_in,latency_ns\n".to_owned();
    let drawn = &panels[..panels.len().min(MOST)];
    let curves = || drawn.iter().flat_map(|panel| &panel.curves);
    let values = || curves().flat_map(|curve| curve.values).map(|(value, _)| *value);
    let (Some(least), Some(greatest)) = (values().min(), values().max()) else {
        return empty("multiples", "Percentile diagrams, without data", csv);
    };
    let most = curves().map(|curve| total(curve.values)).max().unwrap_or(0);
    let legend = Legend::new(legend.iter().map(|(style, label)| (*style, label.as_str())));
    let grid = Grid::new(drawn.len(), legend.height + 50.0, 300.0);
    let (x, y) = (Axis::percentile(most), Axis::log_time(least as f64, greatest as f64, 5));
    let titles: Vec<_> = drawn.iter().map(|panel| panel.title.as_str()).collect();
    let description = format!("{what} by percentile, a panel for each of {}. Both axes are logarithmic.", titles.join(", "));
    let mut svg = Svg::new(WIDTH, grid.bottom() + 50.0, &description);
    svg.announce("multiples", &grid.frame(0, &x, &y));
    legend.draw(&mut svg);
    grid.name_axes(&mut svg, "Percentile of packets", what);
    for (index, panel) in drawn.iter().enumerate() {
        let frame = grid.frame(index, &x, &y);
        grid.begin(&mut svg, index, &frame, &panel.title, None);
        for one in &panel.curves {
            let stairs = thin(one.values, |stair| frame.at(stair.one_in(), stair.value as f64));
            let (solid, faint) = curve(&stairs, &frame);
            let class = one.style.line_class();
            svg.begin_series(one.label, one.style);
            svg.path(&class, &solid);
            svg.path(&format!("{class} faint thin"), &faint);
            svg.end();
            for stair in &stairs {
                let percentile = (1.0 - stair.share()) * 100.0;
                let (title, label) = (csv_field(&panel.title), csv_field(one.label));
                let _ = writeln!(csv, "{title},{label},{percentile:.6},{:.3},{}", stair.one_in(), stair.value);
            }
        }
        svg.end();
    }
    Figure { svg, csv }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_rates_of_two_environments() {
        let (host, guest) = ([(1_600, 900), (1_900, 90), (9_000, 10)], [(2_600, 800), (4_900, 150), (90_000, 50)]);
        let floor = [(1_200, 990), (1_300, 10)];
        let curves = || {
            let one = |label, style, values| Curve { label, style, values, distribution: None };
            vec![
                one("host", Style::Series(0), &host[..]),
                one("guest", Style::Series(1), &guest[..]),
                one("floor", Style::Floor, &floor[..]),
            ]
        };
        let panels = ["10kpps", "100kpps", "1Mpps"].map(|title| Panel { title: title.to_owned(), curves: curves() });
        let legend = curves().iter().map(|curve| (curve.style, curve.label.to_owned())).collect::<Vec<_>>();
        let figure = multiples("One-way latency", &legend, &panels);
        insta::assert_snapshot!("multiples.svg", figure.standalone());
        insta::assert_snapshot!("multiples.csv", figure.csv());
    }

    #[test]
    fn nothing_to_show_is_said() {
        assert!(multiples("Latency", &[], &[]).standalone().contains("No packets"));
    }
}
