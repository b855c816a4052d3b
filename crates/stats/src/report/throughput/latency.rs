//! Latency at shares of what was found.

use maud::{Markup, html};
use tailbed_format::lifecycle::Repeats;
use tailbed_format::percentile::Percentile;
use tailbed_format::summary::Estimate;
use tailbed_format::throughput::{SearchCampaign, SearchCell};
use tailbed_format::unit::Share;

use super::{name, value};
use crate::plot::number::{self, time};
use crate::plot::theme::Style;
use crate::report::page;

pub(super) fn section(summary: &SearchCampaign) -> Markup {
    let percentiles = summary.latency_percentiles();
    if percentiles.is_empty() {
        return html! {};
    }
    let table = html! {
        thead { tr {
            th scope="col" { "Configuration" } th scope="col" { "At" }
            @for percentile in &percentiles { th scope="col" { (percentile) } }
            th scope="col" { "Mean" } th scope="col" { "Maximum" }
        } }
        tbody {
            @for (n, cell) in summary.cells.iter().enumerate() {
                @for latency in &cell.latency {
                    tr {
                        th scope="row" { (page::swatch(Style::Series(n))) (name(summary, cell)) }
                        td { (Share(latency.share.into())) }
                        @for percentile in &percentiles { td { (latency_value(summary, cell, latency.share, *percentile, latency.at(*percentile))) } }
                        td { (value(latency.mean, time)) } td { (value(latency.maximum, time)) }
                    }
                }
            }
        }
    };
    let caption = "At shares of the rate found: of the last goal's lower bound, or of the throughput. Median over the searches, beneath it the range; of one search its 95 % interval";
    page::section("latency", "Latency below the limit", &page::scrolling(caption, &table))
}

/// With one search the interval of its percentile, with several what they differ by.
fn latency_value(
    summary: &SearchCampaign,
    cell: &SearchCell,
    share: u32,
    percentile: Percentile,
    repeats: Option<Repeats>,
) -> Markup {
    let Some(single) = repeats.filter(|repeats| repeats.runs == 1) else { return value(repeats, time) };
    let runs = summary.runs.iter().filter(|run| run.cell == cell.cell);
    let mut found =
        runs.flat_map(|run| &run.latency).filter(|found| found.share == share).filter_map(|found| found.latency.as_ref());
    let bounds = found.find_map(|found| match found.at(percentile)? {
        Estimate::Value { low, high, .. } => number::interval(*low, *high),
        Estimate::NotEnough { .. } => None,
    });
    html! { (time(single.median)) @if let Some(bounds) = bounds { br; small { (bounds) } } }
}
