//! Gaps between neighbouring packets, as they left and as they came in: one panel per cell. What the device does to the spacing of packets
//! is the difference between the two; what the instrument does alone is drawn in grey.

use std::fmt::Write as _;

use super::frame::Legend;
use super::frame::WIDTH;
use super::grid::{Grid, MOST};
use super::histogram::{axis, shapes};
use super::svg::Svg;
use super::theme::Style;
use super::{Figure, csv_field, empty, number};
use crate::plot::axis::Axis;

/// How the two ends of the path are drawn, in every panel alike.
const SENT: Style = Style::Series(11);
const RECEIVED: Style = Style::Series(0);

/// The gaps of one cell in buckets of equal width: lower bound, ns, ascending, and count.
#[derive(Debug, Clone, Copy)]
pub struct Gaps<'a> {
    /// Name of the cell.
    pub label: &'a str,
    /// How the cell is drawn elsewhere: its marker stands beside its name.
    pub style: Style,
    /// Between packets as they were sent.
    pub sent: &'a [(u64, u64)],
    /// Between packets as they were received.
    pub received: &'a [(u64, u64)],
    /// The latter of the instrument alone.
    pub floor: &'a [(u64, u64)],
}

/// What is drawn of a cell: which end, how, and its buckets.
type Kind<'a> = (&'static str, Style, &'a [(u64, u64)]);

impl Gaps<'_> {
    fn kinds(&self) -> [Kind<'_>; 3] {
        [
            ("received without the device", Style::Floor, self.floor),
            ("sent", SENT, self.sent),
            ("received", RECEIVED, self.received),
        ]
    }
}

/// Draws a panel for each of the first cells; the buckets are all `width` ns wide.
pub fn gaps(width: u64, cells: &[Gaps<'_>]) -> Figure {
    let width = width.max(1);
    let mut csv = "series,end,from_ns,to_ns,packets\n".to_owned();
    for cell in cells {
        for (kind, _, buckets) in cell.kinds().into_iter().filter(|(_, style, _)| *style != Style::Floor) {
            for (from, count) in buckets.iter().filter(|(_, count)| *count > 0) {
                let _ = writeln!(csv, "{},{kind},{from},{},{count}", csv_field(cell.label), from.saturating_add(width));
            }
        }
    }
    let drawn = &cells[..cells.len().min(MOST)];
    let all =
        || drawn.iter().flat_map(|cell| cell.kinds().map(|(_, _, buckets)| buckets)).flatten().filter(|(_, count)| *count > 0);
    let (least, greatest) = (all().map(|(from, _)| *from).min(), all().map(|(from, _)| from.saturating_add(width)).max());
    let (Some(least), Some(greatest), Some(most)) = (least, greatest, all().map(|(_, count)| *count).max()) else {
        return empty("gaps", "Gaps between packets, without data", csv);
    };
    let shown =
        |wanted: Style| drawn.iter().any(|cell| cell.kinds().iter().any(|(_, style, of)| *style == wanted && !of.is_empty()));
    let names = [(SENT, "sent"), (RECEIVED, "received"), (Style::Floor, "received without the device")];
    let legend = Legend::new(names.into_iter().filter(|(style, _)| shown(*style)));
    let grid = Grid::new(drawn.len(), legend.height + 50.0, 250.0);
    let x = axis(least, greatest, width, grid.room(64.0));
    let y = Axis::log_count(most as f64);
    let (from, to) = (number::time(least), number::time(greatest));
    let labels: Vec<_> = drawn.iter().map(|cell| cell.label).collect();
    let description =
        format!("Gaps between neighbouring packets, sent and received: {}. From {from} to {to}.", labels.join(", "));
    let mut svg = Svg::new(WIDTH, grid.bottom() + 50.0, &description);
    svg.announce("gaps", &grid.frame(0, &x, &y));
    legend.draw(&mut svg);
    grid.name_axes(
        &mut svg,
        "Gap between neighbouring packets",
        &format!("Packets in each {}, logarithmic", number::tick(width as f64)),
    );
    for (index, cell) in drawn.iter().enumerate() {
        let frame = grid.frame(index, &x, &y);
        grid.begin(&mut svg, index, &frame, cell.label, Some(cell.style));
        for (kind, style, buckets) in cell.kinds().into_iter().filter(|(_, _, buckets)| !buckets.is_empty()) {
            let (area, outline) = shapes(buckets, width, &frame);
            svg.begin_series(kind, style);
            if style == RECEIVED {
                svg.path(&format!("area {}", style.class()), &area);
            }
            svg.path(&format!("{} thin", style.line_class()), &outline);
            svg.end();
        }
        svg.end();
    }
    Figure { svg, csv }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_that_bunches_packets() {
        let sent = [(99_900, 40), (100_000, 900), (100_100, 60)];
        let received = [(200, 12), (1_500, 80), (99_800, 300), (100_000, 500), (199_900, 90)];
        let floor = [(99_800, 3), (100_000, 990)];
        let cell = |label, style| Gaps { label, style, sent: &sent, received: &received, floor: &floor };
        let figure = gaps(100, &[cell("host", Style::Series(0)), cell("container", Style::Series(1))]);
        insta::assert_snapshot!("gaps.svg", figure.standalone());
        insta::assert_snapshot!("gaps.csv", figure.csv());
    }

    #[test]
    fn nothing_to_show_is_said() {
        assert!(gaps(0, &[]).standalone().contains("No packets"));
    }
}
