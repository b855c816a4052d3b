//! From finished lives to what is read: summary, report, plot, table.

use std::io::IsTerminal;

use tailbed_format::lifecycle::{Life, LifeCampaign};
use tailbed_format::results;
use tailbed_plan::plan::Plan;
use tailbed_plan::step::Step;
use tailbed_stats::life::summarise_lives;
use tailbed_stats::report::Repeat;
use tailbed_stats::report::life::{LifeInput, life_html, life_plots};

use crate::cli::RunArguments;
use crate::failure::Failure;
use crate::print;
use crate::results::CampaignFolder;
use crate::results::campaign::{json, write_derived, write_new, write_plots};
use crate::run::report::command_line;
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
    let facts = folder.facts()?;
    let again = Repeat {
        facts: &facts,
        experiment_name: &arguments.experiment.file.file_name().unwrap_or_default().to_string_lossy(),
        experiment,
        command: &command_line(&arguments.experiment),
        seed: plan.seed,
    };
    write_plots(folder.path(), &life_plots(&summary))?;
    write_derived(&folder.path().join(results::REPORT), life_html(&LifeInput { summary: &summary, again }).as_bytes())?;
    write_new(&folder.path().join(results::SUMMARY), &json(&summary)?)?;
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
    let report = folder.path().join(results::REPORT);
    if arguments.json {
        let all = serde_json::json!({ "results": folder.path(), "report": report, "summary": summary });
        return print(&(serde_json::to_string_pretty(&all).map_err(anyhow::Error::from)? + "\n"));
    }
    let fit = std::io::stdout().is_terminal();
    print(&format!("\n{}\n\n{}\n\nreport: {}\n", lives::table(summary, fit), summary.answer, report.display()))
}
