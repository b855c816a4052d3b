//! Small multiples: panels of one size in rows and columns, all with the same axes, each named above it (Tufte, "Envisioning
//! Information", 1990, chapter 4).

use super::axis::Axis;
use super::frame::{Frame, WIDTH, shorten};
use super::svg::{Anchor, Svg, text_width};
use super::theme::Style;

/// Where the panels begin and end, pixels.
const LEFT: f64 = 74.0;
const RIGHT: f64 = WIDTH - 34.0;

/// Between two panels: beside each other, and below each other with the name of the lower one, pixels.
const BESIDE: f64 = 22.0;
const BELOW: f64 = 44.0;

/// Most panels of one drawing; what more there is stands in the CSV.
pub(super) const MOST: usize = 24;

/// Where so many panels lie.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Grid {
    count: usize,
    columns: usize,
    /// Upper edge of the first row, pixels.
    top: f64,
    width: f64,
    height: f64,
}

impl Grid {
    /// So many panels, the first row from `top` on; a panel that stands alone is `alone` pixels high.
    pub(super) fn new(count: usize, top: f64, alone: f64) -> Self {
        let (columns, height) = match count {
            0 | 1 => (1, alone),
            2..=4 => (2, 170.0),
            5..=9 => (3, 140.0),
            _ => (4, 116.0),
        };
        Self::with_columns(count, columns, top, height)
    }

    /// So many panels in a given number of columns.
    pub(super) fn with_columns(count: usize, columns: usize, top: f64, height: f64) -> Self {
        let columns = columns.max(1);
        let width = (RIGHT - LEFT - BESIDE * (columns as f64 - 1.0)) / columns as f64;
        Self { count, columns, top, width, height }
    }

    /// How many labels of an axis fit below a panel, each so many pixels wide.
    pub(super) fn room(&self, label: f64) -> usize {
        let mut room = 2;
        while (room + 1) as f64 * label <= self.width {
            room += 1;
        }
        room
    }

    /// Lower edge of the last row, pixels.
    pub(super) fn bottom(&self) -> f64 {
        let rows = self.count.div_ceil(self.columns).max(1) as f64;
        self.top + rows * self.height + (rows - 1.0) * BELOW
    }

    /// The frame of a panel, counted along the rows.
    pub(super) fn frame(&self, index: usize, x: &Axis, y: &Axis) -> Frame {
        let (row, column) = ((index / self.columns) as f64, (index % self.columns) as f64);
        let left = LEFT + column * (self.width + BESIDE);
        let top = self.top + row * (self.height + BELOW);
        Frame { left, right: left + self.width, top, bottom: top + self.height, x: x.clone(), y: y.clone() }
    }

    /// Opens a panel and draws its grid, its name and, at the edges of the drawing, the labels of its axes. The caller draws what is in
    /// it, and ends it.
    pub(super) fn begin(&self, svg: &mut Svg, index: usize, frame: &Frame, title: &str, style: Option<Style>) {
        svg.begin_panel(title, frame);
        frame.draw_y_lines(svg);
        frame.draw_x_lines(svg);
        if index.is_multiple_of(self.columns) {
            frame.label_y(svg);
        }
        if index + self.columns >= self.count {
            if self.columns > 1 { frame.label_x_within(svg) } else { frame.label_x(svg) }
        }
        let mut from = frame.left;
        if let Some(style) = style {
            svg.path(&format!("mark {}", style.class()), &style.marker((from + 6.0, frame.top - 12.5), 4.5));
            from += 17.0;
        }
        svg.text("strong small", Anchor::Start, (from, frame.top - 8.0), &fitting(title, frame.right - from));
    }

    /// Names both axes: the vertical one above the first row, the horizontal one below the last.
    pub(super) fn name_axes(&self, svg: &mut Svg, x: &str, y: &str) {
        svg.text("soft small", Anchor::Start, (8.0, self.top - 31.0), y);
        svg.text("soft small", Anchor::Middle, (f64::midpoint(LEFT, RIGHT), self.bottom() + 38.0), x);
    }
}

/// The text, cut so that it fits a width in pixels.
pub(super) fn fitting(text: &str, width: f64) -> String {
    let mut most = text.chars().count();
    let mut cut = text.to_owned();
    while most > 1 && text_width(&cut, 12.0) > width {
        most -= 1;
        cut = shorten(text, most);
    }
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panels_lie_beside_and_below_each_other() {
        for count in 1..=MOST {
            let grid = Grid::new(count, 60.0, 250.0);
            let axis = Axis::log_time(1_000.0, 100_000.0, grid.room(60.0));
            let frames: Vec<_> = (0..count).map(|index| grid.frame(index, &axis, &axis)).collect();
            for (index, one) in frames.iter().enumerate() {
                assert!(one.left >= LEFT && one.right <= RIGHT + 0.01 && one.bottom <= grid.bottom() + 0.01, "{count}");
                for other in &frames[..index] {
                    let apart =
                        other.right < one.left || one.right < other.left || other.bottom < one.top || one.bottom < other.top;
                    assert!(apart, "{count}");
                }
            }
        }
    }

    #[test]
    fn long_names_are_cut() {
        assert_eq!(fitting("container", 200.0), "container");
        let cut = fitting(&"container, ".repeat(20), 200.0);
        assert!(cut.ends_with('…') && text_width(&cut, 12.0) <= 200.0, "{cut}");
    }
}
