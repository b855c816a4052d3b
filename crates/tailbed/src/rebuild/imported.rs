//! Results of others, as `tailbed import` has left them.

use std::path::Path;

use tailbed_format::imported::Imported;
use tailbed_format::results;

use super::folder::from_the_future;
use super::guarded::{self, Unread};
use crate::failure::Failure;

/// Reads them, where a folder holds such.
///
/// # Errors
/// When they are damaged, or of a later version: they are one file, and there is no rest to go on with.
pub(crate) fn imported(folder: &Path) -> Result<Option<Imported>, Failure> {
    let path = folder.join(results::IMPORTED);
    if !path.exists() {
        return Ok(None);
    }
    let unusable = |what: String| {
        Failure::File(format!(
            "error: {}: {what}\n  = help: `tailbed import` makes it anew from the files it was made of",
            path.display()
        ))
    };
    let read = guarded::bytes(&path).and_then(|bytes| guarded::value(&bytes)).and_then(|value| {
        match guarded::later(&value, Imported::VERSION) {
            Some(version) => Err(Unread::Damaged(from_the_future(version, Imported::VERSION))),
            None => guarded::shaped::<Imported>(value),
        }
    });
    let imported = read.map_err(|unread| unusable(unread.said()))?;
    match wrong(&imported) {
        Some(what) => Err(unusable(what)),
        None => Ok(Some(imported)),
    }
}

/// What would make a distribution of them that is none.
fn wrong(imported: &Imported) -> Option<String> {
    imported.cells.iter().flat_map(|cell| &cell.runs).find_map(|run| {
        let share = run.percentiles.iter().find(|(share, _)| !(0.0..=1.0).contains(share));
        if let Some((share, _)) = share {
            return Some(format!("{} has the share {share}, which is none from 0 to 1", run.file));
        }
        let ascending = run.percentiles.is_sorted_by(|one, next| one.0 <= next.0 && one.1 <= next.1)
            && run.counts.is_sorted_by_key(|(value, _)| *value);
        (!ascending).then(|| format!("the values of {} do not ascend", run.file))
    })
}
