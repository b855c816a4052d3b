//! From finished searches to what is read: summary, report, plots, table.

use tailbed_format::throughput::{SearchCampaign, SearchRun};
use tailbed_plan::plan::Plan;
use tailbed_stats::report::throughput::{SearchInput, search_html, search_plots};
use tailbed_stats::search::summarise_searches;

use crate::cli::RunArguments;
use crate::failure::Failure;
use crate::results::CampaignFolder;
use crate::run::finish::{self, Origin};
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
    let origin = Origin::of(arguments, folder)?;
    let again = origin.again(experiment, plan);
    let topology = plan.runs.last().map(|run| tailbed_plan::draw(run).join("\n")).unwrap_or_default();
    let input = SearchInput { summary: &summary, topology: &topology, again };
    finish::write(folder, &search_plots(&summary), &search_html(&input), &summary)?;
    Ok(summary)
}

/// The answer and the table on the terminal, or everything as JSON.
pub(in crate::run) fn show(arguments: &RunArguments, folder: &CampaignFolder, summary: &SearchCampaign) -> Result<(), Failure> {
    let proofs = summary.runs.iter().filter_map(|run| Some((run.cell, run.proof.as_ref()?)));
    let unquiet = tailbed_stats::proof::gathered::sentence(proofs).map_or_else(String::new, |sentence| format!("{sentence}\n"));
    finish::show(arguments, folder, summary, |fit| format!("{}\n\n{}\n{unquiet}", searches::table(summary, fit), summary.answer))
}
