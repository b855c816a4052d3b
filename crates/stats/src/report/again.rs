//! What it takes to run it again and to understand how a number came about.

use maud::{Markup, html};
use tailbed_format::facts::Facts;

use super::{ReportInput, page};

/// The topology and where everything was placed.
pub(super) fn topology(input: &ReportInput<'_>) -> Markup {
    page::section(
        "topology",
        "Topology and placement",
        &html! {
            @if !input.topology.trim().is_empty() { pre role="img" aria-label="The topology drawn in text" { (input.topology) } }
            @if !input.summary.notes.is_empty() { ul { @for note in &input.summary.notes { li { (note) } } } }
        },
    )
}

/// What it takes to run a campaign again.
#[derive(Debug, Clone, Copy)]
pub struct Repeat<'a> {
    /// The host it ran on.
    pub facts: &'a Facts,
    /// Name of the experiment file, for example `first-look.toml`.
    pub experiment_name: &'a str,
    /// The experiment file as it was given.
    pub experiment: &'a str,
    /// The command line that runs it again.
    pub command: &'a str,
    /// Seed of the order of the runs; `None` where the folder does not say.
    pub seed: Option<u64>,
}

impl<'a> Repeat<'a> {
    pub(super) fn of(input: &ReportInput<'a>) -> Self {
        let ReportInput { facts, experiment_name, experiment, command, seed, .. } = *input;
        Self { facts, experiment_name, experiment, command, seed }
    }
}

/// The command, the seed, the version and the experiment file.
pub(super) fn section(input: &Repeat<'_>) -> Markup {
    page::section(
        "again",
        "Run it again",
        &html! {
            pre { (input.command) }
            dl.facts {
                @if let Some(seed) = input.seed { dt { "Seed" } dd { (seed) } }
                dt { "Version" } dd { (version(&input.facts.tool_version, input.facts.tool_commit.as_deref())) }
            }
            details { summary { "Experiment file " code { (input.experiment_name) } } pre { (input.experiment) } }
        },
    )
}

/// The version that made the page.
pub(super) fn version(version: &str, commit: Option<&str>) -> String {
    commit.map_or_else(|| format!("tailbed {version}"), |commit| format!("tailbed {version}, commit {commit}"))
}
