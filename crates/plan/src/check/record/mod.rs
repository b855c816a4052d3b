//! A host on paper: the kernel's files that `check` judges, by path, and the answers of a few system calls.
//!
//! What is judged is always such a record: of this host, just made, or of another one, from a file.

mod text;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tailbed_format::facts::{Engine, Kvm};

use super::cpus::{Cpus, parse_list};

/// What was read off a host.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Version of tailbed that looked.
    pub tailbed: String,
    /// What system calls and a look at the running processes said.
    #[serde(default)]
    pub calls: Calls,
    /// Contents of files by path, without the white space at their end. A file whose content does not matter, only that it is there, is
    /// empty.
    #[serde(default)]
    pub files: BTreeMap<String, String>,
    /// Where symbolic links lead: the last part of the target's path.
    #[serde(default)]
    pub links: BTreeMap<String, String>,
    /// Files that are there and cannot be read, with the kernel's reason.
    #[serde(default)]
    pub refused: BTreeMap<String, String>,
}

/// What no file says.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calls {
    /// `machine` of uname(2), `x86_64`.
    #[serde(default)]
    pub machine: String,
    /// Effective user id, geteuid(2).
    #[serde(default)]
    pub euid: Option<u32>,
    /// Of the programs that `check` asks after (`sources::PROGRAMS`), those that run.
    #[serde(default)]
    pub running: Vec<String>,
    /// Engines that environments need, with what is missing.
    #[serde(default)]
    pub engines: Vec<Engine>,
    /// Whether guests run under KVM.
    #[serde(default)]
    pub kvm: Kvm,
}

/// What a file says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading<'a> {
    /// Its text.
    Text(&'a str),
    /// It is there and holds nothing.
    Empty,
    /// It is there and cannot be read: the kernel's reason.
    Refused(&'a str),
    /// It is not there.
    Absent,
}

impl<'a> Reading<'a> {
    /// The text, where there is one.
    pub fn text(self) -> Option<&'a str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

impl Record {
    /// What a file says.
    pub fn read(&self, path: &str) -> Reading<'_> {
        match (self.files.get(path).map(|text| text.trim()), self.refused.get(path)) {
            (Some(""), _) => Reading::Empty,
            (Some(text), _) => Reading::Text(text),
            (None, Some(reason)) => Reading::Refused(reason),
            (None, None) => Reading::Absent,
        }
    }

    /// A file's text; `None` when it is not there, not readable or empty.
    pub fn text(&self, path: &str) -> Option<&str> {
        self.read(path).text()
    }

    /// A file's number, decimal.
    pub fn number(&self, path: &str) -> Option<i64> {
        self.text(path)?.parse().ok()
    }

    /// A file's list of CPUs, nodes or the like; an empty file is the empty list.
    pub fn list(&self, path: &str) -> Option<Cpus> {
        match self.read(path) {
            Reading::Text(text) => parse_list(text),
            Reading::Empty => Some(Cpus::new()),
            _ => None,
        }
    }

    /// Whether a file is there, readable or not.
    pub fn has(&self, path: &str) -> bool {
        self.files.contains_key(path) || self.refused.contains_key(path)
    }

    /// Names of what lies right below a folder: of files, links and folders on the way to one.
    pub fn names_below<'a>(&'a self, folder: &'a str) -> impl Iterator<Item = &'a str> {
        let mut names: Vec<&str> = [&self.files, &self.links, &self.refused]
            .into_iter()
            .flat_map(|map| map.range::<str, _>((std::ops::Bound::Included(folder), std::ops::Bound::Unbounded)))
            .map(|(path, _)| path.as_str())
            .take_while(|path| path.starts_with(folder))
            .filter_map(|path| path.strip_prefix(folder)?.strip_prefix('/')?.split('/').next())
            .collect();
        names.sort_unstable();
        names.dedup();
        names.into_iter()
    }

    /// The value of a line `NAME:␣value`, as in /proc/self/status, /proc/meminfo and /proc/cpuinfo.
    pub fn field(&self, path: &str, name: &str) -> Option<&str> {
        self.text(path)?.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            (key.trim() == name).then(|| value.trim())
        })
    }
}
