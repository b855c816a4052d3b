//! A campaign: cells pooled from their valid runs, compared with each other, and the question answered.

use tailbed_format::capture::ThroughCell;
use tailbed_format::course::Repeats;
use tailbed_format::percentile::Percentile;
use tailbed_format::summary::{CampaignSummary, Cell, CellSummary, Counts, RunSummary, Spread};

use crate::counter::Counter;
use crate::interval::distribution;
use crate::repeats::drift::drift;
use crate::repeats::hierarchical::{Run, between};
use crate::repeats::modes::modes;
use crate::run::RunCounters;
use crate::stream;

mod answer;
mod contrast;
mod wording;

pub use answer::answer;
pub use contrast::contrasts;
pub(crate) use contrast::{Maxima, differ_in_one, differing_parameter, floor_of, maxima};

/// One attempt at one run with the distributions behind it. `counters` may be empty for a run that does not count.
#[derive(Debug, Clone)]
pub struct CountedRun {
    /// What is written down.
    pub summary: RunSummary,
    /// The distributions in full.
    pub counters: RunCounters,
}

/// Pools, compares and answers; notes, deadlines and extremes are the caller's to add. `runs` are all attempts in the order they were made; `cells` are numbered as their summaries say.
pub fn summarise_campaign(name: &str, question: Option<&str>, cells: &[Cell], runs: &[CountedRun]) -> CampaignSummary {
    let pooled = cells.iter().enumerate().map(|(number, cell)| summarise_cell(number, cell, runs));
    let (summaries, latencies): (Vec<CellSummary>, Vec<Counter>) = pooled.unzip();
    let attempts: Vec<_> = runs.iter().map(|run| run.summary.clone()).collect();
    let contrasts = contrasts(&summaries, &attempts, &latencies);
    let simulated = cells.iter().any(|cell| cell.simulated);
    let valid = |cell: usize| attempts.iter().filter(|run| run.cell == cell && run.is_valid()).collect::<Vec<_>>();
    CampaignSummary {
        version: CampaignSummary::VERSION,
        name: name.to_owned(),
        question: question.map(str::to_owned),
        answer: answer(&summaries, &contrasts, simulated),
        simulated,
        notes: Vec::new(),
        cells: summaries,
        contrasts,
        slos: Vec::new(),
        extremes: Vec::new(),
        drift: drift(&(0..cells.len()).map(valid).collect::<Vec<_>>()),
        runs: attempts,
    }
}

/// The summary of a cell, and the latencies of its runs that count.
fn summarise_cell(number: usize, cell: &Cell, runs: &[CountedRun]) -> (CellSummary, Counter) {
    let mine = || runs.iter().filter(|run| run.summary.cell == number);
    let names = |valid: bool| mine().filter(|run| run.summary.is_valid() == valid).map(|run| run.summary.run.clone()).collect();
    let valid: Vec<_> = mine().filter(|run| run.summary.is_valid()).collect();
    let mut pooled = RunCounters::default();
    for run in &valid {
        pooled.latency.merge(&run.counters.latency);
        pooled.latency_from_due.merge(&run.counters.latency_from_due);
        pooled.lateness.merge(&run.counters.lateness);
    }
    let mut latency = distribution(&pooled.latency);
    let apart: Vec<Run<'_>> =
        valid.iter().map(|run| Run { latency: &run.counters.latency, blocks: &run.counters.blocks }).collect();
    let between = between(&mut latency.percentiles, &pooled.latency, &apart, number as u64);
    let modes = modes(&valid.iter().map(|run| &run.summary).collect::<Vec<_>>());
    let summary = CellSummary {
        cell: number,
        kind: cell.kind,
        parameters: cell.parameters.clone(),
        valid: names(true),
        invalid: names(false),
        floor: cell.floor,
        counts: valid.iter().fold(Counts::default(), |sum, run| add(sum, &run.summary.counts)),
        latency,
        latency_from_due: distribution(&pooled.latency_from_due),
        lateness: distribution(&pooled.lateness),
        through: through(&valid),
        spread: Percentile::REPORTED.into_iter().filter_map(|percentile| spread(percentile, &valid)).collect(),
        repeats: (valid.len() > 1).then_some(Repeats { between, modes }),
        streams: stream::pooled(valid.iter().map(|run| (&run.summary.streams[..], &run.counters.streams[..]))),
    };
    (summary, pooled.latency)
}

/// Between the timestamper's taps: runs of a cell have the same ones.
fn through(valid: &[&CountedRun]) -> Vec<ThroughCell> {
    let mut parts: Vec<(&[String], Counter)> = Vec::new();
    for run in valid {
        let found = run.summary.capture.iter().flat_map(|capture| &capture.through).zip(&run.counters.through);
        for (through, latency) in found {
            match parts.iter_mut().find(|(nodes, _)| *nodes == through.nodes) {
                Some((_, pooled)) => pooled.merge(latency),
                None => parts.push((&through.nodes, latency.clone())),
            }
        }
    }
    parts.into_iter().map(|(nodes, latency)| ThroughCell { nodes: nodes.to_vec(), latency: distribution(&latency) }).collect()
}

fn add(sum: Counts, counts: &Counts) -> Counts {
    Counts {
        scheduled: sum.scheduled + counts.scheduled,
        sent: sum.sent + counts.sent,
        received: sum.received + counts.received,
        lost: sum.lost + counts.lost,
        duplicates: sum.duplicates + counts.duplicates,
        reordered: sum.reordered + counts.reordered,
    }
}

fn spread(percentile: Percentile, valid: &[&CountedRun]) -> Option<Spread> {
    let mut values: Vec<u64> = valid.iter().filter_map(|run| run.summary.latency.at(percentile)?.value()).collect();
    values.sort_unstable();
    let median = values[..].get(values.len().div_ceil(2).checked_sub(1)?).copied()?;
    let runs = u32::try_from(values.len()).unwrap_or(u32::MAX);
    Some(Spread { percentile, runs, minimum: *values.first()?, median, maximum: *values.last()? })
}

#[cfg(test)]
mod tests;
