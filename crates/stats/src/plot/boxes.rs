//! Box plots: a row per cell, its letter values as boxes within each other, on a logarithmic axis. A plain box plot calls a fixed share of
//! any large sample outliers; this one shows the tail as far as the sample carries it.

use std::fmt::Write as _;

use super::axis::Axis;
use super::frame::{Frame, WIDTH, shorten};
use super::letters::letter_values;
use super::stairs::total;
use super::svg::{Anchor, Path, Svg, text_width};
use super::theme::Style;
use super::{Figure, csv_field, empty, number};

/// Height of a row and of its widest box, pixels.
const ROW: f64 = 40.0;
const WIDEST: f64 = 26.0;

/// Each box is so much lower than the one within it.
const LOWER: f64 = 0.84;

/// The distribution of one cell.
#[derive(Debug, Clone, Copy)]
pub struct BoxRow<'a> {
    /// Name of the cell.
    pub label: &'a str,
    /// How it is drawn.
    pub style: Style,
    /// Every value that occurred, ascending, ns, with how often it did.
    pub values: &'a [(u64, u64)],
}

/// Draws a row for each cell. `what` names the quantity, for example `One-way latency`.
pub fn boxes(what: &str, rows: &[BoxRow<'_>]) -> Figure {
    let mut csv = "series,what,lower_ns,upper_ns,packets_at_or_beyond_each\n".to_owned();
    let values = || rows.iter().flat_map(|row| row.values).filter(|(_, count)| *count > 0).map(|(value, _)| *value);
    let (Some(least), Some(greatest)) = (values().min(), values().max()) else {
        return empty("boxes", "Box plots, without data", csv);
    };
    let longest = rows.iter().map(|row| text_width(&shorten(row.label, 34), 13.0)).fold(60.0, f64::max);
    let (left, right, top) = (longest + 44.0, WIDTH - 34.0, 14.0);
    let bottom = top + rows.len() as f64 * ROW;
    let frame =
        Frame { left, right, top, bottom, x: Axis::log_time(least as f64, greatest as f64, 11), y: Axis::rows(rows.len()) };
    let mut svg = Svg::new(WIDTH, bottom + 66.0, &describe(what, rows));
    svg.announce("boxes", &frame);
    frame.draw_x(&mut svg);
    frame.name_x(&mut svg, what);
    for (index, row) in rows.iter().enumerate() {
        let y = top + (index as f64 + 0.5) * ROW;
        svg.path(&format!("mark {}", row.style.class()), &row.style.marker((14.0, y), 4.5));
        svg.text("", Anchor::Start, (26.0, y + 4.5), &shorten(row.label, 34));
        svg.begin_series(row.label, row.style);
        draw_row(&mut svg, &frame, row, (y, (rows.len() - index) as f64 - 0.5), &mut csv);
        svg.end();
    }
    let explained = "Line: median. Boxes: half of the packets, then three quarters, seven eighths and so on, as far as ten lie beyond. Ends: least and greatest.";
    svg.text("soft small", Anchor::Middle, (WIDTH / 2.0, bottom + 57.0), explained);
    Figure { svg, csv }
}

fn draw_row(svg: &mut Svg, frame: &Frame, row: &BoxRow<'_>, (y, number_of_row): (f64, f64), csv: &mut String) {
    let occurred = || row.values.iter().filter(|(_, count)| *count > 0);
    let (Some(&(least, _)), Some(&(greatest, _))) = (occurred().next(), occurred().next_back()) else { return };
    let class = row.style.class();
    let letters = letter_values(row.values);
    let label = csv_field(row.label);
    let (from, to) = (frame.across(least as f64), frame.across(greatest as f64));
    svg.line(&format!("thin {class}"), (from, y), (to, y));
    for (end, what) in [(least, "least"), (greatest, "greatest")] {
        let x = frame.across(end as f64);
        let mut stroke = Path::default();
        stroke.move_to((x, y - 5.0));
        stroke.down_to(y + 5.0);
        let title = format!("{}, {what}: {}", row.label, number::time(end));
        svg.point(&class, &stroke, (end as f64, number_of_row), &title);
    }
    let _ = writeln!(csv, "{label},least and greatest,{least},{greatest},1");
    let known = total(row.values);
    for (place, letter) in letters.iter().enumerate().skip(1).rev() {
        let half = WIDEST / 2.0 * LOWER.powi(i32::try_from(place).unwrap_or(1) - 1);
        let (left, right) = (frame.across(letter.lower as f64), frame.across(letter.upper as f64));
        let mut outline = Path::default();
        outline.move_to((left, y - half));
        outline.across_to(right.max(left + 0.5));
        outline.down_to(y + half);
        outline.across_to(left);
        outline.close();
        let within = known.saturating_sub(letter.depth_twice.saturating_sub(2));
        let (share, lower, upper) =
            (number::share(within.min(known), known), number::time(letter.lower), number::time(letter.upper));
        let title = format!("{}, {share} of the packets: {lower} to {upper}", row.label);
        svg.point(&format!("letter {class}"), &outline, (letter.upper as f64, number_of_row), &title);
    }
    for letter in &letters {
        let what = match letter.name {
            'M' => "median".to_owned(),
            'F' => "quartiles".to_owned(),
            name => format!("letter {name}"),
        };
        let depth = number::plain(letter.depth_twice as f64 / 2.0);
        let _ = writeln!(csv, "{label},{what},{},{},{depth}", letter.lower, letter.upper);
    }
    if let Some(median) = letters.first() {
        let x = frame.across(median.lower as f64);
        let mut stroke = Path::default();
        stroke.move_to((x, y - WIDEST / 2.0));
        stroke.down_to(y + WIDEST / 2.0);
        let title = format!("{}, median: {}", row.label, number::time(median.lower));
        svg.point("middle", &stroke, (median.lower as f64, number_of_row), &title);
    }
}

fn describe(what: &str, rows: &[BoxRow<'_>]) -> String {
    let mut text = format!("{what} as box plots, on a logarithmic axis.");
    for row in rows {
        let letters = letter_values(row.values);
        if let Some(median) = letters.first() {
            let _ = write!(text, " {}: median {}", row.label, number::time(median.lower));
            if let Some(fourths) = letters.get(1) {
                let _ = write!(text, ", half within {} to {}", number::time(fourths.lower), number::time(fourths.upper));
            }
            text.push('.');
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_floor_and_a_long_tail() {
        let tail: Vec<(u64, u64)> = (0..60u32).map(|n| (1_600 + u64::from(n).pow(3), 1 << (20 - n.min(60) / 3))).collect();
        let rows = [
            BoxRow { label: "floor", style: Style::Floor, values: &[(1_200, 90), (1_900, 10)] },
            BoxRow { label: "container", style: Style::Series(0), values: &tail },
            BoxRow { label: "one packet", style: Style::Series(1), values: &[(5_000, 1)] },
            BoxRow { label: "none", style: Style::Series(2), values: &[] },
        ];
        let figure = boxes("One-way latency", &rows);
        insta::assert_snapshot!("boxes.svg", figure.standalone());
        insta::assert_snapshot!("boxes.csv", figure.csv());
    }

    #[test]
    fn nothing_to_show_is_said() {
        assert!(boxes("Latency", &[]).standalone().contains("No packets"));
    }
}
