//! Tables for LaTeX, with the rules of the package booktabs.

use std::fmt::Write as _;

use super::Table;

/// Each table as a `tabular` of its own, to be put into a `table`; `%` lines above say what it is and what it needs.
pub fn latex(tables: &[Table]) -> String {
    let mut text =
        "% needs \\usepackage{booktabs} and, with pdflatex, \\usepackage[utf8]{inputenc} and \\usepackage{textcomp}\n".to_owned();
    for table in tables.iter().filter(|table| !table.rows.is_empty()) {
        let columns = format!("l{}", "r".repeat(table.columns.len().saturating_sub(1)));
        let _ = writeln!(text, "% {}", comment(&table.caption));
        let _ = writeln!(text, "\\begin{{tabular}}{{{columns}}}\n\\toprule\n{} \\\\\n\\midrule", line(&table.columns));
        for row in &table.rows {
            let _ = writeln!(text, "{} \\\\", line(row));
        }
        let _ = writeln!(text, "\\bottomrule\n\\end{{tabular}}");
    }
    text
}

fn line(fields: &[String]) -> String {
    fields.iter().map(|field| escaped(field)).collect::<Vec<_>>().join(" & ")
}

/// A comment ends with its line.
fn comment(text: &str) -> String {
    text.replace(['\n', '\r'], " ")
}

/// Text that LaTeX sets as it stands, whatever the engine: its ten special characters, and those of ours that are not ASCII.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' | '%' | '$' | '#' | '_' | '{' | '}' => {
                escaped.push('\\');
                escaped.push(character);
            }
            '~' => escaped.push_str("\\textasciitilde{}"),
            '^' => escaped.push_str("\\textasciicircum{}"),
            '\\' => escaped.push_str("\\textbackslash{}"),
            '<' => escaped.push_str("\\textless{}"),
            '>' => escaped.push_str("\\textgreater{}"),
            '|' => escaped.push_str("\\textbar{}"),
            '"' => escaped.push_str("\\textquotedbl{}"),
            '\u{a0}' => escaped.push('~'),
            '\u{202f}' => escaped.push_str("\\,"),
            '–' => escaped.push_str("--"),
            '−' => escaped.push_str("$-$"),
            'µ' | 'μ' => escaped.push_str("\\textmu{}"),
            '’' => escaped.push('\''),
            '\n' | '\r' => escaped.push(' '),
            other => escaped.push(other),
        }
    }
    // what opens an optional argument after a line's end must not begin a line
    if escaped.starts_with(['[', '*']) { format!("{{}}{escaped}") } else { escaped }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_special_is_set_as_it_stands() {
        assert_eq!(
            escaped("50 % of a_b & {c} #1 ~^\\ <|>"),
            "50 \\% of a\\_b \\& \\{c\\} \\#1 \\textasciitilde{}\\textasciicircum{}\\textbackslash{} \\textless{}\\textbar{}\\textgreater{}"
        );
        assert_eq!(escaped("1.63–1.67\u{a0}µs −3"), "1.63--1.67~\\textmu{}s $-$3");
        assert_eq!(escaped("[1]"), "{}[1]");
    }
}
