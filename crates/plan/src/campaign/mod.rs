//! From the experiment and the host's facts to the plan: cells, floors, and the runs in their order.

mod capture;
mod cells;
mod environment;
mod generator;
mod groups;
mod huge_pages;
mod knobs;
mod life;
mod medium;
mod name;
mod network;
mod noise;
mod possible;
mod programs;
mod proof;
mod rounds;
mod run;
mod slo;
mod sockets;

use std::collections::BTreeSet;

use tailbed_format::facts::Facts;
use tailbed_format::summary::RunKind;

use crate::document::Document;
use crate::experiment::Experiment;
use crate::placement;
use crate::plan::{Cell, Plan, Run};
use crate::text::error::{Fault, PlanError};
use crate::text::{Overrides, Source, Texts};
use cells::Planned;

pub use possible::check_host;

/// More measurements than this are a slip in the sweep: at seven seconds each they take most of a day. Floors come on top.
pub const MOST_RUNS: u128 = 10_000;

/// Plans a campaign. Nothing is touched: same text, overrides, facts and token, same plan.
///
/// `token` marks everything that will be made on the host; up to six ASCII letters and digits keep all names readable.
///
/// # Errors
/// [`PlanError::File`] when the file or an override is wrong, [`PlanError::Host`] when the host has too few cores for it.
pub fn plan(source: &Source<'_>, overrides: &Overrides, facts: &Facts, token: &str) -> Result<Plan, PlanError> {
    let (texts, valid) = Texts::new(source, overrides);
    valid.and_then(|()| build(&texts, facts, token)).map_err(|fault| fault.report(&texts))
}

fn build(texts: &Texts, facts: &Facts, token: &str) -> Result<Plan, Fault> {
    let document = Document::read(texts)?;
    let first = document.combination(0)?.experiment;
    let count = count(&document, &first)?;
    let all = (0..count).map(|number| cells::measured(&document, number, facts, token)).collect::<Result<Vec<_>, _>>()?;
    let mut notes = notes(&document, &all, facts);
    let (skipped, measured) = possible::leave_out(all, &document, facts)?;
    notes.extend(skipped.iter().map(possible::sentence));
    notes.extend(slo::notes(&measured, first.repeats));
    let slos = measured.first().map_or_else(Vec::new, |planned| planned.setup.slos.clone());
    let (cells, planned) = cells::with_floors(measured);
    let runs = runs(&cells, &planned, &first, facts, token);
    Ok(Plan {
        name: first.name,
        question: first.question,
        token: token.to_owned(),
        seed: first.seed,
        cells,
        skipped,
        runs,
        attempts: first.attempts,
        slos,
        notes,
    })
}

/// The number of combinations, unless they make too many runs.
fn count(document: &Document<'_>, experiment: &Experiment) -> Result<usize, Fault> {
    let combinations = document.combinations();
    let runs = combinations.saturating_mul(u128::from(experiment.repeats));
    if runs <= MOST_RUNS {
        return Ok(usize::try_from(combinations).unwrap_or_default());
    }
    let factors: Vec<_> = document.axes().iter().map(|axis| axis.rows.len().to_string()).collect();
    let mut fault = Fault::file(format!("this makes {runs} runs; at most {MOST_RUNS} are planned")).help(format!(
        "{} repeats x {} combinations; leave out values, or keys",
        experiment.repeats,
        factors.join(" x ")
    ));
    for axis in document.axes() {
        if let Some(key) = axis.keys.first() {
            fault = fault.at(key.span.clone(), format!("{} values", axis.rows.len()));
        }
    }
    Err(fault)
}

/// Each once, in the order in which they came up.
fn notes(document: &Document<'_>, measured: &[Planned], facts: &Facts) -> Vec<String> {
    let simulated = measured.iter().all(|cell| cell.setup.simulated().is_some());
    // a process of the host that is only to test cores has the host's own network, and none is made
    let makes_none = |cell: &Planned| cell.setup.is_of_cores_alone();
    let network = if measured.iter().all(makes_none) { Vec::new() } else { placement::network_downgrades(facts) };
    let host = network.into_iter().chain(placement::downgrades(facts)).filter(|_| !simulated);
    let unused = measured.first().map_or(&[][..], |cell| &cell.setup.unused);
    let unused = unused.iter().filter(|table| measured.iter().all(|cell| cell.setup.unused.contains(table)));
    let unused = unused.map(|table| match table.strip_prefix("links.") {
        Some(_) => format!("`{table}` is not used: in no run is that link of the kind that has it"),
        None => format!("[{table}] is not used: no run has that environment"),
    });
    let pages = measured.iter().flat_map(|cell| huge_pages::notes(&cell.setup.nodes, facts));
    let all = document.notes.iter().cloned().chain(unused).chain(host).chain(pages);
    let all =
        all.chain(measured.iter().flat_map(|cell| cell.notes.iter().cloned())).chain(cells::without_effect(document, measured));
    let mut seen = BTreeSet::new();
    all.filter(|note| seen.insert(note.clone())).collect()
}

/// Floors first, then the rounds; every run has its number in its name.
fn runs(cells: &[Cell], planned: &[Planned], experiment: &Experiment, facts: &Facts, token: &str) -> Vec<Run> {
    let of_kind = |kind| (0..cells.len()).filter(move |&cell| cells[cell].kind == kind);
    let floors = of_kind(RunKind::Floor).map(|cell| (cell, 0));
    let measurements: Vec<usize> = of_kind(RunKind::Measurement).collect();
    let order = floors.chain(rounds::rounds(&measurements, experiment.repeats, experiment.order, experiment.seed));
    let run = |(number, (cell, repeat))| {
        let setting = run::Setting { number, cell, repeat, seed: experiment.seed, token, parameters: &cells[cell].parameters };
        run::build(&setting, &cells[cell], &planned[cell], facts)
    };
    order.enumerate().map(run).collect()
}
