//! Which campaign is watched.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use tailbed_format::results;

use crate::failure::Failure;

/// The folder itself where it is a campaign's, else the one in it that was written to last.
pub(super) fn campaign(given: &Path) -> Result<PathBuf, Failure> {
    if is_campaign(given) {
        return Ok(given.to_owned());
    }
    let wrong = |what: &str| Failure::File(format!("error: {} {what}", given.display()));
    let entries = fs::read_dir(given).map_err(|error| wrong(&format!("cannot be looked into: {error}")))?;
    let campaigns = entries.flatten().map(|entry| entry.path()).filter(|path| is_campaign(path));
    let newest = campaigns.max_by_key(|path| written(path));
    newest
        .ok_or_else(|| wrong("is no campaign's folder and holds none; name the folder that `tailbed run` says its results go to"))
}

fn is_campaign(folder: &Path) -> bool {
    [results::CAMPAIGN, results::PROGRESS, results::SUMMARY].iter().any(|name| folder.join(name).is_file())
}

/// When the campaign last said how far it is; of one that never did, when it began.
fn written(folder: &Path) -> Option<SystemTime> {
    let modified = |name: &str| fs::metadata(folder.join(name)).and_then(|metadata| metadata.modified()).ok();
    modified(results::PROGRESS).or_else(|| modified(results::CAMPAIGN))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_campaign_written_to_last_is_taken() {
        let out = tempfile::tempdir().unwrap();
        let said = |given: &Path| campaign(given).unwrap_err().to_string();
        assert!(said(out.path()).contains("is no campaign's folder and holds none"));
        assert!(said(&out.path().join("nowhere")).contains("No such file"));
        let at = |name: &str, seconds| {
            let folder = out.path().join(name);
            fs::create_dir(&folder).unwrap();
            let file = fs::File::create(folder.join(results::PROGRESS)).unwrap();
            file.set_modified(SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(seconds)).unwrap();
            folder
        };
        let (newer, older) = (at("a", 2_000), at("b", 1_000));
        assert_eq!(campaign(out.path()).unwrap(), newer);
        assert_eq!(campaign(&older).unwrap(), older);
    }
}
