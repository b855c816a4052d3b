//! A results folder as it is found: whole, half-written, of another version, or damaged.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde_json::Value;
use tailbed_format::facts::Facts;
use tailbed_format::results;
use tailbed_plan::plan::Run;
use tailbed_stats::report::Repeat;

use super::fault::Fault;
use super::guarded::{self, Unread};
use super::outline;
use crate::failure::Failure;
use crate::results::campaign::json;
use crate::results::sums::{self, Changed};
use crate::results::{Begun, Identity, Outline};
use crate::show::quote::command_line;

/// A campaign's folder, opened, with all that is wrong with it.
pub(crate) struct Opened {
    /// Where it is.
    pub(super) path: PathBuf,
    /// What was to be done.
    pub(super) outline: Outline,
    /// What the experiment is called, and its runs.
    pub(super) identity: Identity,
    /// The host.
    pub(super) facts: Facts,
    /// The experiment file.
    pub(super) experiment: String,
    /// The command that runs it again.
    command: String,
    /// The campaign's own summary, where there is one.
    pub(super) summary: Option<Vec<u8>>,
    /// Whether what is finished has its sums: since there are any.
    sealed: bool,
    /// What is wrong, in the order in which it was found.
    faults: Vec<Fault>,
    /// Files that are not what they were, of which nothing has been said yet.
    changed: BTreeMap<String, Changed>,
}

impl Opened {
    /// Looks at all that lies at the top.
    ///
    /// # Errors
    /// When it is no results folder.
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        let known = [results::CAMPAIGN, results::SUMMARY, results::FACTS, results::RUNS];
        if !known.iter().any(|name| path.join(name).exists()) {
            return Err(Failure::File(format!(
                "error: {} is no results folder: it holds none of {}\n  = help: name a folder that `tailbed run` made, below results/",
                path.display(),
                known.join(", ")
            )));
        }
        let nothing = Identity { name: name(path), set: Vec::new(), sweep: Vec::new(), runs: Vec::new() };
        let mut opened = Self {
            path: path.to_owned(),
            outline: outline::unknown(),
            identity: nothing,
            facts: Facts::unknown(),
            experiment: String::new(),
            command: String::new(),
            summary: None,
            sealed: false,
            faults: Vec::new(),
            changed: BTreeMap::new(),
        };
        let begun = guarded::read::<Begun>(&path.join(results::CAMPAIGN));
        opened.sealed = begun.is_ok_and(|begun| begun.version >= Begun::SEALED);
        opened.check("");
        opened.read_experiment();
        opened.read_facts();
        let summary = opened.read_summary();
        opened.read_begun(summary.as_ref());
        let Identity { set, sweep, .. } = &opened.identity;
        opened.command = command_line(&opened.outline.file, set, sweep);
        Ok(opened)
    }

    /// What it takes to run it again.
    pub(super) fn again(&self) -> Repeat<'_> {
        let Outline { file, seed, .. } = &self.outline;
        Repeat { facts: &self.facts, experiment_name: file, experiment: &self.experiment, command: &self.command, seed: *seed }
    }

    /// Notes what is wrong with a file, and what follows.
    pub(super) fn fault(&mut self, file: &str, what: impl Into<String>, then: impl Into<String>) {
        self.changed.remove(file);
        self.faults.push(Fault { file: file.to_owned(), what: what.into(), then: then.into() });
    }

    /// Everything that is wrong, once everything was looked at.
    pub(super) fn faults(&mut self) -> Vec<Fault> {
        for (file, changed) in std::mem::take(&mut self.changed) {
            self.fault(&file, changed.said(), "the report does not need it");
        }
        std::mem::take(&mut self.faults)
    }

    /// Whether nothing has been found wrong so far.
    pub(super) fn is_whole(&self) -> bool {
        self.faults.is_empty() && self.changed.is_empty()
    }

    /// How a file was changed since it was written, where its sum says so.
    pub(super) fn changed(&self, file: &str) -> Option<Changed> {
        self.changed.get(file).copied()
    }

    /// Compares the files of the campaign's folder, or of a run's, with their sums.
    pub(super) fn check(&mut self, below: &str) {
        match sums::changed(&self.path.join(below)) {
            Ok(Some(changed)) => {
                self.changed.extend(changed.into_iter().map(|(file, changed)| (below.to_owned() + &file, changed)));
            }
            // the campaign's are written with its end, those of a run before its summary
            Ok(None) if self.sealed && self.path.join(below).join(results::SUMMARY).exists() => {
                self.fault(&format!("{below}{}", results::SUMS), Changed::Gone.said(), UNCHECKED);
            }
            Ok(None) => {}
            Err(error) => self.fault(&format!("{below}{}", results::SUMS), format!("{error:#}"), UNCHECKED),
        }
    }

    /// A file of JSON by its path from the campaign's folder.
    pub(super) fn json<T: DeserializeOwned>(&self, file: &str) -> Result<T, Unread> {
        match self.changed(file) {
            Some(Changed::Altered) => Err(Unread::Damaged(Changed::Altered.said().to_owned())),
            Some(Changed::Gone) | None => guarded::read(&self.path.join(file)),
        }
    }

    /// What this version would have written as the campaign's summary is compared with what lies there. Of another version nothing is
    /// expected.
    pub(super) fn compare_summary(&mut self, rebuilt: &impl serde::Serialize) {
        let facts = &self.facts;
        let own =
            facts.tool_version == env!("CARGO_PKG_VERSION") && facts.tool_commit.as_deref() == option_env!("TAILBED_COMMIT");
        let Some(found) = self.summary.as_ref().filter(|_| own && self.is_whole()) else { return };
        if json(rebuilt).is_ok_and(|rebuilt| rebuilt != *found) {
            let what = "it does not say what the records of the runs say";
            self.fault(results::SUMMARY, what, "the report shows what the records say");
        }
    }

    fn read_experiment(&mut self) {
        let then = "the page cannot show it whole";
        match guarded::bytes(&self.path.join(results::EXPERIMENT)) {
            Ok(bytes) => {
                self.experiment = String::from_utf8_lossy(&bytes).into_owned();
                if let Some(Changed::Altered) = self.changed(results::EXPERIMENT) {
                    self.fault(results::EXPERIMENT, Changed::Altered.said(), then);
                } else if let Err(error) = toml::from_str::<toml::Table>(&self.experiment) {
                    self.fault(results::EXPERIMENT, format!("it is no TOML: {}", error.message()), then);
                }
            }
            Err(unread) => self.fault(results::EXPERIMENT, unread.said(), then),
        }
    }

    fn read_facts(&mut self) {
        match self.json(results::FACTS) {
            Ok(facts) => self.facts = facts,
            Err(unread) => self.fault(results::FACTS, unread.said(), "nothing is known of the machine"),
        }
    }

    /// The campaign's summary as far as it is JSON. That there is none is no damage: the campaign did not come to its end.
    fn read_summary(&mut self) -> Option<Value> {
        let rebuilt = "what it says is made again from the records of the runs";
        let read = guarded::bytes(&self.path.join(results::SUMMARY)).and_then(|bytes| {
            let value = guarded::value(&bytes)?;
            Ok((bytes, value))
        });
        match read {
            Ok((bytes, value)) => {
                if let Some(version) = guarded::later(&value, VERSION) {
                    self.fault(results::SUMMARY, from_the_future(version, VERSION), rebuilt);
                    return None;
                }
                self.summary = Some(bytes);
                Some(value)
            }
            Err(Unread::Missing) => None,
            Err(unread) => {
                self.fault(results::SUMMARY, unread.said(), rebuilt);
                None
            }
        }
    }

    fn read_begun(&mut self, summary: Option<&Value>) {
        let read = match self.changed(results::CAMPAIGN) {
            Some(Changed::Altered) => Err(Unread::Damaged(Changed::Altered.said().to_owned())),
            _ => guarded::bytes(&self.path.join(results::CAMPAIGN)).and_then(|bytes| guarded::value(&bytes)),
        };
        let begun: Result<Begun, Unread> = read.and_then(|value| match guarded::later(&value, Begun::VERSION) {
            Some(version) => Err(Unread::Damaged(from_the_future(version, Begun::VERSION))),
            None => guarded::shaped(value),
        });
        match begun {
            Ok(begun) => {
                self.identity = begun.identity;
                if let Some(outline) = begun.outline {
                    self.outline = outline;
                    return;
                }
            }
            Err(unread) => {
                let then = "names, order and notes are taken from the runs as far as they have them";
                self.fault(results::CAMPAIGN, unread.said(), then);
            }
        }
        // a folder of an earlier version, or damaged: the summary and the runs' plans say most of it
        if let Some(name) = summary.and_then(|summary| summary.get("name")).and_then(Value::as_str) {
            name.clone_into(&mut self.identity.name);
        }
        let attempts = self.attempts();
        let plans: Vec<Run> = attempts.iter().filter_map(|run| self.json(&format!("{run}/{}", results::PLAN)).ok()).collect();
        let summaries = attempts.iter().filter_map(|run| self.json(&format!("{run}/{}", results::SUMMARY)).ok());
        self.outline = outline::gathered(summary, &plans, &summaries.collect::<Vec<Value>>());
    }

    /// The folders of all attempts, `runs/NAME`, in the order in which they were made. What a killed campaign left half-full and was made
    /// again (`.broken`) is not among them.
    pub(super) fn attempts(&self) -> Vec<String> {
        let entries = fs::read_dir(self.path.join(results::RUNS)).into_iter().flatten().flatten();
        let folders = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
        let mut names: Vec<String> = folders.filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.retain(|name| !name.contains(".broken"));
        let place = |name: &String| self.identity.runs.iter().position(|run| attempt_of(name, run).is_some());
        names.sort_by_cached_key(|name| {
            let place = place(name);
            let attempt = place.and_then(|place| attempt_of(name, &self.identity.runs[place]));
            (place.unwrap_or(usize::MAX), attempt.unwrap_or(0), name.clone())
        });
        names.into_iter().map(|name| format!("{}/{name}", results::RUNS)).collect()
    }
}

/// The layout of the campaign's summary that is read here: all kinds have the same number.
const VERSION: u32 = tailbed_format::summary::CampaignSummary::VERSION;

/// What follows of sums that cannot be read.
pub(super) const UNCHECKED: &str = "what they were sums of is not checked";

/// That a file was written by a later version.
pub(super) fn from_the_future(version: u64, known: u32) -> String {
    format!("it has version {version} of its layout, and this is version {known}: the tailbed that wrote it reads it")
}

/// What a folder is called.
pub(crate) fn name(path: &Path) -> String {
    let whole = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    whole.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

/// Which attempt at a run a folder's name tells, from 0; `None` where it is another run's.
fn attempt_of(name: &str, run: &str) -> Option<u32> {
    match name.strip_prefix(run)? {
        "" => Some(0),
        rest => rest.strip_prefix("-attempt")?.parse::<u32>().ok()?.checked_sub(1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_are_known_by_their_names() {
        assert_eq!(attempt_of("0003-host-r1", "0003-host-r1"), Some(0));
        assert_eq!(attempt_of("0003-host-r1-attempt2", "0003-host-r1"), Some(1));
        assert_eq!(attempt_of("0003-host-r10", "0003-host-r1"), None);
        assert_eq!(attempt_of("0003-host-r1-attempt0", "0003-host-r1"), None);
    }
}
