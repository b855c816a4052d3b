//! What every kind of campaign ends with: its files are written, its tables shown.

use std::io::IsTerminal;

use serde::Serialize;
use tailbed_format::facts::Facts;
use tailbed_format::results;
use tailbed_plan::plan::Plan;
use tailbed_stats::report::{NamedFigure, Repeat};

use crate::cli::{ExperimentArguments, RunArguments};
use crate::failure::Failure;
use crate::print;
use crate::results::CampaignFolder;
use crate::results::campaign::{json, write_derived, write_new, write_plots};
use crate::show::quote::quote;

/// Where a campaign came from, for whoever makes it again.
pub(super) struct Origin {
    facts: Facts,
    file: String,
    command: String,
}

impl Origin {
    /// Of a campaign that was made with these arguments, the facts as they were when it began.
    pub(super) fn of(arguments: &RunArguments, folder: &CampaignFolder) -> anyhow::Result<Self> {
        let experiment = &arguments.experiment;
        let file = experiment.file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Self { facts: folder.facts()?, file, command: command_line(experiment) })
    }

    /// With the text of its experiment file.
    pub(super) fn again<'a>(&'a self, experiment: &'a str, plan: &Plan) -> Repeat<'a> {
        Repeat { facts: &self.facts, experiment_name: &self.file, experiment, command: &self.command, seed: plan.seed }
    }
}

/// The command that runs the same experiment again.
fn command_line(arguments: &ExperimentArguments) -> String {
    let file = arguments.file.file_name().unwrap_or_default().to_string_lossy();
    let options = [("--set", &arguments.set), ("--sweep", &arguments.sweep)];
    let options = options.iter().flat_map(|(name, values)| values.iter().map(move |value| format!(" {name} {}", quote(value))));
    format!("tailbed run {}{}", quote(&file), options.collect::<String>())
}

/// Writes plots, report and, last, the campaign's summary: a folder that has one is finished.
pub(super) fn write(
    folder: &CampaignFolder,
    plots: &[NamedFigure],
    report: &str,
    summary: &impl Serialize,
) -> anyhow::Result<()> {
    write_plots(folder.path(), plots)?;
    write_derived(&folder.path().join(results::REPORT), report.as_bytes())?;
    write_new(&folder.path().join(results::SUMMARY), &json(summary)?)
}

/// The tables and the answer on the terminal, where `text` is told whether lines are to fit its width; or everything as JSON.
pub(super) fn show(
    arguments: &RunArguments,
    folder: &CampaignFolder,
    summary: &impl Serialize,
    text: impl FnOnce(bool) -> String,
) -> Result<(), Failure> {
    let report = folder.path().join(results::REPORT);
    if arguments.json {
        let all = serde_json::json!({ "results": folder.path(), "report": report, "summary": summary });
        return print(&(serde_json::to_string_pretty(&all).map_err(anyhow::Error::from)? + "\n"));
    }
    print(&format!("\n{}\nreport: {}\n", text(std::io::stdout().is_terminal()), report.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_can_be_pasted() {
        let arguments = ExperimentArguments {
            file: "examples/first-look.toml".into(),
            set: vec!["traffic.rate=50kpps".to_owned(), "question=why?".to_owned()],
            sweep: vec!["traffic.frame=64,128".to_owned()],
        };
        let expected = "tailbed run first-look.toml --set traffic.rate=50kpps --set 'question=why?' --sweep traffic.frame=64,128";
        assert_eq!(command_line(&arguments), expected);
    }
}
