//! How far reading has come, for inputs that take more than a moment. On standard error, and only on a terminal.

use std::io::{self, IsTerminal, Read};

use indicatif::{ProgressBar, ProgressStyle};

/// Files of fewer bytes together are read in about a second: nobody needs a bar for them.
const SHORT: u64 = 64 << 20;

/// Progress by bytes read of both files as they lie on disk.
pub(super) struct Progress(ProgressBar);

impl Progress {
    /// `total` is the length of both files; `None` when one of them is a pipe and only what was read can be shown.
    pub(super) fn new(total: Option<u64>) -> Self {
        if !io::stderr().is_terminal() || total.is_some_and(|total| total < SHORT) {
            return Self(ProgressBar::hidden());
        }
        let (bar, template) = match total {
            Some(total) => (ProgressBar::new(total), "{bar:30.cyan/dim} {bytes} of {total_bytes}, {eta} left"),
            None => (ProgressBar::new_spinner(), "{spinner} {bytes} read"),
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Self(bar)
    }

    /// The same stream; what is read of it moves the bar.
    pub(super) fn watch<'a>(&'a self, source: impl Read + Send + 'a) -> impl Read + Send + 'a {
        Watched { source, bar: &self.0 }
    }

    /// Takes the bar off the screen.
    pub(super) fn finish(&self) {
        self.0.finish_and_clear();
    }
}

struct Watched<'a, R> {
    source: R,
    bar: &'a ProgressBar,
}

impl<R: Read> Read for Watched<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(buffer)?;
        self.bar.inc(read as u64);
        Ok(read)
    }
}
