//! The journal: what is about to be done to the host and what was done, on disk before it happens.
//!
//! One line of JSON per event. A step's line is written before the step, with the value it is about to replace; a second line says
//! what came of it, with what the kernel knows the thing by, so that taking back never touches a thing of the same name that is not
//! ours. A journal lives in the state folder while its run is under way, locked by the process that writes it; a journal there
//! without a lock belongs to a run that was killed. When all is taken back it moves into the run's own folder.
//! The kernel forgets everything we make when the host restarts, so a journal of an earlier boot only has its files removed.

mod clean;
mod state;

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};
use tailbed_plan::step::Step;

pub(crate) use clean::{Cleaned, clean};
pub(crate) use state::{folder, lock, path};

use crate::apply::{Before, Made};

/// One line of a journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Entry {
    /// The first line.
    Opened {
        /// The campaign's token.
        token: String,
        /// The run's name.
        run: String,
        /// The writer's process id.
        pid: u32,
        /// The boot it belongs to (/proc/sys/kernel/random/boot_id, random(4)).
        boot: String,
    },
    /// A step is about to be done.
    Begin {
        /// Its number: steps are counted as they come.
        number: usize,
        /// The step.
        step: Box<Step>,
        /// What it will replace.
        before: Before,
    },
    /// A step was done.
    Done {
        /// Its number.
        number: usize,
        /// What it made.
        made: Made,
    },
    /// A step failed; it left nothing behind.
    Failed {
        /// Its number.
        number: usize,
        /// Why.
        error: String,
    },
    /// A step was taken back.
    TakenBack {
        /// Its number.
        number: usize,
    },
    /// A step could not be taken back, or what is there now is not ours.
    Left {
        /// Its number.
        number: usize,
        /// What and why.
        reason: String,
    },
}

/// A step that was begun and not yet taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Open {
    /// Its number.
    pub(crate) number: usize,
    /// The step.
    pub(crate) step: Step,
    /// What it replaced.
    pub(crate) before: Before,
    /// What it made; `None` when the writer did not live to say.
    pub(crate) made: Option<Made>,
}

/// A journal being written.
pub(crate) struct Journal {
    file: File,
    path: PathBuf,
    steps: usize,
}

impl Journal {
    /// Opens a new journal in the state folder and locks it.
    pub(crate) fn open(token: &str, run: &str) -> anyhow::Result<Self> {
        let folder = folder()?;
        let path = folder.join(format!("{token}-{run}.jsonl"));
        let file = File::create_new(&path).with_context(|| format!("cannot make the journal {}", path.display()))?;
        flock(&file, FlockOperation::NonBlockingLockExclusive).with_context(|| format!("cannot lock {}", path.display()))?;
        let mut journal = Self { file, path, steps: 0 };
        journal.write(&Entry::Opened {
            token: token.to_owned(),
            run: run.to_owned(),
            pid: std::process::id(),
            boot: boot_id(),
        })?;
        Ok(journal)
    }

    /// Writes that a step is about to be done, and gives it its number.
    pub(crate) fn begin(&mut self, step: &Step, before: &Before) -> anyhow::Result<usize> {
        let number = self.steps;
        self.write(&Entry::Begin { number, step: Box::new(step.clone()), before: before.clone() })?;
        self.steps += 1;
        Ok(number)
    }

    /// Appends a line. It is in the kernel's hands when this returns, which is enough to outlive the process; outliving the host is
    /// not needed, since what it speaks of does not.
    pub(crate) fn write(&mut self, entry: &Entry) -> anyhow::Result<()> {
        let mut line = serde_json::to_vec(entry)?;
        line.push(b'\n');
        self.file.write_all(&line).with_context(|| format!("cannot write the journal {}", self.path.display()))
    }

    /// Moves the journal, with everything in it taken back, to where the run keeps it. Where there is no room for it, it is removed all the
    /// same: in the state folder it would stand for a run that was killed.
    pub(crate) fn close(self, to: &Path) -> anyhow::Result<()> {
        let moved = std::fs::rename(&self.path, to).or_else(|error| match error.kind() {
            io::ErrorKind::CrossesDevices => {
                let copied = std::fs::copy(&self.path, to);
                std::fs::remove_file(&self.path)?;
                copied.map(drop)
            }
            _ => Err(error),
        });
        moved.with_context(|| format!("cannot move the journal {} to {}", self.path.display(), to.display()))
    }

    /// Removes the journal, with everything in it taken back.
    pub(crate) fn discard(self) -> anyhow::Result<()> {
        std::fs::remove_file(&self.path).with_context(|| format!("cannot remove the journal {}", self.path.display()))
    }

    /// Leaves the journal in the state folder, because something in it could not be taken back, and keeps a copy with the run.
    pub(crate) fn keep(self, copy: &Path) -> anyhow::Result<()> {
        std::fs::copy(&self.path, copy).with_context(|| format!("cannot copy {} to {}", self.path.display(), copy.display()))?;
        Ok(())
    }
}

/// This boot's identifier.
pub(crate) fn boot_id() -> String {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id").map(|text| text.trim().to_owned()).unwrap_or_default()
}

/// The steps of a journal's lines that are begun and neither failed nor taken back, first to last.
/// A last line that is torn is passed over: its writer died in the middle of it.
pub(crate) fn open_steps(text: &str) -> Vec<Open> {
    let mut open: Vec<Open> = Vec::new();
    for entry in text.lines().filter_map(|line| serde_json::from_str::<Entry>(line).ok()) {
        match entry {
            Entry::Opened { .. } | Entry::Left { .. } => {}
            Entry::Begin { number, step, before } => open.push(Open { number, step: *step, before, made: None }),
            Entry::Done { number, made } => {
                if let Some(step) = open.iter_mut().find(|step| step.number == number) {
                    step.made = Some(made);
                }
            }
            Entry::Failed { number, .. } | Entry::TakenBack { number } => open.retain(|step| step.number != number),
        }
    }
    open
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(entries: &[Entry]) -> String {
        entries.iter().map(|entry| serde_json::to_string(entry).unwrap() + "\n").collect()
    }

    fn boxed_namespace(name: &str) -> Box<Step> {
        Box::new(Step::MakeNamespace { name: name.to_owned() })
    }

    #[test]
    fn what_is_begun_and_not_taken_back_is_open() {
        let made = Made::Namespace { cookie: 7 };
        let text = lines(&[
            Entry::Begin { number: 0, step: boxed_namespace("a"), before: Before::Nothing },
            Entry::Done { number: 0, made: made.clone() },
            Entry::Begin { number: 1, step: boxed_namespace("b"), before: Before::Nothing },
            Entry::Failed { number: 1, error: "no".to_owned() },
            Entry::Begin { number: 2, step: boxed_namespace("c"), before: Before::Nothing },
            Entry::Done { number: 2, made: made.clone() },
            Entry::TakenBack { number: 2 },
            Entry::Begin { number: 3, step: boxed_namespace("d"), before: Before::Nothing },
        ]);
        let open = open_steps(&(text + "{\"begin\":{\"num"));
        assert_eq!(open.iter().map(|step| step.number).collect::<Vec<_>>(), [0, 3]);
        assert_eq!(open[0].made, Some(made));
        assert_eq!(open[1].made, None);
    }
}
