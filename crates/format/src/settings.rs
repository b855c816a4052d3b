//! What knobs read of a host: files of the kernel's that can be set, and its threads that can be moved.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// The kernel's settings as they were when the host was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Settings {
    /// Contents of files by path, without the white space at their end; empty for one whose content does not matter, only that it is there.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub files: BTreeMap<String, String>,
    /// Files that are there and cannot be read, with the kernel's reason.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub refused: BTreeMap<String, String>,
    /// Files that nobody may write to: their mode has no bit for it. The kernel makes those of interrupts that it manages itself so.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub fixed: BTreeSet<String>,
    /// The kernel's own threads that knobs ask after.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub threads: Vec<KernelThread>,
}

/// A thread of the kernel's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KernelThread {
    /// Its name (proc_pid_comm(5)), `rcu_preempt`.
    pub name: String,
    /// CPUs it may run on, in the kernel's list format.
    pub cpus: String,
    /// Whether the kernel lets nobody move it (`PF_NO_SETAFFINITY` in include/linux/sched.h).
    pub bound: bool,
    /// Its real-time priority, 1 to 99 (field 40 in proc_pid_stat(5)); 0 where it has none.
    #[serde(default, skip_serializing_if = "is_ordinary")]
    pub priority: u8,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_ordinary(priority: &u8) -> bool {
    *priority == 0
}

impl Settings {
    /// Whether nothing was looked at: facts of an earlier version, or of a host that exists on paper only.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// A file's text; `None` when it is not there or not readable.
    pub fn text(&self, path: &str) -> Option<&str> {
        self.files.get(path).map(String::as_str)
    }

    /// Whether a file is there, readable or not.
    pub fn has(&self, path: &str) -> bool {
        self.files.contains_key(path) || self.refused.contains_key(path)
    }

    /// Paths that begin and end with these, each with its text, by path.
    pub fn matching<'a>(&'a self, start: &'a str, end: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        let from = self.files.range::<str, _>((std::ops::Bound::Included(start), std::ops::Bound::Unbounded));
        let texts = from.map(|(path, text)| (path.as_str(), text.as_str()));
        texts.take_while(move |(path, _)| path.starts_with(start)).filter(move |(path, _)| path.ends_with(end))
    }
}
