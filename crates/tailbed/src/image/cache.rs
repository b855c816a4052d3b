//! The cache: folders named after the digest of what they were made from, each whole or not there.
//!
//! Something is made in a temporary folder beside them, under a lock, and renamed when it is whole and on disk. Whoever holds the lock
//! knows that every temporary is a dead process's and removes it.

use std::env;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use rustix::fs::{FlockOperation, flock, syncfs};

/// What the names of temporaries begin with; digests never do.
const TEMPORARY: &str = ".tmp-";

/// One kind of things in the cache.
pub(super) struct Cache {
    folder: PathBuf,
}

impl Cache {
    /// The cache of unpacked images.
    pub(super) fn images() -> anyhow::Result<Self> {
        Self::at(&folder()?.join("images"))
    }

    /// The cache of built images.
    pub(super) fn builds() -> anyhow::Result<Self> {
        Self::at(&folder()?.join("builds"))
    }

    /// A cache in a folder, which is made.
    pub(super) fn at(folder: &Path) -> anyhow::Result<Self> {
        fs::create_dir_all(folder).with_context(|| {
            format!("cannot make the cache folder {}; TAILBED_CACHE names another place for it", folder.display())
        })?;
        Ok(Self { folder: folder.to_owned() })
    }

    /// The thing of this digest, where it is there.
    pub(super) fn get(&self, digest: &str) -> Option<PathBuf> {
        let path = self.folder.join(digest);
        path.is_dir().then_some(path)
    }

    /// A file beside the things, for what is known about them.
    pub(super) fn beside(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The thing of this digest, made by `make` in a folder that it is given if it is not there yet; and whether it was.
    pub(super) fn get_or_make(
        &self,
        digest: &str,
        make: impl FnOnce(&Path) -> anyhow::Result<()>,
    ) -> anyhow::Result<(PathBuf, bool)> {
        if let Some(path) = self.get(digest) {
            return Ok((path, true));
        }
        let _alone = self.lock()?;
        // another process may have made it while this one waited
        if let Some(path) = self.get(digest) {
            return Ok((path, true));
        }
        let temporary = self.folder.join(format!("{TEMPORARY}{}", std::process::id()));
        fs::create_dir(&temporary).with_context(|| format!("cannot make {}", temporary.display()))?;
        let path = self.folder.join(digest);
        let done = make(&temporary).and_then(|()| {
            sync(&temporary)?;
            fs::rename(&temporary, &path).with_context(|| format!("cannot move {} to {}", temporary.display(), path.display()))
        });
        match done {
            Ok(()) => Ok((path, false)),
            Err(error) => match remove_tree(&temporary) {
                Ok(()) => Err(error),
                Err(left) => Err(error.context(format!("left behind: {}: {left}", temporary.display()))),
            },
        }
    }

    /// Waits for the lock, and removes what those who held it before did not live to remove.
    pub(super) fn lock(&self) -> anyhow::Result<File> {
        let path = self.folder.join(".lock");
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .with_context(|| format!("cannot open the cache's lock {}", path.display()))?;
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            eprintln!("waiting for another process that is filling {}", self.folder.display());
            flock(&file, FlockOperation::LockExclusive).with_context(|| format!("cannot lock {}", path.display()))?;
        }
        let entries = fs::read_dir(&self.folder).with_context(|| format!("cannot list {}", self.folder.display()))?;
        for entry in entries.flatten() {
            if entry.file_name().to_string_lossy().starts_with(TEMPORARY) {
                let path = entry.path();
                remove_tree(&path)
                    .with_context(|| format!("cannot remove the remains of a killed process, {}", path.display()))?;
            }
        }
        Ok(file)
    }

    /// Everything whole that is in it, by digest.
    pub(super) fn list(&self) -> anyhow::Result<Vec<(String, PathBuf)>> {
        let entries = fs::read_dir(&self.folder).with_context(|| format!("cannot list {}", self.folder.display()))?;
        let mut things: Vec<_> = entries
            .flatten()
            .filter(|entry| !entry.file_name().as_encoded_bytes().starts_with(b".") && entry.path().is_dir())
            .map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry.path()))
            .collect();
        things.sort();
        Ok(things)
    }

    /// Removes a thing: first out of sight, so that a removal cut short leaves a temporary and no half of a thing.
    pub(super) fn remove(&self, digest: &str) -> anyhow::Result<()> {
        let _alone = self.lock()?;
        let path = self.folder.join(digest);
        let temporary = self.folder.join(format!("{TEMPORARY}{}", std::process::id()));
        fs::rename(&path, &temporary).with_context(|| format!("cannot move {} out of the cache", path.display()))?;
        remove_tree(&temporary).with_context(|| format!("cannot remove {}", temporary.display()))
    }
}

/// Where the cache is: $TAILBED_CACHE, /var/cache/tailbed for root, $XDG_CACHE_HOME/tailbed else (XDG Base Directory Specification).
pub(super) fn folder() -> anyhow::Result<PathBuf> {
    let given = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(folder) = given("TAILBED_CACHE") {
        return std::path::absolute(&folder).with_context(|| format!("TAILBED_CACHE={} is no path", folder.display()));
    }
    if has_all_users() {
        return Ok("/var/cache/tailbed".into());
    }
    let base =
        given("XDG_CACHE_HOME").filter(|path| path.is_absolute()).or_else(|| given("HOME").map(|home| home.join(".cache")));
    match base {
        Some(base) => Ok(base.join("tailbed")),
        None => bail!("there is no place for the cache: set TAILBED_CACHE to a folder"),
    }
}

/// Whether this process may give files to any user there usually is: it is root, and not merely root over itself
/// (user_namespaces(7), "/proc/pid/uid_map").
pub(super) fn has_all_users() -> bool {
    let map = fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
    let ids: u64 = map.lines().filter_map(|line| line.split_whitespace().nth(2)?.parse::<u64>().ok()).sum();
    rustix::process::geteuid().is_root() && ids >= 1 << 16
}

/// Everything in a folder is on disk, so that a host that stops now never finds a name without its content.
fn sync(folder: &Path) -> anyhow::Result<()> {
    let file = File::open(folder).with_context(|| format!("cannot open {}", folder.display()))?;
    syncfs(&file).with_context(|| format!("cannot write {} to disk", folder.display()))
}

/// Removes a folder and all in it, folders that their owner may not write to included; it is no failure when it is not there.
/// Nothing is entered that lies on another file system: that would be somebody's mount.
pub(super) fn remove_tree(path: &Path) -> io::Result<()> {
    let metadata = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other?,
    };
    if !metadata.is_dir() {
        return fs::remove_file(path);
    }
    remove_folder(path, metadata.dev())
}

fn remove_folder(path: &Path, device: u64) -> io::Result<()> {
    let metadata = fs::symlink_metadata(path)?;
    if metadata.dev() != device {
        return Err(io::Error::other(format!("{} is another file system, mounted there", path.display())));
    }
    if metadata.mode() & 0o700 != 0o700 {
        fs::set_permissions(path, Permissions::from_mode(0o700))?;
    }
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            remove_folder(&entry.path(), device)?;
        } else {
            fs::remove_file(entry.path())?;
        }
    }
    fs::remove_dir(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fails_leaves_nothing_and_what_is_whole_is_made_once() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::at(&folder.path().join("things")).unwrap();
        let failed = cache.get_or_make("a", |temporary| {
            fs::write(temporary.join("half"), b"").unwrap();
            bail!("no")
        });
        assert!(failed.is_err());
        assert_eq!(fs::read_dir(folder.path().join("things")).unwrap().count(), 1, "the lock alone");
        // the remains of a killed process, with a folder that cannot be written to
        let stale = folder.path().join("things/.tmp-1");
        fs::create_dir_all(stale.join("locked")).unwrap();
        fs::write(stale.join("locked/file"), b"").unwrap();
        fs::set_permissions(stale.join("locked"), Permissions::from_mode(0o500)).unwrap();
        let make = |temporary: &Path| Ok(fs::write(temporary.join("file"), b"whole")?);
        let (path, there) = cache.get_or_make("a", make).unwrap();
        assert!(!there && !stale.exists());
        assert_eq!(fs::read(path.join("file")).unwrap(), b"whole");
        let (_, there) = cache.get_or_make("a", |_| bail!("made twice")).unwrap();
        assert!(there);
        assert_eq!(cache.list().unwrap().len(), 1);
        cache.remove("a").unwrap();
        assert!(cache.list().unwrap().is_empty());
    }
}
