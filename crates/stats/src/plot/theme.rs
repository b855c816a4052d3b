//! Colours, dashes and markers of the plots, and the style sheets that carry them.
//!
//! The palette is that of Okabe and Ito, "Color Universal Design" (2008), made to be told apart by colour-blind readers;
//! the order puts those with the most contrast on white first, and the dark variants are lightened for a dark ground. Colour is
//! never the only sign: each series has a marker of its own, and dashes tell apart the rounds of the palette.

use std::fmt::Write as _;

use super::svg::{Path, Point, Svg};

/// What a series stands for, which decides how it is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// The instrument's own floor: dashed and grey.
    Floor,
    /// The n-th of the things compared, from 0: the n-th colour and marker; after six, the same again with other dashes.
    Series(usize),
}

/// Colours of the series: light, dark.
const SERIES: [(&str, &str); 6] = [
    ("#0072b2", "#56b4e9"),
    ("#d55e00", "#ff8f4d"),
    ("#007e5c", "#2cc79b"),
    ("#b0568a", "#e6a1c9"),
    ("#b27a00", "#f0c242"),
    ("#2f2f2f", "#f2f2f2"),
];

/// Everything else that has a colour: name, light, dark.
const ROLES: [(&str, &str, &str); 6] = [
    ("ink", "#1b1f24", "#e8eaed"),
    ("soft", "#59626d", "#a4adb8"),
    ("rule", "#dfe3e8", "#343a42"),
    ("ground", "#ffffff", "#15181c"),
    ("panel", "#f5f7f9", "#1d2126"),
    ("floor", "#767f8a", "#98a1ac"),
];

impl Style {
    /// The class that colours an element of the series.
    pub fn class(self) -> String {
        match self {
            Self::Floor => "floor".to_owned(),
            Self::Series(n) => format!("s{}", n % SERIES.len()),
        }
    }

    /// Classes of a line of the series: its colour and its dashes.
    pub(crate) fn line_class(self) -> String {
        match self {
            Self::Floor => "floor dashed".to_owned(),
            Self::Series(n) => match n / SERIES.len() % 3 {
                0 => self.class(),
                1 => format!("{} dotted", self.class()),
                _ => format!("{} dash-dot", self.class()),
            },
        }
    }

    /// The outline of the series' marker around a point.
    pub(crate) fn marker(self, at: Point, radius: f64) -> Path {
        let corners: &[(f64, f64)] = match self {
            Self::Floor => &[(-1.2, -0.45), (1.2, -0.45), (1.2, 0.45), (-1.2, 0.45)],
            Self::Series(n) => match n % SERIES.len() {
                0 => &[
                    (1.0, 0.0),
                    (0.707, 0.707),
                    (0.0, 1.0),
                    (-0.707, 0.707),
                    (-1.0, 0.0),
                    (-0.707, -0.707),
                    (0.0, -1.0),
                    (0.707, -0.707),
                ],
                1 => &[(-0.85, -0.85), (0.85, -0.85), (0.85, 0.85), (-0.85, 0.85)],
                2 => &[(0.0, -1.1), (1.05, 0.8), (-1.05, 0.8)],
                3 => &[(0.0, -1.25), (1.25, 0.0), (0.0, 1.25), (-1.25, 0.0)],
                4 => &[(0.0, 1.1), (1.05, -0.8), (-1.05, -0.8)],
                _ => &[(-1.1, 0.0), (0.0, -0.5), (1.1, 0.0), (0.0, 0.5)],
            },
        };
        let mut outline = Path::default();
        for (index, (dx, dy)) in corners.iter().enumerate() {
            let corner = (at.0 + dx * radius, at.1 + dy * radius);
            if index == 0 { outline.move_to(corner) } else { outline.line_to(corner) }
        }
        outline.close();
        outline
    }
}

/// Shapes and text, by class; colours come on top.
const SHAPES: &str = ".plot{font:13px system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,'DejaVu Sans',sans-serif}\
.plot text{fill:var(--ink);font-variant-numeric:tabular-nums}\
.plot text.soft{fill:var(--soft)}\
.plot text.small{font-size:11.5px}\
.plot text.strong{font-weight:600}\
.plot path,.plot line{fill:none;stroke:currentColor;stroke-width:1.8}\
.plot .grid{stroke:var(--rule);stroke-width:1}\
.plot .fine{stroke:var(--rule);stroke-width:1;opacity:.45}\
.plot .axis{stroke:var(--soft);stroke-width:1}\
.plot .faint{opacity:.38}\
.plot .thin{stroke-width:1.2}\
.plot .mark{fill:currentColor;stroke:var(--ground);stroke-width:1}\
.plot .hollow{fill:var(--ground);stroke:var(--soft);stroke-width:1.4}\
.plot .area{fill:currentColor;stroke:none;opacity:.09}\
.plot .cloud{stroke-width:2.6;stroke-linecap:round;opacity:.55}\
.plot .ground{fill:var(--ground)}\
.plot .dashed{stroke-dasharray:6 4}\
.plot .dotted{stroke-dasharray:2 3}\
.plot .dash-dot{stroke-dasharray:8 3 2 3}";

/// Style sheet for a page that holds plots: colours as custom properties for light and dark, and the plots' rules by them.
pub fn variables() -> String {
    let declare = |dark: bool| {
        let mut declarations = String::new();
        for (name, light_colour, dark_colour) in ROLES {
            let _ = write!(declarations, "--{name}:{};", if dark { dark_colour } else { light_colour });
        }
        for (n, (light_colour, dark_colour)) in SERIES.iter().enumerate() {
            let _ = write!(declarations, "--s{n}:{};", if dark { dark_colour } else { light_colour });
        }
        declarations
    };
    let mut sheet = format!(
        ":root{{color-scheme:light dark;{}}}\n@media screen and (prefers-color-scheme:dark){{:root{{{}}}}}\n{SHAPES}\n",
        declare(false),
        declare(true)
    );
    for n in 0..SERIES.len() {
        let _ = write!(sheet, ".s{n}{{color:var(--s{n})}}");
    }
    sheet.push_str(".floor{color:var(--floor)}");
    sheet
}

/// The marker of a series as a tiny drawing to stand before its name in a text of the page; screen readers pass over it.
pub fn swatch(style: Style) -> String {
    let mut drawing = Svg::new(13.0, 13.0, "");
    drawing.path(&format!("mark {}", style.class()), &style.marker((6.5, 6.5), 5.0));
    drawing.decoration()
}

/// Style sheet of a plot that is a file of its own. Colours are written out, as many viewers of SVG files know no custom
/// properties; those that know no media queries either show the light ones.
pub(crate) fn literal() -> String {
    let coloured = |dark: bool| {
        let mut rules = SHAPES.to_owned();
        for (name, light_colour, dark_colour) in ROLES {
            rules = rules.replace(&format!("var(--{name})"), if dark { dark_colour } else { light_colour });
        }
        for (n, (light_colour, dark_colour)) in SERIES.iter().enumerate() {
            let _ = write!(rules, ".s{n}{{color:{}}}", if dark { dark_colour } else { light_colour });
        }
        let (_, light_floor, dark_floor) = ROLES[5];
        let _ = write!(rules, ".floor{{color:{}}}", if dark { dark_floor } else { light_floor });
        rules
    };
    format!("{}\n@media screen and (prefers-color-scheme:dark){{{}}}", coloured(false), coloured(true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_its_own_needs_no_custom_properties() {
        assert!(!literal().contains("var("));
        assert!(variables().contains("var(--ink)"));
    }

    /// Contrast of lines against the ground is at least 3:1 (WCAG 2.2, success criterion 1.4.11), of text 4.5:1 (1.4.3).
    #[test]
    fn everything_can_be_seen_on_its_ground() {
        let [ink, soft, _, ground, panel, floor] = ROLES;
        for (name, light, dark) in [ink, soft] {
            for (light_ground, dark_ground) in [(ground.1, ground.2), (panel.1, panel.2)] {
                assert!(contrast(light, light_ground) >= 4.5, "{name} on light");
                assert!(contrast(dark, dark_ground) >= 4.5, "{name} on dark");
            }
        }
        for (light, dark) in SERIES.into_iter().chain([(floor.1, floor.2)]) {
            assert!(contrast(light, ground.1) >= 3.0, "{light}");
            assert!(contrast(dark, ground.2) >= 3.0, "{dark}");
        }
    }

    /// Relative luminance and contrast ratio as WCAG 2.2 defines them.
    fn contrast(a: &str, b: &str) -> f64 {
        let luminance = |colour: &str| {
            let channel = |at: usize| {
                let value = f64::from(u8::from_str_radix(&colour[at..at + 2], 16).unwrap()) / 255.0;
                if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
            };
            0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
        };
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }
}
