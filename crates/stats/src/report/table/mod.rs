//! What a campaign found as tables of text, the same for Markdown, LaTeX and the page of several campaigns.

mod latex;
mod markdown;
mod packets;
pub mod tidy;

use tailbed_format::imported::Imported;
use tailbed_format::lifecycle::{LifeCampaign, Repeats};
use tailbed_format::noise::NoiseCampaign;
use tailbed_format::percentile::Percentile;
use tailbed_format::summary::{Estimate, Parameter};
use tailbed_format::throughput::SearchCampaign;
use tailbed_format::unit::Share;

use crate::imported::Pooled;
use crate::plot::number::{count, interval, rate, time};
use crate::{life, noise, search};

pub use latex::latex;
pub use markdown::{Headline, markdown};
pub use packets::of_packets;

/// A table of text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// What it shows and what the small figures are.
    pub caption: String,
    /// Titles of the columns; the first names the rows.
    pub columns: Vec<String>,
    /// As many fields in each as there are columns.
    pub rows: Vec<Vec<String>>,
}

impl Table {
    /// A table without rows yet.
    pub(crate) fn new(caption: &str, columns: impl IntoIterator<Item = impl ToString>) -> Self {
        Self {
            caption: caption.to_owned(),
            columns: columns.into_iter().map(|column| column.to_string()).collect(),
            rows: Vec::new(),
        }
    }
}

/// What a row is called: its values, or its campaign's name where nothing was varied.
pub(crate) fn named(label: String, campaign: &str) -> String {
    if label.is_empty() { campaign.to_owned() } else { label }
}

/// A percentile with its interval.
pub(crate) fn estimate(estimate: Option<&Estimate>) -> String {
    match estimate {
        Some(Estimate::Value { value, low, high }) => bounded(time(*value), interval(*low, *high)),
        Some(Estimate::NotEnough { .. }) => "not enough packets".to_owned(),
        None => NOTHING.to_owned(),
    }
}

/// What stands where there is no value.
const NOTHING: &str = "–";

fn bounded(value: String, bounds: Option<String>) -> String {
    match bounds {
        Some(bounds) => format!("{value} ({bounds})"),
        None => value,
    }
}

/// The median of repeats with its interval, or their range where they cannot carry one.
fn median(repeats: Option<Repeats>, show: impl Fn(u64) -> String) -> String {
    let Some(repeats) = repeats else { return NOTHING.to_owned() };
    let (low, high) = repeats.interval.unwrap_or((repeats.minimum, repeats.maximum));
    let bounds = (repeats.runs > 1).then(|| format!("{} to {}", show(low), show(high)));
    bounded(show(repeats.median), bounds)
}

/// Goal by goal and cell by cell what was found.
pub fn of_searches(summary: &SearchCampaign) -> Vec<Table> {
    let columns = ["Configuration", "Goal", "Searches", "Lower bound", "Upper bound"];
    let mut table = Table::new("Throughput: medians of the searches with their 95 % intervals, or their range", columns);
    for cell in &summary.cells {
        let name = named(search::label(cell), &summary.name);
        for goal in &cell.goals {
            let searches = cell.whole.len() + cell.broken.len();
            let bounds = [goal.lower, goal.upper].map(|bound| median(bound, rate));
            let [lower, upper] = bounds;
            table.rows.push(vec![name.clone(), goal.name.clone(), format!("{} of {searches}", cell.whole.len()), lower, upper]);
        }
    }
    let latency = latency_of_searches(summary);
    if latency.rows.is_empty() { vec![table] } else { vec![table, latency] }
}

/// Share by share and cell by cell how long packets took below the limit.
fn latency_of_searches(summary: &SearchCampaign) -> Table {
    let percentiles = summary.latency_percentiles();
    let titles = ["Configuration".to_owned(), "At".to_owned()].into_iter().chain(percentiles.iter().map(ToString::to_string));
    let titles = titles.chain(["mean", "max"].map(str::to_owned));
    let mut table = Table::new(
        "Latency at shares of the rate found: medians of the searches with their 95 % intervals, or their range",
        titles,
    );
    for cell in &summary.cells {
        for latency in &cell.latency {
            let mut row = vec![named(search::label(cell), &summary.name), Share(latency.share.into()).to_string()];
            row.extend(percentiles.iter().map(|percentile| median(latency.at(*percentile), time)));
            row.extend([latency.mean, latency.maximum].map(|repeats| median(repeats, time)));
            table.rows.push(row);
        }
    }
    table
}

/// Phase by phase and cell by cell how long it took.
pub fn of_lives(summary: &LifeCampaign) -> Vec<Table> {
    let mut phases: Vec<_> = summary.cells.iter().flat_map(|cell| cell.phases.iter().map(|found| found.phase)).collect();
    phases.sort_unstable();
    phases.dedup();
    let titles = ["Environment".to_owned(), "Lives".to_owned()].into_iter().chain(phases.iter().map(ToString::to_string));
    let mut table = Table::new("Phases of a life: medians with their 95 % intervals, or their range", titles);
    for cell in &summary.cells {
        let lives = format!("{} of {}", cell.valid.len(), cell.valid.len() + cell.invalid.len());
        let mut row = vec![named(life::label(cell), &summary.name), lives];
        for phase in &phases {
            let found = cell.phases.iter().find(|found| found.phase == *phase);
            row.push(median(found.map(|found| found.time), time));
        }
        table.rows.push(row);
    }
    vec![table]
}

/// A table for each kind of test.
pub fn of_noise(summary: &NoiseCampaign) -> Vec<Table> {
    let mut tables = Vec::new();
    for (kind, caption) in [
        ("timer", "How late sleepers are woken: percentiles with their 95 % intervals, over all cores and repeats"),
        ("gaps", "What cores take away: lengths of gaps with their 95 % intervals, over all cores and repeats"),
    ] {
        let titles = ["Configuration".to_owned(), "Runs".to_owned()].into_iter();
        let titles = titles.chain(Percentile::REPORTED.iter().map(ToString::to_string)).chain(["max".to_owned()]);
        let mut table = Table::new(caption, titles);
        for cell in &summary.cells {
            let Some(pooled) = cell.tests.iter().find(|pooled| pooled.test.name() == kind) else { continue };
            let runs = format!("{} of {}", cell.valid.len(), cell.valid.len() + cell.invalid.len());
            let mut row = vec![named(noise::label(cell), &summary.name), runs];
            let distribution = &pooled.all.distribution;
            row.extend(Percentile::REPORTED.iter().map(|percentile| estimate(distribution.at(*percentile))));
            row.push(distribution.maximum.map_or_else(|| NOTHING.to_owned(), time));
            table.rows.push(row);
        }
        if !table.rows.is_empty() {
            tables.push(table);
        }
    }
    tables
}

/// Results of others, cell by cell: the median of their repeats, and the range of these.
pub fn of_imported(imported: &Imported) -> Vec<Table> {
    let titles = ["Configuration".to_owned(), "Files".to_owned(), "Values".to_owned()].into_iter();
    let titles = titles.chain(Percentile::REPORTED.iter().map(ToString::to_string)).chain(["max".to_owned()]);
    let mut table =
        Table::new("Not measured here: percentiles as others published them, the median of the files with their range", titles);
    for cell in &imported.cells {
        let pooled = Pooled::of(cell);
        let mut row = vec![
            named(super::values(&cell.parameters), &imported.name),
            cell.runs.len().to_string(),
            pooled.count.map_or_else(|| "not said".to_owned(), count),
        ];
        row.extend(Percentile::REPORTED.iter().map(|percentile| median(pooled.at(*percentile), time)));
        row.push(median(pooled.maximum(), time));
        table.rows.push(row);
    }
    vec![table]
}

/// Keys in the order in which cells name them first.
pub(crate) fn keys<'a>(parameters: impl Iterator<Item = &'a [Parameter]>) -> Vec<&'a str> {
    let mut keys: Vec<&str> = Vec::new();
    for parameter in parameters.flatten() {
        if !keys.contains(&parameter.key.as_str()) {
            keys.push(&parameter.key);
        }
    }
    keys
}

#[cfg(test)]
mod tests;
