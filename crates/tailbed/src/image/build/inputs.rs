//! What an image is made from besides the recipe, and the digest of it all: the same digest, the same image.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use tailbed_plan::recipe::{Base, Recipe};

use super::beside;
use super::debian::{self, AptSource};
use crate::cli::Form;
use crate::failure::Failure;
use crate::image::digest::{self, Hasher};
use crate::image::{Unpacked, unpack};

/// Changes whenever the same recipe would be built into something else by this program than by one before.
const FORMAT: &str = "tailbed image 1";

/// Everything that goes into an image.
pub(super) struct Inputs {
    /// Of all of it and the recipe, hexadecimal.
    pub(super) digest: String,
    /// This program's own file.
    pub(super) binary: PathBuf,
    /// Where apt gets packages from.
    pub(super) sources: Vec<AptSource>,
    /// The image to begin with.
    base: Option<Unpacked>,
    /// Files by where they lie inside.
    pub(super) files: Vec<(String, PathBuf)>,
    /// Digests of what each part was made from, by name.
    pub(super) digests: BTreeMap<String, String>,
}

impl Inputs {
    /// Finds and reads them.
    pub(super) fn gather(recipe: &Recipe, recipe_path: &Path, mirror: Option<&str>, forms: &[Form]) -> Result<Self, Failure> {
        let mut digests = BTreeMap::new();
        let mut files = Vec::new();
        for (inside, source) in &recipe.files {
            let path = beside(recipe_path, source);
            let digest = of_tree(&path).map_err(|error| {
                Failure::File(format!("error: the recipe puts {} at {inside}, and it cannot be read: {error:#}", path.display()))
            })?;
            digests.insert(inside.clone(), format!("sha256:{digest}"));
            files.push((inside.clone(), path));
        }
        let binary = std::env::current_exe().context("cannot find this program's own file")?;
        let (mut sources, mut base) = (Vec::new(), None);
        match &recipe.base {
            Base::Scratch => {
                digests.insert("base".to_owned(), format!("sha256:{}", digest::of_file(&binary)?));
            }
            Base::Debian { suite } => sources = debian::sources(suite, mirror)?,
            Base::Image { path } => {
                let unpacked = unpack(&beside(recipe_path, path))?;
                digests.insert("base".to_owned(), unpacked.digest.clone());
                base = Some(unpacked);
            }
        }
        let mut hasher = Hasher::default();
        hasher.text(FORMAT);
        hasher.text(&serde_json::to_string(recipe).map_err(anyhow::Error::from)?);
        hasher.text(&serde_json::to_string(&digests).map_err(anyhow::Error::from)?);
        for source in &sources {
            hasher.text(&source.line());
        }
        for form in forms {
            hasher.text(form.name());
        }
        Ok(Self { digest: hasher.finish(), binary, sources, base, files, digests })
    }

    /// The root file system of the image to begin with.
    pub(super) fn base_rootfs(&self) -> anyhow::Result<PathBuf> {
        Ok(self.base.as_ref().context("there is no image to begin with")?.rootfs.clone())
    }
}

/// The digest of a file's or folder's names, modes and contents.
fn of_tree(path: &Path) -> anyhow::Result<String> {
    let mut hasher = Hasher::default();
    let path = fs::canonicalize(path).with_context(|| path.display().to_string())?;
    take_in(&path, &mut hasher)?;
    Ok(hasher.finish())
}

fn take_in(path: &Path, hasher: &mut Hasher) -> anyhow::Result<()> {
    let shown = || path.display().to_string();
    let metadata = fs::symlink_metadata(path).with_context(shown)?;
    hasher.update(&metadata.mode().to_le_bytes());
    let kind = metadata.file_type();
    if kind.is_file() {
        hasher.text(&digest::of_file(path)?);
    } else if kind.is_symlink() {
        hasher.text(&fs::read_link(path).with_context(shown)?.to_string_lossy());
    } else if kind.is_dir() {
        let entries = fs::read_dir(path).with_context(shown)?;
        let mut entries = entries.collect::<Result<Vec<_>, _>>().with_context(shown)?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            hasher.update(&(entry.file_name().len() as u64).to_le_bytes());
            hasher.update(entry.file_name().as_bytes());
            take_in(&entry.path(), hasher)?;
        }
        hasher.update(&u64::MAX.to_le_bytes());
    } else {
        bail!("{} is neither a file nor a folder nor a link", path.display());
    }
    Ok(())
}
