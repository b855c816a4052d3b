//! The tail beyond the data: what was fitted, what it says, and whether it may be believed.

use maud::{Markup, html};
use tailbed_format::extremes::{Extremes, Period, ReturnLevel, Threshold};
use tailbed_format::summary::CampaignSummary;

use super::cells::{Cell, label_of};
use super::figures::{Captioned, of_kind};
use super::page;
use crate::extremes::method;
use crate::plot::Figure;
use crate::plot::number;
use crate::plot::tail::{self, BeyondData};
use crate::plot::thresholds::{self, Looked};

/// What the plot shows and how to read it.
const CAPTION: &str = "Beyond the data: solid as far as ten packets lie beyond, dots are single packets, dashed is the fitted tail with \
     its 95 % interval, from the threshold that the mark shows. A tail that cannot carry an extrapolation is drawn in dots and without interval.";

const THRESHOLDS_CAPTION: &str = "Is it a tail? From the right threshold on the mean excess is a straight line, and the shape stays the same. The large marks are \
     the thresholds that were chosen.";

/// Plots, levels, warnings, thresholds; nothing where no cell has a tail that was looked at.
pub(super) fn section(summary: &CampaignSummary, cells: &[Cell<'_>], figures: &[Captioned]) -> Markup {
    let tails: Vec<&Extremes> = summary.extremes.iter().filter(|tail| tail.packets > 0).collect();
    if tails.is_empty() {
        return Markup::default();
    }
    let any = tails.iter().any(|tail| tail.fit.is_some());
    page::section(
        "extremes",
        "Beyond the data",
        &html! {
            @for captioned in of_kind(figures, "tail") { (page::figure(captioned)) }
            @if any { (page::scrolling("Latencies that are reached so rarely, by a tail fitted to the greatest ones", &levels(&tails, cells))) }
            @for tail in &tails { (warnings(tail, cells)) }
            p.hint {
                "A generalised Pareto distribution fitted to all latencies above a threshold; packets that were lost have none and are in none of "
                "this. What is once in more packets than were sent is an extrapolation: it holds if the tail goes on as it began."
            }
            @if any {
                details {
                    summary { "Thresholds that were looked at" }
                    @for captioned in of_kind(figures, "thresholds") { (page::figure(captioned)) }
                    (page::scrolling("From low to high; the chosen one is marked", &looked_at(&tails, cells)))
                    p.hint {
                        "Above the right threshold the shape stays the same, the mean excess is a straight line, and the test of Anderson and Darling finds "
                        "no misfit. Thresholds are rejected from the lowest on by ForwardStop at 0.05."
                    }
                }
            }
        },
    )
}

/// The plots of some cells, each with its kind and caption; none when none of them has a fitted tail.
pub(super) fn figures(summary: &CampaignSummary, cells: &[&Cell<'_>]) -> Vec<(&'static str, Figure, &'static str)> {
    let fitted = |cell: &&Cell<'_>| summary.extremes.iter().position(|tail| tail.cell == cell.summary.cell && tail.fit.is_some());
    let own: Vec<_> = cells.iter().filter_map(|cell| Some((*cell, &summary.extremes[fitted(cell)?]))).collect();
    let looked: Vec<_> = own.iter().map(|(cell, tail)| Looked { label: &cell.label, style: cell.style, tail }).collect();
    let drawn: Vec<_> = own
        .iter()
        .filter_map(|(cell, tail)| Some(BeyondData { label: &cell.label, style: cell.style, values: &cell.data?.latency, tail }))
        .collect();
    if drawn.is_empty() {
        return Vec::new();
    }
    vec![("tail", tail::tail(&drawn), CAPTION), ("thresholds", thresholds::thresholds(&looked), THRESHOLDS_CAPTION)]
}

fn levels(tails: &[&Extremes], cells: &[Cell<'_>]) -> Markup {
    let mut periods: Vec<Period> = Vec::new();
    for level in tails.iter().flat_map(|tail| &tail.levels) {
        if !periods.contains(&level.period) {
            periods.push(level.period);
        }
    }
    periods.sort_by_key(|period| match *period {
        Period::Packets(packets) => (0, packets),
        Period::Seconds(seconds) => (1, seconds),
    });
    html! {
        thead { tr {
            th scope="col" { "Configuration" }
            th scope="col" { "Threshold" }
            th scope="col" { "Above it" }
            th scope="col" { "Shape" }
            @for period in &periods { th.wraps scope="col" { (period) } }
            th scope="col" { "Ends at" }
            th.word scope="col" { "To be believed" }
        } }
        tbody { @for tail in tails { @if let Some(fit) = &tail.fit { @if let Some(threshold) = tail.thresholds.get(fit.threshold) { tr {
            th scope="row" { (label_of(cells, tail.cell)) }
            td { (number::mean(threshold.value)) }
            td { (number::count(threshold.exceedances)) span.under { "in " (number::count(threshold.clusters)) " clusters" } }
            td { (format!("{:.2}", fit.shape)) span.under { (shapes(fit.shape_interval)) } }
            @for period in &periods { td.wraps { (level(tail.levels.iter().find(|level| level.period == *period))) } }
            td { @if let Some(end) = fit.end { (number::time(end)) } @else { "–" } }
            td.word { @if tail.warnings.is_empty() { "as far as it goes; by " (method(fit.method)) } @else { strong { "no" } ", see below" } }
        } } } } }
    }
}

fn shapes([low, high]: [f64; 2]) -> String {
    format!("{low:.2} to {high:.2}")
}

fn level(level: Option<&ReturnLevel>) -> Markup {
    let Some(level) = level else { return html! { span.missing title="Within the data: see the percentiles" { "in the data" } } };
    html! {
        (number::time(level.level))
        span.under { (number::interval(Some(level.low), level.high).unwrap_or_default()) }
        @if level.reach > 1.0 { span.under { (times(level.reach)) } }
    }
}

fn times(reach: f64) -> String {
    let times = if reach >= 10.0 { format!("{reach:.0}") } else { format!("{reach:.1}") };
    format!("{times} times the data")
}

fn warnings(tail: &Extremes, cells: &[Cell<'_>]) -> Markup {
    html! { @for warning in &tail.warnings {
        p.warning role="note" { strong { (label_of(cells, tail.cell)) ": no extrapolation." } " " (capital(&warning.to_string())) "." }
    } }
}

fn capital(sentence: &str) -> String {
    let mut rest = sentence.chars();
    rest.next().map_or_else(String::new, |first| first.to_uppercase().chain(rest).collect())
}

fn looked_at(tails: &[&Extremes], cells: &[Cell<'_>]) -> Markup {
    html! {
        thead { tr {
            th scope="col" { "Threshold" }
            th scope="col" { "Above it" }
            th scope="col" { "Clusters" }
            th scope="col" { "Mean excess" }
            th scope="col" { "Shape" }
            th scope="col" { "Modified scale" }
            th scope="col" { "Misfit" }
            th scope="col" { "By chance" }
            th scope="col" { "ForwardStop" }
        } }
        @for tail in tails { @if !tail.thresholds.is_empty() { tbody {
            tr { th.pair scope="rowgroup" colspan="9" { (label_of(cells, tail.cell)) } }
            @for (place, threshold) in tail.thresholds.iter().enumerate() {
                (row(threshold, tail.fit.is_some_and(|fit| fit.threshold == place)))
            }
        } } }
    }
}

fn row(threshold: &Threshold, chosen: bool) -> Markup {
    html! { tr {
        th scope="row" { @if chosen { "→\u{a0}" } (number::mean(threshold.value)) @if chosen { span.under { "chosen" } } }
        td { (number::count(threshold.exceedances)) }
        td { (number::count(threshold.clusters)) span.under { (format!("{:.2} of them", threshold.index)) } }
        td { (number::mean(threshold.mean_excess)) }
        td { (format!("{:.2}", threshold.shape)) span.under { (shapes(threshold.shape_interval)) } }
        td { (signed(threshold.modified_scale)) }
        td { (format!("{:.2}", threshold.statistic)) }
        td { (format!("{:.3}", threshold.chance)) }
        td { (format!("{:.3}", threshold.stop)) }
    } }
}

fn signed(ns: f64) -> String {
    if ns < 0.0 { format!("−{}", number::mean(-ns)) } else { number::mean(ns) }
}
