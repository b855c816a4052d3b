//! How far a campaign is: a bar with the remaining time on a terminal, plain lines elsewhere. Always on standard error.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// The progress of a campaign whose runs are expected to take known times.
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
    runs: usize,
    finished: Duration,
}

impl Progress {
    /// `expected` is the sum over all `runs`.
    pub(crate) fn new(runs: usize, expected: Duration) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(millis(expected));
            if let Ok(style) = ProgressStyle::with_template("{bar:30.cyan/dim} {prefix}  {msg}") {
                bar.set_style(style);
            }
            bar
        });
        Self { bar, runs, finished: Duration::ZERO }
    }

    /// A run begins.
    pub(crate) fn begin(&self, number: usize, what: &str) {
        if let Some(bar) = &self.bar {
            bar.set_prefix(format!("{}/{} {what}", number + 1, self.runs));
        }
    }

    /// The present run has been going for so long, of so long expected.
    pub(crate) fn tick(&self, running: Duration, expected: Duration) {
        if let Some(bar) = &self.bar {
            bar.set_position(millis(self.finished + running.min(expected)));
            let left = Duration::from_millis(bar.length().unwrap_or(0).saturating_sub(bar.position()));
            bar.set_message(format!("{} left", minutes(left)));
        }
    }

    /// A run has ended; where there is no terminal, this is its line.
    pub(crate) fn end(&mut self, number: usize, expected: Duration, line: &str) {
        self.finished += expected;
        match &self.bar {
            Some(bar) => bar.set_position(millis(self.finished)),
            None => eprintln!("{}/{} {line}", number + 1, self.runs),
        }
    }

    /// A run has to be repeated: that takes longer than expected.
    pub(crate) fn extend(&self, by: Duration) {
        if let Some(bar) = &self.bar {
            bar.inc_length(millis(by));
        }
    }

    /// Says something without disturbing the bar.
    pub(crate) fn say(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| eprintln!("{line}")),
            None => eprintln!("{line}"),
        }
    }

    /// Takes the bar away.
    pub(crate) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
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
