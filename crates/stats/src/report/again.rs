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
    /// Seed of the order of the runs.
    pub seed: u64,
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
                dt { "Seed" } dd { (input.seed) }
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

/// How a number was made, in short.
pub(super) fn method() -> Markup {
    page::section(
        "method",
        "How a number was made",
        &html! {
            p {
                "The latency of a packet is the time the kernel received it back minus the time just before it was sent, both taken "
                "outside the device and on one clock. Packets leave by a fixed schedule whether or not earlier ones have come back, so a "
                "stalled device cannot slow down the load and hide its stall."
            }
            p {
                "A percentile is the value at its exact rank among all packets of the valid runs: nothing is interpolated and nothing is "
                "rounded into buckets. Its 95 % interval consists of two measured values, chosen by their ranks so that they enclose the true "
                "percentile with that probability whatever the distribution. A percentile with fewer than ten packets beyond it is not given."
            }
            p { "The whole of it, with sources, is in " code { "docs/method.md" } " of tailbed." }
        },
    )
}
