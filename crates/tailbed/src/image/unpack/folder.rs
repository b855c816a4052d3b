//! A folder as an image: what kind it is, and a plain one used in place.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::{ImageConfig, Unpacked};
use crate::image::digest::Hasher;

/// What a folder is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// An OCI layout.
    Layout,
    /// A folder that holds the image: the output of a build, or an LXC image.
    Holds(PathBuf),
    /// A root file system.
    Plain,
}

/// Finds out what a folder is.
pub(super) fn kind(folder: &Path) -> anyhow::Result<Kind> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    let mut names: Vec<_> = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    let has = |name: &str| names.iter().any(|other| other == name);
    if has("oci-layout") || (has("index.json") && has("blobs")) {
        return Ok(Kind::Layout);
    }
    if has("image.json") && has("oci") {
        return Ok(Kind::Holds(folder.join("oci")));
    }
    if names.iter().any(|name| name.starts_with("metadata.tar")) {
        let Some(rootfs) = names.iter().find(|name| name.starts_with("rootfs.tar")) else {
            bail!("the LXC image {} has metadata but no rootfs.tar beside it", folder.display());
        };
        return Ok(Kind::Holds(folder.join(rootfs)));
    }
    if names.is_empty() {
        bail!("the folder {} is empty: a root file system is wanted", folder.display());
    }
    Ok(Kind::Plain)
}

/// A root file system that stays where it is.
pub(super) fn in_place(folder: &Path) -> anyhow::Result<Unpacked> {
    let device = fs::metadata(folder).with_context(|| format!("cannot look at {}", folder.display()))?.dev();
    let mut hasher = Hasher::default();
    list(folder, device, &mut hasher)?;
    Ok(Unpacked { rootfs: folder.to_owned(), digest: format!("sha256:{}", hasher.finish()), config: ImageConfig::default() })
}

/// Takes in what stands in a folder, in order of names, mounts left out.
fn list(folder: &Path, device: u64, hasher: &mut Hasher) -> anyhow::Result<()> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    let mut entries = entries.collect::<Result<Vec<_>, _>>().with_context(|| format!("cannot list {}", folder.display()))?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        let metadata = entry.metadata().with_context(|| format!("cannot look at {}", path.display()))?;
        if metadata.dev() != device {
            continue;
        }
        hasher.update(&(entry.file_name().len() as u64).to_le_bytes());
        hasher.update(entry.file_name().as_bytes());
        for number in [metadata.mode(), metadata.uid(), metadata.gid()] {
            hasher.update(&number.to_le_bytes());
        }
        if metadata.is_dir() {
            list(&path, device, hasher)?;
            hasher.update(&u64::MAX.to_le_bytes());
        } else {
            hasher.update(&metadata.size().to_le_bytes());
            hasher.update(&metadata.mtime().to_le_bytes());
            hasher.update(&metadata.mtime_nsec().to_le_bytes());
        }
    }
    Ok(())
}
