//! Taking back what killed runs left behind.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::Context;
use rustix::fs::{FlockOperation, flock};

use super::{Entry, boot_id, folder, open_steps};
use crate::apply::{Host, TakenBack, sweep};
use crate::lab;

/// What became of one abandoned journal.
#[derive(Debug)]
pub(crate) struct Cleaned {
    /// The run it was of.
    pub(crate) run: String,
    /// Steps taken back.
    pub(crate) taken_back: usize,
    /// What is there now and is not ours, each a sentence.
    pub(crate) not_ours: Vec<String>,
    /// What could not be taken back, each a sentence; the journal stays.
    pub(crate) left: Vec<String>,
}

/// Takes back, last to first, what the abandoned journals in the state folder say, and removes each journal that is done with.
/// Journals that a living process holds are passed over. A failure does not stop the rest. The caller holds the state folder, so that a
/// lab's files there are a dead one's.
pub(crate) fn clean() -> anyhow::Result<Vec<Cleaned>> {
    let folder = folder()?;
    let mut journals: Vec<PathBuf> = fs::read_dir(&folder)
        .with_context(|| format!("cannot list the state folder {}", folder.display()))?
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "jsonl"))
        .collect();
    journals.sort();
    let cleaned = journals
        .iter()
        .filter_map(|journal| clean_one(journal).unwrap_or_else(|error| Some(unreadable(journal, &error))))
        .collect();
    lab::clear_away()?;
    Ok(cleaned)
}

/// A journal that cannot be worked through is itself what is left.
fn unreadable(journal: &Path, error: &anyhow::Error) -> Cleaned {
    Cleaned { run: name(journal), taken_back: 0, not_ours: Vec::new(), left: vec![format!("{error:#}")] }
}

fn name(journal: &Path) -> String {
    journal.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

fn clean_one(path: &Path) -> anyhow::Result<Option<Cleaned>> {
    let file = File::open(path).with_context(|| format!("cannot open the journal {}", path.display()))?;
    if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
        return Ok(None);
    }
    // what a power loss left of a line is passed over like a torn one
    let text = fs::read(path).with_context(|| format!("cannot read the journal {}", path.display()))?;
    let text = String::from_utf8_lossy(&text);
    let opened = text.lines().next().and_then(|line| serde_json::from_str(line).ok());
    let (run, boot) = match opened {
        Some(Entry::Opened { run, boot, token, .. }) => {
            sweep(&token);
            (run, boot)
        }
        // killed before the first line was whole: nothing was done yet
        _ => (name(path), String::new()),
    };
    let steps = if boot == boot_id() { open_steps(&text) } else { Vec::new() };
    let mut cleaned = Cleaned { run, taken_back: 0, not_ours: Vec::new(), left: Vec::new() };
    let mut host = Host::new()?;
    for open in steps.iter().rev() {
        match host.take_back(&open.step, &open.before, open.made.as_ref()) {
            Ok(TakenBack::Done) => cleaned.taken_back += 1,
            Ok(TakenBack::NotOurs(what)) => cleaned.not_ours.push(what),
            Err(error) => cleaned.left.push(format!("{error:#}")),
        }
    }
    if cleaned.left.is_empty() {
        fs::remove_file(path).with_context(|| format!("cannot remove the journal {}", path.display()))?;
    }
    Ok(Some(cleaned))
}
