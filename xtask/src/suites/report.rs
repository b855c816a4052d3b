//! What is printed of each suite, and what is counted.

use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use anyhow::{Context, bail};

use super::binaries::Binary;

/// Tests counted by outcome.
#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    passed: usize,
    failed: usize,
    skipped: usize,
}

/// Which tests of a suite are run, by how their names begin.
#[derive(Debug, Clone, Copy)]
pub(super) enum Which {
    All,
    Only(&'static str),
    AllBut(&'static str),
}

impl Which {
    /// What libtest is told. It takes names that have the words anywhere; no other test has these.
    fn arguments(self) -> Vec<&'static str> {
        match self {
            Self::All => Vec::new(),
            Self::Only(name) => vec![name],
            Self::AllBut(name) => vec!["--skip", name],
        }
    }

    /// What stands behind the suite's name.
    fn said(self) -> String {
        match self {
            Self::All => String::new(),
            Self::Only(name) => format!(", {name}"),
            Self::AllBut(name) => format!(", all but {name}"),
        }
    }
}

/// All suites together. Several may go on at a time: what each prints stands together.
#[derive(Debug, Default)]
pub(super) struct Report {
    tally: Mutex<Tally>,
    /// What failed, with what it said of it.
    failures: Mutex<String>,
}

impl Report {
    fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A suite that passes or fails as a whole, with what it gives; it may add to what is printed of it.
    pub(super) fn suite<T>(&self, name: &str, run: impl FnOnce(&mut String) -> anyhow::Result<T>) -> Option<T> {
        let began = Instant::now();
        let mut said = String::new();
        let result = run(&mut said);
        let seconds = began.elapsed().as_secs_f64();
        let mut tally = self.tally();
        match result {
            Ok(given) => {
                tally.passed += 1;
                print(&format!("\n== {name}\n{said}== {name}: passed ({seconds:.0} s)\n"));
                Some(given)
            }
            Err(error) => {
                tally.failed += 1;
                let told = format!("{said}== {name}: FAILED: {error:#} ({seconds:.0} s)\n");
                print(&format!("\n== {name}\n{told}"));
                self.failed(name, &told);
                None
            }
        }
    }

    /// A suite that cannot be run here.
    pub(super) fn skipped(&self, name: &str, why: &str) {
        self.tally().skipped += 1;
        print(&format!("\n== {name}\n== {name}: skipped: {why}\n"));
    }

    /// A suite of tests. Its lines are printed as they come, or `together` when it has ended; skips that tests announce are counted apart from
    /// passes.
    pub(super) fn tests(&self, binary: &Binary, which: Which, together: bool) {
        let name = format!("tests of {}: {}{}", binary.package, binary.target, which.said());
        let began = Instant::now();
        let mut lines = format!("\n== {name}\n");
        if !together {
            print(&std::mem::take(&mut lines));
        }
        let mut counted = Tally::default();
        let mut failures = Failures::default();
        let ended = each_line(binary, which, together, &mut |line| {
            counted.count(line);
            failures.hear(line);
            if together {
                lines += line;
                lines.push('\n');
            } else {
                print(&format!("{line}\n"));
            }
        });
        let trouble = ended.err().map(|error| format!("{error:#}"));
        if trouble.is_some() && counted.failed == 0 {
            counted.failed = 1;
        }
        if counted.failed > 0 {
            self.failed(&name, &failures.said);
        }
        let Tally { passed, failed, skipped } = counted;
        let trouble = trouble.map_or_else(String::new, |trouble| format!(": {trouble}"));
        let seconds = began.elapsed().as_secs_f64();
        let verdict = format!("{passed} passed, {failed} failed, {skipped} skipped{trouble} ({seconds:.0} s)");
        let mut tally = self.tally();
        tally.passed += passed;
        tally.failed += failed;
        tally.skipped += skipped;
        print(&format!("{lines}== {name}: {verdict}\n"));
    }

    fn failed(&self, name: &str, said: &str) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        failures.extend(["\n== failed: ", name, "\n", said]);
    }

    /// What failed once more, for it stands far above by now, and the closing line; an error where something failed.
    pub(super) fn close(&self) -> anyhow::Result<()> {
        let Tally { passed, failed, skipped } = *self.tally();
        print(&self.failures.lock().unwrap_or_else(PoisonError::into_inner));
        print(&format!("\n{passed} passed, {failed} failed, {skipped} skipped\n"));
        if failed > 0 {
            bail!("{failed} failed");
        }
        Ok(())
    }
}

/// Hands over what a suite prints, line by line; what it says on standard error is passed through.
fn each_line(binary: &Binary, which: Which, beside: bool, each: &mut dyn FnMut(&str)) -> anyhow::Result<()> {
    let mut command = binary.command(beside);
    command.arg("--show-output").args(which.arguments()).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = command.spawn().with_context(|| format!("cannot run {}", binary.executable))?;
    let output = child.stdout.take().context("it has no output")?;
    for line in BufReader::new(output).split(b'\n') {
        each(&String::from_utf8_lossy(&line?));
    }
    let status = child.wait()?;
    if status.success() { Ok(()) } else { bail!("{} ended with {status}", binary.executable) }
}

/// The part of what a suite prints that is about its failures: between the lines `failures:` and the list of names, which ends with the result.
#[derive(Debug, Default)]
struct Failures {
    said: String,
    heard: bool,
}

impl Failures {
    fn hear(&mut self, line: &str) {
        self.heard = (self.heard || line == "failures:") && !line.starts_with("test result: ");
        if self.heard {
            self.said.push_str(line);
            self.said.push('\n');
        }
    }
}

impl Tally {
    /// Counts what a line of a suite tells. A test that skips itself says so and has passed for those who run it.
    fn count(&mut self, line: &str) {
        if let Some(result) = line.strip_prefix("test result: ") {
            self.passed = number_before(result, " passed").saturating_sub(self.skipped);
            self.failed = number_before(result, " failed");
            self.skipped += number_before(result, " ignored");
        }
        // said before the result is
        if line.starts_with("skipped: ") {
            self.skipped += 1;
        }
    }
}

/// The number that stands before a word: 12 in `ok. 12 passed; 0 failed`.
fn number_before(text: &str, word: &str) -> usize {
    let before = text.split(word).next().unwrap_or_default();
    before.rsplit(' ').next().and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// One piece of output; a reader that has gone away does not end the tests.
fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).ok();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_that_skips_itself_has_not_passed() {
        let mut tally = Tally::default();
        for line in [
            "test a ... ok",
            "skipped: needs root",
            "test result: FAILED. 5 passed; 2 failed; 3 ignored; 0 measured; 0 filtered out; finished in 1.00s",
        ] {
            tally.count(line);
        }
        assert_eq!((tally.passed, tally.failed, tally.skipped), (4, 2, 4));
    }

    #[test]
    fn what_failed_is_kept_with_what_it_said() {
        let mut failures = Failures::default();
        let said = "failures:\n\n---- b stdout ----\nwhy\n\nfailures:\n    b\n";
        for line in format!("test a ... ok\nsuccesses:\n    a\n{said}\ntest result: FAILED. 1 passed\nmore").lines() {
            failures.hear(line);
        }
        assert_eq!(failures.said, format!("{said}\n"));
    }
}
