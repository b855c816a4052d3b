//! The page around the sections, and what several sections are built from.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::figures::Captioned;
use crate::plot::theme::{self, Style};

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("enhance.js");

/// The whole document.
pub(super) fn page(title: &str, content: &Markup) -> String {
    let document = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="generator" content="tailbed";
                title { (title) }
                style { (PreEscaped(theme::variables())) (PreEscaped(STYLE)) }
            }
            body {
                main { (content) }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    document.into_string()
}

/// A titled section; `id` is what links point at.
pub(super) fn section(id: &str, title: &str, content: &Markup) -> Markup {
    html! {
        section id=(id) aria-labelledby=(format!("{id}-title")) {
            h2 id=(format!("{id}-title")) { (title) }
            (content)
        }
    }
}

/// A table that scrolls by itself where the page is narrow.
pub(super) fn scrolling(caption: &str, table: &Markup) -> Markup {
    html! { div.scroll role="region" aria-label=(caption) tabindex="0" { table { caption { (caption) } (table) } } }
}

/// A plot with its caption.
pub(super) fn figure(captioned: &Captioned) -> Markup {
    html! {
        figure id=(format!("plot-{}", captioned.named.name)) {
            @if let Some(heading) = &captioned.heading { h3 { (heading) } }
            div.scroll { (PreEscaped(captioned.named.figure.inline())) }
            figcaption { (captioned.caption) " " span.data { "Data: plots/" (captioned.named.name) ".csv" } }
        }
    }
}

/// The marker of a series, to stand before its name.
pub(super) fn swatch(style: Style) -> Markup {
    PreEscaped(theme::swatch(style))
}
