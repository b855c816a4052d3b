//! Latencies of packets as tables.

use tailbed_format::percentile::Percentile;
use tailbed_format::summary::{CampaignSummary, Contrast, Verdict};

use super::{NOTHING, Table, estimate, named};
use crate::plot::number::{count, difference, share, time};
use crate::report::contrasts::words;
use crate::report::label;

/// The percentiles of every cell, and the differences between cells.
pub fn of_packets(summary: &CampaignSummary) -> Vec<Table> {
    let mut tables = vec![latencies(summary)];
    if !summary.contrasts.is_empty() {
        tables.push(differences(summary));
    }
    tables
}

/// The percentiles of every cell, and what became of the packets.
pub(crate) fn latencies(summary: &CampaignSummary) -> Table {
    let titles = ["Configuration", "Runs", "Packets"].map(str::to_owned).into_iter();
    let titles = titles.chain(Percentile::REPORTED.iter().map(ToString::to_string));
    let titles = titles.chain(["max", "Lost"].map(str::to_owned));
    let mut table = Table::new("One-way latency: percentiles with their 95 % intervals", titles);
    for cell in &summary.cells {
        let runs = format!("{} of {}", cell.valid.len(), cell.valid.len() + cell.invalid.len());
        let mut row = vec![named(label(cell), &summary.name), runs, count(cell.latency.count)];
        row.extend(Percentile::REPORTED.iter().map(|percentile| estimate(cell.latency.at(*percentile))));
        row.push(cell.latency.maximum.map_or_else(|| NOTHING.to_owned(), time));
        let of_any = cell.counts.sent > 0;
        row.push(if of_any { share(cell.counts.lost, cell.counts.sent) } else { NOTHING.to_owned() });
        table.rows.push(row);
    }
    table
}

fn differences(summary: &CampaignSummary) -> Table {
    let columns = ["Compared", "Percentile", "Difference", "Interval", "Repeats", "What may be said"];
    let mut table = Table::new("Differences between configurations, over their repeats", columns);
    let name = |number: usize| {
        let cell = summary.cells.iter().find(|cell| cell.cell == number);
        cell.map_or_else(|| "an unknown cell".to_owned(), |cell| named(label(cell), &summary.name))
    };
    table.rows.extend(summary.contrasts.iter().map(|contrast| {
        let pair = format!("{} against {}", name(contrast.other), name(contrast.base));
        let (by, bounds) = figures(contrast);
        let repeats = contrast.pairs.to_string();
        vec![pair, contrast.percentile.to_string(), by, bounds, repeats, words(contrast, contrast.verdict)]
    }));
    table
}

fn figures(contrast: &Contrast) -> (String, String) {
    let by = if contrast.pairs > 0 { difference(contrast.difference) } else { NOTHING.to_owned() };
    let bounds = match contrast.verdict {
        Verdict::NotEnough => NOTHING.to_owned(),
        _ => format!("{} to {}", difference(contrast.low), difference(contrast.high)),
    };
    (by, bounds)
}
