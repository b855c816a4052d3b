//! From an image as it is found to a root file system in a folder.
//!
//! Archives and layouts are unpacked once, into the cache; a folder is used where it is.

mod attributes;
mod docker;
mod file;
mod folder;
mod inside;
mod layer;
mod layout;
mod save;
mod stream;
#[cfg(test)]
mod tests;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};

use super::cache::Cache;

pub(super) use self::inside::Root;
pub(super) use self::layer::{Kind, apply};

/// A root file system, ready for use. It is never written to: it is shared by all that use the image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unpacked {
    /// Its folder, absolute.
    pub(crate) rootfs: PathBuf,
    /// What tells it from others, `sha256:…`: of the image's manifest, of the archive's bytes, or, for a folder used in place, of the
    /// listing of its files with their sizes and times.
    pub(crate) digest: String,
    /// What the image says about running it.
    pub(crate) config: ImageConfig,
}

/// What an image says about running it (OCI image specification, config.md); empty where it says nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct ImageConfig {
    /// `NAME=value`.
    pub(crate) environment: Vec<String>,
    /// Where its program starts.
    pub(crate) working_directory: Option<String>,
    /// Its program and first arguments.
    pub(crate) entrypoint: Vec<String>,
    /// Further arguments, or the program where there is no entry point.
    pub(crate) command: Vec<String>,
}

/// Whether there is something at all by the path of an image.
pub(crate) fn look(path: &Path) -> anyhow::Result<()> {
    fs::metadata(path).map(drop).with_context(|| format!("cannot use the image {}; is the path right?", path.display()))
}

/// Unpacks an image: an OCI layout, an archive as `docker save` writes it, a tarball of a root file system, the output folder of
/// `tailbed image build`, an LXC image, or a plain folder, which is used in place.
pub(crate) fn unpack(path: &Path) -> anyhow::Result<Unpacked> {
    unpack_into(&Cache::images()?, path)
}

fn unpack_into(cache: &Cache, path: &Path) -> anyhow::Result<Unpacked> {
    let wrong = || format!("cannot use the image {}", path.display());
    let metadata = fs::metadata(path).with_context(wrong)?;
    let path = fs::canonicalize(path).with_context(wrong)?;
    let unpacked = if metadata.is_dir() {
        match folder::kind(&path)? {
            folder::Kind::Layout => layout::unpack(cache, &path),
            folder::Kind::Holds(inner) => return unpack_into(cache, &inner),
            folder::Kind::Plain => folder::in_place(&path),
        }
    } else if metadata.is_file() {
        file::unpack(cache, &path)
    } else {
        bail!("{}: it is neither a file nor a folder", wrong());
    };
    unpacked.with_context(wrong)
}

/// The OCI layout in a folder, which may be the output of `tailbed image build`.
pub(crate) fn layout(path: &Path) -> anyhow::Result<layout::Image> {
    let wrong = || format!("cannot use the image {}", path.display());
    match folder::kind(path).with_context(wrong)? {
        folder::Kind::Layout => layout::Image::read(path).with_context(wrong),
        folder::Kind::Holds(inner) if inner.is_dir() => layout(&inner),
        _ => bail!("{}: it is neither an OCI layout nor what `tailbed image build` makes", wrong()),
    }
}

/// The image of a digest, taken from the cache or made there: `make` fills the root file system's folder and may use a second folder.
fn cached(
    cache: &Cache,
    digest: &str,
    make: impl FnOnce(&Path, &Path) -> anyhow::Result<ImageConfig>,
) -> anyhow::Result<Unpacked> {
    let (folder, _) = cache.get_or_make(digest, |temporary| {
        let (rootfs, work) = (temporary.join("rootfs"), temporary.join("work"));
        for folder in [&rootfs, &work] {
            fs::create_dir(folder)
                .and_then(|()| inside::as_usual(folder))
                .with_context(|| format!("cannot make {}", folder.display()))?;
        }
        let config = make(&rootfs, &work)?;
        super::cache::remove_tree(&work).with_context(|| format!("cannot remove {}", work.display()))?;
        let path = temporary.join("config.json");
        fs::write(&path, serde_json::to_vec(&config)?).with_context(|| format!("cannot write {}", path.display()))
    })?;
    let path = folder.join("config.json");
    let text = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let config = serde_json::from_slice(&text).with_context(|| {
        format!("{} does not hold what it should; remove {} to have it made again", path.display(), folder.display())
    })?;
    Ok(Unpacked { rootfs: folder.join("rootfs"), digest: format!("sha256:{digest}"), config })
}
