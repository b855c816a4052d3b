//! Several campaigns in one page, results of others among them: what each found, side by side, and what may be said of the differences.

use maud::{Markup, PreEscaped, html};
use tailbed_format::facts::Facts;
use tailbed_format::imported::Imported;
use tailbed_format::summary::{CampaignSummary, Parameter, RunKind};

use super::figures::Captioned;
use super::table::{self, Table};
use super::{CellData, NamedFigure, damaged, label, page, values};
use crate::compare::machine::{Difference, differences};
use crate::compare::{Comparison, Row, Side, compare, not_enough, same, verdict};
use crate::counter::Counter;
use crate::imported::Pooled;
use crate::plot::number;
use crate::plot::percentiles::{Curve, percentiles};
use crate::plot::theme::Style;

/// One campaign, or results of others.
#[derive(Debug, Clone, Copy)]
pub struct SideInput<'a> {
    /// What it is called on this page: its folder's name.
    pub name: &'a str,
    /// What it found.
    pub found: Found<'a>,
}

/// What a campaign found.
#[derive(Debug, Clone, Copy)]
pub enum Found<'a> {
    /// Latencies of packets.
    Packets {
        /// The campaign's results.
        summary: &'a CampaignSummary,
        /// What the plots show of each cell.
        data: &'a [CellData],
        /// The host it ran on.
        facts: &'a Facts,
    },
    /// Anything else, as tables: it stands beside the others and is not compared.
    Other {
        /// The answer.
        answer: &'a str,
        /// The tables.
        tables: &'a [Table],
        /// The host it ran on.
        facts: &'a Facts,
    },
    /// Results of others.
    Imported(&'a Imported),
}

/// A later campaign of packets beside the first.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdicts {
    /// What may be said.
    pub comparison: Comparison,
    /// What differs between the machines.
    pub machines: Vec<Difference>,
}

impl Verdicts {
    /// What every line says of campaigns of different machines; empty where it is one.
    pub fn mark(&self) -> &'static str {
        if self.machines.iter().any(|difference| difference.machine) { " (different machines)" } else { "" }
    }
}

/// Compares every later campaign of packets with the first one.
pub fn verdicts(sides: &[SideInput<'_>]) -> Vec<Verdicts> {
    let packets: Vec<_> = sides
        .iter()
        .filter_map(|side| match side.found {
            Found::Packets { summary, data, facts } => Some((side.name, summary, latencies(summary, data), facts)),
            Found::Other { .. } | Found::Imported(_) => None,
        })
        .collect();
    let Some(((name, summary, latencies, facts), later)) = packets.split_first() else { return Vec::new() };
    let base = Side { summary, latencies };
    later
        .iter()
        .map(|(other_name, summary, latencies, other_facts)| Verdicts {
            comparison: compare((*name, base), (*other_name, Side { summary, latencies }), &[]),
            machines: machines(facts, other_facts),
        })
        .collect()
}

/// What differs between two machines; one of which nothing is known may be any.
fn machines(base: &Facts, other: &Facts) -> Vec<Difference> {
    let name = |facts: &Facts| facts.hostname.clone();
    if base.is_known() && other.is_known() {
        differences(base, other)
    } else {
        vec![Difference { what: "host".to_owned(), base: name(base), other: name(other), machine: true }]
    }
}

fn latencies(summary: &CampaignSummary, data: &[CellData]) -> Vec<Counter> {
    let cells = summary.cells.iter().map(|cell| cell.cell + 1).max().unwrap_or(0);
    let mut latencies = vec![Counter::new(); cells];
    for cell in data {
        if let Some(counter) = latencies.get_mut(cell.cell) {
            cell.latency.iter().for_each(|&(value, times)| counter.record_many(value, times));
        }
    }
    latencies
}

/// The page. `faults` tell what of the folders could not be read.
pub fn several_html(sides: &[SideInput<'_>], faults: &[String]) -> String {
    let title = sides.iter().map(|side| side.name).collect::<Vec<_>>().join(", ");
    let figures = figures(sides);
    let verdicts = verdicts(sides);
    page::page(
        &title,
        &html! {
            header {
                p.source { (sides.len()) " results side by side" }
                h1 { (title) }
                @for side in sides { (opening(side)) }
            }
            (damaged::section(faults))
            @for side in sides { (tables(side)) }
            @if !figures.is_empty() {
                (page::section("tail", "The tails", &html! { @for captioned in &figures { (drawing(captioned)) } }))
            }
            @for verdicts in &verdicts { (differences_of(verdicts)) }
        },
    )
}

/// The plots of the page, to be written beside it.
pub fn several_plots(sides: &[SideInput<'_>]) -> Vec<NamedFigure> {
    figures(sides).into_iter().map(|captioned| captioned.named).collect()
}

/// The tables of a side, for other formats than the page.
pub fn tables_of(side: &SideInput<'_>) -> Vec<Table> {
    match side.found {
        Found::Packets { summary, .. } => table::of_packets(summary),
        Found::Other { tables, .. } => tables.to_vec(),
        Found::Imported(imported) => table::of_imported(imported),
    }
}

/// The name and the machine, or where results of others are from.
pub fn source_of(side: &SideInput<'_>) -> String {
    let machine = |facts: &Facts| format!("{} · {} · {}", side.name, facts.hostname, facts.kernel);
    match side.found {
        Found::Packets { summary, facts, .. } if summary.simulated => format!("{} · simulated, not measured", machine(facts)),
        Found::Packets { facts, .. } | Found::Other { facts, .. } => machine(facts),
        Found::Imported(imported) => {
            let source = imported.source.as_deref().unwrap_or("of a source that is not named");
            format!("{} · not measured here · {source}", side.name)
        }
    }
}

/// The answer of a side; results of others have none.
pub fn answer_of<'a>(side: &SideInput<'a>) -> &'a str {
    match side.found {
        Found::Packets { summary, .. } => &summary.answer,
        Found::Other { answer, .. } => answer,
        Found::Imported(_) => "",
    }
}

fn opening(side: &SideInput<'_>) -> Markup {
    let answer = answer_of(side);
    html! {
        p.source { (source_of(side)) }
        @if !answer.is_empty() { p.answer { (answer) } }
    }
}

/// A plot whose data are no file beside the page.
fn drawing(captioned: &Captioned) -> Markup {
    html! {
        figure id=(format!("plot-{}", captioned.named.name)) {
            @if let Some(heading) = &captioned.heading { h3 { (heading) } }
            div.scroll { (PreEscaped(captioned.named.figure.inline())) }
            figcaption { (captioned.caption) }
        }
    }
}

fn tables(side: &SideInput<'_>) -> Markup {
    let imported = matches!(side.found, Found::Imported(_));
    let title = if imported { format!("{} (not measured here)", side.name) } else { side.name.to_owned() };
    let content = html! { @for table in tables_of(side) { (drawn(&table)) } };
    page::section(&format!("of-{}", identifier(side.name)), &title, &content)
}

fn drawn(table: &Table) -> Markup {
    let content = html! {
        thead { tr { @for column in &table.columns { th scope="col" { (column) } } } }
        tbody {
            @for row in &table.rows {
                tr { @for (place, field) in row.iter().enumerate() { @if place == 0 { th scope="row" { (field) } } @else { td { (figure_of(field)) } } } }
            }
        }
    };
    page::scrolling(&table.caption, &content)
}

/// A figure with its interval, the latter small beneath it.
fn figure_of(field: &str) -> Markup {
    let parts = field.strip_suffix(')').and_then(|field| field.split_once(" ("));
    let parts = parts.filter(|(figure, _)| figure.starts_with(|first: char| first.is_ascii_digit()));
    html! {
        @if let Some((figure, bounds)) = parts { (figure) span.under { (bounds) } } @else { (field) }
    }
}

/// Letters and digits of a name: what a link can point at.
fn identifier(name: &str) -> String {
    name.chars().map(|character| if character.is_ascii_alphanumeric() { character } else { '-' }).collect()
}

/// A curve's name, its values and its reported percentiles.
struct Drawn<'a> {
    label: String,
    values: Vec<(u64, u64)>,
    distribution: Option<&'a tailbed_format::summary::Distribution>,
}

impl Drawn<'_> {
    fn curve(&self, series: usize) -> Curve<'_> {
        let Self { label, values, distribution } = self;
        Curve { label, style: Style::Series(series), values, distribution: *distribution }
    }
}

/// One percentile diagram of all measurements, or of each combination of values that several campaigns have in common one of its own where
/// all in one would be more than can be told apart.
fn figures(sides: &[SideInput<'_>]) -> Vec<Captioned> {
    let mut groups: Vec<(Vec<Parameter>, Vec<Drawn<'_>>)> = Vec::new();
    for side in sides {
        for (parameters, drawn) in curves(side) {
            match groups.iter_mut().find(|(known, _)| same(known, parameters)) {
                Some((_, all)) => all.push(drawn),
                None => groups.push((parameters.to_vec(), vec![drawn])),
            }
        }
    }
    let all: usize = groups.iter().map(|(_, drawn)| drawn.len()).sum();
    if all > TOGETHER && groups.iter().any(|(_, drawn)| drawn.len() > 1) {
        return groups.iter().enumerate().map(|(place, (parameters, drawn))| figure(place, &values(parameters), drawn)).collect();
    }
    let together: Vec<Drawn<'_>> = groups.into_iter().flat_map(|(_, drawn)| drawn).collect();
    if together.is_empty() { Vec::new() } else { vec![figure(0, "", &together)] }
}

/// So many curves have colours and dashes of their own.
const TOGETHER: usize = 12;

fn figure(place: usize, heading: &str, drawn: &[Drawn<'_>]) -> Captioned {
    let curves: Vec<Curve<'_>> = drawn.iter().enumerate().map(|(series, drawn)| drawn.curve(series)).collect();
    let name = if place == 0 { "percentiles".to_owned() } else { format!("percentiles-{}", place + 1) };
    Captioned {
        named: NamedFigure { name, figure: percentiles("One-way latency", &curves) },
        heading: Some(heading).filter(|heading| !heading.is_empty()).map(str::to_owned),
        caption: CAPTION.to_owned(),
    }
}

const CAPTION: &str = "How to read it: at 99.9 % on the horizontal axis, one packet in a thousand took at least as long as the curve is high. \
     Curves that were not measured here are as coarse as the percentiles that their files give.";

/// The curves of a side, each with the values that its cell has.
fn curves<'a>(side: &SideInput<'a>) -> Vec<(&'a [Parameter], Drawn<'a>)> {
    let called = |label: String| if label.is_empty() { side.name.to_owned() } else { format!("{}: {label}", side.name) };
    match side.found {
        Found::Packets { summary, data, .. } => {
            let measured = summary.cells.iter().filter(|cell| cell.kind == RunKind::Measurement);
            let one = |cell: &'a tailbed_format::summary::CellSummary| {
                let values = data.iter().find(|data| data.cell == cell.cell)?.latency.clone();
                let drawn = Drawn { label: called(label(cell)), values, distribution: Some(&cell.latency) };
                Some((cell.parameters.as_slice(), drawn))
            };
            measured.filter_map(one).collect()
        }
        Found::Imported(imported) => {
            let one = |cell: &'a tailbed_format::imported::ImportedCell| {
                let label = format!("{} (not measured here)", called(values(&cell.parameters)));
                (cell.parameters.as_slice(), Drawn { label, values: Pooled::of(cell).values(), distribution: None })
            };
            imported.cells.iter().map(one).collect()
        }
        Found::Other { .. } => Vec::new(),
    }
}

fn differences_of(verdicts: &Verdicts) -> Markup {
    let Verdicts { comparison, machines } = verdicts;
    let mark = verdicts.mark();
    let title = format!("{} against {}{mark}", comparison.other, comparison.base);
    let content = html! {
        @if !machines.is_empty() {
            ul {
                @for difference in machines {
                    li { (difference.what) " differs: " (or_none(&difference.other)) " here, " (or_none(&difference.base)) " in " (comparison.base) }
                }
            }
        }
        @if comparison.cells.is_empty() { p { "They have no combination of values in common, and nothing is compared." } }
        @for cell in &comparison.cells { (compared(comparison, cell, mark)) }
        @for (whose, alone) in [(&comparison.base, &comparison.only_base), (&comparison.other, &comparison.only_other)] {
            @for parameters in alone { p.hint { "Only " (whose) " has " (or_all(parameters)) ": it is not compared." } }
        }
    };
    page::section(&format!("against-{}", identifier(&comparison.other)), &title, &content)
}

fn compared(comparison: &Comparison, cell: &crate::compare::Compared, mark: &str) -> Markup {
    let columns = [
        "Percentile",
        comparison.base.as_str(),
        comparison.other.as_str(),
        "Difference",
        "Interval",
        "Ratio",
        "What may be said",
    ];
    let caption =
        format!("{}: medians over the repeats, and what may be said of their difference{mark}", or_all(&cell.parameters));
    let mut table = Table::new(&caption, columns);
    table.rows = cell.rows.iter().map(|row| fields(row, mark)).collect();
    table.rows.extend(cell.too_few.iter().map(|too_few| {
        let head = std::iter::once(too_few.percentile.to_string()).chain(std::iter::repeat_n("–".to_owned(), 5));
        head.chain([format!("{}{mark}", not_enough(too_few))]).collect()
    }));
    html! {
        @if table.rows.is_empty() {
            p { (or_all(&cell.parameters)) ": no percentile has a value on both sides." (mark) }
        } @else {
            (drawn(&table))
        }
        @if let Some(slower) = cell.slower {
            p.hint {
                "A packet of " (comparison.other) " is slower than one of " (comparison.base) " with a probability of "
                (format!("{:.1}\u{a0}%", slower * 100.0)) "." (mark)
            }
        }
    }
}

fn fields(row: &Row, mark: &str) -> Vec<String> {
    #[allow(clippy::cast_possible_truncation, reason = "differences of whole nanoseconds")]
    let signed = |ns: f64| number::difference(ns.round() as i64);
    let range = &row.difference;
    vec![
        row.percentile.to_string(),
        number::time(row.medians[0]),
        number::time(row.medians[1]),
        signed(range.estimate),
        format!("{} to {} ({:.0}\u{a0}%)", signed(range.low), signed(range.high), (range.confidence * 100.0).min(99.0)),
        format!("{:.3}", row.ratio.estimate),
        format!("{}{mark}", verdict(row).replace("**", "")),
    ]
}

fn or_none(text: &str) -> &str {
    if text.is_empty() { "none" } else { text }
}

fn or_all(parameters: &[Parameter]) -> String {
    let values = values(parameters);
    if values.is_empty() { "the experiment".to_owned() } else { values }
}

#[cfg(test)]
mod tests;
