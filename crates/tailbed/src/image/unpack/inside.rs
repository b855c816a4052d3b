//! Paths inside a root file system that is being filled: whatever links it holds, none leads out of it.

use std::ffi::OsStr;
use std::fs::{self, File, Permissions};
use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, bail};
use rustix::fs::{Mode, OFlags, ResolveFlags, openat2};
use rustix::io::Errno;

/// The folder that is being filled.
pub(in crate::image) struct Root {
    folder: File,
    path: PathBuf,
}

impl Root {
    /// A folder that exists.
    pub(in crate::image) fn open(path: &Path) -> anyhow::Result<Self> {
        let folder = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
        let path = fs::canonicalize(path).with_context(|| format!("cannot open {}", path.display()))?;
        Ok(Self { folder, path })
    }

    /// Its path.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Where an entry is to be made: the real folder, made if needed, and the last name. `None` for the root itself.
    pub(in crate::image) fn place(&self, name: &Path) -> anyhow::Result<Option<PathBuf>> {
        let name = relative(name)?;
        let Some(last) = name.file_name() else { return Ok(None) };
        let parent = name.parent().unwrap_or(Path::new(""));
        Ok(Some(self.enter(parent, true)?.join(last)))
    }

    /// Where something that is there already lies; the last name is not followed if it is a link.
    pub(super) fn find(&self, name: &Path) -> anyhow::Result<PathBuf> {
        let name = relative(name)?;
        match name.file_name() {
            None => Ok(self.path.clone()),
            Some(last) => Ok(self.enter(name.parent().unwrap_or(Path::new("")), false)?.join(last)),
        }
    }

    /// What a path leads to inside, links followed to the end.
    pub(in crate::image) fn resolve(&self, name: &Path) -> anyhow::Result<PathBuf> {
        let name = relative(name)?;
        self.open_inside(&name, OFlags::PATH).with_context(|| format!("there is no {} in it", name.display()))
    }

    /// The real path of a folder inside. Links on the way count as they would for a process that has this root as its own.
    fn enter(&self, folder: &Path, make: bool) -> anyhow::Result<PathBuf> {
        if folder.as_os_str().is_empty() {
            return Ok(self.path.clone());
        }
        match self.open_inside(folder, OFlags::PATH | OFlags::DIRECTORY) {
            Ok(path) => return Ok(path),
            Err(Errno::NOENT) if make => {}
            Err(error) => return Err(error).with_context(|| format!("{} leads to no folder in it", folder.display())),
        }
        let parent = self.enter(folder.parent().unwrap_or(Path::new("")), true)?;
        let path = parent.join(folder.file_name().unwrap_or(OsStr::new("")));
        if fs::symlink_metadata(&path).is_ok() {
            bail!("{} is a link that leads out of the image, or to nothing in it", folder.display());
        }
        fs::create_dir(&path).and_then(|()| as_usual(&path)).with_context(|| format!("cannot make {}", path.display()))?;
        Ok(path)
    }

    /// openat2(2), `RESOLVE_IN_ROOT`: links to absolute paths and `..` stay inside.
    fn open_inside(&self, path: &Path, flags: OFlags) -> Result<PathBuf, Errno> {
        let confined = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
        let folder = openat2(self.folder.as_fd(), path, flags | OFlags::CLOEXEC, Mode::empty(), confined)?;
        fs::read_link(format!("/proc/self/fd/{}", folder.as_raw_fd()))
            .map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))
    }
}

/// The mode of a folder that nothing is said of, whatever the user's umask(2).
pub(super) fn as_usual(folder: &Path) -> io::Result<()> {
    fs::set_permissions(folder, Permissions::from_mode(0o755))
}

/// The name of an entry without `.`; what is absolute or climbs is refused.
fn relative(name: &Path) -> anyhow::Result<PathBuf> {
    let mut path = PathBuf::new();
    for component in name.components() {
        match component {
            Component::Normal(part) => path.push(part),
            Component::CurDir => {}
            Component::ParentDir => bail!("`{}` climbs out of the image with `..`", name.display()),
            Component::RootDir | Component::Prefix(_) => {
                bail!("`{}` is an absolute path, and would leave the image", name.display())
            }
        }
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn links_lead_nowhere_outside() {
        let folder = tempfile::tempdir().unwrap();
        let root = Root::open(folder.path()).unwrap();
        let real = |path: &str| root.path().join(path);
        symlink("/etc", real("absolute")).unwrap();
        symlink("../..", real("up")).unwrap();
        symlink("usr/lib", real("lib")).unwrap();
        fs::create_dir_all(real("usr/lib")).unwrap();
        fs::create_dir_all(real("run")).unwrap();
        symlink("/run", real("usr/run")).unwrap();
        assert_eq!(root.place(Path::new("./lib/x")).unwrap().unwrap(), real("usr/lib/x"));
        assert_eq!(root.place(Path::new("usr/run/y")).unwrap().unwrap(), real("run/y"));
        assert_eq!(root.place(Path::new("new/folder/z")).unwrap().unwrap(), real("new/folder/z"));
        assert_eq!(root.place(Path::new("up/x")).unwrap().unwrap(), real("x"));
        assert_eq!(root.place(Path::new(".")).unwrap(), None);
        for bad in ["absolute/passwd", "../x", "a/../../x", "/etc/passwd"] {
            assert!(root.place(Path::new(bad)).is_err(), "{bad}");
        }
        assert!(root.find(Path::new("missing/x")).is_err());
        assert!(!real("missing").exists());
    }
}
