//! `SHA256SUMS`: what every file of a folder was when it was written, so that damage is seen. `sha256sum -c SHA256SUMS` reads it too.
//!
//! Each run has one, written before its summary; the campaign's, written before the campaign's summary, has the summaries of the runs and
//! what else lies at the top.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context, bail};
use serde::Serialize;
use tailbed_format::results;

use super::campaign::{json, write_derived, write_new};
use crate::image::digest_of_file;

/// Why a file is not what it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Changed {
    /// It is not there.
    Gone,
    /// It is another.
    Altered,
}

impl Changed {
    /// As a clause.
    pub(crate) fn said(self) -> &'static str {
        match self {
            Self::Gone => "it is missing",
            Self::Altered => "it is not as it was written (SHA-256)",
        }
    }
}

/// The end of a run: the sums of all that its folder holds, then its summary. A folder that has one is whole.
pub(crate) fn seal(folder: &Path, summary: &impl Serialize) -> anyhow::Result<()> {
    write_of_run(folder)?;
    write_new(&folder.join(results::SUMMARY), &json(summary)?)
}

/// Writes the sums of every file in a run's folder.
fn write_of_run(folder: &Path) -> anyhow::Result<()> {
    let mut files = Vec::new();
    find(folder, "", &mut files);
    write(folder, files)
}

/// Writes the sums of what lies at the top of a campaign's folder, and of what every run wrote last. The report, its plots
/// and the metadata can be made again, and progress goes on: they are left out.
pub(crate) fn write_of_campaign(folder: &Path) -> anyhow::Result<()> {
    let mut files: Vec<String> =
        [results::EXPERIMENT, results::CAMPAIGN, results::FACTS].into_iter().map(str::to_owned).collect();
    let runs = folder.join(results::RUNS);
    for entry in fs::read_dir(&runs).with_context(|| format!("cannot list {}", runs.display()))? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        files.extend([results::SUMMARY, results::SUMS].map(|file| format!("{}/{name}/{file}", results::RUNS)));
    }
    files.retain(|file| folder.join(file).is_file());
    write(folder, files)
}

fn write(folder: &Path, mut files: Vec<String>) -> anyhow::Result<()> {
    files.sort();
    let mut text = String::new();
    for file in files {
        // what a program has left so that it cannot be read now will not be read later either
        if let Ok(sum) = digest_of_file(&folder.join(&file)) {
            let _ = writeln!(text, "{sum}  {file}");
        }
    }
    // a campaign that was killed before its summary has written them already
    write_derived(&folder.join(results::SUMS), text.as_bytes())
}

/// Regular files below a folder, by their paths from it. Names with a line feed or a backslash, which the format would have to escape, are
/// left out; so is what a program linked to, and a folder that it has closed.
fn find(folder: &Path, above: &str, files: &mut Vec<String>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let (Ok(name), Ok(kind)) = (entry.file_name().into_string(), entry.file_type()) else { continue };
        if name.contains(['\n', '\\']) {
            continue;
        }
        let name = format!("{above}{name}");
        if kind.is_dir() {
            find(&entry.path(), &format!("{name}/"), files);
        } else if kind.is_file() {
            files.push(name);
        }
    }
}

/// Compares the files of a folder with their sums; gives those that are not what they were. A folder without sums is one from before there
/// were any, and nothing can be said of it: `None`.
///
/// # Errors
/// When the sums cannot be read, or are none.
pub(crate) fn changed(folder: &Path) -> anyhow::Result<Option<BTreeMap<String, Changed>>> {
    let path = folder.join(results::SUMS);
    if !path.exists() {
        return Ok(None);
    }
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    if !text.ends_with('\n') && !text.is_empty() {
        bail!("its last line is cut off");
    }
    let mut changed = BTreeMap::new();
    for (number, line) in (1..).zip(text.lines()) {
        let Some((sum, file)) = line.split_once("  ").filter(|(sum, file)| sum.len() == 64 && is_below(file)) else {
            bail!("line {number} is no SHA-256 sum with the name of a file");
        };
        match digest_of_file(&folder.join(file)) {
            Ok(found) if found == sum => None,
            Ok(_) => changed.insert(file.to_owned(), Changed::Altered),
            Err(_) => changed.insert(file.to_owned(), Changed::Gone),
        };
    }
    Ok(Some(changed))
}

/// Whether a path leads nowhere else.
fn is_below(file: &str) -> bool {
    !file.is_empty() && Path::new(file).components().all(|part| matches!(part, std::path::Component::Normal(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_changed_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::create_dir(path("capture")).unwrap();
        for name in ["a.txt", "b.txt", "capture/c.pcapng"] {
            fs::write(path(name), name).unwrap();
        }
        assert_eq!(changed(folder.path()).unwrap(), None);
        write_of_run(folder.path()).unwrap();
        assert_eq!(changed(folder.path()).unwrap(), Some(BTreeMap::new()));
        let sums = fs::read_to_string(path(results::SUMS)).unwrap();
        // printf a.txt | sha256sum
        assert!(
            sums.starts_with("18b7cb099a9ea3f50ba899b5ba81e0d377a5f3b16f8f6eeb8b3e58cd4692b993  a.txt\n")
                && sums.lines().count() == 3,
            "{sums}"
        );
        fs::remove_file(path("a.txt")).unwrap();
        fs::write(path("capture/c.pcapng"), "other").unwrap();
        let found = changed(folder.path()).unwrap().unwrap();
        let expected = [("a.txt", Changed::Gone), ("capture/c.pcapng", Changed::Altered)];
        assert_eq!(found, expected.map(|(file, changed)| (file.to_owned(), changed)).into());
        for damaged in
            [&sums[..sums.len() - 1], &sums[3..], &sums.replace("a.txt", "../a.txt"), &sums.replace("a.txt", "/etc/passwd")]
        {
            fs::write(path(results::SUMS), damaged).unwrap();
            assert!(changed(folder.path()).is_err(), "{damaged}");
        }
    }
}
