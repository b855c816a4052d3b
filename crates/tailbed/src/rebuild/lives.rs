//! A campaign of lives, from the summaries of its runs.

use tailbed_format::lifecycle::{Life, LifeCampaign};
use tailbed_stats::life::summarise_lives;
use tailbed_stats::report::NamedFigure;
use tailbed_stats::report::life::{LifeInput, life_html, life_plots};

use super::folder::Opened;
use super::runs::summaries;

/// What a report of lives is made of.
pub(crate) struct Lives {
    pub(super) opened: Opened,
    /// All cells and runs.
    pub(crate) summary: LifeCampaign,
}

impl Lives {
    /// Reads all runs.
    pub(super) fn of(mut opened: Opened) -> Self {
        let lives: Vec<Life> = summaries(&mut opened).into_iter().map(|(_, life)| life).collect();
        let outline = &opened.outline;
        let question = outline.question.as_deref();
        let mut summary = summarise_lives(&opened.identity.name, question, &outline.cells, &outline.environments, &lives);
        summary.notes.clone_from(&outline.notes);
        opened.compare_summary(&summary);
        Self { opened, summary }
    }

    /// The page and its plots; `faults` are told at its top.
    pub(super) fn page(&self, faults: &[String]) -> (String, Vec<NamedFigure>) {
        let input = LifeInput { summary: &self.summary, again: self.opened.again(), faults };
        (life_html(&input), life_plots(&self.summary))
    }
}
