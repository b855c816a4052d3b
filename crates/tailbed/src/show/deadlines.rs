//! Deadlines on the terminal, and whether they end the program with a failure.

use tailbed_format::slo::{SloResult, SloVerdict};
use tailbed_format::summary::CampaignSummary;
use tailbed_plan::plan::Plan;
use tailbed_stats::report::label;

use crate::cli::{FailOnSlo, RunArguments};
use crate::failure::Failure;

/// That a failure is asked for where there is no deadline is a slip, and told before anything is touched.
pub(crate) fn asked_for(arguments: &RunArguments, plan: &Plan) -> Result<(), Failure> {
    if arguments.fail_on_slo.is_none() || !plan.slos.is_empty() {
        return Ok(());
    }
    Err(Failure::File(format!(
        "error: --fail-on-slo asks about deadlines, and {} has none\n  = help: add one:\n          [[slo]]\n          percentile = 99.99\n          below = \"0.5ms\"",
        arguments.experiment.file.display()
    )))
}

/// A line for each deadline and cell, each with its figures; nothing where there is no deadline.
pub(crate) fn lines(summary: &CampaignSummary) -> String {
    summary.slos.iter().map(|result| line(summary, result) + "\n").collect()
}

fn line(summary: &CampaignSummary, result: &SloResult) -> String {
    let cell = summary.cells.iter().find(|cell| cell.cell == result.cell).map(label).filter(|label| !label.is_empty());
    let cell = cell.map_or_else(String::new, |cell| format!("{cell}: "));
    format!("{cell}{}: {}: {}", result.slo, result.verdict, result.why)
}

/// Ends with a failure where a deadline is missed, or as asked for not held.
pub(crate) fn gate(summary: &CampaignSummary, fail_on: Option<FailOnSlo>) -> Result<(), Failure> {
    let failing = |result: &&SloResult| match fail_on {
        None => false,
        Some(FailOnSlo::Missed) => result.verdict == SloVerdict::Missed,
        Some(FailOnSlo::Undecided) => result.verdict != SloVerdict::Held,
    };
    let failed = summary.slos.iter().filter(failing).count();
    if failed == 0 {
        return Ok(());
    }
    let what = if fail_on == Some(FailOnSlo::Missed) { "missed" } else { "not held" };
    Err(Failure::Gate(format!("{failed} of {} deadlines {what}", summary.slos.len())))
}
