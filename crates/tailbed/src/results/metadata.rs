//! `ro-crate-metadata.json` of a results folder: the files there are, told to [`tailbed_stats::ro_crate`].

use std::fs;
use std::path::Path;

use anyhow::Context;
use serde_json::Value;
use tailbed_format::results;
use tailbed_stats::ro_crate::{About, File, metadata};

use super::Identity;
use super::campaign::{json, read_json, write_derived};
use crate::show::quote::command_line;

/// Writes the metadata of a folder as it lies there, in place of what stood there before. `summary` is the length in bytes of the
/// `summary.json` that is about to be written last, where it is.
pub(crate) fn write(folder: &Path, about: &About, summary: Option<u64>) -> anyhow::Result<()> {
    write_derived(&folder.join(results::RO_CRATE), &text(folder, about, summary)?)
}

/// The metadata as they are written.
pub(crate) fn text(folder: &Path, about: &About, summary: Option<u64>) -> anyhow::Result<Vec<u8>> {
    let mut files = files(folder)?;
    files.extend(summary.map(|length| File { path: results::SUMMARY.to_owned(), length }));
    json(&metadata(&files, about))
}

/// What a campaign's metadata say, but for its files.
pub(crate) fn of_campaign(folder: &Path, summary: &Value, ended: u64) -> anyhow::Result<About> {
    let identity: Identity = read_json(&folder.join(results::CAMPAIGN))?;
    let again = command_line(results::EXPERIMENT, &identity.set, &identity.sweep);
    Ok(About::of(summary, again, read_json(&folder.join(results::FACTS))?, ended))
}

/// Every file below a folder, by name; links are not followed.
pub(crate) fn files(folder: &Path) -> anyhow::Result<Vec<File>> {
    let mut found = Vec::new();
    walk(folder, "", &mut found).with_context(|| format!("cannot read {}", folder.display()))?;
    found.sort();
    Ok(found)
}

fn walk(folder: &Path, prefix: &str, found: &mut Vec<File>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = format!("{prefix}{}", entry.file_name().to_string_lossy());
        let kind = entry.file_type()?;
        if kind.is_dir() {
            walk(&entry.path(), &format!("{path}/"), found)?;
        } else if kind.is_file() {
            found.push(File { path, length: entry.metadata()?.len() });
        }
    }
    Ok(())
}
