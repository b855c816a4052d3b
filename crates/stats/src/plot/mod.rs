//! Plots: each takes plain data and gives an SVG drawing and the CSV that holds all that was drawn, as finely as it is known.
//!
//! The drawings carry classes and no colours; [`theme`] holds the style sheets, `hints` what scripts of the page are told, [`png`] how they
//! become images. One file per kind of plot: [`percentiles`], [`ccdf`], [`boxes`], [`multiples`], [`heat`], [`worst`], [`density`], [`host`],
//! [`histogram`], [`gaps`], [`traffic`], [`rates`], [`repeats`], [`phases`], [`search`],
//! [`tail`], [`thresholds`].

mod axis;
pub mod boxes;
pub mod ccdf;
pub mod density;
#[cfg(test)]
pub(crate) mod examined;
mod frame;
pub mod gaps;
mod grid;
pub mod heat;
mod hints;
pub mod histogram;
pub mod host;
pub mod letters;
pub mod multiples;
pub mod number;
pub mod percentiles;
pub mod phases;
pub mod png;
pub mod rates;
pub mod repeats;
pub mod search;
mod stairs;
mod svg;
pub mod tail;
pub mod theme;
pub mod thresholds;
pub mod traffic;
pub mod worst;

/// A drawing and its data.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    svg: svg::Svg,
    csv: String,
}

impl Figure {
    /// The SVG element for an HTML page that holds the style sheet of [`theme::variables`].
    pub fn inline(&self) -> String {
        self.svg.inline()
    }

    /// The SVG file: complete in itself, light or dark as the viewer prefers.
    pub fn standalone(&self) -> String {
        self.svg.standalone()
    }

    /// The PNG file, twice the drawing's size, on a light or a dark ground.
    ///
    /// # Errors
    /// When the drawing is too large to be an image.
    pub fn png(&self, ground: theme::Ground) -> Result<Vec<u8>, png::NoImage> {
        png::render(&self.svg.with_sheet(&theme::fixed(png::FAMILY, ground)))
    }

    /// The CSV file (RFC 4180, with line feeds): a line of column names, then all that is drawn, as finely as it is known.
    pub fn csv(&self) -> &str {
        &self.csv
    }
}

/// A text as a CSV field: quoted where it must be (RFC 4180, section 2).
pub(crate) fn csv_field(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

/// Draws a figure of a kind that says why it is empty.
fn empty(kind: &str, description: &str, csv: String) -> Figure {
    let width = frame::WIDTH;
    let mut drawing = svg::Svg::new(width, 90.0, description);
    drawing.attribute("data-plot", kind);
    drawing.text("soft", svg::Anchor::Middle, (width / 2.0, 50.0), "No packets to show");
    Figure { svg: drawing, csv }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_with_separators_are_quoted() {
        assert_eq!(csv_field("plain"), "plain");
        assert_eq!(csv_field("a,\"b\""), "\"a,\"\"b\"\"\"");
    }
}
