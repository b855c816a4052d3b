//! The steps of a build as they go: a line each, with what a long one is doing where there is a terminal, and an end when it is asked for.

use std::collections::VecDeque;
use std::fmt;
use std::io::{BufRead, BufReader, IsTerminal};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use indicatif::{ProgressBar, ProgressStyle};

/// Lines of a program that failed which are shown.
const SHOWN: usize = 20;

/// Where there is no bar, a long step says this often what it is at.
const WORD: Duration = Duration::from_secs(10);

/// How often it is looked whether the user wants to stop.
const GLANCE: Duration = Duration::from_millis(100);

/// The user stopped the build.
#[derive(Debug)]
pub(super) struct Stopped;

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("interrupted; nothing of the image is left")
    }
}

impl std::error::Error for Stopped {}

/// The steps of one build.
pub(super) struct Steps {
    bar: Option<ProgressBar>,
    number: usize,
    count: usize,
    present: Option<(String, Instant)>,
    stop: Arc<AtomicBool>,
}

impl Steps {
    /// Nothing has begun.
    pub(super) fn new(count: usize, stop: Arc<AtomicBool>) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new_spinner();
            if let Ok(style) = ProgressStyle::with_template("{spinner:.cyan} {prefix}  {wide_msg:.dim}") {
                bar.set_style(style);
            }
            bar.enable_steady_tick(GLANCE);
            bar
        });
        Self { bar, number: 0, count, present: None, stop }
    }

    /// The next step begins, and the one before has ended.
    pub(super) fn begin(&mut self, what: &str) -> anyhow::Result<()> {
        self.end();
        self.number += 1;
        let line = format!("{}/{} {what}", self.number, self.count);
        match &self.bar {
            Some(bar) => {
                bar.set_prefix(line.clone());
                bar.set_message("");
            }
            None => eprintln!("{line}"),
        }
        self.present = Some((line, Instant::now()));
        self.go_on()
    }

    /// All is done.
    pub(super) fn finish(&mut self) {
        self.end();
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn end(&mut self) {
        let Some((line, began)) = self.present.take() else { return };
        let ended = format!("{line}: {:.1} s", began.elapsed().as_secs_f64());
        match &self.bar {
            Some(bar) => bar.println(ended),
            None => eprintln!("{ended}"),
        }
    }

    /// An error when the user wants to stop.
    pub(super) fn go_on(&self) -> anyhow::Result<()> {
        if self.stop.load(Ordering::Relaxed) { Err(Stopped.into()) } else { Ok(()) }
    }

    /// Runs a program to its end; what it says is shown in passing, and the last of it when it fails.
    pub(super) fn run(&self, command: &mut Command, what: &str) -> anyhow::Result<()> {
        let (output, input) = std::io::pipe().context("cannot make a pipe")?;
        let errors = input.try_clone().context("cannot make a pipe")?;
        let spawned = command.stdin(Stdio::null()).stdout(input).stderr(errors).spawn();
        // the command holds the pipe's writing ends open until it is given others
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = spawned.with_context(|| format!("cannot start {what}"))?;
        let (sender, lines) = mpsc::channel();
        let reader = thread::spawn(move || {
            for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
                if sender.send(String::from_utf8_lossy(&line).trim_end().to_owned()).is_err() {
                    break;
                }
            }
        });
        let mut last = VecDeque::new();
        let mut said = Instant::now();
        loop {
            match lines.recv_timeout(GLANCE) {
                Ok(line) => {
                    if let Some(bar) = &self.bar {
                        bar.set_message(line.clone());
                    } else if said.elapsed() >= WORD {
                        eprintln!("  {line}");
                        said = Instant::now();
                    }
                    last.push_back(line);
                    if last.len() > SHOWN {
                        last.pop_front();
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if let Err(stopped) = self.go_on() {
                child.kill().ok();
                child.wait().ok();
                // all that the program started is gone once nobody holds the pipe any more; only then may its files be removed
                reader.join().ok();
                return Err(stopped);
            }
        }
        let status = child.wait().with_context(|| format!("cannot wait for {what}"))?;
        reader.join().ok();
        // a signal to the whole group of processes ends the program first
        self.go_on()?;
        if !status.success() {
            let said: Vec<_> = last.into_iter().collect();
            bail!("{what} ended with {status}; the last it said:\n  {}", said.join("\n  "));
        }
        Ok(())
    }
}

impl Drop for Steps {
    /// A bar that is left on the screen would hide the error.
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
