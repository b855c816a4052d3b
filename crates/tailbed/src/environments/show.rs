//! The table on a terminal: a word a cell, and beneath it what was found.

use std::io::IsTerminal;

use comfy_table::presets::{NOTHING, UTF8_HORIZONTAL_ONLY};
use comfy_table::{Attribute, Cell, ContentArrangement, LineStyle, Table as Lines};

use super::{Feature, Table};

/// The terminal's width; `None` when the output is no terminal, and lines are never broken.
pub(super) fn width() -> Option<u16> {
    let output = std::io::stdout();
    let size = output.is_terminal().then(|| rustix::termios::tcgetwinsize(&output).ok()).flatten();
    size.map(|size| size.ws_col).filter(|columns| *columns > 0)
}

/// The words in a table, and beneath them what was found, in the order of the questions. Why a kind cannot be made here at all is told
/// once, with the first.
pub(super) fn text(table: &Table, width: Option<u16>) -> String {
    let mut words = Lines::new();
    // lines between rows of single words would be in the way
    words.load_style(UTF8_HORIZONTAL_ONLY.row_separator(LineStyle::none()));
    fit(&mut words, width);
    words.set_header(std::iter::once("").chain(table.kinds).map(bold));
    let mut reasons = Lines::new();
    reasons.load_style(NOTHING);
    fit(&mut reasons, width);
    for feature in &table.features {
        words.add_row(std::iter::once(feature.name).chain(feature.answers.iter().map(|answer| answer.short.as_str())));
        let mut name = feature.name;
        for (kinds, why) in reasons_of(feature, table) {
            reasons.add_row([bold(name), Cell::new(format!("{kinds}: {why}"))]);
            name = "";
        }
    }
    format!("{}\n{}\n\n{}\n", table.host, trimmed(&words), trimmed(&reasons))
}

/// Each reason once, with the kinds that it is true of.
fn reasons_of<'a>(feature: &'a Feature, table: &Table) -> Vec<(String, &'a str)> {
    let mut reasons: Vec<(String, &str)> = Vec::new();
    for (kind, answer) in table.kinds.iter().zip(&feature.answers) {
        let Some(why) = answer.why.as_deref().filter(|_| answer.short != super::NOTHING) else { continue };
        match reasons.iter_mut().find(|(_, known)| *known == why) {
            Some((kinds, _)) => kinds.extend([", ", kind]),
            None => reasons.push(((*kind).to_owned(), why)),
        }
    }
    reasons
}

fn bold(text: &str) -> Cell {
    Cell::new(text).add_attribute(Attribute::Bold)
}

fn trimmed(table: &Lines) -> String {
    table.to_string().lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

fn fit(table: &mut Lines, width: Option<u16>) {
    if let Some(width) = width {
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environments::{Answer, KINDS};

    fn table() -> Table {
        let no = |why: &str| Answer::no(why.to_owned());
        let answers = [Answer::yes("it is there"), no("not here"), no("not here"), no("off"), Answer::nothing("missing")];
        Table { host: "a host".to_owned(), kinds: KINDS, features: vec![Feature { name: "own kernel", answers }] }
    }

    #[test]
    fn a_reason_is_told_once_for_all_that_it_is_true_of() {
        let text = text(&table(), None);
        assert!(text.starts_with("a host\n"), "{text}");
        let told = |line: &str| text.lines().any(|found| found.split_whitespace().collect::<Vec<_>>().join(" ") == line);
        assert!(told("own kernel yes no no no –"), "{text}");
        assert!(told("own kernel host: it is there") && told("container, lxc: not here") && told("docker: off"), "{text}");
        assert!(!text.contains("missing"), "{text}");
    }

    #[test]
    fn lines_are_broken_at_the_terminals_width() {
        let mut wide = table();
        wide.features[0].answers[0] = Answer::yes("a very long reason ".repeat(20));
        assert!(text(&wide, Some(80)).lines().all(|line| line.chars().count() <= 80));
    }
}
