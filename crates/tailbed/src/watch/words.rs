//! What is said of a campaign as a whole.

use std::fmt::Write as _;
use std::time::Duration;

use tailbed_format::progress::{CampaignKind, Stage};

use super::seen::{Life, RunCounts, Seen};
use crate::show::progress::minutes;

/// One word, or two.
pub(super) fn life(life: &Life) -> &'static str {
    match life {
        Life::Running => "running",
        Life::Unknown => "not ended",
        Life::Killed => "killed",
        Life::Stopped { interrupted: true, .. } => "interrupted",
        Life::Stopped { interrupted: false, .. } => "failed",
        Life::Finished => "finished",
    }
}

/// What goes on at `now`, ms since 1970, or how it ended; one sentence or several.
pub(super) fn state(seen: &Seen, now: u64) -> String {
    match &seen.life {
        Life::Running => stage(seen, now),
        Life::Unknown => format!("{}; whether its process still lives cannot be told on this file system", stage(seen, now)),
        Life::Killed => {
            let place = seen.present().map_or_else(|| "between two runs".to_owned(), |run| format!("in {run}"));
            format!(
                "the campaign was killed {place}; finished runs are kept in {}; `tailbed run --resume` goes on, `tailbed clean` takes \
                 back what it left on the host",
                seen.folder
            )
        }
        Life::Stopped { reason, .. } => reason.clone(),
        Life::Finished => seen.answer.clone().unwrap_or_else(|| "the campaign is finished".to_owned()),
    }
}

fn stage(seen: &Seen, now: u64) -> String {
    let kind = seen.progress.kind;
    let run = seen.present().unwrap_or_default();
    let since = |since: u64| minutes(Duration::from_secs(now.saturating_sub(since) / 1_000));
    let again = |attempt: u32| if attempt == 0 { String::new() } else { format!(", attempt {}", attempt + 1) };
    match &seen.progress.stage {
        Stage::Beginning => "no run has begun".to_owned(),
        Stage::Building(attempt) => {
            let what = if kind == CampaignKind::Lives { "going through it for" } else { "being built for" };
            format!("{run}{}: {what} {}", again(attempt.attempt), since(attempt.since))
        }
        Stage::Measuring(attempt) => {
            let what = match kind {
                CampaignKind::Packets => "traffic",
                CampaignKind::Noise => "cores are tested",
                CampaignKind::Searches => "trials",
                CampaignKind::Lives => "going through it",
            };
            let expected = seen.progress.runs.get(attempt.run).map_or(0, |run| run.expected);
            let whole = minutes(Duration::from_nanos(expected));
            format!("{run}{}: {what} for {}, {whole} expected", again(attempt.attempt), since(attempt.since))
        }
        Stage::TakingBack(attempt) => {
            format!("{run}{}: taken back, counted and written down for {}", again(attempt.attempt), since(attempt.since))
        }
        Stage::Reporting { since: began } => format!("all runs have ended; the report is being written for {}", since(*began)),
        Stage::Finished { .. } | Stage::Stopped { .. } => "the campaign has ended".to_owned(),
    }
}

/// How many runs have ended, and how long the rest should take.
pub(super) fn far(seen: &Seen, now: u64) -> String {
    let RunCounts { all, ended, invalid } = seen.counts();
    let mut text = format!("{ended} of {all} runs");
    if invalid > 0 {
        let _ = write!(text, ", {invalid} not counted");
    }
    if !seen.life.is_over() && ended < all {
        let _ = write!(text, ", {} left", minutes(seen.left(now)));
    }
    text
}
