//! What lies in an image, and in its output folder.

use std::collections::BTreeMap;
use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use tailbed_plan::recipe::{Base, Recipe};

use super::debian::Software;
use super::inputs::Inputs;
use super::steps::Steps;
use super::{DISK, ROOTFS, archive};
use crate::image::unpack::{Kind, Root, apply};

/// `image.json`: what the image is, and what it was made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::image) struct ImageFile {
    /// The recipe's name for it.
    pub(in crate::image) name: String,
    /// Of the recipe and all it was made from, `sha256:…`.
    digest: String,
    base: String,
    /// What each part was made from.
    inputs: BTreeMap<String, String>,
    command: Vec<String>,
    environment: BTreeMap<String, String>,
    forms: Forms,
    /// Debian packages in it.
    software: Vec<Software>,
}

/// The forms of an image. A file that belongs to two of them is stored once and counted in each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::image) struct Forms {
    rootfs: Space,
    oci: Space,
    #[serde(skip_serializing_if = "Option::is_none")]
    lxc: Option<Space>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vm: Option<Space>,
}

/// What a file, or all files of a folder, take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(in crate::image) struct Space {
    /// Their sizes, bytes.
    bytes: u64,
    /// The blocks that hold them, bytes.
    pub(in crate::image) on_disk: u64,
}

impl Forms {
    /// Measures those there are.
    pub(super) fn measure(folder: &Path) -> anyhow::Result<Self> {
        let optional = |name: &str| {
            let path = folder.join(name);
            if path.exists() { space(&path).map(Some) } else { Ok(None) }
        };
        Ok(Self {
            rootfs: space(&folder.join(ROOTFS))?,
            oci: space(&folder.join("oci"))?,
            lxc: optional("lxc")?,
            vm: optional(DISK)?,
        })
    }
}

impl ImageFile {
    /// Of an image just made.
    pub(super) fn new(recipe: &Recipe, inputs: &Inputs, forms: Forms, software: Vec<Software>) -> Self {
        let base = match &recipe.base {
            Base::Scratch => "scratch".to_owned(),
            Base::Debian { suite } => format!("debian:{suite}"),
            Base::Image { path } => path.clone(),
        };
        Self {
            name: recipe.name.clone(),
            digest: format!("sha256:{}", inputs.digest),
            base,
            inputs: inputs.digests.clone(),
            command: recipe.command.clone(),
            environment: recipe.environment.clone(),
            forms,
            software,
        }
    }

    /// Writes it; it comes last.
    pub(super) fn write(&self, folder: &Path) -> anyhow::Result<()> {
        let path = folder.join("image.json");
        let text = serde_json::to_string_pretty(self)? + "\n";
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
    }

    /// Reads that of an image's folder.
    pub(in crate::image) fn read(folder: &Path) -> anyhow::Result<Self> {
        let path = folder.join("image.json");
        let text = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        serde_json::from_slice(&text).with_context(|| format!("{} does not describe an image", path.display()))
    }

    /// For people.
    pub(super) fn describe(&self, path: &Path, cached: bool, seconds: f64) -> String {
        let how = if cached { "cached, taken" } else { "built" };
        let mut text = format!("{} {how} in {seconds:.1} s\n{}\n", path.display(), self.digest);
        let Forms { rootfs, oci, lxc, vm } = self.forms;
        let forms = [(ROOTFS, Some(rootfs)), ("oci/", Some(oci)), ("lxc/", lxc), (DISK, vm)];
        for (name, space) in forms.into_iter().filter_map(|(name, space)| Some((name, space?))) {
            text.extend([format!("  {name:<14} {:>10} on disk\n", bytes(space.on_disk))]);
        }
        if !self.software.is_empty() {
            text.extend([format!("  {} Debian packages, listed in image.json\n", self.software.len())]);
        }
        text
    }
}

/// The space of a file or folder.
pub(in crate::image) fn space(path: &Path) -> anyhow::Result<Space> {
    let metadata = fs::symlink_metadata(path).with_context(|| format!("cannot look at {}", path.display()))?;
    if !metadata.is_dir() {
        // a block of stat(2) has 512 bytes
        return Ok(Space { bytes: metadata.size(), on_disk: metadata.blocks() * 512 });
    }
    let mut sum = Space { bytes: 0, on_disk: metadata.blocks() * 512 };
    for entry in fs::read_dir(path).with_context(|| format!("cannot list {}", path.display()))? {
        let inner = space(&entry.with_context(|| format!("cannot list {}", path.display()))?.path())?;
        sum.bytes += inner.bytes;
        sum.on_disk += inner.on_disk;
    }
    Ok(sum)
}

/// `12.3 MiB`.
pub(in crate::image) fn bytes(count: u64) -> String {
    let mut value = count as f64;
    for unit in ["B", "KiB", "MiB"] {
        if value < 1024.0 {
            return if unit == "B" { format!("{count} B") } else { format!("{value:.1} {unit}") };
        }
        value /= 1024.0;
    }
    format!("{value:.1} GiB")
}

/// Puts a file or folder of the host's inside, owned by root.
pub(super) fn put(rootfs: &Path, inside: &str, source: &Path, steps: &Steps) -> anyhow::Result<()> {
    let root = Root::open(rootfs)?;
    let place = root.place(Path::new(inside.trim_start_matches('/')))?.context("it has no name inside")?;
    let source = fs::canonicalize(source).with_context(|| format!("cannot read {}", source.display()))?;
    copy(&source, &place, steps)
}

fn copy(source: &Path, place: &Path, steps: &Steps) -> anyhow::Result<()> {
    steps.go_on()?;
    let cannot = || format!("cannot copy {} to {}", source.display(), place.display());
    let metadata = fs::symlink_metadata(source).with_context(cannot)?;
    if !metadata.is_dir() {
        match fs::remove_file(place) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error).with_context(cannot),
            _ => {}
        }
    }
    if metadata.is_symlink() {
        return symlink(fs::read_link(source).with_context(cannot)?, place).with_context(cannot);
    }
    if metadata.is_file() {
        fs::copy(source, place).with_context(cannot)?;
    } else if metadata.is_dir() {
        match fs::create_dir(place) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error).with_context(cannot),
            _ => {}
        }
        for entry in fs::read_dir(source).with_context(cannot)? {
            let entry = entry.with_context(cannot)?;
            copy(&entry.path(), &place.join(entry.file_name()), steps)?;
        }
    } else {
        bail!("{}: it is neither a file nor a folder nor a link", cannot());
    }
    fs::set_permissions(place, Permissions::from_mode(metadata.mode() & 0o7777)).with_context(cannot)
}

/// Copies another image's root file system, through an archive: that keeps links, owners, modes and capabilities.
pub(super) fn copy_image(from: &Path, rootfs: &Path, work: &Path, steps: &Steps) -> anyhow::Result<()> {
    let path: PathBuf = work.join("base.tar");
    let file = File::create_new(&path).with_context(|| format!("cannot make {}", path.display()))?;
    archive::write(from, io::BufWriter::with_capacity(1 << 16, file), steps)?;
    let file = File::open(&path).with_context(|| format!("cannot open {}", path.display()))?;
    apply(io::BufReader::with_capacity(1 << 16, file), &Root::open(rootfs)?, Kind::Whole)?;
    fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))
}

/// Folders that every root file system needs for others to be mounted on. Nothing of the build's own may be in them.
pub(super) fn mount_points(rootfs: &Path) -> anyhow::Result<()> {
    for (name, mode) in [("dev", 0o755), ("proc", 0o555), ("sys", 0o555), ("tmp", 0o1777)] {
        let path = rootfs.join(name);
        match fs::create_dir(&path) {
            Ok(()) => fs::set_permissions(&path, Permissions::from_mode(mode))?,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error).with_context(|| format!("cannot make {}", path.display())),
        }
    }
    // device nodes come from whoever runs the image
    let dev = rootfs.join("dev");
    if fs::symlink_metadata(&dev)?.is_dir() {
        for entry in fs::read_dir(&dev)?.flatten() {
            crate::image::cache::remove_tree(&entry.path())
                .with_context(|| format!("cannot remove {}", entry.path().display()))?;
        }
    }
    Ok(())
}
