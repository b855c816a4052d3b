//! Latency over time as density: how many packets had which latency when. Where the worst packets show only the tail, this shows whether
//! the bulk drifts, jumps or comes in two states. Cells stand below each other, their runs side by side.

use std::fmt::Write as _;

use super::axis::{Axis, thousands};
use super::frame::{Frame, WIDTH, shorten};
use super::grid::MOST;
use super::svg::{Anchor, Path, Svg, text_width};
use super::theme::{SHADES, Style};
use super::worst::{LEFT, RIGHT, draw_times, in_slot, name_slot, panel_name};
use super::{Figure, csv_field, empty, number};
use crate::timeline::{BANDS, Timeline, band_from};

/// Distance between two panels, pixels.
const BETWEEN: f64 = 42.0;

/// The least width and height of what is shaded alike, pixels.
const LEAST: f64 = 1.6;

/// The same where there are many cells, and no room to look at each so closely.
const LEAST_OF_MANY: f64 = 2.4;

/// The runs of one cell.
#[derive(Debug, Clone, Copy)]
pub struct Density<'a> {
    /// Name of the cell.
    pub label: &'a str,
    /// How the cell is drawn elsewhere: its marker stands beside its name.
    pub style: Style,
    /// Its repeats, each with its name and its timeline.
    pub repeats: &'a [(String, &'a Timeline)],
}

/// Draws a panel for each of the first cells, all to the same scales.
pub fn density(cells: &[Density<'_>]) -> Figure {
    let cells = &cells[..cells.len().min(MOST)];
    let mut csv = "series,repeat,from_ns,to_ns,latency_from_ns,latency_to_ns,packets\n".to_owned();
    let timelines = || {
        cells.iter().flat_map(|cell| cell.repeats).map(|(_, timeline)| *timeline).filter(|timeline| !timeline.latency.is_empty())
    };
    let bands = || timelines().flat_map(|timeline| &timeline.latency).map(|(_, band, _)| *band);
    let (Some(least), Some(greatest)) = (bands().min(), bands().max()) else {
        return empty("density", "Latency over time, without data", csv);
    };
    let end = timelines().map(|timeline| timeline.column.saturating_mul(timeline.sent.len() as u64)).max().unwrap_or(1);
    let columns = cells.iter().map(|cell| cell.repeats.len()).max().unwrap_or(1).max(1) as f64;
    let slot = (RIGHT - LEFT) / columns;
    let many = cells.len() > 4;
    let (height, finest) = if many { (100.0, LEAST_OF_MANY) } else { (150.0, LEAST) };
    let x = Axis::times_until(end as f64, slot, 75.0);
    let y = Axis::log_time(band_from(least) as f64, band_from(greatest + 1) as f64, if many { 4 } else { 7 });
    let first = Frame { left: LEFT, right: RIGHT, top: 64.0, bottom: 64.0 + height, x, y };
    let counted = timelines().map(|timeline| timeline.column).max().unwrap_or(1);
    let column = column_for(end, (slot - 10.0) / finest).max(counted);
    let bands = bands_for(&first, finest);
    let drawn = |timeline: &Timeline| timeline.coarser(column).latency_by(1, bands);
    let most = timelines().flat_map(drawn).map(|(_, _, count)| count).max().unwrap_or(1);
    let key = Key::new(most);
    let drawing_height = first.top + cells.len() as f64 * (height + BETWEEN) - BETWEEN + 64.0;
    let mut svg = Svg::new(WIDTH, drawing_height, &describe(cells, most));
    svg.announce("density", &in_slot(&first, slot, 0));
    key.draw(&mut svg, column, bands);
    let mut top = first.top;
    for (index, cell) in cells.iter().enumerate() {
        let whole = Frame { top, bottom: top + height, ..first.clone() };
        svg.path(&format!("mark {}", cell.style.class()), &cell.style.marker((14.0, top - 19.0), 4.5));
        svg.text("strong", Anchor::Start, (26.0, top - 14.5), &shorten(cell.label, 90));
        whole.draw_y(&mut svg);
        for (place, (name, timeline)) in cell.repeats.iter().enumerate() {
            let frame = in_slot(&whole, slot, place);
            let timeline = timeline.coarser(column);
            svg.begin_panel(&panel_name(cell.label, name), &frame);
            svg.line("axis", (frame.left, frame.bottom), (frame.right, frame.bottom));
            svg.begin_density(cell.label);
            shade(&mut svg, &frame, (timeline.column, bands), &timeline.latency_by(1, bands), &key);
            svg.end();
            svg.end();
            if index + 1 == cells.len() {
                name_slot(&mut svg, &frame, name);
            }
            write(&mut csv, (cell.label, name), &timeline);
        }
        top += height + BETWEEN;
    }
    draw_times(&mut svg, top - BETWEEN, slot, columns, &first.x, ("Time since the first packet", 54.0));
    Figure { svg, csv }
}

/// The least power of two, ns, of which no more than `room` columns reach `end`.
pub(super) fn column_for(end: u64, room: f64) -> u64 {
    let mut column: u64 = 1;
    while end as f64 / column as f64 > room.max(1.0) && column < 1 << 62 {
        column *= 2;
    }
    column
}

/// How many bands, a power of two up to a doubling, are drawn as one so that they are at least so high, pixels. From eight nanoseconds on
/// all bands are about as high.
fn bands_for(frame: &Frame, finest: f64) -> u32 {
    let doubling = frame.down(frame.y.from) - frame.down(2.0 * frame.y.from);
    let enough = |bands: &u32| doubling * f64::from(*bands) >= finest * f64::from(BANDS);
    std::iter::successors(Some(1), |bands| Some(bands * 2)).take_while(|bands| *bands <= BANDS).find(enough).unwrap_or(BANDS)
}

/// From how many packets on each shade is used.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Key(Vec<u64>);

impl Key {
    /// Shades by powers of 2, 4, 10, … of the count, so that the last one is used.
    fn new(most: u64) -> Self {
        let steps = [2u64, 4, 10, 20, 50, 100, 1_000];
        let fits = |step: &u64| step.checked_pow(u32::try_from(SHADES).unwrap_or(6)).is_none_or(|limit| limit > most);
        let step = steps.into_iter().find(fits).unwrap_or(1_000);
        let from = std::iter::successors(Some(1u64), |from| from.checked_mul(step));
        Self(from.take(SHADES).take_while(|from| *from <= most).collect())
    }

    fn shade(&self, count: u64) -> usize {
        self.0.iter().rposition(|from| *from <= count).unwrap_or(0)
    }

    /// The shade in use of so many, spread over all shades: where there are few, they differ the more.
    fn class(&self, shade: usize) -> String {
        let spread = if self.0.len() < 2 { SHADES / 2 } else { shade * (SHADES - 1) / (self.0.len() - 1) };
        format!("d{spread}")
    }

    fn draw(&self, svg: &mut Svg, column: u64, bands: u32) {
        let high = match BANDS / bands {
            1 => "a doubling",
            2 => "half a doubling",
            4 => "a quarter of a doubling",
            _ => "an eighth of a doubling",
        };
        let title = format!("Packets in a place {} wide and {high} high, at least:", number::time(column));
        svg.text("soft small", Anchor::Start, (8.0, 18.0), &title);
        // as if it were a size larger: in a wide face so long a text outgrows the estimate
        let mut at = 8.0 + text_width(&title, 12.5) + 10.0;
        for (shade, from) in self.0.iter().enumerate() {
            svg.line(&format!("key {}", self.class(shade)), (at, 14.0), (at + 18.0, 14.0));
            let label = thousands(*from as f64);
            svg.text("small", Anchor::Start, (at + 23.0, 18.0), &label);
            at += 23.0 + text_width(&label, 11.5) + 14.0;
        }
    }
}

/// Rows of equal shade as strokes, run by run. Places are so wide (ns) and so many bands high.
fn shade(svg: &mut Svg, frame: &Frame, (width, bands): (u64, u32), places: &[(u32, u32, u64)], key: &Key) {
    let mut rows: Vec<(u32, u32, u64)> = places.iter().map(|&(column, band, count)| (band, column, count)).collect();
    rows.sort_unstable();
    let mut strokes: Vec<((u64, usize), Path)> = Vec::new();
    let mut at = 0;
    while let Some(&(band, from, count)) = rows.get(at) {
        let shade = key.shade(count);
        let mut to = from;
        while rows.get(at + 1).is_some_and(|next| next.0 == band && next.1 == to + 1 && key.shade(next.2) == shade) {
            to += 1;
            at += 1;
        }
        at += 1;
        let ends = [band + 1, band].map(|band| (band_from(band.saturating_mul(bands)) as f64).max(1.0));
        let [upper, lower] = ends.map(|end| frame.down(end));
        let thickness = (lower - upper).max(LEAST);
        let left = frame.across(f64::from(from) * width as f64);
        let right = frame.across((f64::from(to) + 1.0) * width as f64).max(left + LEAST);
        let kind = (tenths(thickness), shade);
        let place = strokes.iter().position(|(known, _)| *known == kind).unwrap_or_else(|| {
            strokes.push((kind, Path::default()));
            strokes.len() - 1
        });
        let middle = f64::midpoint(upper, lower);
        strokes[place].1.move_to((left, middle));
        strokes[place].1.across_to(right);
    }
    strokes.sort_by_key(|((_, shade), _)| *shade);
    for ((thickness, shade), path) in strokes {
        svg.strokes(&key.class(shade), thickness as f64 / 10.0, &path);
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a height within the picture")]
fn tenths(pixels: f64) -> u64 {
    (pixels * 10.0).ceil() as u64
}

fn write(csv: &mut String, (label, repeat): (&str, &str), timeline: &Timeline) {
    let (label, repeat) = (csv_field(label), csv_field(repeat));
    for &(column, band, count) in &timeline.latency {
        let from = timeline.column.saturating_mul(u64::from(column));
        let to = from.saturating_add(timeline.column);
        let _ = writeln!(csv, "{label},{repeat},{from},{to},{},{},{count}", band_from(band), band_from(band + 1));
    }
}

fn describe(cells: &[Density<'_>], most: u64) -> String {
    let labels: Vec<_> = cells.iter().map(|cell| cell.label).collect();
    format!("Latency over time as density: {}. Up to {} packets in one place.", labels.join(", "), number::count(most))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bulk_that_jumps() {
        let column = 1 << 24;
        let mut latency = Vec::new();
        for at in 0..20 {
            let bulk = if at < 12 { 63 } else { 71 };
            latency.extend([(at, bulk, 900), (at, bulk + 1, 80 + u64::from(at)), (at, bulk + 9, 1)]);
        }
        let timeline = Timeline { column, sent: vec![981; 20], received: vec![981; 20], latency, ..Timeline::default() };
        let repeats = [("repeat 1".to_owned(), &timeline), ("repeat 2".to_owned(), &timeline)];
        let figure = density(&[
            Density { label: "floor", style: Style::Floor, repeats: &repeats[..1] },
            Density { label: "container", style: Style::Series(0), repeats: &repeats },
        ]);
        insta::assert_snapshot!("density.svg", figure.standalone());
        insta::assert_snapshot!("density.csv", figure.csv());
    }

    #[test]
    fn of_many_cells_bands_are_drawn_together_until_they_are_high_enough() {
        // 18 doublings, on an axis of 100 pixels that holds a few more
        let latency = (0..144).map(|band| (0, 40 + band, 1)).collect();
        let timeline = Timeline { column: 1 << 24, sent: vec![144], received: vec![144], latency, ..Timeline::default() };
        let repeats = [("repeat 1".to_owned(), &timeline)];
        let cell = Density { label: "host", style: Style::Series(0), repeats: &repeats };
        let [few, many] = [4, 5].map(|cells| density(&vec![cell; cells]));
        assert!(few.standalone().contains("a quarter of a doubling high"), "{}", few.standalone());
        assert!(many.standalone().contains("half a doubling high"), "{}", many.standalone());
        // four places are one, and drawn as one stroke; figures keep them apart
        assert!(many.standalone().contains("Up to 4 packets in one place"), "{}", many.standalone());
        assert_eq!(many.csv().lines().count(), 1 + 5 * 144);
    }

    #[test]
    fn shades_reach_the_greatest_count() {
        assert_eq!(Key::new(1).0, [1]);
        assert_eq!(Key::new(40).0, [1, 2, 4, 8, 16, 32]);
        assert_eq!(Key::new(900_000).0, [1, 10, 100, 1_000, 10_000, 100_000]);
        assert_eq!(Key::new(u64::MAX).0.len(), SHADES);
        assert_eq!([1, 3, 40].map(|count| Key::new(40).shade(count)), [0, 1, 5]);
    }

    #[test]
    fn nothing_to_show_is_said() {
        assert!(density(&[]).standalone().contains("No packets"));
    }
}
