//! From finished noise tests to what is read: summary, report, plots, table.

use std::io::IsTerminal;

use tailbed_format::noise::NoiseCampaign;
use tailbed_format::results;
use tailbed_plan::plan::Plan;
use tailbed_stats::noise::{RecordedNoise, summarise_noise};
use tailbed_stats::report::Repeat;
use tailbed_stats::report::noise::{NoiseInput, noise_html, noise_plots};

use crate::cli::RunArguments;
use crate::failure::Failure;
use crate::print;
use crate::results::CampaignFolder;
use crate::results::campaign::{json, write_derived, write_new, write_plots};
use crate::run::report::command_line;
use crate::show::noise;

/// Writes plots, report and, last, the campaign's summary: a folder that has one is finished.
pub(in crate::run) fn write(
    arguments: &RunArguments,
    plan: &Plan,
    folder: &CampaignFolder,
    experiment: &str,
    runs: &[RecordedNoise],
) -> anyhow::Result<NoiseCampaign> {
    let mut summary = summarise_noise(&plan.name, plan.question.as_deref(), &plan.cells, runs);
    summary.notes.clone_from(&plan.notes);
    let facts = folder.facts()?;
    let again = Repeat {
        facts: &facts,
        experiment_name: &arguments.experiment.file.file_name().unwrap_or_default().to_string_lossy(),
        experiment,
        command: &command_line(&arguments.experiment),
        seed: plan.seed,
    };
    let input = NoiseInput { summary: &summary, runs, again };
    write_plots(folder.path(), &noise_plots(&input))?;
    write_derived(&folder.path().join(results::REPORT), noise_html(&input).as_bytes())?;
    write_new(&folder.path().join(results::SUMMARY), &json(&summary)?)?;
    Ok(summary)
}

/// The answer and the tables on the terminal, or everything as JSON.
pub(in crate::run) fn show(arguments: &RunArguments, folder: &CampaignFolder, summary: &NoiseCampaign) -> Result<(), Failure> {
    let report = folder.path().join(results::REPORT);
    if arguments.json {
        let all = serde_json::json!({ "results": folder.path(), "report": report, "summary": summary });
        return print(&(serde_json::to_string_pretty(&all).map_err(anyhow::Error::from)? + "\n"));
    }
    let fit = std::io::stdout().is_terminal();
    print(&format!("\n{}\n{}\n\nreport: {}\n", noise::cells(summary, fit), summary.answer, report.display()))
}
