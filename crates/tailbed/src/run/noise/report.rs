//! From finished noise tests to what is read: summary, report, plots, table.

use tailbed_format::noise::NoiseCampaign;
use tailbed_plan::plan::Plan;
use tailbed_stats::noise::{RecordedNoise, summarise_noise};
use tailbed_stats::report::noise::{NoiseInput, noise_html, noise_plots};

use crate::cli::RunArguments;
use crate::failure::Failure;
use crate::results::CampaignFolder;
use crate::run::finish::{self, Origin};
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
    let origin = Origin::of(arguments, folder)?;
    let again = origin.again(experiment, plan);
    let input = NoiseInput { summary: &summary, runs, again };
    finish::write(folder, &noise_plots(&input), &noise_html(&input), &summary)?;
    Ok(summary)
}

/// The answer and the tables on the terminal, or everything as JSON.
pub(in crate::run) fn show(arguments: &RunArguments, folder: &CampaignFolder, summary: &NoiseCampaign) -> Result<(), Failure> {
    finish::show(arguments, folder, summary, |fit| format!("{}\n{}\n", noise::cells(summary, fit), summary.answer))
}
