//! From the cache to where the user wants it: whole or not at all.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::ImageFile;
use crate::failure::Failure;
use crate::image::cache::remove_tree;

/// Where an image is to be put; refused where something else is.
pub(super) fn place(out: Option<&Path>, name: &str) -> Result<PathBuf, Failure> {
    let out = out.map_or_else(|| PathBuf::from(format!("{name}.image")), Path::to_owned);
    let wrong = |why: &str| Failure::File(format!("error: the image cannot be put at {}: {why}", out.display()));
    if out.file_name().is_none() {
        return Err(wrong("that is no folder's name"));
    }
    let occupied = match fs::symlink_metadata(&out) {
        Ok(metadata) if metadata.is_dir() => {
            ImageFile::read(&out).is_err() && fs::read_dir(&out).is_ok_and(|mut entries| entries.next().is_some())
        }
        Ok(_) => true,
        Err(_) => false,
    };
    if occupied {
        return Err(wrong("something that is no image is there already; name another folder with --out"));
    }
    Ok(out)
}

/// Copies an image out of the cache. An image that is there already makes way for it.
pub(super) fn publish(from: &Path, out: &Path) -> anyhow::Result<()> {
    let parent = out.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
    let name = out.file_name().context("the output folder has no name")?.to_string_lossy();
    remove_stale(parent, &name)?;
    let (new, old) = (temporary(parent, &name, "new"), temporary(parent, &name, "old"));
    let done = copy(from, &new, &mut Vec::new()).and_then(|()| {
        match fs::rename(out, &old) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("cannot move {} out of the way", out.display()));
            }
            _ => {}
        }
        fs::rename(&new, out).with_context(|| format!("cannot move {} to {}", new.display(), out.display()))
    });
    for path in [&new, &old] {
        remove_tree(path).with_context(|| format!("cannot remove {}", path.display()))?;
    }
    done
}

fn temporary(parent: &Path, name: &str, what: &str) -> PathBuf {
    parent.join(format!(".{name}.{what}-{}", std::process::id()))
}

/// Removes what a killed build of the same output left behind.
fn remove_stale(parent: &Path, name: &str) -> anyhow::Result<()> {
    let prefixes = [format!(".{name}.new-"), format!(".{name}.old-")];
    for entry in fs::read_dir(parent).with_context(|| format!("cannot list {}", parent.display()))?.flatten() {
        let found = entry.file_name().to_string_lossy().into_owned();
        let pid = prefixes.iter().find_map(|prefix| found.strip_prefix(prefix.as_str())).and_then(|pid| pid.parse::<u32>().ok());
        if pid.is_some_and(|pid| !Path::new("/proc").join(pid.to_string()).exists()) {
            remove_tree(&entry.path()).with_context(|| format!("cannot remove {}", entry.path().display()))?;
        }
    }
    Ok(())
}

/// Copies a folder; names of one file stay names of one file. On file systems that can, the blocks are shared (`copy_file_range(2)`).
fn copy(from: &Path, to: &Path, seen: &mut Vec<(u64, PathBuf)>) -> anyhow::Result<()> {
    let cannot = || format!("cannot copy {} to {}", from.display(), to.display());
    let metadata = fs::symlink_metadata(from).with_context(cannot)?;
    if metadata.is_dir() {
        fs::create_dir(to).with_context(cannot)?;
        for entry in fs::read_dir(from).with_context(cannot)? {
            let entry = entry.with_context(cannot)?;
            copy(&entry.path(), &to.join(entry.file_name()), seen)?;
        }
        return Ok(());
    }
    if !metadata.is_file() {
        bail!("{}: the cache holds something that is no file", cannot());
    }
    if let Some((_, first)) = seen.iter().find(|(inode, _)| *inode == metadata.ino()) {
        return fs::hard_link(first, to).with_context(cannot);
    }
    fs::copy(from, to).with_context(cannot)?;
    if metadata.nlink() > 1 {
        seen.push((metadata.ino(), to.to_owned()));
    }
    Ok(())
}
