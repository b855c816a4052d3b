//! The page around the sections, and what several sections are built from.
//!
//! It is one file that asks for nothing else, which its policy holds: no text within it, whoever wrote it, can make a reader's browser
//! fetch anything. Without scripts everything can be read; what needs them is shown by them.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::figures::Captioned;
use crate::plot::theme::{self, Style};

const STYLE: &str = concat!(include_str!("style.css"), include_str!("controls.css"));

/// In the order in which they build on each other.
const SCRIPTS: [&str; 8] = [
    include_str!("script/numbers.js"),
    include_str!("script/embedded.js"),
    include_str!("script/theme.js"),
    include_str!("script/panel.js"),
    include_str!("script/filter.js"),
    include_str!("script/compare.js"),
    include_str!("script/cursor.js"),
    include_str!("script/zoom.js"),
];

/// Nothing is fetched, sent or framed; style and script are those of the file (Content Security Policy Level 3).
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// The section that only the script fills: it shows the link to it as well.
const SCRIPTED: &str = "pair";

/// The whole document.
pub(super) fn page(title: &str, content: &Markup) -> String {
    page_with(title, &Markup::default(), content)
}

/// The whole document, with controls in the bar that stays at the top.
pub(super) fn page_with(title: &str, controls: &Markup, content: &Markup) -> String {
    let contents = contents(&content.0);
    let document = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="generator" content="tailbed";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                title { (title) }
                style { (PreEscaped(theme::variables())) (PreEscaped(STYLE)) }
            }
            body {
                a.skip href="#main" { "Skip to the answer" }
                header.bar {
                    nav aria-label="On this page" {
                        details.menu {
                            summary { "Contents" }
                            ul { @for (id, title) in &contents { li data-script[*id == SCRIPTED] hidden[*id == SCRIPTED] { a href=(format!("#{id}")) { (PreEscaped(*title)) } } } }
                        }
                    }
                    (controls)
                    button #theme type="button" hidden { "Dark" }
                }
                main #main tabindex="-1" { (content) }
                script { (PreEscaped("'use strict';\n")) @for script in SCRIPTS { (PreEscaped(script)) } }
            }
        }
    };
    document.into_string()
}

/// Identifier and title of each section, read off the markup: sections that have nothing to say leave themselves out. Text of others is
/// escaped there and cannot look like one.
fn contents(markup: &str) -> Vec<(&str, &str)> {
    markup.split("<section id=\"").skip(1).filter_map(entry).collect()
}

fn entry(section: &str) -> Option<(&str, &str)> {
    let (id, rest) = section.split_once('"')?;
    let (_, heading) = rest.split_once("<h2")?;
    let (_, heading) = heading.split_once('>')?;
    Some((id, heading.split_once("</h2>")?.0))
}

/// A titled section; `id` is what links point at.
pub(super) fn section(id: &str, title: &str, content: &Markup) -> Markup {
    titled(id, title, None, content)
}

/// A titled section whose numbers are explained in the entry of [`super::method`] of that name.
pub(super) fn section_by(id: &str, title: &str, method: &str, content: &Markup) -> Markup {
    titled(id, title, Some(method), content)
}

fn titled(id: &str, title: &str, method: Option<&str>, content: &Markup) -> Markup {
    html! {
        section id=(id) aria-labelledby=(format!("{id}-title")) {
            div.heading {
                h2 id=(format!("{id}-title")) { (title) }
                @if let Some(method) = method {
                    a.how href=(format!("#method-{method}")) aria-label=(format!("{title}: how these numbers are made")) { "how it is made" }
                }
            }
            (content)
        }
    }
}

/// A table that scrolls by itself where the page is narrow.
pub(super) fn scrolling(caption: &str, table: &Markup) -> Markup {
    html! { div.scroll role="region" aria-label=(caption) tabindex="0" { table { caption { span { (caption) } } (table) } } }
}

/// A plot with its caption.
pub(super) fn figure(captioned: &Captioned) -> Markup {
    let name = &captioned.named.name;
    let caption = format!("caption-{name}");
    html! {
        figure id=(format!("plot-{name}")) {
            @if let Some(heading) = &captioned.heading { h3 { (heading) } }
            div.scroll.stage role="group" tabindex="0" aria-label=(format!("Plot {name}")) aria-describedby=(caption) {
                (PreEscaped(captioned.named.figure.inline()))
            }
            figcaption id=(caption) { (captioned.caption) " " span.data { "Data: plots/" (name) ".csv" } }
        }
    }
}

/// The marker of a series, to stand before its name.
pub(super) fn swatch(style: Style) -> Markup {
    PreEscaped(theme::swatch(style))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_contents_are_the_sections_that_are_there() {
        let nothing = Markup::default();
        let content = html! {
            (section("one", "First & <last>", &html! { p { "<section id=\"two\"><h2>no</h2>" } }))
            (section_by("three", "Third", "latency", &nothing))
        };
        assert_eq!(contents(&content.0), [("one", "First &amp; &lt;last&gt;"), ("three", "Third")]);
    }
}
