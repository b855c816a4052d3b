//! From finished runs to what is read: summary, report, plots, table.

use std::collections::BTreeMap;

use tailbed_format::summary::{CampaignSummary, RunKind};
use tailbed_plan::plan::Plan;
use tailbed_stats::campaign::{CountedRun, summarise_campaign};
use tailbed_stats::counter::Counter;
use tailbed_stats::plot::worst::WorstPoint;
use tailbed_stats::report::{CellData, Repeat, ReportInput, html, plots, values};

use super::campaign::Finished;
use super::finish::{self, Origin};
use super::record::greatest;
use crate::cli::RunArguments;
use crate::failure::Failure;
use crate::results::CampaignFolder;
use crate::show::table;

/// Writes plots, report and, last, the campaign's summary: a folder that has one is finished.
pub(super) fn write(
    arguments: &RunArguments,
    plan: &Plan,
    folder: &CampaignFolder,
    experiment: &str,
    finished: &[Finished],
) -> anyhow::Result<CampaignSummary> {
    let runs: Vec<CountedRun> = finished.iter().map(|finished| finished.run.clone()).collect();
    let mut summary = summarise_campaign(&plan.name, plan.question.as_deref(), &plan.cells, &runs);
    summary.notes.clone_from(&plan.notes);
    let data: Vec<CellData> = (0..plan.cells.len()).map(|cell| cell_data(cell, finished)).collect();
    let origin = Origin::of(arguments, folder)?;
    let Repeat { facts, experiment_name, experiment, command, seed } = origin.again(experiment, plan);
    let topology = topology(plan);
    let input =
        ReportInput { summary: &summary, facts, data: &data, topology: &topology, experiment_name, experiment, command, seed };
    finish::write(folder, &plots(&input), &html(&input), &summary)?;
    Ok(summary)
}

/// The path of the measurements; where they have different ones, each with the values that set it apart.
fn topology(plan: &Plan) -> String {
    let mut drawings: Vec<(Vec<String>, Vec<String>)> = Vec::new();
    for (number, cell) in plan.cells.iter().enumerate().filter(|(_, cell)| cell.kind == RunKind::Measurement) {
        let Some(drawing) = plan.runs.iter().find(|run| run.cell == number).map(tailbed_plan::draw) else { continue };
        let values = values(&cell.parameters);
        match drawings.iter_mut().find(|(_, other)| *other == drawing) {
            Some((names, _)) => names.push(values),
            None => drawings.push((vec![values], drawing)),
        }
    }
    match drawings.as_slice() {
        [(_, one)] => one.join("\n"),
        all => {
            let titled = all.iter().map(|(names, drawing)| format!("{}\n{}", names.join("; "), drawing.join("\n")));
            titled.collect::<Vec<_>>().join("\n\n")
        }
    }
}

/// What the plots show of a cell: its valid runs only.
fn cell_data(cell: usize, finished: &[Finished]) -> CellData {
    let valid = || finished.iter().filter(|finished| finished.run.summary.cell == cell && finished.run.summary.is_valid());
    let pool = |counter: fn(&CountedRun) -> &Counter| {
        let mut pooled = Counter::new();
        valid().for_each(|finished| pooled.merge(counter(&finished.run)));
        pooled.iter().collect::<Vec<_>>()
    };
    CellData {
        cell,
        latency: pool(|run| &run.counters.latency),
        lateness: pool(|run| &run.counters.lateness),
        worst: worst_by_repeat(valid()),
        host: valid().map(|finished| (finished.run.summary.repeat, finished.timeline.clone())).collect(),
    }
}

/// The worst packets of a cell as a whole, by the repeat they come from; a repeat without any keeps its place.
fn worst_by_repeat<'a>(runs: impl Iterator<Item = &'a Finished>) -> Vec<(u32, Vec<WorstPoint>)> {
    let mut repeats: BTreeMap<u32, Vec<WorstPoint>> = BTreeMap::new();
    for finished in runs {
        repeats.entry(finished.run.summary.repeat).or_default().extend(&finished.worst);
    }
    let mut all: Vec<WorstPoint> = repeats.values().flatten().copied().collect();
    greatest(&mut all);
    let least = all.last().map_or(0, |point| point.latency);
    for points in repeats.values_mut() {
        points.retain(|point| point.latency >= least);
    }
    repeats.into_iter().collect()
}

/// The answer and the table on the terminal, or everything as JSON.
pub(super) fn show(arguments: &RunArguments, folder: &CampaignFolder, summary: &CampaignSummary) -> Result<(), Failure> {
    let valid = summary.runs.iter().filter(|run| run.is_valid()).filter_map(|run| Some((run.cell, run.proof.as_ref()?)));
    let unquiet = tailbed_stats::proof::gathered::sentence(valid).map_or_else(String::new, |sentence| format!("{sentence}\n"));
    finish::show(arguments, folder, summary, |fit| format!("{}\n\n{}\n{unquiet}", table::campaign(summary, fit), summary.answer))
}
