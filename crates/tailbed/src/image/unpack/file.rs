//! An image in one file: a tarball of a root file system, or an archive that holds an image.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};

use super::inside::Root;
use super::{Unpacked, cached, docker, layer, layout, stream};
use crate::image::cache::{Cache, remove_tree};
use crate::image::digest;

/// What tells whether a file is still the one whose digest is known. The change time cannot be set by anyone.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Identity {
    device: u64,
    inode: u64,
    size: u64,
    changed: (i64, i64),
}

impl Identity {
    fn of(path: &Path) -> anyhow::Result<Self> {
        let file = fs::metadata(path).with_context(|| format!("cannot look at {}", path.display()))?;
        Ok(Self { device: file.dev(), inode: file.ino(), size: file.size(), changed: (file.ctime(), file.ctime_nsec()) })
    }
}

/// A digest, and of what.
#[derive(Serialize, Deserialize)]
struct Known {
    identity: Identity,
    digest: String,
}

/// The image in a file.
pub(super) fn unpack(cache: &Cache, path: &Path) -> anyhow::Result<Unpacked> {
    let identity = Identity::of(path)?;
    let note = cache.beside(&format!(".known-{}.json", digest::of(path.as_os_str().as_encoded_bytes())));
    let known = fs::read(&note).ok().and_then(|text| serde_json::from_slice::<Known>(&text).ok());
    if let Some(known) = known.filter(|known| known.identity == identity && cache.get(&known.digest).is_some()) {
        return cached(cache, &known.digest, |_, _| bail!("it was removed from the cache this moment; try again"));
    }
    let digest = digest::of_file(path)?;
    let unpacked = cached(cache, &digest, |rootfs, work| {
        let config = fill(path, rootfs, work)?;
        if Identity::of(path)? != identity {
            bail!("it was written to while it was read");
        }
        Ok(config)
    })?;
    remember(&note, &Known { identity, digest });
    Ok(unpacked)
}

/// Spares the next use to read the whole file again; without it that is all that is lost.
fn remember(note: &Path, known: &Known) {
    let temporary = note.with_extension(std::process::id().to_string());
    let written = serde_json::to_vec(known).map_err(std::io::Error::from).and_then(|text| fs::write(&temporary, text));
    if written.and_then(|()| fs::rename(&temporary, note)).is_err() {
        fs::remove_file(&temporary).ok();
    }
}

/// What is in an archive can be told for certain only once it is unpacked.
fn fill(path: &Path, rootfs: &Path, work: &Path) -> anyhow::Result<super::ImageConfig> {
    layer::apply(stream::open(path)?, &Root::open(rootfs)?, layer::Kind::Whole)?;
    let has = |name: &str| fs::symlink_metadata(rootfs.join(name)).is_ok();
    let is_layout = has("oci-layout") && has("index.json");
    if !is_layout && !has("manifest.json") {
        let empty = fs::read_dir(rootfs).with_context(|| format!("cannot list {}", rootfs.display()))?.next().is_none();
        return if empty { bail!("it holds no files") } else { Ok(super::ImageConfig::default()) };
    }
    let archive = work.join("archive");
    fs::rename(rootfs, &archive).and_then(|()| fs::create_dir(rootfs)).context("cannot set the archive aside")?;
    // an archive of both kinds is the same image twice; manifest.json names only those that were asked for
    let config = if archive.join("manifest.json").is_file() {
        docker::apply(&archive, rootfs)
    } else {
        layout::Image::read(&archive)?.apply(rootfs)
    }?;
    remove_tree(&archive).context("cannot remove what the image was unpacked from")?;
    Ok(config)
}
