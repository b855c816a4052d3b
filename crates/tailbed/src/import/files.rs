//! Which files are to be imported, and what their names say.

use std::fs;
use std::path::{Path, PathBuf};

use tailbed_stats::import::names::{Named, Pattern};

use crate::failure::Failure;

/// A file to import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct File {
    /// Where it is.
    pub(super) path: PathBuf,
    /// Its name, with as many folders as the pattern has.
    pub(super) shown: String,
    /// What its name says.
    pub(super) named: Named,
}

/// Files, in the order given, those of a folder by name.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Those to import.
    pub(super) files: Vec<File>,
    /// Those below a folder that the pattern does not fit, a sentence for each folder.
    pub(super) passed_over: Vec<String>,
}

/// Finds them.
///
/// # Errors
/// [`Failure::File`] when one is not there, a folder has none, or the pattern does not fit a file that was named.
pub(super) fn find(given: &[PathBuf], pattern: Option<&Pattern>) -> Result<Found, Failure> {
    let mut found = Found::default();
    for path in given {
        let wrong = |what: &str| Failure::File(format!("error: {}: {what}", path.display()));
        if !path.is_dir() {
            if !path.exists() {
                return Err(wrong("there is no such file"));
            }
            found.files.push(named(path, pattern).ok_or_else(|| {
                let pattern = pattern.map(ToString::to_string).unwrap_or_default();
                wrong(&format!(
                    "its name does not fit the pattern `{pattern}`\n  = help: `tailbed import --help` explains patterns"
                ))
            })?);
            continue;
        }
        let mut below = Vec::new();
        walk(path, &mut below).map_err(|error| wrong(&format!("cannot be read: {error}")))?;
        below.sort();
        let files: Vec<File> = below.iter().filter_map(|path| named(path, pattern)).collect();
        if files.is_empty() {
            return Err(wrong("no file below it fits what is asked for"));
        }
        if files.len() < below.len() {
            let others = below.len() - files.len();
            found.passed_over.push(format!("{others} files below {} do not fit the pattern and are passed over", path.display()));
        }
        found.files.extend(files);
    }
    Ok(found)
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        // links are not followed: a folder may hold one to itself
        let kind = entry.file_type()?;
        if kind.is_dir() {
            walk(&entry.path(), found)?;
        } else if kind.is_file() {
            found.push(entry.path());
        }
    }
    Ok(())
}

fn named(path: &Path, pattern: Option<&Pattern>) -> Option<File> {
    let whole = path.to_string_lossy();
    let (shown, named) = match pattern {
        Some(pattern) => (pattern.tail(&whole)?.to_owned(), pattern.of(&whole)?),
        None => (path.file_name()?.to_string_lossy().into_owned(), Named::default()),
    };
    Some(File { path: path.to_owned(), shown, named })
}
