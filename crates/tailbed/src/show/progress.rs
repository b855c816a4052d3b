//! How far a campaign is: a bar with the remaining time on a terminal, plain lines elsewhere, always on standard error; and the file by which
//! others watch it.

use std::cell::RefCell;
use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tailbed_format::progress::Topic;
use tailbed_plan::plan::Plan;

use crate::failure::Failure;
use crate::results::{CampaignFolder, ProgressFile};

/// The progress of a campaign whose runs are expected to take known times.
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
    runs: usize,
    finished: Duration,
    file: RefCell<Option<ProgressFile>>,
}

/// What came of a run.
pub(crate) struct RunEnd<'a> {
    /// The folder of its last attempt.
    pub(crate) folder: &'a str,
    /// Whether it counts.
    pub(crate) counts: bool,
    /// Its numbers in one line.
    pub(crate) line: &'a str,
}

impl Progress {
    /// For the terminal alone; `expected` is the sum over all `runs`.
    pub(crate) fn new(runs: usize, expected: Duration) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(millis(expected));
            if let Ok(style) = ProgressStyle::with_template("{bar:30.cyan/dim} {prefix}  {msg}") {
                bar.set_style(style);
            }
            bar
        });
        Self { bar, runs, finished: Duration::ZERO, file: RefCell::new(None) }
    }

    /// Of a campaign, which others may watch.
    pub(crate) fn of(plan: &Plan, folder: &CampaignFolder) -> Self {
        let expected = plan.runs.iter().map(|run| Duration::from_nanos(run.expected)).sum();
        let progress = Self::new(plan.runs.len(), expected);
        progress.file.replace(Some(ProgressFile::new(plan, folder.path())));
        progress.tell(|_| ());
        progress
    }

    /// A run begins.
    pub(crate) fn begin(&self, number: usize, what: &str) {
        if let Some(bar) = &self.bar {
            bar.set_prefix(format!("{}/{} {what}", number + 1, self.runs));
        }
    }

    /// An attempt at a run begins.
    pub(crate) fn attempt(&self, number: usize, attempt: u32) {
        self.tell(|file| file.begin(number, attempt));
    }

    /// The present run has been going for so long, of so long expected. Called first just before its traffic begins.
    pub(crate) fn tick(&self, running: Duration, expected: Duration) {
        let begins = self.file.borrow_mut().as_mut().is_some_and(ProgressFile::measure);
        if begins {
            self.tell(|_| ());
        }
        if let Some(bar) = &self.bar {
            bar.set_position(millis(self.finished + running.min(expected)));
            let left = Duration::from_millis(bar.length().unwrap_or(0).saturating_sub(bar.position()));
            bar.set_message(format!("{} left", minutes(left)));
        }
    }

    /// The traffic of the present run is over.
    pub(crate) fn over(&self) {
        self.tell(ProgressFile::take_back);
    }

    /// A run has ended; where there is no terminal, this is its line.
    pub(crate) fn end(&mut self, number: usize, expected: Duration, ended: &RunEnd<'_>) {
        self.finished += expected;
        self.tell(|file| file.end(number, ended.folder, ended.counts, ended.line));
        match &self.bar {
            Some(bar) => bar.set_position(millis(self.finished)),
            None => eprintln!("{}/{} {}", number + 1, self.runs, ended.line),
        }
    }

    /// A run has to be repeated: that takes longer than expected.
    pub(crate) fn extend(&self, by: Duration) {
        if let Some(bar) = &self.bar {
            bar.inc_length(millis(by));
        }
    }

    /// Something that the user should know.
    pub(crate) fn note(&self, text: &str) {
        self.tell(|file| file.say(Topic::Note, None, text));
        self.say(&format!("note: {text}"));
    }

    /// An attempt does not count, in this folder, for these reasons.
    pub(crate) fn does_not_count(&self, folder: &str, why: &str) {
        let text = format!("{folder}: does not count: {why}");
        self.tell(|file| file.say(Topic::Invalid, Some(folder), &text));
        self.say(&text);
    }

    /// Takes the bar away: no further run is made.
    pub(crate) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    /// All runs have ended, and the report is being written.
    pub(crate) fn report(&self) {
        self.tell(ProgressFile::report);
    }

    /// The campaign is over, for this reason where it is not done.
    pub(crate) fn close(&self, failure: Option<&Failure>) {
        let stopped = failure.map(|failure| (matches!(failure, Failure::Interrupted(_)), failure.to_string()));
        self.tell(|file| file.over(stopped));
    }

    /// Says something without disturbing the bar.
    fn say(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| eprintln!("{line}")),
            None => eprintln!("{line}"),
        }
    }

    /// Changes what others see. Where that cannot be written it is said once, and the campaign goes on: what counts is in other files.
    fn tell(&self, change: impl FnOnce(&mut ProgressFile)) {
        let written = self.file.borrow_mut().as_mut().map_or(Ok(()), |file| {
            change(file);
            file.write()
        });
        if let Err(error) = written {
            self.file.replace(None);
            self.say(&format!("note: {error:#}; nobody can watch this campaign any more"));
        }
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// `1 min 05 s` or `12 s`.
pub(crate) fn minutes(time: Duration) -> String {
    let seconds = time.as_secs_f64().ceil();
    let (minutes, rest) = ((seconds / 60.0).floor(), seconds % 60.0);
    if minutes > 0.0 { format!("{minutes:.0} min {rest:02.0} s") } else { format!("{rest:.0} s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remaining_time_is_rounded_up() {
        assert_eq!(minutes(Duration::from_millis(64_100)), "1 min 05 s");
        assert_eq!(minutes(Duration::from_millis(11_001)), "12 s");
        assert_eq!(minutes(Duration::ZERO), "0 s");
    }
}
