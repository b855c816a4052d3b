//! A campaign of searches for throughput, from the summaries of its runs, which hold all trials.

use tailbed_format::throughput::{SearchCampaign, SearchRun};
use tailbed_stats::report::NamedFigure;
use tailbed_stats::report::throughput::{SearchInput, search_html, search_plots};
use tailbed_stats::search::summarise_searches;

use super::folder::Opened;
use super::runs::summaries;

/// What a report of searches is made of.
pub(crate) struct Searches {
    pub(super) opened: Opened,
    /// All cells and runs.
    pub(crate) summary: SearchCampaign,
}

impl Searches {
    /// Reads all runs.
    pub(super) fn of(mut opened: Opened) -> Self {
        let runs: Vec<SearchRun> = summaries(&mut opened).into_iter().map(|(_, run)| run).collect();
        let outline = &opened.outline;
        let mut summary = summarise_searches(&opened.identity.name, outline.question.as_deref(), &outline.cells, &runs);
        summary.notes.clone_from(&outline.notes);
        opened.compare_summary(&summary);
        Self { opened, summary }
    }

    /// The page and its plots; `faults` are told at its top.
    pub(super) fn page(&self, faults: &[String]) -> (String, Vec<NamedFigure>) {
        let topology = &self.opened.outline.topology;
        let input = SearchInput { summary: &self.summary, topology, again: self.opened.again(), faults };
        (search_html(&input), search_plots(&self.summary))
    }
}
