//! A small writer of SVG: shapes that carry a class and no colour, so that one style sheet serves light, dark and print.

use std::fmt::Write as _;

use super::frame::Frame;
use super::hints;
use super::theme::{self, Style};

/// A drawing under construction. Coordinates are in pixels of the view box, y downwards.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Svg {
    width: f64,
    height: f64,
    description: String,
    attributes: String,
    body: String,
}

/// A point of the drawing, pixels.
pub(crate) type Point = (f64, f64);

/// Where a text stands relative to its point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Anchor {
    /// The text begins at the point.
    Start,
    /// The text is centred on the point.
    Middle,
    /// The text ends at the point.
    End,
}

impl Svg {
    /// An empty drawing. The description is what a screen reader says.
    pub(crate) fn new(width: f64, height: f64, description: &str) -> Self {
        Self { width, height, description: description.to_owned(), attributes: String::new(), body: String::new() }
    }

    /// Adds an attribute to the root element, for scripts of the page.
    pub(crate) fn attribute(&mut self, name: &str, value: &str) {
        let _ = write!(self.attributes, " {name}=\"{}\"", escape(value));
    }

    /// Says of what kind the drawing is and where its only or first panel lies; see [`hints`].
    pub(crate) fn announce(&mut self, kind: &str, frame: &Frame) {
        self.attribute("data-plot", kind);
        for (name, value) in hints::panel(frame) {
            self.attribute(name, &value);
        }
    }

    /// Opens one of several panels; [`Self::end`] closes it.
    pub(crate) fn begin_panel(&mut self, name: &str, frame: &Frame) {
        let _ = write!(self.body, "<g data-panel=\"{}\"", escape(name));
        for (name, value) in hints::panel(frame) {
            let _ = write!(self.body, " {name}=\"{value}\"");
        }
        self.body.push_str(">\n");
    }

    /// Opens what belongs to one series; [`Self::end`] closes it.
    pub(crate) fn begin_series(&mut self, name: &str, style: Style) {
        let _ = writeln!(self.body, r#"<g data-series="{}" class="{}">"#, escape(name), style.class());
    }

    /// Closes the series or panel opened last.
    pub(crate) fn end(&mut self) {
        self.body.push_str("</g>\n");
    }

    /// A straight line.
    pub(crate) fn line(&mut self, class: &str, from: Point, to: Point) {
        let (x1, y1, x2, y2) = (px(from.0), px(from.1), px(to.0), px(to.1));
        let _ = writeln!(self.body, r#"<line class="{class}" x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}"/>"#);
    }

    /// A path; nothing when it is empty.
    pub(crate) fn path(&mut self, class: &str, path: &Path) {
        if !path.0.is_empty() {
            let _ = writeln!(self.body, r#"<path class="{class}" d="{}"/>"#, path.0);
        }
    }

    /// A path that can be pointed at: its values, and the text that shows when the pointer rests on it.
    pub(crate) fn point(&mut self, class: &str, path: &Path, at: (f64, f64), title: &str) {
        if !path.0.is_empty() {
            let (d, at, title) = (&path.0, hints::at(at), escape(title));
            let _ = writeln!(self.body, r#"<path class="{class}" data-at="{at}" d="{d}"><title>{title}</title></path>"#);
        }
    }

    /// A path of so many packets, nothing when it is empty.
    pub(crate) fn cloud(&mut self, class: &str, path: &Path, packets: usize) {
        if !path.0.is_empty() {
            let _ = writeln!(self.body, r#"<path class="{class}" data-cloud="{packets}" d="{}"/>"#, path.0);
        }
    }

    /// Strokes of one width, pixels.
    pub(crate) fn strokes(&mut self, class: &str, width: f64, path: &Path) {
        if !path.0.is_empty() {
            let (width, d) = (px(width), &path.0);
            let _ = writeln!(self.body, r#"<path class="{class}" style="stroke-width:{width}" d="{d}"/>"#);
        }
    }

    /// Opens what is shaded by how much of a series lies there; [`Self::end`] closes it.
    pub(crate) fn begin_density(&mut self, name: &str) {
        let _ = writeln!(self.body, r#"<g data-series="{}" class="density">"#, escape(name));
    }

    /// A line of text.
    pub(crate) fn text(&mut self, class: &str, anchor: Anchor, at: Point, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let (x, y, text) = (px(at.0), px(at.1), escape(text));
        let _ = writeln!(self.body, r#"<text class="{class}" text-anchor="{anchor}" x="{x}" y="{y}">{text}</text>"#);
    }

    /// The drawing as an element of an HTML page that holds the style sheet of [`theme::variables`].
    pub(crate) fn inline(&self) -> String {
        self.element("", "")
    }

    /// The drawing as a mere ornament of a text, which screen readers pass over.
    pub(crate) fn decoration(&self) -> String {
        let (width, height, body) = (px(self.width), px(self.height), self.body.trim_end());
        format!(r#"<svg class="plot swatch" viewBox="0 0 {width} {height}" aria-hidden="true">{body}</svg>"#)
    }

    /// The drawing as a file of its own, with its style sheet and a ground of its own colour.
    pub(crate) fn standalone(&self) -> String {
        self.with_sheet(&theme::literal())
    }

    /// The drawing as a file of its own with this style sheet.
    pub(crate) fn with_sheet(&self, sheet: &str) -> String {
        let size = format!(r#" xmlns="http://www.w3.org/2000/svg" width="{}" height="{}""#, px(self.width), px(self.height));
        let ground = format!("<style>{sheet}</style>\n<rect class=\"ground\" width=\"100%\" height=\"100%\"/>\n");
        self.element(&size, &ground)
    }

    fn element(&self, size: &str, first: &str) -> String {
        let (width, height) = (px(self.width), px(self.height));
        let (description, attributes, body) = (escape(&self.description), &self.attributes, &self.body);
        format!(
            r#"<svg{size} class="plot" viewBox="0 0 {width} {height}" role="img" aria-label="{description}"{attributes}>
{first}{body}</svg>
"#
        )
    }
}

/// The `d` attribute of a path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Path(String);

impl Path {
    /// Whether there is nothing to draw.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Starts at a point.
    pub(crate) fn move_to(&mut self, at: Point) {
        let _ = write!(self.0, "M{} {}", px(at.0), px(at.1));
    }

    /// Goes straight to a point.
    pub(crate) fn line_to(&mut self, at: Point) {
        let _ = write!(self.0, "L{} {}", px(at.0), px(at.1));
    }

    /// Goes sideways.
    pub(crate) fn across_to(&mut self, x: f64) {
        let _ = write!(self.0, "H{}", px(x));
    }

    /// Goes up or down.
    pub(crate) fn down_to(&mut self, y: f64) {
        let _ = write!(self.0, "V{}", px(y));
    }

    /// A dot so far from the one before, the first from the origin: a line of no length, which round line ends make visible.
    pub(crate) fn dot_by(&mut self, distance: Point) {
        let _ = write!(self.0, "m{} {}h0", px(distance.0), px(distance.1));
    }

    /// Back to where it started.
    pub(crate) fn close(&mut self) {
        self.0.push('Z');
    }
}

/// Text safe within elements and quoted attributes of both XML and HTML. Characters XML 1.0 (section 2.2) does not allow are
/// replaced.
pub(crate) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\t' | '\n' => safe.push(c),
            '\u{fffe}' | '\u{ffff}' => safe.push('\u{fffd}'),
            c if c.is_control() => safe.push('\u{fffd}'),
            c => safe.push(c),
        }
    }
    safe
}

/// How wide a text will be at a font size, pixels. An estimate for margins and legends by the widths of common sans-serif faces, rounded
/// up: what reads the drawing chooses the face.
pub(crate) fn text_width(text: &str, size: f64) -> f64 {
    let em = |c: char| match c {
        'i' | 'j' | 'l' | 'I' | '.' | ',' | ':' | ';' | '\'' | '’' | '|' | '!' | ' ' | '\u{a0}' | '\u{202f}' => 0.3,
        'f' | 'r' | 't' | '(' | ')' | '/' | '-' => 0.42,
        'm' | 'w' | 'M' | 'W' | '%' | '…' | '—' | '@' => 0.9,
        'A'..='Z' => 0.7,
        '\0'..='\u{24f}' => 0.58,
        '–' | '−' | '\u{370}'..='\u{4ff}' => 0.68,
        // ideographs and symbols fill their square
        _ => 1.0,
    };
    text.chars().map(em).sum::<f64>() * size
}

/// A coordinate to a tenth of a pixel, without needless zeros.
fn px(value: f64) -> String {
    if !value.is_finite() {
        return "0".to_owned();
    }
    let text = format!("{value:.1}");
    let text = text.strip_suffix(".0").unwrap_or(&text);
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn coordinates_are_short_and_always_numbers() {
        assert_eq!([1.0, -0.01, 12.34, f64::NAN, f64::INFINITY].map(px), ["1", "0", "12.3", "0", "0"]);
    }

    proptest! {
        #[test]
        fn any_text_gives_well_formed_xml(text in any::<String>()) {
            let mut svg = Svg::new(10.0, 10.0, &text);
            svg.attribute("data-label", &text);
            svg.text("note", Anchor::Start, (1.0, 2.0), &text);
            let mut path = Path::default();
            path.dot_by((1.0, 1.0));
            svg.begin_series(&text, Style::Floor);
            svg.point("line", &path, (1.0, f64::NAN), &text);
            svg.end();
            let standalone = svg.standalone();
            prop_assert!(roxmltree::Document::parse(&standalone).is_ok(), "{standalone}");
        }
    }
}
