//! How long the phases of a life take: a block per phase, a row per environment, a mark per repeat, all on one time axis.

use std::fmt::Write as _;

use super::axis::Axis;
use super::frame::{Frame, WIDTH, shorten};
use super::svg::{Anchor, Svg, text_width};
use super::theme::Style;
use super::{Figure, csv_field, empty, number};

/// Height of a row, pixels.
const ROW: f64 = 26.0;

/// Height of a block's title, pixels.
const TITLE: f64 = 30.0;

/// A row: one environment in one phase.
#[derive(Debug, Clone)]
pub struct Row<'a> {
    /// Name of the environment.
    pub label: &'a str,
    /// How it is drawn; `None` for a figure published elsewhere, which is drawn hollow.
    pub style: Option<Style>,
    /// The time of each repeat, ns.
    pub times: Vec<u64>,
}

/// A phase with its rows.
#[derive(Debug, Clone)]
pub struct Block<'a> {
    /// The phase.
    pub title: String,
    /// One a row.
    pub rows: Vec<Row<'a>>,
}

/// Draws the blocks one below the other.
pub fn phases(blocks: &[Block<'_>]) -> Figure {
    let mut csv = "phase,environment,published_elsewhere,time_ns\n".to_owned();
    let times = || blocks.iter().flat_map(|block| &block.rows).flat_map(|row| row.times.iter().copied());
    let (Some(least), Some(greatest)) = (times().min(), times().max()) else {
        return empty("phases", "Times of the phases of a life, without data", csv);
    };
    let rows = || blocks.iter().flat_map(|block| &block.rows);
    let longest = rows().map(|row| text_width(&shorten(row.label, 40), 13.0)).fold(80.0, f64::max);
    let (left, right) = (longest + 40.0, WIDTH - 24.0);
    let height: f64 = blocks.iter().map(|block| TITLE + ROW * block.rows.len() as f64).sum();
    let mut svg = Svg::new(WIDTH, height + 64.0, &describe(blocks));
    let x = Axis::log_time((least as f64 * 0.8).max(1.0), greatest as f64 * 1.25, 8);
    let frame = Frame { left, right, top: 8.0, bottom: height + 8.0, x, y: Axis::rows(rows().count()) };
    svg.announce("phases", &frame);
    frame.draw_x(&mut svg);
    let mut y = 8.0;
    let mut row_below = rows().count() as f64;
    for block in blocks {
        svg.text("strong", Anchor::Start, (8.0, y + 20.0), &block.title);
        y += TITLE;
        for row in &block.rows {
            row_below -= 1.0;
            draw_row(&mut svg, &frame, row, &block.title, (y + ROW / 2.0, row_below + 0.5));
            y += ROW;
            for time in &row.times {
                let _ = writeln!(csv, "{},{},{},{time}", block.title, csv_field(row.label), row.style.is_none());
            }
        }
    }
    let explained = "One mark per repeat; hollow: published elsewhere, on other hardware";
    svg.text("soft small", Anchor::Middle, (f64::midpoint(left, right), height + 52.0), explained);
    Figure { svg, csv }
}

fn draw_row(svg: &mut Svg, frame: &Frame, row: &Row<'_>, phase: &str, (y, number): (f64, f64)) {
    let colour = row.style.map_or_else(|| "hollow".to_owned(), |style| format!("mark {}", style.class()));
    let style = row.style.unwrap_or(Style::Floor);
    let soft = if row.style.is_none() { "soft" } else { "" };
    svg.path(&colour, &style.marker((14.0, y), 4.2));
    svg.text(soft, Anchor::Start, (26.0, y + 4.5), &shorten(row.label, 40));
    let (Some(least), Some(greatest)) = (row.times.iter().min(), row.times.iter().max()) else { return };
    svg.begin_series(row.label, style);
    if let (Some(style), true) = (row.style, least < greatest) {
        svg.line(&format!("faint {}", style.class()), frame_point(frame, *least, y), frame_point(frame, *greatest, y));
    }
    for time in &row.times {
        let title = format!("{phase}, {}: {}", row.label, number::time(*time));
        svg.point(&colour, &style.marker(frame_point(frame, *time, y), 4.2), (*time as f64, number), &title);
    }
    svg.end();
}

fn frame_point(frame: &Frame, time: u64, y: f64) -> (f64, f64) {
    (frame.across(time as f64), y)
}

fn describe(blocks: &[Block<'_>]) -> String {
    let mut text = "How long the phases of a life take.".to_owned();
    for block in blocks {
        for row in block.rows.iter().filter(|row| row.style.is_some()) {
            if let (Some(least), Some(greatest)) = (row.times.iter().min(), row.times.iter().max()) {
                let _ = write!(text, " {}, {}: {} to {}.", block.title, row.label, number::time(*least), number::time(*greatest));
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measured_and_published_stand_apart() {
        let measured = |label, n, times| Row { label, style: Some(Style::Series(n)), times };
        let blocks = [Block {
            title: "boot".to_owned(),
            rows: vec![
                measured("container", 0, vec![9_000_000, 11_000_000]),
                measured("guest (TCG)", 1, vec![2_900_000_000]),
                Row { label: "KVM (Clemson 2013)", style: None, times: vec![5_860_000_000] },
            ],
        }];
        let figure = phases(&blocks);
        insta::assert_snapshot!("phases.svg", figure.standalone());
        insta::assert_snapshot!("phases.csv", figure.csv());
    }

    #[test]
    fn nothing_to_show_is_said() {
        assert!(phases(&[]).csv().lines().count() == 1);
    }
}
