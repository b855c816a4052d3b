//! Everything as one table of comma-separated values (RFC 4180), one figure a row, for data frames and spreadsheets.

use std::fmt::Write as _;

use tailbed_format::imported::Imported;
use tailbed_format::lifecycle::{LifeCampaign, Repeats};
use tailbed_format::noise::NoiseCampaign;
use tailbed_format::percentile::Percentile;
use tailbed_format::summary::{CampaignSummary, Distribution, Estimate, Parameter, RunKind};
use tailbed_format::throughput::SearchCampaign;
use tailbed_format::unit::Share;

use super::keys;
use crate::imported;
use crate::plot::csv_field;

/// One figure of one cell.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure<'a> {
    /// The campaign.
    pub campaign: &'a str,
    /// `measured`, `simulated` or `imported`.
    pub origin: &'static str,
    /// `measurement` or `floor`.
    pub kind: &'static str,
    /// The values of the swept keys.
    pub parameters: &'a [Parameter],
    /// The file of a repeat; empty where repeats are pooled.
    pub run: &'a str,
    /// What was measured: `latency`, `boot`, `timer` …
    pub quantity: String,
    /// `p99.9`, `min`, `mean`, `max`, or `median` over repeats.
    pub percentile: String,
    /// The figure; `None` where there are too few values for it.
    pub value: Option<u64>,
    /// Bounds of its 95 % interval, or of the range of repeats where these cannot carry one.
    pub low: Option<u64>,
    /// See `low`.
    pub high: Option<u64>,
    /// How many values, or repeats, it is of.
    pub n: Option<u64>,
    /// `ns` or `pps`.
    pub unit: &'static str,
}

/// The file: a column for each swept key of any campaign, left empty by those that do not have it.
pub fn csv(figures: &[Figure<'_>]) -> String {
    let keys = keys(figures.iter().map(|figure| figure.parameters));
    let titles = ["campaign", "origin", "kind"].into_iter().chain(keys.iter().copied()).map(csv_field);
    let mut text = titles.collect::<Vec<_>>().join(",");
    text.push_str(",run,quantity,percentile,value,low,high,n,unit\n");
    let number = |number: Option<u64>| number.map_or_else(String::new, |number| number.to_string());
    for figure in figures {
        let value =
            |key: &&str| figure.parameters.iter().find(|parameter| parameter.key == **key).map_or("", |found| &found.value);
        let words = [figure.campaign, figure.origin, figure.kind].into_iter().chain(keys.iter().map(value));
        let words = words.chain([figure.run, figure.quantity.as_str(), figure.percentile.as_str()]);
        let words: Vec<_> = words.map(csv_field).collect();
        let numbers = [figure.value, figure.low, figure.high, figure.n].map(number);
        let _ = writeln!(text, "{},{},{}", words.join(","), numbers.join(","), figure.unit);
    }
    text
}

fn pooled<'a>(campaign: &'a str, parameters: &'a [Parameter]) -> Figure<'a> {
    Figure {
        campaign,
        origin: "measured",
        kind: "measurement",
        parameters,
        run: "",
        quantity: String::new(),
        percentile: String::new(),
        value: None,
        low: None,
        high: None,
        n: None,
        unit: "ns",
    }
}

/// Percentiles of a distribution with their intervals, its least and its greatest value.
fn distribution<'a>(common: &Figure<'a>, quantity: &str, distribution: &Distribution) -> Vec<Figure<'a>> {
    let common = Figure { quantity: quantity.to_owned(), n: Some(distribution.count), ..common.clone() };
    let end = |percentile: &str, value: Option<u64>| Figure { percentile: percentile.to_owned(), value, ..common.clone() };
    let rows = distribution.percentiles.iter().map(|row| {
        let (value, low, high) = match row.estimate {
            Estimate::Value { value, low, high } => (Some(value), low, high),
            Estimate::NotEnough { .. } => (None, None, None),
        };
        Figure { percentile: row.percentile.to_string(), value, low, high, ..common.clone() }
    });
    let ends = [end("min", distribution.minimum), end("max", distribution.maximum)];
    rows.chain(ends).collect()
}

fn median<'a>(common: &Figure<'a>, quantity: String, repeats: Repeats) -> Figure<'a> {
    let (low, high) = repeats.interval.unwrap_or((repeats.minimum, repeats.maximum));
    let percentile = "median".to_owned();
    let (value, n) = (Some(repeats.median), Some(repeats.runs.into()));
    Figure { quantity, percentile, value, low: Some(low), high: Some(high), n, ..common.clone() }
}

/// Latencies of every cell, floors among them.
pub fn of_packets<'a>(campaign: &'a str, summary: &'a CampaignSummary) -> Vec<Figure<'a>> {
    let cell = |cell: &'a tailbed_format::summary::CellSummary| {
        let origin = if summary.simulated { "simulated" } else { "measured" };
        let kind = if cell.kind == RunKind::Floor { "floor" } else { "measurement" };
        let common = Figure { origin, kind, ..pooled(campaign, &cell.parameters) };
        let mut figures = distribution(&common, "latency", &cell.latency);
        figures.extend(distribution(&common, "latency from due time", &cell.latency_from_due));
        figures
    };
    summary.cells.iter().flat_map(cell).collect()
}

/// Bounds of throughput of every cell and goal, and latency below it: medians over the searches.
pub fn of_searches<'a>(campaign: &'a str, summary: &'a SearchCampaign) -> Vec<Figure<'a>> {
    let mut figures = Vec::new();
    for cell in &summary.cells {
        let origin = if summary.simulated { "simulated" } else { "measured" };
        let kind = if cell.kind == RunKind::Floor { "floor" } else { "measurement" };
        let common = Figure { origin, kind, unit: "pps", ..pooled(campaign, &cell.parameters) };
        for goal in &cell.goals {
            for (bound, found) in [("lower bound", goal.lower), ("upper bound", goal.upper)] {
                figures.extend(found.map(|found| median(&common, format!("{} {bound}", goal.name), found)));
            }
        }
        let common = Figure { unit: "ns", ..common };
        for latency in &cell.latency {
            let at = Share(latency.share.into());
            let percentiles = latency.percentiles.iter().map(|(percentile, found)| (percentile.to_string(), *found));
            let ends = [("mean", latency.mean), ("max", latency.maximum)];
            let ends = ends.into_iter().filter_map(|(name, found)| Some((name.to_owned(), found?)));
            figures.extend(percentiles.chain(ends).map(|(percentile, found)| Figure {
                percentile,
                ..median(&common, format!("latency at {at} of the rate found"), found)
            }));
        }
    }
    figures
}

/// Phases of every cell.
pub fn of_lives<'a>(campaign: &'a str, summary: &'a LifeCampaign) -> Vec<Figure<'a>> {
    let cell = |cell: &'a tailbed_format::lifecycle::LifeCell| {
        let common = pooled(campaign, &cell.parameters);
        cell.phases.iter().map(move |found| median(&common, found.phase.to_string(), found.time))
    };
    summary.cells.iter().flat_map(cell).collect()
}

/// Tests of every cell, over all cores.
pub fn of_noise<'a>(campaign: &'a str, summary: &'a NoiseCampaign) -> Vec<Figure<'a>> {
    let cell = |cell: &'a tailbed_format::noise::NoiseCell| {
        let common = pooled(campaign, &cell.parameters);
        cell.tests.iter().flat_map(move |found| distribution(&common, found.test.name(), &found.all.distribution))
    };
    summary.cells.iter().flat_map(cell).collect()
}

/// Every repeat of every imported cell, by itself.
pub fn of_imported<'a>(campaign: &'a str, imported: &'a Imported) -> Vec<Figure<'a>> {
    let mut figures = Vec::new();
    for cell in &imported.cells {
        for run in &cell.runs {
            let quantity = "latency".to_owned();
            let common =
                Figure { origin: "imported", run: &run.file, quantity, n: run.count, ..pooled(campaign, &cell.parameters) };
            let known = Percentile::REPORTED.iter().filter_map(|percentile| Some((percentile, imported::at(run, *percentile)?)));
            figures.extend(known.map(|(percentile, value)| Figure {
                percentile: percentile.to_string(),
                value: Some(value),
                ..common.clone()
            }));
            for (percentile, value) in [("min", run.minimum), ("max", run.maximum)] {
                let percentile = percentile.to_owned();
                figures.extend(value.map(|value| Figure { percentile, value: Some(value), ..common.clone() }));
            }
        }
    }
    figures
}
