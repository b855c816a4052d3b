//! Histograms of times in buckets of equal width: latency, lateness, gaps between packets. Counts are logarithmic, as a tail of
//! single packets beside a bulk of hundreds of thousands is what one looks for.

use std::fmt::Write as _;

use super::axis::{Axis, Scale, Tick};
use super::frame::{Frame, Legend, WIDTH};
use super::svg::{Path, Svg};
use super::theme::Style;
use super::{Figure, csv_field, empty, number};

/// Height of the area between the axes, pixels.
const HEIGHT: f64 = 250.0;

/// From this ratio of the greatest to the least time on, times are drawn logarithmically.
const WIDE: f64 = 30.0;

/// One histogram.
#[derive(Debug, Clone, Copy)]
pub struct Histogram<'a> {
    /// Name in the legend.
    pub label: &'a str,
    /// How it is drawn.
    pub style: Style,
    /// Lower bound of each bucket that is not empty, ns, ascending, with its count.
    pub buckets: &'a [(u64, u64)],
}

/// Sorts exact values (ascending, ns, with how often each occurred) into buckets of `width` ns.
pub fn buckets(values: &[(u64, u64)], width: u64) -> Vec<(u64, u64)> {
    let width = width.max(1);
    let mut buckets: Vec<(u64, u64)> = Vec::new();
    for &(value, count) in values.iter().filter(|(_, count)| *count > 0) {
        let start = value / width * width;
        match buckets.last_mut() {
            Some(last) if last.0 == start => last.1 += count,
            _ => buckets.push((start, count)),
        }
    }
    buckets
}

/// Draws histograms of packets whose buckets are all `width` ns wide over each other. `what` names the quantity on the horizontal axis.
pub fn histogram(what: &str, width: u64, histograms: &[Histogram<'_>]) -> Figure {
    histogram_of("Packets", what, width, histograms)
}

/// Draws histograms of `things`, in the plural and as a sentence begins, for example `Wake-ups`.
pub fn histogram_of(things: &str, what: &str, width: u64, histograms: &[Histogram<'_>]) -> Figure {
    let width = width.max(1);
    let mut csv = format!("series,from_ns,to_ns,{}\n", things.to_ascii_lowercase().replace('-', "_"));
    let all = histograms.iter().flat_map(|histogram| histogram.buckets).filter(|(_, count)| *count > 0);
    let least = all.clone().map(|(start, _)| *start).min();
    let greatest = all.clone().map(|(start, _)| start.saturating_add(width)).max();
    let most = all.map(|(_, count)| *count).max();
    let (Some(least), Some(greatest), Some(most)) = (least, greatest, most) else {
        return empty("histogram", &format!("Histogram of {what}, without data"), csv);
    };
    let legend = Legend::new(histograms.iter().map(|histogram| (histogram.style, histogram.label)));
    let top = legend.height + 34.0;
    let x = axis(least, greatest, width, 13);
    let frame = Frame { left: 74.0, right: WIDTH - 34.0, top, bottom: top + HEIGHT, x, y: Axis::log_count(most as f64) };
    let labels: Vec<_> = histograms.iter().map(|histogram| histogram.label).collect();
    let (from, to) = (number::time(least), number::time(greatest));
    let description = format!("Histogram of {what}: {}. From {from} to {to}; counts are logarithmic.", labels.join(", "));
    let mut svg = Svg::new(WIDTH, frame.bottom + 50.0, &description);
    svg.announce("histogram", &frame);
    frame.draw_y(&mut svg);
    frame.draw_x(&mut svg);
    frame.name_y(&mut svg, &format!("{things} in each {}", number::tick(width as f64)));
    frame.name_x(&mut svg, what);
    legend.draw(&mut svg);
    for histogram in histograms {
        let (area, outline) = shapes(histogram.buckets, width, &frame);
        let class = histogram.style.class();
        svg.begin_series(histogram.label, histogram.style);
        svg.path(&format!("area {class}"), &area);
        svg.path(&format!("{} thin", histogram.style.line_class()), &outline);
        svg.end();
        for (start, count) in histogram.buckets.iter().filter(|(_, count)| *count > 0) {
            let _ = writeln!(csv, "{},{start},{},{count}", csv_field(histogram.label), start.saturating_add(width));
        }
    }
    Figure { svg, csv }
}

/// The axis of buckets of `width` ns from `least` to `greatest`, with room for so many labels: logarithmic where they lie far apart.
pub(super) fn axis(least: u64, greatest: u64, width: u64, room: usize) -> Axis {
    // The bucket from 0 has no place on a logarithmic axis; it is drawn from half its width on.
    let first = (least as f64).max(width as f64 / 2.0);
    if greatest as f64 / first > WIDE {
        from_zero(Axis::log_time(first, greatest as f64, room), least, width)
    } else {
        Axis::linear_time(least as f64, greatest as f64, room.min(8) as f64)
    }
}

/// Where the first bucket begins at 0, the beginning of a logarithmic axis stands for it.
fn from_zero(mut axis: Axis, least: u64, width: u64) -> Axis {
    if least == 0 {
        axis.ticks.retain(|tick| tick.at >= width as f64);
        axis.ticks.insert(0, Tick { at: axis.from, label: Some(number::tick(0.0)) });
    }
    axis
}

/// The filled area and its outline. Of buckets narrower than half a pixel the highest is drawn.
pub(super) fn shapes(buckets: &[(u64, u64)], width: u64, frame: &Frame) -> (Path, Path) {
    let (mut area, mut outline) = (Path::default(), Path::default());
    let mut right = f64::NEG_INFINITY;
    for (from, to, count) in columns(buckets, width, frame) {
        let top = frame.down(count as f64);
        if from - right > 0.51 {
            if right.is_finite() {
                for path in [&mut area, &mut outline] {
                    path.down_to(frame.bottom);
                }
            }
            for path in [&mut area, &mut outline] {
                path.move_to((from, frame.bottom));
            }
        }
        for path in [&mut area, &mut outline] {
            path.down_to(top);
            path.across_to(to);
        }
        right = to;
    }
    if right.is_finite() {
        for path in [&mut area, &mut outline] {
            path.down_to(frame.bottom);
        }
    }
    (area, outline)
}

/// Columns of at least half a pixel: left, right, count.
fn columns(buckets: &[(u64, u64)], width: u64, frame: &Frame) -> Vec<(f64, f64, u64)> {
    let mut columns: Vec<(f64, f64, u64)> = Vec::new();
    for &(start, count) in buckets.iter().filter(|(_, count)| *count > 0) {
        let from_value = if frame.x.scale == Scale::Log { (start as f64).max(frame.x.from) } else { start as f64 };
        let (from, to) = (frame.across(from_value), frame.across(start.saturating_add(width) as f64));
        match columns.last_mut() {
            Some(last) if to - last.0 < 0.5 => {
                last.1 = to;
                last.2 = last.2.max(count);
            }
            _ => columns.push((from, to.max(from + 0.5), count)),
        }
    }
    columns
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn two_modes_and_a_tail() {
        let values = [(0, 3), (1_610, 80_000), (1_699, 20_000), (1_700, 900), (2_450, 30_000), (61_250, 1), (61_299, 2)];
        let figure = histogram(
            "Latency",
            100,
            &[Histogram { label: "container", style: Style::Series(0), buckets: &buckets(&values, 100) }],
        );
        insta::assert_snapshot!("histogram.svg", figure.standalone());
        insta::assert_snapshot!("histogram.csv", figure.csv());
    }

    #[test]
    fn nothing_to_show_is_said() {
        let figure = histogram("Latency", 100, &[]);
        assert!(figure.standalone().contains("No packets"));
        assert_eq!(figure.csv().lines().count(), 1);
    }

    proptest! {
        #[test]
        fn buckets_keep_every_packet(mut values in proptest::collection::vec((0u64..100_000, 0u64..5), 0..50), width in 0u64..500) {
            values.sort_unstable();
            let sorted = buckets(&values, width);
            prop_assert_eq!(sorted.iter().map(|(_, count)| count).sum::<u64>(), values.iter().map(|(_, count)| count).sum::<u64>());
            prop_assert!(sorted.windows(2).all(|pair| pair[0].0 < pair[1].0));
        }
    }
}
