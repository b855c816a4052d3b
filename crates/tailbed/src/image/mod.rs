//! Images: root file systems out of archives, and archives out of recipes.

mod build;
mod cache;
mod digest;
mod kept;
mod unpack;

use std::path::{Path, PathBuf};

use crate::cli::ImageCommand;
use crate::failure::Failure;

pub(crate) use digest::{of as digest_of, of_file as digest_of_file};
pub(crate) use unpack::{ImageConfig, Unpacked, layout, look, unpack};

/// What somebody else makes and the cache keeps besides images: a folder of this kind, filled by `make` if there is none yet that was made
/// from the same.
pub(crate) fn kept(kind: &str, made_from: &[&[u8]], make: impl FnOnce(&Path) -> anyhow::Result<()>) -> anyhow::Result<PathBuf> {
    let parts: Vec<_> = made_from.iter().map(|part| digest::of(part)).collect();
    let cache = cache::Cache::at(&cache::folder()?.join(kind))?;
    Ok(cache.get_or_make(&digest::of(parts.concat().as_bytes()), make)?.0)
}

/// `tailbed image`.
pub(crate) fn image(command: &ImageCommand) -> Result<(), Failure> {
    match command {
        ImageCommand::Build(arguments) => build::build(arguments),
        ImageCommand::Ls => kept::list(),
        ImageCommand::Rm { digests, all } => kept::remove(digests, *all),
    }
}
