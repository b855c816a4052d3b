//! Packet rates over time, before and after the device.

use std::fmt::Write as _;

use super::axis::Axis;
use super::frame::{Frame, Legend, WIDTH};
use super::svg::{Path, Svg};
use super::theme::Style;
use super::{Figure, csv_field, empty, number};

/// Height of the area between the axes, pixels.
const HEIGHT: f64 = 180.0;

/// Most points drawn of one series: about two to a pixel of width.
const MOST: u64 = 1_600;

/// Packets counted in equal intervals.
#[derive(Debug, Clone, Copy)]
pub struct Rate<'a> {
    /// Name in the legend.
    pub label: &'a str,
    /// How it is drawn.
    pub style: Style,
    /// Number of each interval that had packets, ascending and counted from anywhere, with how many.
    pub packets: &'a [(u64, u64)],
}

/// Draws the rates; all intervals are `interval` ns long, and the earliest of all series is at the beginning. Long recordings are
/// drawn as the mean rate of several intervals, and the CSV holds these means.
pub fn rates(interval: u64, series: &[Rate<'_>]) -> Figure {
    let mut csv = "series,from_ns,packets_per_second\n".to_owned();
    let numbers = series.iter().flat_map(|rate| rate.packets).map(|(number, _)| *number);
    let (Some(first), Some(last)) = (numbers.clone().min(), numbers.max()) else {
        return empty("rates", "Packet rates, without data", csv);
    };
    let span = Span { first, intervals: (last - first).saturating_add(1), interval: interval.max(1) };
    let width = span.interval as f64 * span.merged() as f64;
    let drawn: Vec<Vec<f64>> = series.iter().map(|rate| means(rate.packets, &span)).collect();
    let most = drawn.iter().flatten().copied().fold(0.0, f64::max);
    let legend = Legend::new(series.iter().map(|rate| (rate.style, rate.label)));
    let top = legend.height + 34.0;
    let end = span.intervals as f64 * span.interval as f64;
    let x = Axis::linear_time(0.0, end, 8.0);
    let frame = Frame {
        left: 74.0,
        right: WIDTH - 34.0,
        top,
        bottom: top + HEIGHT,
        x,
        y: Axis::linear_rate(0.0, (most * 1.02).max(1.0), 4.0),
    };
    let mut svg = Svg::new(WIDTH, frame.bottom + 50.0, &format!("Packets per second over time, up to {}.", number::plain(most)));
    svg.announce("rates", &frame);
    frame.draw_y(&mut svg);
    frame.draw_x(&mut svg);
    frame.name_y(&mut svg, "Packets per second");
    frame.name_x(&mut svg, "Time since the recording began");
    legend.draw(&mut svg);
    for (rate, means) in series.iter().zip(&drawn) {
        let mut path = Path::default();
        let mut at = 0.0;
        for (index, mean) in means.iter().enumerate() {
            let place = frame.at(at, *mean);
            if index == 0 {
                path.move_to(place);
            } else {
                path.down_to(place.1);
            }
            path.across_to(frame.across(f64::min(at + width, end)));
            let _ = writeln!(csv, "{},{at:.0},{}", csv_field(rate.label), number::plain(*mean));
            at += width;
        }
        svg.begin_series(rate.label, rate.style);
        svg.path(&format!("{} thin", rate.style.line_class()), &path);
        svg.end();
    }
    Figure { svg, csv }
}

/// What all series cover together.
struct Span {
    first: u64,
    intervals: u64,
    interval: u64,
}

impl Span {
    /// How many intervals are drawn as one.
    fn merged(&self) -> u64 {
        self.intervals.div_ceil(MOST)
    }
}

/// Packets per second over each so many merged intervals. At most [`MOST`] of them, however far apart two clocks say they are.
fn means(packets: &[(u64, u64)], span: &Span) -> Vec<f64> {
    let merged = span.merged();
    let mut sums = vec![0; usize::try_from(span.intervals.div_ceil(merged)).unwrap_or(0)];
    for (number, count) in packets {
        let slot = usize::try_from((number - span.first) / merged).ok().and_then(|slot| sums.get_mut(slot));
        if let Some(sum) = slot {
            *sum += count;
        }
    }
    let covered = (0..).map(|slot| merged.min(span.intervals - slot * merged));
    sums.iter().zip(covered).map(|(sum, covered)| *sum as f64 / (covered as f64 * span.interval as f64 / 1e9)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dip_after_the_device() {
        let series = [
            Rate { label: "before", style: Style::Series(0), packets: &[(50, 1_000), (51, 1_000), (52, 1_000), (53, 1_000)] },
            Rate { label: "after", style: Style::Series(1), packets: &[(50, 1_000), (51, 400), (53, 1_600)] },
        ];
        let figure = rates(100_000_000, &series);
        insta::assert_snapshot!("rates.svg", figure.standalone());
        insta::assert_snapshot!("rates.csv", figure.csv());
    }

    #[test]
    fn long_recordings_are_averaged_and_nothing_is_said_when_there_is_nothing() {
        let packets: Vec<_> = (7..10_007).map(|number| (number, 5)).collect();
        let figure = rates(1_000_000, &[Rate { label: "before", style: Style::Series(0), packets: &packets }]);
        assert!(figure.csv().lines().count() <= 1_601);
        assert!(figure.csv().lines().skip(1).all(|line| line.ends_with(",5000")));
        assert!(rates(0, &[]).standalone().contains("No packets"));
    }

    /// One packet stamped 0 and one stamped today must not cost memory for every second in between.
    #[test]
    fn clocks_that_disagree_cost_nothing() {
        let packets = [(0, 10), (u64::MAX, 10)];
        let figure = rates(1_000_000_000, &[Rate { label: "odd", style: Style::Series(0), packets: &packets }]);
        assert!(figure.csv().lines().count() <= 1_601);
    }
}
