//! Looking at a campaign's folder, again and again; what was read once and cannot change is not read again.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde::Deserialize;
use tailbed_format::progress::{CampaignKind, CampaignProgress, Ended, RunProgress, Said, Stage, Topic};
use tailbed_format::results;
use tailbed_format::summary::{CampaignSummary, Cell, RunSummary};
use tailbed_stats::proof::gathered;

use super::seen::{Life, Seen};
use super::{cells, hgrm};
use crate::results::campaign::read_json;
use crate::results::progress::{self, Reading, Writer};
use crate::show::density::Density;

/// Looks at one folder.
pub(super) struct Reader {
    folder: PathBuf,
    reading: Option<Reading>,
    seen: Seen,
    /// Folders of runs that were looked into.
    looked_into: BTreeSet<String>,
}

/// Of a campaign's summary, what is shown.
#[derive(Deserialize)]
struct Answer {
    answer: String,
}

impl Reader {
    /// Of a folder that was not looked at yet.
    pub(super) fn new(folder: PathBuf) -> Self {
        let seen = Seen {
            folder: folder.display().to_string(),
            progress: nothing(),
            life: Life::Unknown,
            cells: Vec::new(),
            host: BTreeMap::new(),
            problems: BTreeMap::new(),
            answer: None,
        };
        Self { folder, reading: None, seen, looked_into: BTreeSet::new() }
    }

    /// What was seen last.
    pub(super) fn seen(&self) -> &Seen {
        &self.seen
    }

    /// Looks again.
    ///
    /// # Errors
    /// When the folder is gone, or nothing in it says how far its campaign is.
    pub(super) fn look(&mut self) -> anyhow::Result<()> {
        if !self.folder.is_dir() {
            bail!("the folder {} is gone: somebody has removed it or moved it away", self.folder.display());
        }
        let finished = self.folder.join(results::SUMMARY).is_file();
        let first = self.seen.progress.version == 0;
        match progress::read(&self.folder, self.reading.take()) {
            Ok(Some(reading)) => {
                self.problem(results::PROGRESS, None);
                self.take(reading, finished)?;
            }
            Ok(None) if first && finished => self.take_finished()?,
            Ok(None) if first => bail!(
                "{} says nothing of how far its campaign is: it was begun by an earlier version of tailbed and has not ended",
                self.folder.display()
            ),
            Ok(None) => self.problem(results::PROGRESS, Some("somebody has removed it".to_owned())),
            Err(error) if first => return Err(error),
            Err(error) => self.problem(results::PROGRESS, Some(format!("{error:#}"))),
        }
        if self.seen.progress.kind == CampaignKind::Packets {
            self.look_into_runs();
        }
        if finished && self.seen.answer.is_none() {
            match read_json::<Answer>(&self.folder.join(results::SUMMARY)) {
                Ok(Answer { answer }) => self.seen.answer = Some(answer),
                Err(error) => self.problem(results::SUMMARY, Some(format!("{error:#}"))),
            }
        }
        Ok(())
    }

    fn take(&mut self, reading: Reading, finished: bool) -> anyhow::Result<()> {
        if reading.progress.version != CampaignProgress::VERSION {
            bail!(
                "{} is of version {}, and this tailbed reads version {}; watch with the one that makes the campaign",
                self.folder.join(results::PROGRESS).display(),
                reading.progress.version,
                CampaignProgress::VERSION
            );
        }
        self.seen.life = life(&reading, finished);
        if self.seen.progress != reading.progress {
            // an earlier session of the campaign may have had other runs
            if self.seen.progress.began != reading.progress.began {
                self.seen.cells = cells::planned(&reading.progress);
                self.looked_into.clear();
            }
            self.seen.progress = reading.progress.clone();
        }
        self.reading = Some(reading);
        Ok(())
    }

    /// A campaign that ended before campaigns said how far they are.
    fn take_finished(&mut self) -> anyhow::Result<()> {
        let path = self.folder.join(results::SUMMARY);
        let summary: CampaignSummary = read_json(&path).with_context(|| {
            format!("{} says how far no campaign is, and only campaigns of packets are known by their summary", self.seen.folder)
        })?;
        self.seen.progress = of_summary(&summary);
        self.seen.cells = cells::planned(&self.seen.progress);
        self.seen.answer = Some(summary.answer);
        self.seen.life = Life::Finished;
        Ok(())
    }

    /// Reads what the runs that have ended since left.
    fn look_into_runs(&mut self) {
        let ended = self.seen.progress.said.iter().filter(|said| said.topic != Topic::Note);
        let new = ended.filter_map(|said| said.run.clone()).filter(|run| !self.looked_into.contains(run));
        for run in new.collect::<BTreeSet<_>>() {
            self.look_into(&run);
            self.looked_into.insert(run);
        }
    }

    fn look_into(&mut self, run: &str) {
        let folder = self.folder.join(results::RUNS).join(run);
        let name = |file: &str| format!("{}/{run}/{file}", results::RUNS);
        let summary: RunSummary = match read_json(&folder.join(results::SUMMARY)) {
            Ok(summary) => summary,
            Err(error) => return self.problem(&name(results::SUMMARY), Some(format!("{error:#}"))),
        };
        if let Some(proof) = &summary.proof
            && let Some(sentence) = gathered::sentence(std::iter::once((summary.cell, proof)))
        {
            self.seen.host.insert(run.to_owned(), sentence);
        }
        let density = density(&folder, &summary).unwrap_or_else(|error| {
            self.problem(&name(results::HGRM), Some(format!("{error:#}")));
            Density::default()
        });
        if let Some(cell) = self.seen.cells.get_mut(summary.cell) {
            cell.add(&summary, &density);
        }
    }

    /// Says what is wrong with a file, or that nothing is.
    fn problem(&mut self, file: &str, what: Option<String>) {
        match what {
            Some(what) => self.seen.problems.insert(file.to_owned(), what),
            None => self.seen.problems.remove(file),
        };
    }
}

/// A run's distribution; of one that does not count it is not asked.
fn density(folder: &Path, summary: &RunSummary) -> anyhow::Result<Density> {
    if summary.is_valid() { hgrm::read(&folder.join(results::HGRM)) } else { Ok(Density::default()) }
}

fn life(reading: &Reading, finished: bool) -> Life {
    match (&reading.progress.stage, reading.writer) {
        (Stage::Stopped { interrupted, reason, .. }, _) => Life::Stopped { interrupted: *interrupted, reason: reason.clone() },
        (Stage::Finished { .. }, _) => Life::Finished,
        // the summary comes last
        _ if finished => Life::Finished,
        (_, Writer::Lives) => Life::Running,
        (_, Writer::Gone) => Life::Killed,
        (_, Writer::Unknown) => Life::Unknown,
    }
}

/// How far a campaign is of which nothing is known.
fn nothing() -> CampaignProgress {
    CampaignProgress {
        version: 0,
        name: String::new(),
        question: None,
        kind: CampaignKind::Packets,
        cells: Vec::new(),
        runs: Vec::new(),
        said: Vec::new(),
        began: 0,
        stage: Stage::Beginning,
        locked: false,
    }
}

/// What a summary says of how far its campaign came.
fn of_summary(summary: &CampaignSummary) -> CampaignProgress {
    let cells = summary.cells.iter().map(|cell| Cell {
        kind: cell.kind,
        parameters: cell.parameters.clone(),
        floor: cell.floor,
        simulated: summary.simulated,
    });
    let run = |run: &RunSummary| RunProgress {
        name: run.run.clone(),
        cell: run.cell,
        repeat: run.repeat,
        expected: 0,
        housekeeping: Vec::new(),
        ended: Some(Ended { counts: run.is_valid(), took: None }),
    };
    let said = |run: &RunSummary| Said {
        at: run.began * 1_000,
        topic: if run.is_valid() { Topic::Run } else { Topic::Invalid },
        run: Some(run.run.clone()),
        text: crate::run::one_line(run),
    };
    CampaignProgress {
        version: CampaignProgress::VERSION,
        name: summary.name.clone(),
        question: summary.question.clone(),
        kind: CampaignKind::Packets,
        cells: cells.collect(),
        runs: summary.runs.iter().map(run).collect(),
        said: summary.runs.iter().map(said).collect(),
        began: 0,
        stage: Stage::Finished { at: 0 },
        locked: false,
    }
}
