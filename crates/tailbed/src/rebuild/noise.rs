//! A campaign of noise tests, from the records of its runs.

use tailbed_format::noise::{NoiseCampaign, NoiseRecord, NoiseRun};
use tailbed_format::results;
use tailbed_stats::noise::{RecordedNoise, found, summarise_noise};
use tailbed_stats::report::NamedFigure;
use tailbed_stats::report::noise::{NoiseInput, noise_html, noise_plots};

use super::folder::Opened;
use super::guarded::Unread;
use super::runs::summaries;

/// What a report of noise tests is made of.
pub(crate) struct Noise {
    pub(super) opened: Opened,
    /// All cells and runs.
    pub(crate) summary: NoiseCampaign,
    /// Every run with all its values.
    pub(crate) runs: Vec<RecordedNoise>,
}

impl Noise {
    /// Reads all runs.
    pub(super) fn of(mut opened: Opened) -> Self {
        let summaries = summaries::<NoiseRun>(&mut opened);
        let mut runs = Vec::new();
        for (folder, run) in summaries {
            match records(&opened, &folder, &run) {
                Ok(records) => runs.push(RecordedNoise { run, records }),
                Err(unread) => opened.fault(&format!("{folder}/{}", results::NOISE), unread.said(), "the run is left out"),
            }
        }
        let outline = &opened.outline;
        let mut summary = summarise_noise(&opened.identity.name, outline.question.as_deref(), &outline.cells, &runs);
        summary.notes.clone_from(&outline.notes);
        opened.compare_summary(&summary);
        Self { opened, summary, runs }
    }

    /// The page and its plots; `faults` are told at its top.
    pub(super) fn page(&self, faults: &[String]) -> (String, Vec<NamedFigure>) {
        let input = NoiseInput { summary: &self.summary, runs: &self.runs, again: self.opened.again(), faults };
        (noise_html(&input), noise_plots(&input))
    }
}

/// The values of a run, which amount to what its summary says; one that failed has none.
fn records(opened: &Opened, folder: &str, run: &NoiseRun) -> Result<Vec<NoiseRecord>, Unread> {
    let records: Vec<NoiseRecord> = match opened.json(&format!("{folder}/{}", results::NOISE)) {
        Err(Unread::Missing) if run.tests.is_empty() => return Ok(Vec::new()),
        other => other?,
    };
    let counted = |record: &NoiseRecord| {
        let found = found(record);
        let cores = found.cores.iter().map(|core| (core.cpu, core.distribution.count, core.distribution.maximum));
        (found.test, cores.collect::<Vec<_>>())
    };
    let told = run.tests.iter().map(|test| {
        let cores = test.cores.iter().map(|core| (core.cpu, core.distribution.count, core.distribution.maximum));
        (test.test, cores.collect::<Vec<_>>())
    });
    if records.iter().map(counted).eq(told) {
        Ok(records)
    } else {
        Err(Unread::Damaged("its values are not those of the run's summary".to_owned()))
    }
}
