//! Plots: each takes plain data and gives an SVG drawing and the CSV that holds exactly what was drawn.
//!
//! The drawings carry classes and no colours; [`theme`] holds the style sheets. One file per kind of plot:
//! [`percentiles`], [`worst`], [`host`], [`histogram`], [`repeats`], [`rates`], [`phases`], [`search`].

mod axis;
mod frame;
pub mod histogram;
pub mod host;
pub mod number;
pub mod percentiles;
pub mod phases;
pub mod rates;
pub mod repeats;
pub mod search;
mod svg;
pub mod theme;
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

    /// The CSV file (RFC 4180, with line feeds): a line of column names, then exactly what is drawn.
    pub fn csv(&self) -> &str {
        &self.csv
    }
}

/// A text as a CSV field: quoted where it must be (RFC 4180, section 2).
pub(crate) fn csv_field(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

/// Draws a figure that says why it is empty.
fn empty(width: f64, description: &str, csv: String) -> Figure {
    let mut drawing = svg::Svg::new(width, 90.0, description);
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
