//! From finished lives to what is read: summary, report, plot, table.

use tailbed_format::lifecycle::{Life, LifeCampaign};
use tailbed_plan::plan::Plan;
use tailbed_plan::step::Step;
use tailbed_stats::life::summarise_lives;
use tailbed_stats::report::life::{LifeInput, life_html, life_plots};

use crate::cli::RunArguments;
use crate::failure::Failure;
use crate::results::CampaignFolder;
use crate::run::finish::{self, Origin};
use crate::show::lives;

/// Writes plot, report and, last, the campaign's summary: a folder that has one is finished.
pub(in crate::run) fn write(
    arguments: &RunArguments,
    plan: &Plan,
    folder: &CampaignFolder,
    experiment: &str,
    lives: &[Life],
) -> anyhow::Result<LifeCampaign> {
    let kinds: Vec<String> = (0..plan.cells.len()).map(|cell| kind(plan, cell)).collect();
    let mut summary = summarise_lives(&plan.name, plan.question.as_deref(), &plan.cells, &kinds, lives);
    summary.notes.clone_from(&plan.notes);
    let origin = Origin::of(arguments, folder)?;
    let again = origin.again(experiment, plan);
    finish::write(folder, &life_plots(&summary), &life_html(&LifeInput { summary: &summary, again }), &summary)?;
    Ok(summary)
}

/// The kind of environment whose life a cell goes through.
fn kind(plan: &Plan, cell: usize) -> String {
    let run = plan.runs.iter().find(|run| run.cell == cell);
    match run.and_then(|run| run.life.as_ref()).map(|life| &life.original.start) {
        Some(Step::StartAgent { environment, .. }) => environment.kind().to_owned(),
        _ => String::new(),
    }
}

/// The answer and the table on the terminal, or everything as JSON.
pub(in crate::run) fn show(arguments: &RunArguments, folder: &CampaignFolder, summary: &LifeCampaign) -> Result<(), Failure> {
    finish::show(arguments, folder, summary, |fit| format!("{}\n\n{}\n", lives::table(summary, fit), summary.answer))
}
