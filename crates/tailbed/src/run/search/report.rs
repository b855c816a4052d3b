//! From finished searches to what is read: summary, report, plots, table.

use std::io::IsTerminal;

use tailbed_format::results;
use tailbed_format::throughput::{SearchCampaign, SearchRun};
use tailbed_plan::plan::Plan;
use tailbed_stats::report::Repeat;
use tailbed_stats::report::throughput::{SearchInput, search_html, search_plots};
use tailbed_stats::search::summarise_searches;

use crate::cli::RunArguments;
use crate::failure::Failure;
use crate::print;
use crate::results::CampaignFolder;
use crate::results::campaign::{json, write_derived, write_new, write_plots};
use crate::run::report::command_line;
use crate::show::searches;

/// Writes plots, report and, last, the campaign's summary: a folder that has one is finished.
pub(in crate::run) fn write(
    arguments: &RunArguments,
    plan: &Plan,
    folder: &CampaignFolder,
    experiment: &str,
    runs: &[SearchRun],
) -> anyhow::Result<SearchCampaign> {
    let mut summary = summarise_searches(&plan.name, plan.question.as_deref(), &plan.cells, runs);
    summary.notes.clone_from(&plan.notes);
    let facts = folder.facts()?;
    let again = Repeat {
        facts: &facts,
        experiment_name: &arguments.experiment.file.file_name().unwrap_or_default().to_string_lossy(),
        experiment,
        command: &command_line(&arguments.experiment),
        seed: plan.seed,
    };
    let topology = plan.runs.last().map(|run| tailbed_plan::draw(run).join("\n")).unwrap_or_default();
    write_plots(folder.path(), &search_plots(&summary))?;
    let input = SearchInput { summary: &summary, topology: &topology, again };
    write_derived(&folder.path().join(results::REPORT), search_html(&input).as_bytes())?;
    write_new(&folder.path().join(results::SUMMARY), &json(&summary)?)?;
    Ok(summary)
}

/// The answer and the table on the terminal, or everything as JSON.
pub(in crate::run) fn show(arguments: &RunArguments, folder: &CampaignFolder, summary: &SearchCampaign) -> Result<(), Failure> {
    let report = folder.path().join(results::REPORT);
    if arguments.json {
        let all = serde_json::json!({ "results": folder.path(), "report": report, "summary": summary });
        return print(&(serde_json::to_string_pretty(&all).map_err(anyhow::Error::from)? + "\n"));
    }
    let fit = std::io::stdout().is_terminal();
    let proofs = summary.runs.iter().filter_map(|run| Some((run.cell, run.proof.as_ref()?)));
    let unquiet = tailbed_stats::proof::gathered::sentence(proofs).map_or_else(String::new, |sentence| format!("{sentence}\n"));
    print(&format!("\n{}\n\n{}\n{unquiet}\nreport: {}\n", searches::table(summary, fit), summary.answer, report.display()))
}
