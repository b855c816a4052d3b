//! What every kind of campaign ends with: what its runs have written is read back and put together, its files are written, its tables
//! shown.

use std::io::IsTerminal;

use tailbed_format::results;

use crate::cli::RunArguments;
use crate::failure::Failure;
use crate::print;
use crate::rebuild::{Campaign, Rebuilt};
use crate::results::campaign::{write_derived, write_new, write_plots};
use crate::results::{CampaignFolder, metadata, sums};
use crate::show::deadlines;

/// Writes plots and report, where they are wanted, sums, the metadata of it all and, last, the campaign's summary: a folder that has one is finished. All of it is made as `tailbed report` makes
/// it, run by run from the disk, so that it needs no more memory at the end than for one run.
pub(super) fn finish(arguments: &RunArguments, folder: &CampaignFolder) -> Result<(), Failure> {
    let path = folder.path();
    let rebuilt = Rebuilt::at_the_end(path)?;
    if !arguments.no_report {
        let (page, plots) = rebuilt.page();
        write_plots(path, &plots)?;
        write_derived(&path.join(results::REPORT), page.as_bytes())?;
    }
    sums::write_of_campaign(path)?;
    let summary = rebuilt.campaign.summary()?;
    let about = metadata::of_campaign(path, &rebuilt.campaign.summary_value()?, super::now())?;
    metadata::write(path, &about, Some(summary.len() as u64))?;
    write_new(&path.join(results::SUMMARY), &summary)?;
    show(arguments, folder, &rebuilt.campaign)?;
    // what the runs wrote a moment ago is whole unless something else has been at it
    let faults: Vec<String> = rebuilt.faults.iter().map(ToString::to_string).collect();
    if !faults.is_empty() {
        return Err(anyhow::anyhow!("not all could be reported: {}", faults.join("\n")).into());
    }
    match &rebuilt.campaign {
        Campaign::Packets(packets) => deadlines::gate(&packets.summary, arguments.fail_on_slo),
        Campaign::Searches(_) | Campaign::Lives(_) | Campaign::Noise(_) => Ok(()),
    }
}

/// The tables and the answer on the terminal, or everything as JSON.
fn show(arguments: &RunArguments, folder: &CampaignFolder, campaign: &Campaign) -> Result<(), Failure> {
    let report = (!arguments.no_report).then(|| folder.path().join(results::REPORT));
    if arguments.json {
        let summary = campaign.summary_value()?;
        let all = serde_json::json!({ "results": folder.path(), "report": report, "summary": summary });
        return print(&(serde_json::to_string_pretty(&all).map_err(anyhow::Error::from)? + "\n"));
    }
    let report = match report {
        Some(report) => report.display().to_string(),
        None => format!("left out; `tailbed report {}` makes it", folder.path().display()),
    };
    print(&format!("\n{}\nreport: {report}\n", campaign.text(std::io::stdout().is_terminal())))
}
