//! The node's results folder: programs put files into it, and the orchestrator fetches them.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use super::listener::Listener;

/// The variable that names the folder in every program.
pub const RESULTS: &str = "TAILBED_RESULTS";

/// So much is sent at most, bytes.
const MOST: u64 = 64 << 20;

/// Bytes of a file that are sent at a time.
const PART: usize = 1 << 20;

/// Counts folders of this process, so that no name comes up twice.
static MADE: AtomicU32 = AtomicU32::new(0);

/// A private folder, made when the first program needs it.
#[derive(Debug, Default)]
pub(super) struct Results {
    folder: Option<PathBuf>,
    /// Why there is none.
    refused: Option<String>,
}

impl Results {
    /// The folder, made if need be; `None` where no file can be written. The name says whose it is, so that one whose agent was killed
    /// can be removed.
    pub(super) fn folder(&mut self, owner: &str) -> Option<&Path> {
        if self.folder.is_none() {
            let parent = std::env::temp_dir();
            let name = |number: u32| parent.join(format!("{owner}-{}-{number}", std::process::id()));
            let create = |path: PathBuf| DirBuilder::new().mode(0o700).create(&path).map(|()| path);
            // one that exists is somebody else's, whatever its name
            let mut tried = (0..1000).map(|_| create(name(MADE.fetch_add(1, Ordering::Relaxed))));
            let made = tried.find(|made| !matches!(made, Err(error) if error.kind() == io::ErrorKind::AlreadyExists));
            match made {
                Some(Ok(path)) => self.folder = Some(path),
                Some(Err(error)) => {
                    self.refused = Some(format!("no results: a folder cannot be made in {}: {error}", parent.display()));
                }
                None => self.refused = Some(format!("no results: {} holds a thousand folders like ours", parent.display())),
            }
        }
        self.folder.as_deref()
    }

    /// Tells all files, and removes the folder.
    pub(super) fn collect(&mut self, listener: &impl Listener) -> io::Result<()> {
        let mut collection = Collection { listener, files: 0, left: MOST, left_out: self.refused.take().into_iter().collect() };
        let told = match &self.folder {
            Some(folder) => collection.folder(folder, ""),
            None => Ok(()),
        };
        let Collection { files, left_out, .. } = collection;
        self.remove();
        told?;
        listener.collected(files, left_out)
    }

    /// Removes the folder, if there is one.
    pub(super) fn remove(&mut self) {
        if let Some(folder) = self.folder.take() {
            // what cannot be removed now cannot be removed later either
            let _ = fs::remove_dir_all(folder);
        }
    }
}

/// Files on their way.
struct Collection<'a, L> {
    listener: &'a L,
    files: u32,
    left: u64,
    left_out: Vec<String>,
}

impl<L: Listener> Collection<'_, L> {
    /// All of a folder, in the order of names; `prefix` is its path with a slash at the end.
    fn folder(&mut self, folder: &Path, prefix: &str) -> io::Result<()> {
        let mut entries: Vec<_> = match fs::read_dir(folder) {
            Ok(entries) => entries.flatten().collect(),
            Err(error) => {
                self.left_out.push(format!("{prefix}: {error}"));
                return Ok(());
            }
        };
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let Some(name) = entry.file_name().to_str().map(|name| format!("{prefix}{name}")) else {
                self.left_out.push(format!("{prefix}{}: its name is not UTF-8", entry.file_name().to_string_lossy()));
                continue;
            };
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => self.folder(&entry.path(), &format!("{name}/"))?,
                Ok(kind) if kind.is_file() => self.file(&entry.path(), &name)?,
                Ok(_) => self.left_out.push(format!("{name}: it is not a file")),
                Err(error) => self.left_out.push(format!("{name}: {error}")),
            }
        }
        Ok(())
    }

    fn file(&mut self, path: &Path, name: &str) -> io::Result<()> {
        let opened = open(path).and_then(|file| Ok((file.metadata()?.len(), file)));
        let (length, file) = match opened {
            Ok(opened) => opened,
            Err(error) => {
                self.left_out.push(format!("{name}: {error}"));
                return Ok(());
            }
        };
        if length > self.left || name.len() > usize::from(u16::MAX) {
            let most = MOST >> 20;
            self.left_out
                .push(format!("{name}: of {length} bytes, it does not fit into the {most} MiB that are collected in all"));
            return Ok(());
        }
        self.left -= length;
        self.files += 1;
        // a file that grows meanwhile is sent as long as it was
        let mut file = file.take(length);
        let mut part = Vec::with_capacity(PART.min(usize::try_from(length).unwrap_or(PART)));
        loop {
            part.clear();
            let read = file.by_ref().take(PART as u64).read_to_end(&mut part);
            if let Err(error) = &read {
                self.left_out.push(format!("{name}: it could not be read to its end: {error}"));
            }
            // an empty file is sent as well, as one empty part
            self.listener.file(name, &part)?;
            if read.is_err() || file.limit() == 0 || part.len() < PART {
                return Ok(());
            }
        }
    }
}

/// Opens what is a regular file, and does not wait for the other end of what has become a pipe.
fn open(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(path)?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::other("it is not a file")) }
}
