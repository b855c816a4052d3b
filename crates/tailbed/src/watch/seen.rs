//! What is known of a campaign at one moment.

use std::collections::BTreeMap;
use std::time::Duration;

use tailbed_format::progress::CampaignProgress;

use super::cells::CellSeen;

/// A campaign as its folder shows it.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    /// The folder.
    pub(super) folder: String,
    /// How far it is.
    pub(super) progress: CampaignProgress,
    /// Whether it goes on.
    pub(super) life: Life,
    /// Its cells, of a campaign of packets.
    pub(super) cells: Vec<CellSeen>,
    /// What the host did on packet cores, a sentence by the folder of each run whose cores were not quiet.
    pub(super) host: BTreeMap<String, String>,
    /// Files that cannot be read, a sentence by the file.
    pub(super) problems: BTreeMap<String, String>,
    /// The answer, once there is one.
    pub(super) answer: Option<String>,
}

/// Whether a campaign goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Life {
    /// Its process lives.
    Running,
    /// It has not ended, and its file system does not tell whether its process lives.
    Unknown,
    /// It has not ended, and its process is gone.
    Killed,
    /// It ended before its runs had all been made.
    Stopped {
        /// Whether its user stopped it.
        interrupted: bool,
        /// What it said.
        reason: String,
    },
    /// It has its summary.
    Finished,
}

impl Life {
    /// Whether there is nothing more to come.
    pub(super) fn is_over(&self) -> bool {
        !matches!(self, Self::Running | Self::Unknown)
    }
}

/// How many runs have ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RunCounts {
    /// Of so many.
    pub(super) all: usize,
    /// Those that have.
    pub(super) ended: usize,
    /// Those of them that do not count.
    pub(super) invalid: usize,
}

impl Seen {
    /// How many runs have ended.
    pub(super) fn counts(&self) -> RunCounts {
        let ended = || self.progress.runs.iter().filter_map(|run| run.ended);
        RunCounts {
            all: self.progress.runs.len(),
            ended: ended().count(),
            invalid: ended().filter(|ended| !ended.counts).count(),
        }
    }

    /// How long the rest should take, at `now` (ms since 1970): what is expected of the runs that are left, as much longer or shorter as those
    /// made so far took, less what the present one has had.
    pub(super) fn left(&self, now: u64) -> Duration {
        let mut expected = 0.0;
        let (mut took, mut believed) = (0.0, 0.0);
        for run in &self.progress.runs {
            match run.ended {
                None => expected += run.expected as f64,
                Some(ended) => {
                    took += ended.took.unwrap_or(0) as f64;
                    believed += ended.took.map_or(0.0, |_| run.expected as f64);
                }
            }
        }
        let pace = if believed > 0.0 { took / believed } else { 1.0 };
        let present = self.progress.stage.attempt().and_then(|attempt| {
            let run = self.progress.runs.get(attempt.run)?;
            Some((now.saturating_sub(attempt.began) as f64 * 1e6).min(run.expected as f64 * pace))
        });
        Duration::from_secs_f64(((expected * pace - present.unwrap_or(0.0)) / 1e9).max(0.0))
    }

    /// The run that is under way, by its name.
    pub(super) fn present(&self) -> Option<&str> {
        let attempt = self.progress.stage.attempt()?;
        self.progress.runs.get(attempt.run).map(|run| run.name.as_str())
    }
}
