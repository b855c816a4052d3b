//! A results folder as one archive, with the metadata that say what it is.

use std::fs::{self, File};
use std::io::BufReader;
use std::path::Path;

use anyhow::Context;
use serde_json::Value;
use tailbed_format::results;
use tailbed_stats::ro_crate::About;

use super::zip::Zip;
use crate::failure::Failure;
use crate::rebuild::imported;
use crate::results::campaign::read_json;
use crate::results::metadata;

/// Writes the archive; how many files it has. The folder itself is left as it is: metadata with an author and a licence go into the
/// archive alone.
pub(super) fn write(folder: &Path, out: &Path, author: Option<&str>, licence: Option<&str>) -> Result<String, Failure> {
    let described = describe(folder, author, licence)?;
    let files = metadata::files(folder)?;
    let root = folder.canonicalize().ok().and_then(|path| path.file_name().map(|name| name.to_string_lossy().into_owned()));
    let root = root.unwrap_or_else(|| "results".to_owned());
    let partial = out.with_extension("partial");
    let what = || format!("cannot write {}", out.display());
    let mut zip = Zip::new(File::create(&partial).with_context(what)?);
    zip.add(&format!("{root}/{}", results::RO_CRATE), &mut described.as_slice()).with_context(what)?;
    let mut count = 1;
    for name in files.iter().map(|file| file.path.as_str()) {
        let leave = name == results::RO_CRATE || Path::new(name).extension().is_some_and(|ending| ending == "partial");
        if !leave {
            let path = folder.join(name);
            let file = File::open(&path).with_context(|| format!("cannot read {}", path.display()))?;
            zip.add(&format!("{root}/{name}"), &mut BufReader::new(file)).with_context(what)?;
            count += 1;
        }
    }
    zip.finish().with_context(what)?;
    fs::rename(&partial, out).with_context(what)?;
    Ok(format!("{count} files"))
}

fn describe(folder: &Path, author: Option<&str>, licence: Option<&str>) -> Result<Vec<u8>, Failure> {
    let about = match imported(folder)? {
        Some(imported) => {
            let made = fs::metadata(folder.join(results::IMPORTED)).and_then(|file| file.modified());
            let made = made.ok().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
            let made = made.map_or_else(crate::run::now, |time| time.as_secs());
            About::of_imported(&imported.name, imported.source.as_deref(), made, crate::cli::version())
        }
        None if folder.join(results::SUMMARY).exists() => {
            let ended = ended(folder).unwrap_or_else(crate::run::now);
            let summary: Value = read_json(&folder.join(results::SUMMARY))?;
            metadata::of_campaign(folder, &summary, ended)?
        }
        None => {
            return Err(Failure::File(format!(
                "error: {} is no finished campaign: it has no {}\n  = help: `tailbed run --resume` finishes one that was interrupted",
                folder.display(),
                results::SUMMARY
            )));
        }
    };
    let about = About { author: author.map(str::to_owned), licence: licence.map(str::to_owned), ..about };
    Ok(metadata::text(folder, &about, None)?)
}

/// When the campaign ended, as its own metadata say.
fn ended(folder: &Path) -> Option<u64> {
    let metadata: Value = read_json(&folder.join(results::RO_CRATE)).ok()?;
    let action = metadata["@graph"].as_array()?.iter().find(|entity| entity["@type"] == "CreateAction")?;
    let time = chrono::DateTime::parse_from_rfc3339(action["endTime"].as_str()?).ok()?;
    u64::try_from(time.timestamp()).ok()
}
