//! The folder that every environment has on the host, by its name.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use anyhow::Context;

/// Where the folders lie: memory-backed and gone with the boot (file-hierarchy(7)).
pub(crate) const FOLDER: &str = "/run/tailbed";

/// The folder of one.
pub(crate) fn folder(id: &str) -> PathBuf {
    Path::new(FOLDER).join(id)
}

/// Removes the folder of one; the last one takes the folder they lie in with it.
pub(super) fn remove(id: &str) -> anyhow::Result<()> {
    remove_tree(&folder(id))?;
    fs::remove_dir(FOLDER).ok();
    Ok(())
}

/// Removes a folder and all in it; none is fine.
pub(super) fn remove_tree(folder: &Path) -> anyhow::Result<()> {
    gone(fs::remove_dir_all(folder)).with_context(|| format!("cannot remove {}", folder.display()))
}

/// Removes a file; none is fine.
pub(super) fn remove_file(path: &Path) -> anyhow::Result<()> {
    gone(fs::remove_file(path)).with_context(|| format!("cannot remove {}", path.display()))
}

/// Nothing to remove is as good as removed.
fn gone(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Bytes that a file, or a folder's files, take where they lie, without what is mounted into it.
pub(super) fn size(path: &Path) -> u64 {
    let Ok(metadata) = fs::symlink_metadata(path) else { return 0 };
    if !metadata.is_dir() {
        // st_blocks counts 512 bytes (stat(3type))
        return metadata.blocks() * 512;
    }
    let entries = fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.path());
    let here = |path: &PathBuf| fs::symlink_metadata(path).is_ok_and(|of| of.dev() == metadata.dev());
    entries.filter(here).map(|path| size(&path)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_takes_what_its_files_take() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(size(folder.path()), 0);
        fs::create_dir(folder.path().join("below")).unwrap();
        fs::write(folder.path().join("below/file"), vec![1; 10_000]).unwrap();
        assert!((10_000..100_000).contains(&size(folder.path())), "{}", size(folder.path()));
        assert_eq!(size(folder.path()), size(&folder.path().join("below/file")));
        assert_eq!(size(&folder.path().join("none")), 0);
    }

    #[test]
    fn what_is_not_there_is_removed_already() {
        let folder = tempfile::tempdir().unwrap();
        remove_tree(&folder.path().join("none")).unwrap();
        remove_file(&folder.path().join("none")).unwrap();
        assert!(remove_file(folder.path()).unwrap_err().to_string().starts_with("cannot remove /"));
    }
}
