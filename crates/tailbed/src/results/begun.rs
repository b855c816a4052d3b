//! `campaign.json`: what is known of a campaign before its first run. With the runs' own files it is all that a report is made of.

use serde::{Deserialize, Serialize};
pub(crate) use tailbed_format::progress::CampaignKind as Kind;
use tailbed_format::slo::Slo;
use tailbed_format::summary::{Cell, RunKind};
use tailbed_plan::plan::{Plan, Run};
use tailbed_plan::step::Step;
use tailbed_stats::report::values;

/// What makes two campaigns the same: enough to resume one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Identity {
    /// Name of the experiment.
    pub(crate) name: String,
    /// `--set` arguments.
    pub(crate) set: Vec<String>,
    /// `--sweep` arguments.
    pub(crate) sweep: Vec<String>,
    /// Names of all runs, in order.
    pub(crate) runs: Vec<String>,
}

/// The whole file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Begun {
    /// Layout of the file: [`Begun::VERSION`]; 0 of files from before there was a number, which have no outline.
    #[serde(default)]
    pub(crate) version: u32,
    /// What the campaign is known by.
    #[serde(flatten)]
    pub(crate) identity: Identity,
    /// What is reported of its plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) outline: Option<Outline>,
}

impl Begun {
    /// The layout this code writes.
    pub(crate) const VERSION: u32 = 1;
    /// From this one on, what is finished has its sums.
    pub(crate) const SEALED: u32 = 1;
}

/// What the runs of a plan measure: all of them the same.
pub(crate) fn kind_of(plan: &Plan) -> Kind {
    if plan.is_of_lives() {
        Kind::Lives
    } else if plan.is_of_noise() {
        Kind::Noise
    } else if plan.is_of_searches() {
        Kind::Searches
    } else {
        Kind::Packets
    }
}

/// What a report says of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Outline {
    /// What is measured.
    pub(crate) kind: Kind,
    /// Name of the experiment file, without its folder.
    pub(crate) file: String,
    /// Seed of the order of the runs; `None` where the folder does not say.
    pub(crate) seed: Option<u64>,
    /// The question asked.
    pub(crate) question: Option<String>,
    /// The cells, by their numbers.
    pub(crate) cells: Vec<Cell>,
    /// Of lives, the kind of each cell's environment; empty otherwise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) environments: Vec<String>,
    /// Deadlines, judged in every measured cell.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) slos: Vec<Slo>,
    /// The topology drawn in text, lines separated by line feeds.
    pub(crate) topology: String,
    /// What the plan had to say.
    pub(crate) notes: Vec<String>,
}

impl Outline {
    /// Of a plan that was made from a file of this name.
    pub(crate) fn of(plan: &Plan, file: &str) -> Self {
        let kind = kind_of(plan);
        let run_of = |cell: usize| plan.runs.iter().find(|run| run.cell == cell);
        let environments = match kind {
            Kind::Lives => (0..plan.cells.len()).map(|cell| run_of(cell).map(environment).unwrap_or_default()).collect(),
            Kind::Packets | Kind::Searches | Kind::Noise => Vec::new(),
        };
        Self {
            kind,
            file: file.to_owned(),
            seed: Some(plan.seed),
            question: plan.question.clone(),
            cells: plan.cells.clone(),
            environments,
            slos: plan.slos.clone(),
            topology: topology(kind, &plan.cells, &plan.runs),
            notes: plan.notes.clone(),
        }
    }
}

/// The kind of environment whose life a run goes through.
pub(crate) fn environment(run: &Run) -> String {
    match run.life.as_ref().map(|life| &life.original.start) {
        Some(Step::StartAgent { environment, .. }) => environment.kind().to_owned(),
        _ => String::new(),
    }
}

/// The path of packets; where measurements have different ones, each with the values that set it apart. Searches show that of the last.
pub(crate) fn topology(kind: Kind, cells: &[Cell], runs: &[Run]) -> String {
    match kind {
        Kind::Packets => paths(cells, runs),
        Kind::Searches => runs.last().map(|run| tailbed_plan::draw(run).join("\n")).unwrap_or_default(),
        Kind::Lives | Kind::Noise => String::new(),
    }
}

fn paths(cells: &[Cell], runs: &[Run]) -> String {
    let mut drawings: Vec<(Vec<String>, Vec<String>)> = Vec::new();
    for (number, cell) in cells.iter().enumerate().filter(|(_, cell)| cell.kind == RunKind::Measurement) {
        let Some(drawing) = runs.iter().find(|run| run.cell == number).map(tailbed_plan::draw) else { continue };
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
