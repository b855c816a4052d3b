//! Where a lab's files are: a folder in the state folder, for as long as the lab is up.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::{Deserialize, Serialize};

use crate::journal;

/// The folder's name in the state folder.
const FOLDER: &str = "lab";

/// Where the keeper listens.
const SOCKET: &str = "lab.sock";

/// What it is.
const RECORD: &str = "lab.json";

/// What the keeper itself has to say.
const LOG: &str = "keeper.log";

/// What lab is up.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Record {
    /// The experiment's name.
    pub(crate) name: String,
    /// The file.
    pub(crate) file: String,
    /// The run whose environments are up.
    pub(crate) run: String,
    /// The keeper's process id.
    pub(crate) keeper: u32,
    /// When it was brought up, seconds since 1970.
    pub(crate) since: u64,
}

fn folder() -> anyhow::Result<PathBuf> {
    Ok(journal::folder()?.join(FOLDER))
}

/// Makes the folder, for its owner alone, and the keeper's log in it.
pub(super) fn make() -> anyhow::Result<File> {
    let folder = folder()?;
    DirBuilder::new()
        .mode(0o700)
        .create(&folder)
        .with_context(|| format!("cannot make the lab's folder {}", folder.display()))?;
    let log = folder.join(LOG);
    let opened = File::options().create_new(true).append(true).mode(0o600).open(&log);
    opened.with_context(|| format!("cannot make the keeper's log {}", log.display()))
}

/// Where the agents' logs go.
pub(super) fn logs() -> anyhow::Result<PathBuf> {
    folder()
}

/// What the keeper had to say in the end, as the end of a sentence.
pub(super) fn keepers_words() -> String {
    let log = folder().ok().and_then(|folder| fs::read_to_string(folder.join(LOG)).ok()).unwrap_or_default();
    let words = log.trim();
    if words.is_empty() { String::new() } else { format!(": {words}") }
}

/// Says what lab is up.
pub(super) fn write_record(record: &Record) -> anyhow::Result<()> {
    let folder = folder()?;
    let (path, new) = (folder.join(RECORD), folder.join("lab.json.new"));
    fs::write(&new, serde_json::to_vec_pretty(record)?).and_then(|()| fs::rename(&new, &path))?;
    Ok(())
}

/// What lab is up, or was when its keeper was killed.
pub(crate) fn record() -> Option<Record> {
    serde_json::from_slice(&fs::read(folder().ok()?.join(RECORD)).ok()?).ok()
}

/// Why nothing else can begin.
pub(crate) fn is_up() -> String {
    let named = record().map_or_else(String::new, |record| format!(" ({}, from {})", record.name, record.file));
    format!("error: a lab is up on this host{named}; `tailbed down` takes it down, `tailbed ls` shows it")
}

/// Removes the folder. Called by whoever holds the state folder.
pub(crate) fn clear_away() -> anyhow::Result<()> {
    let folder = folder()?;
    match fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove the lab's folder {}", folder.display()))
        }
        _ => Ok(()),
    }
}

/// The keeper's ear, for its owner alone.
pub(super) fn listen() -> anyhow::Result<UnixListener> {
    let folder = folder()?;
    let listener = through(&folder, |path| {
        let listener = UnixListener::bind(path)?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
        Ok(listener)
    });
    listener.with_context(|| format!("cannot listen on {}", folder.join(SOCKET).display()))
}

/// A connection to the keeper; `None` when there is nobody.
pub(super) fn connect() -> anyhow::Result<Option<UnixStream>> {
    let folder = folder()?;
    match through(&folder, |path| UnixStream::connect(path)) {
        Ok(stream) => Ok(Some(stream)),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot connect to {}", folder.join(SOCKET).display())),
    }
}

/// A socket's path has at most 107 bytes (unix(7)), a state folder's may have more; so it is named through a descriptor of its folder.
fn through<T>(folder: &Path, action: impl FnOnce(&Path) -> io::Result<T>) -> io::Result<T> {
    let folder = File::options().read(true).custom_flags(libc::O_PATH | libc::O_DIRECTORY).open(folder)?;
    action(&PathBuf::from(format!("/proc/self/fd/{}/{SOCKET}", folder.as_raw_fd())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_may_lie_deeper_than_its_path_may_be_long() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("d".repeat(100)).join("e".repeat(100));
        fs::create_dir_all(&deep).unwrap();
        let _listener = through(&deep, |path| UnixListener::bind(path)).unwrap();
        through(&deep, |path| UnixStream::connect(path)).unwrap();
        assert!(deep.join(SOCKET).exists());
    }
}
