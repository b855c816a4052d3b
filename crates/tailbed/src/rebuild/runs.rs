//! The summaries of a campaign's runs, those that can be read.

use std::collections::BTreeSet;

use serde::de::DeserializeOwned;
use tailbed_format::lifecycle::Life;
use tailbed_format::noise::NoiseRun;
use tailbed_format::results;
use tailbed_format::summary::RunSummary;
use tailbed_format::throughput::SearchRun;

use super::folder::{Opened, UNCHECKED};
use super::guarded::Unread;
use crate::results::sums::Changed;

/// More repeats than anybody makes.
const MOST_REPEATS: u32 = 1 << 20;

/// What the summaries of all kinds of runs have.
pub(super) trait Summary: DeserializeOwned {
    /// Name of the run's folder.
    fn run(&self) -> &str;
    /// Number of the cell.
    fn cell(&self) -> usize;
    /// Which repeat of the cell, from 0.
    fn repeat(&self) -> u32;
}

macro_rules! summaries {
    ($($kind:ty),*) => {$(
        impl Summary for $kind {
            fn run(&self) -> &str {
                &self.run
            }
            fn cell(&self) -> usize {
                self.cell
            }
            fn repeat(&self) -> u32 {
                self.repeat
            }
        }
    )*};
}

summaries!(RunSummary, SearchRun, Life, NoiseRun);

/// The summaries of all attempts that can be read, in the order in which they were made, each with its folder, `runs/NAME`. Whatever is
/// missing or wrong is noted.
pub(super) fn summaries<T: Summary>(opened: &mut Opened) -> Vec<(String, T)> {
    let attempts = opened.attempts();
    let mut found: Vec<(String, T)> = Vec::new();
    for folder in &attempts {
        let file = format!("{folder}/{}", results::SUMMARY);
        let sums = format!("{folder}/{}", results::SUMS);
        match opened.changed(&sums) {
            Some(Changed::Altered) => opened.fault(&sums, Changed::Altered.said(), UNCHECKED),
            Some(Changed::Gone) | None => opened.check(&format!("{folder}/")),
        }
        let summary = opened.json::<T>(&file).and_then(|summary| sound(opened, folder, summary));
        match summary {
            Ok(summary) => found.push((folder.clone(), summary)),
            Err(Unread::Missing) => opened.fault(&file, "it is missing: the run was not finished", "the run is left out"),
            Err(unread) => opened.fault(&file, unread.said(), "the run is left out"),
        }
    }
    not_made(opened, &attempts);
    found
}

/// A summary that is of this run, and of a cell that there is.
fn sound<T: Summary>(opened: &Opened, folder: &str, summary: T) -> Result<T, Unread> {
    let wrong = |what: String| Err(Unread::Damaged(what));
    if folder.strip_prefix(results::RUNS).and_then(|name| name.strip_prefix('/')) != Some(summary.run()) {
        return wrong(format!("it is of a run called {:?}", summary.run()));
    }
    let cells = opened.outline.cells.len();
    if summary.cell() >= cells {
        return wrong(format!("it is of cell {}, and there are {cells}", summary.cell()));
    }
    if summary.repeat() >= MOST_REPEATS {
        return wrong(format!("it is of repeat {}, which nobody makes", summary.repeat()));
    }
    Ok(summary)
}

/// Notes the runs that were to be made and have no folder: of a campaign that came to its end they were taken away.
fn not_made(opened: &mut Opened, attempts: &[String]) {
    let there: BTreeSet<&str> =
        attempts.iter().filter_map(|folder| folder.strip_prefix(results::RUNS)?.strip_prefix('/')).collect();
    let planned = opened.identity.runs.clone();
    // a run that was repeated has a folder of its own for each attempt
    let made = |run: &String| there.iter().any(|name| *name == run || name.starts_with(&format!("{run}-attempt")));
    let absent: Vec<String> = planned.iter().filter(|run| !made(run)).cloned().collect();
    let ended = opened.path.join(results::SUMMARY).exists();
    if ended {
        for run in absent {
            opened.fault(&format!("{}/{run}", results::RUNS), "it is missing", "the run is left out");
        }
    } else if planned.is_empty() {
        opened.fault(results::SUMMARY, "it is missing: the campaign did not come to its end, or its end was taken away", "");
    } else {
        let made = planned.len() - absent.len();
        let what =
            format!("it is missing: the campaign did not come to its end; {made} of its {} runs were begun", planned.len());
        opened.fault(results::SUMMARY, what, "the report is of those that were finished");
    }
}
