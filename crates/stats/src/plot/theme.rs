//! Colours, dashes and markers of the plots, and the style sheets that carry them.
//!
//! The palette is that of Okabe and Ito, "Color Universal Design" (2008), made to be told apart by colour-blind readers;
//! the order puts those with the most contrast on white first, and the dark variants are lightened for a dark ground. Colour is
//! never the only sign: each series has a marker of its own, and dashes tell apart the rounds of the palette.
//!
//! Where colour stands for a quantity it is cividis (Nuñez, Anderton and Renslow, "Optimizing colormaps with consideration for color vision
//! deficiency", PLOS ONE 13(7), 2018), whose lightness rises evenly for readers with and without colour vision deficiency.

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

/// Ten evenly spaced colours of cividis, dark to light.
const CIVIDIS: [&str; 10] =
    ["#00224e", "#123570", "#3b496c", "#575d6d", "#707173", "#8a8678", "#a59c74", "#c3b369", "#e1cc55", "#fee838"];

/// How many shades a density has: the part of cividis that is seen on a light ground, and that on a dark one.
pub(super) const SHADES: usize = 6;

/// How many fills a heat map has.
pub(super) const FILLS: usize = CIVIDIS.len();

/// The colour of a shade of a density, from rare to frequent: light, dark.
fn shade(n: usize) -> (&'static str, &'static str) {
    (CIVIDIS[SHADES - 1 - n], CIVIDIS[FILLS - SHADES + n])
}

/// The class of a fill of a heat map, from least to most, and that of a text on it. The more, the darker, so that it is right in print.
pub(super) fn fill(n: usize) -> (String, &'static str) {
    let n = n.min(FILLS - 1);
    (format!("k{n}"), if n < FILLS / 2 { "on-light" } else { "on-dark" })
}

/// Which ground a drawing lies on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ground {
    /// White, for paper.
    Light,
    /// Nearly black.
    Dark,
}

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

/// The letters of plots on a screen: those of the host.
const FACE: &str = ".plot{font:13px system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,'DejaVu Sans',sans-serif}";

/// Shapes and text, by class; colours come on top.
const SHAPES: &str = "\
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
.plot .open{fill:var(--ground);stroke-width:1.4}\
.plot .hollow{fill:var(--ground);stroke:var(--soft);stroke-width:1.4}\
.plot .area{fill:currentColor;stroke:none;opacity:.09}\
.plot .band{fill:currentColor;stroke:none;opacity:.17}\
.plot .letter{fill:currentColor;fill-opacity:.2;stroke-width:.6}\
.plot .middle{stroke:var(--ink);stroke-width:2.4}\
.plot .density path{shape-rendering:crispEdges}\
.plot .key{stroke-width:11}\
.plot .fill{stroke:var(--ground);stroke-width:2}\
.plot .absent{stroke:var(--rule);stroke-width:1}\
.plot text.on-light{fill:#000}\
.plot text.on-dark{fill:#fff}\
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
        for (class, light_colour, dark_colour) in coloured() {
            let _ = write!(declarations, "--{class}:{};", if dark { dark_colour } else { light_colour });
        }
        declarations
    };
    let mut sheet = format!(
        ":root{{color-scheme:light dark;{}}}\n@media screen and (prefers-color-scheme:dark){{:root{{{}}}}}\n{FACE}{SHAPES}\n",
        declare(false),
        declare(true)
    );
    for (class, ..) in coloured() {
        let _ = write!(sheet, ".{class}{{color:var(--{class})}}");
    }
    sheet.push_str(".floor{color:var(--floor)}");
    sheet.push_str(&fills());
    sheet
}

/// Classes that set the colour: name, light, dark.
fn coloured() -> Vec<(String, &'static str, &'static str)> {
    let series = SERIES.iter().enumerate().map(|(n, (light, dark))| (format!("s{n}"), *light, *dark));
    let shades = (0..SHADES).map(|n| (format!("d{n}"), shade(n).0, shade(n).1));
    series.chain(shades).collect()
}

/// The rules of the fills, which are the same on any ground.
fn fills() -> String {
    let mut rules = String::new();
    for n in 0..FILLS {
        let _ = write!(rules, ".plot .{}{{fill:{}}}", fill(n).0, CIVIDIS[FILLS - 1 - n]);
    }
    rules
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
    let (light, dark) = (rules(FACE, Ground::Light), rules(FACE, Ground::Dark));
    format!("{light}\n@media screen and (prefers-color-scheme:dark){{{dark}}}")
}

/// Style sheet of a plot that is to be an image on one ground, with letters of this family.
pub(super) fn fixed(family: &str, ground: Ground) -> String {
    rules(&format!(".plot{{font-size:13px;font-family:{family}}}"), ground)
}

fn rules(face: &str, ground: Ground) -> String {
    let chosen = |light: &'static str, dark: &'static str| if ground == Ground::Dark { dark } else { light };
    let mut rules = format!("{face}{SHAPES}");
    for (name, light, dark) in ROLES {
        rules = rules.replace(&format!("var(--{name})"), chosen(light, dark));
    }
    for (class, light, dark) in coloured() {
        let _ = write!(rules, ".{class}{{color:{}}}", chosen(light, dark));
    }
    let (_, light, dark) = ROLES[5];
    let _ = write!(rules, ".floor{{color:{}}}", chosen(light, dark));
    rules.push_str(&fills());
    rules
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
        for (light, dark) in (0..SHADES).map(shade) {
            assert!(contrast(light, ground.1) >= 3.0, "{light}");
            assert!(contrast(dark, ground.2) >= 3.0, "{dark}");
        }
    }

    /// Letters on each fill of a heat map have a contrast of at least 4.5:1 (WCAG 2.2, success criterion 1.4.3).
    #[test]
    fn texts_on_fills_can_be_read() {
        for n in 0..FILLS {
            let letters = if fill(n).1 == "on-light" { "#000000" } else { "#ffffff" };
            assert!(contrast(letters, CIVIDIS[FILLS - 1 - n]) >= 4.5, "fill {n}");
        }
    }

    /// From rare to frequent each shade stands out more from its ground than the one before.
    #[test]
    fn shades_go_one_way() {
        let [_, _, _, ground, ..] = ROLES;
        let shades: Vec<_> = (0..SHADES).map(shade).collect();
        for pair in shades.windows(2) {
            assert!(contrast(pair[1].0, ground.1) > contrast(pair[0].0, ground.1));
            assert!(contrast(pair[1].1, ground.2) > contrast(pair[0].1, ground.2));
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
