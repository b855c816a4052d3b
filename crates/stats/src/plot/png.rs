//! Drawings as images, rendered by resvg with letters that come along: the host need have neither fonts nor a renderer.

use std::sync::{Arc, OnceLock};

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree, fontdb};

/// The family of the letters, as the style sheet names it.
pub(super) const FAMILY: &str = "Roboto";

const REGULAR: &[u8] = include_bytes!("fonts/Roboto-Regular.ttf");
const MEDIUM: &[u8] = include_bytes!("fonts/Roboto-Medium.ttf");

/// Pixels of the image for each of the drawing: sharp on paper at the width of a column.
const SCALE: f32 = 2.0;

/// Most pixels of an image: 64 million, 256 MiB while it is drawn.
const MOST: f32 = 64e6;

/// Why there is no image of a drawing.
#[derive(Debug, thiserror::Error)]
pub enum NoImage {
    /// The drawing could not be read.
    #[error("the drawing cannot be rendered: {0}")]
    Unreadable(#[from] resvg::usvg::Error),
    /// It has no area, or more than memory holds.
    #[error("a drawing of {width} by {height} pixels is no image; the SVG holds it whole")]
    Size {
        /// Width of the drawing, pixels.
        width: f32,
        /// Height of the drawing, pixels.
        height: f32,
    },
    /// The image could not be packed.
    #[error("the image cannot be packed as PNG: {0}")]
    Packing(String),
}

/// Renders an SVG file to a PNG file of twice its size; a drawing too large for that is rendered smaller.
pub(super) fn render(svg: &str) -> Result<Vec<u8>, NoImage> {
    static LETTERS: OnceLock<Arc<fontdb::Database>> = OnceLock::new();
    let letters = LETTERS.get_or_init(|| {
        let mut letters = fontdb::Database::new();
        letters.load_font_data(REGULAR.to_vec());
        letters.load_font_data(MEDIUM.to_vec());
        Arc::new(letters)
    });
    let options = Options { font_family: FAMILY.to_owned(), fontdb: Arc::clone(letters), ..Options::default() };
    // the narrow space between groups of digits is not among the letters
    let tree = Tree::from_str(&svg.replace('\u{202f}', "\u{a0}"), &options)?;
    let (width, height) = (tree.size().width(), tree.size().height());
    let scale = SCALE.min((MOST / (width * height)).sqrt());
    let no_size = NoImage::Size { width, height };
    let Some(size) = tree.size().to_int_size().scale_by(scale) else { return Err(no_size) };
    let mut image = Pixmap::new(size.width(), size.height()).ok_or(no_size)?;
    resvg::render(&tree, Transform::from_scale(scale, scale), &mut image.as_mut());
    image.encode_png().map_err(|error| NoImage::Packing(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::super::theme::{self, Ground};
    use super::*;
    use crate::plot::svg::{Anchor, Svg};

    fn pixels(svg: &Svg, ground: Ground) -> Pixmap {
        Pixmap::decode_png(&render(&svg.with_sheet(&theme::fixed(FAMILY, ground))).unwrap()).unwrap()
    }

    #[test]
    fn an_image_is_twice_the_drawing_and_has_its_ground() {
        let mut svg = Svg::new(120.0, 40.0, "a line");
        svg.line("s0", (0.0, 20.0), (120.0, 20.0));
        for (ground, background, stroke) in
            [(Ground::Light, [255, 255, 255], [0, 0x72, 0xb2]), (Ground::Dark, [0x15, 0x18, 0x1c], [0x56, 0xb4, 0xe9])]
        {
            let image = pixels(&svg, ground);
            assert_eq!((image.width(), image.height()), (240, 80));
            let at = |x, y| image.pixel(x, y).map(|pixel| [pixel.red(), pixel.green(), pixel.blue()]);
            assert_eq!((at(3, 3), at(120, 40)), (Some(background), Some(stroke)));
        }
    }

    /// Every letter that plots use is in the font: each leaves ink.
    #[test]
    fn letters_are_drawn_without_a_font_of_the_host() {
        for letter in "aZ09µ%–−’…≥·×,.()+äßñžΔλЖ€".chars() {
            for class in ["", "strong"] {
                let mut svg = Svg::new(40.0, 40.0, "a letter");
                svg.text(class, Anchor::Middle, (20.0, 25.0), &letter.to_string());
                let ink = pixels(&svg, Ground::Light).pixels().iter().filter(|pixel| pixel.red() < 200).count();
                assert!(ink > 2, "{letter}");
            }
        }
    }

    #[test]
    fn what_is_no_drawing_is_an_error() {
        assert!(matches!(render("<svg"), Err(NoImage::Unreadable(_))));
    }
}
