//! The frame of a plot: the area between the axes, its grid and labels, and the legend above it.

use super::axis::Axis;
use super::svg::{Anchor, Point, Svg, text_width};
use super::theme::Style;

/// Width of every plot, pixels of the view box.
pub(crate) const WIDTH: f64 = 960.0;

/// Font size of all text, pixels.
const FONT: f64 = 13.0;

/// Height of one line of the legend, pixels.
const LEGEND_LINE: f64 = 22.0;

/// The area between the axes, with the axes themselves.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Frame {
    /// Left edge, pixels.
    pub(crate) left: f64,
    /// Right edge, pixels.
    pub(crate) right: f64,
    /// Upper edge, pixels.
    pub(crate) top: f64,
    /// Lower edge, pixels.
    pub(crate) bottom: f64,
    /// The horizontal axis.
    pub(crate) x: Axis,
    /// The vertical axis.
    pub(crate) y: Axis,
}

impl Frame {
    /// Where a pair of values lies.
    pub(crate) fn at(&self, x: f64, y: f64) -> Point {
        (self.across(x), self.down(y))
    }

    /// Where a value of the horizontal axis lies.
    pub(crate) fn across(&self, x: f64) -> f64 {
        self.left + self.x.share(x) * (self.right - self.left)
    }

    /// Where a value of the vertical axis lies.
    pub(crate) fn down(&self, y: f64) -> f64 {
        self.bottom - self.y.share(y) * (self.bottom - self.top)
    }

    /// Draws grid, axis and labels of the horizontal axis.
    pub(crate) fn draw_x(&self, svg: &mut Svg) {
        self.draw_x_lines(svg);
        self.label_x(svg);
    }

    /// Draws grid and axis of the horizontal axis.
    pub(crate) fn draw_x_lines(&self, svg: &mut Svg) {
        for tick in &self.x.ticks {
            let x = self.across(tick.at);
            let class = if tick.label.is_some() { "grid" } else { "fine" };
            svg.line(class, (x, self.top), (x, self.bottom));
        }
        svg.line("axis", (self.left, self.bottom), (self.right, self.bottom));
    }

    /// Writes the labels of the horizontal axis, as many as fit beside each other.
    pub(crate) fn label_x(&self, svg: &mut Svg) {
        self.label_between(svg, f64::NEG_INFINITY, f64::INFINITY);
    }

    /// The same, but none reaches beyond the ends of the axis, where another panel's labels may begin.
    pub(crate) fn label_x_within(&self, svg: &mut Svg) {
        self.label_between(svg, self.left, self.right);
    }

    fn label_between(&self, svg: &mut Svg, least: f64, greatest: f64) {
        let mut free_from = f64::NEG_INFINITY;
        for tick in &self.x.ticks {
            if let Some(label) = &tick.label {
                let half = text_width(label, FONT) / 2.0;
                let x = self.across(tick.at).min(greatest - half).max(least + half);
                if x - half >= free_from && x + half <= greatest + 0.5 {
                    svg.text("", Anchor::Middle, (x, self.bottom + 18.0), label);
                    free_from = x + half + 4.0;
                }
            }
        }
    }

    /// Draws grid and labels of the vertical axis.
    pub(crate) fn draw_y(&self, svg: &mut Svg) {
        self.draw_y_lines(svg);
        self.label_y(svg);
    }

    /// Draws the grid of the vertical axis.
    pub(crate) fn draw_y_lines(&self, svg: &mut Svg) {
        for tick in &self.y.ticks {
            let y = self.down(tick.at);
            let class = if tick.label.is_some() { "grid" } else { "fine" };
            svg.line(class, (self.left, y), (self.right, y));
        }
    }

    /// Writes the labels of the vertical axis, as many as fit above each other.
    pub(crate) fn label_y(&self, svg: &mut Svg) {
        let mut free_below = f64::INFINITY;
        for tick in &self.y.ticks {
            let y = self.down(tick.at);
            if let Some(label) = &tick.label
                && y <= free_below
            {
                svg.text("", Anchor::End, (self.left - 8.0, y + 4.5), label);
                free_below = y - FONT - 1.0;
            }
        }
    }

    /// Names the vertical axis, above its upper end.
    pub(crate) fn name_y(&self, svg: &mut Svg, name: &str) {
        svg.text("soft small", Anchor::Start, (8.0, self.top - 15.0), name);
    }

    /// Names the horizontal axis, below its labels.
    pub(crate) fn name_x(&self, svg: &mut Svg, name: &str) {
        svg.text("soft small", Anchor::Middle, (f64::midpoint(self.left, self.right), self.bottom + 38.0), name);
    }
}

/// A legend laid out in lines of the plot's width.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Legend {
    entries: Vec<(Point, Style, String)>,
    /// Height it takes, pixels.
    pub(crate) height: f64,
}

impl Legend {
    /// Lays out the entries from left to right and top to bottom. A single one needs no legend.
    pub(crate) fn new<'a>(entries: impl Iterator<Item = (Style, &'a str)>) -> Self {
        let (mut x, mut y) = (8.0, 14.0);
        let mut placed = Vec::new();
        for (style, label) in entries {
            let label = shorten(label, 60);
            let width = 34.0 + text_width(&label, FONT) + 24.0;
            if x + width > WIDTH && x > 8.0 {
                (x, y) = (8.0, y + LEGEND_LINE);
            }
            placed.push(((x, y), style, label));
            x += width;
        }
        if placed.len() == 1 {
            placed.clear();
        }
        let height = if placed.is_empty() { 0.0 } else { y + 8.0 };
        Self { entries: placed, height }
    }

    /// Draws it at the top of the drawing.
    pub(crate) fn draw(&self, svg: &mut Svg) {
        for ((x, y), style, label) in &self.entries {
            svg.line(&style.line_class(), (*x, *y), (x + 28.0, *y));
            if *style != Style::Floor {
                svg.path(&format!("mark {}", style.class()), &style.marker((x + 14.0, *y), 4.5));
            }
            svg.text("", Anchor::Start, (x + 35.0, y + 4.5), label);
        }
    }
}

/// A label cut to a number of characters.
pub(crate) fn shorten(label: &str, most: usize) -> String {
    if label.chars().count() <= most {
        return label.to_owned();
    }
    let mut short: String = label.chars().take(most.saturating_sub(1)).collect();
    short.push('…');
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_legend_takes_more_lines_and_never_runs_out_of_the_picture() {
        let labels: Vec<String> = (0..12).map(|n| format!("environment {n} at 100kpps")).collect();
        let legend = Legend::new(labels.iter().enumerate().map(|(n, label)| (Style::Series(n), label.as_str())));
        assert!(legend.height > LEGEND_LINE * 2.0);
        assert!(legend.entries.iter().all(|((x, _), _, label)| x + 34.0 + text_width(label, FONT) <= WIDTH));
        assert!(Legend::new(std::iter::empty()).height < 1.0);
    }

    #[test]
    fn long_labels_are_cut_by_characters() {
        assert_eq!(shorten("µµµµµ", 3), "µµ…");
        assert_eq!(shorten("abc", 3), "abc");
    }
}
