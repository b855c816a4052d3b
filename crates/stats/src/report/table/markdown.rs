//! A campaign as Markdown (CommonMark with the tables of GitHub), which reads well as plain text too.

use std::fmt::Write as _;

use super::Table;
use crate::escape::markdown as escaped;

/// What stands above the tables of a campaign.
#[derive(Debug, Clone, Copy)]
pub struct Headline<'a> {
    /// The question, or the name.
    pub title: &'a str,
    /// The campaign, its host, its time.
    pub source: &'a str,
    /// The answer in a sentence or two.
    pub answer: &'a str,
    /// What could not be read, a sentence each without its full stop.
    pub faults: &'a [String],
    /// How deep the heading is, from 1.
    pub level: usize,
}

/// The headline and the tables.
pub fn markdown(headline: &Headline<'_>, tables: &[Table]) -> String {
    let Headline { title, source, answer, faults, level } = *headline;
    let mut text = format!("{} {}\n\n{}\n\n", "#".repeat(level.max(1)), escaped(title), escaped(source));
    if !answer.is_empty() {
        let _ = writeln!(text, "**{}**\n", escaped(answer));
    }
    if !faults.is_empty() {
        let _ = writeln!(text, "Not all of this results folder is there or whole; what follows is the rest.\n");
        for fault in faults {
            let _ = writeln!(text, "- {}", escaped(fault));
        }
        text.push('\n');
    }
    for table in tables {
        one(&mut text, table);
    }
    text
}

fn one(text: &mut String, table: &Table) {
    if table.rows.is_empty() {
        return;
    }
    let _ = writeln!(text, "{}\n", escaped(&table.caption));
    let lines: Vec<Vec<String>> =
        [&table.columns].into_iter().chain(&table.rows).map(|line| line.iter().map(|field| escaped(field)).collect()).collect();
    let width =
        |column: usize| lines.iter().filter_map(|line| line.get(column)).map(|field| field.chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..table.columns.len()).map(width).map(|width| width.max(3)).collect();
    for (number, line) in lines.iter().enumerate() {
        let padded = widths.iter().enumerate().map(|(column, width)| {
            let field = line.get(column).map_or("", String::as_str);
            let room = " ".repeat(width - field.chars().count());
            if column == 0 { format!("{field}{room}") } else { format!("{room}{field}") }
        });
        let _ = writeln!(text, "| {} |", padded.collect::<Vec<_>>().join(" | "));
        if number == 0 {
            let rule = |(column, width): (usize, &usize)| {
                if column == 0 { "-".repeat(*width) } else { format!("{}:", "-".repeat(width - 1)) }
            };
            let _ = writeln!(text, "| {} |", widths.iter().enumerate().map(rule).collect::<Vec<_>>().join(" | "));
        }
    }
    text.push('\n');
}
