//! Where journals live while their run is under way.

use std::fs::File;
use std::path::PathBuf;

use anyhow::Context;
use rustix::fs::{FlockOperation, flock};

use crate::failure::Failure;
use crate::lab;

/// Holds the state folder for this process alone, for as long as the result lives: two campaigns at a time would spoil each other's
/// measurements, and put back settings under each other's feet.
pub(crate) fn lock() -> Result<File, Failure> {
    let folder = folder()?;
    let file = File::open(&folder).with_context(|| format!("cannot open the state folder {}", folder.display()))?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(_) if lab::record().is_some() => Err(Failure::Host(lab::is_up())),
        Err(_) => Err(Failure::Host(format!(
            "error: another campaign is under way on this host (it holds {}); wait until it has ended",
            folder.display()
        ))),
    }
}

/// The state folder, made when it is not there.
pub(crate) fn folder() -> anyhow::Result<PathBuf> {
    let folder = path()?;
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot make the state folder {}", folder.display()))?;
    Ok(folder)
}

/// Where the state folder is: `/var/lib/tailbed` for root (file-hierarchy(7)), below `$XDG_STATE_HOME` for others, `$TAILBED_STATE` when
/// set.
pub(crate) fn path() -> anyhow::Result<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    Ok(if let Some(folder) = variable("TAILBED_STATE") {
        folder
    } else if crate::probe::is_root() {
        PathBuf::from("/var/lib/tailbed")
    } else {
        let state = variable("XDG_STATE_HOME").or_else(|| variable("HOME").map(|home| home.join(".local/state")));
        state.context("neither XDG_STATE_HOME nor HOME is set; set TAILBED_STATE to a folder for the journal")?.join("tailbed")
    })
}
