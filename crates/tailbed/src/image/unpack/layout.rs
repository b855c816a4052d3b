//! OCI layouts: index, manifest, configuration, layers, every one checked against its digest before it is used.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use oci_spec::image::{Arch, Descriptor, ImageConfiguration, ImageIndex, ImageManifest, MediaType};
use serde::de::DeserializeOwned;

use super::inside::Root;
use super::{ImageConfig, Unpacked, cached, layer, stream};
use crate::image::cache::Cache;
use crate::image::digest::{self, Hashing};

/// How deep an index may lie in an index.
const DEEPEST: usize = 4;

/// The image of a layout.
pub(super) fn unpack(cache: &Cache, layout: &Path) -> anyhow::Result<Unpacked> {
    let image = Image::read(layout)?;
    cached(cache, &image.digest, |rootfs, _| image.apply(rootfs))
}

/// An image in a layout.
pub(crate) struct Image {
    layout: PathBuf,
    /// Of its manifest, hexadecimal.
    digest: String,
    manifest: ImageManifest,
}

impl Image {
    /// Reads as far as the manifest.
    pub(super) fn read(layout: &Path) -> anyhow::Result<Self> {
        let path = layout.join("index.json");
        let text = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let mut index: ImageIndex = parse(&text, &path)?;
        for _ in 0..DEEPEST {
            let descriptor = choose(&index, &path)?;
            let text = blob(layout, descriptor)?;
            let path = blob_path(layout, descriptor)?;
            // manifests and indices of old tools do not say what they are
            let value: serde_json::Value = parse(&text, &path)?;
            if value.get("manifests").is_some() {
                index = parse(&text, &path)?;
                continue;
            }
            let digest = digest::digits(descriptor.digest().as_ref())?.to_owned();
            return Ok(Self { layout: layout.to_owned(), digest, manifest: parse(&text, &path)? });
        }
        bail!("{} leads through more than {DEEPEST} indices to no image", path.display())
    }

    /// The files of its configuration and of its layers, lowest first, each with its digest in hexadecimal; all are as they should be.
    pub(super) fn files(&self) -> anyhow::Result<Vec<(String, PathBuf)>> {
        let file = |descriptor: &Descriptor| {
            check(&self.layout, descriptor)?;
            let digits = digest::digits(descriptor.digest().as_ref())?.to_owned();
            Ok((digits, blob_path(&self.layout, descriptor)?))
        };
        [self.manifest.config()].into_iter().chain(self.manifest.layers()).map(file).collect()
    }

    /// Fills a root file system with its layers.
    pub(super) fn apply(&self, rootfs: &Path) -> anyhow::Result<ImageConfig> {
        let descriptor = self.manifest.config();
        let path = blob_path(&self.layout, descriptor)?;
        let configuration: ImageConfiguration = parse(&blob(&self.layout, descriptor)?, &path)?;
        let layers = self.manifest.layers().iter().map(|layer| {
            check(&self.layout, layer)?;
            blob_path(&self.layout, layer)
        });
        apply_layers(layers, self.manifest.layers().len(), &configuration, rootfs)?;
        Ok(run_configuration(&configuration))
    }
}

/// Lays layers over each other, lowest first, each checked against the configuration's digest of what it holds.
pub(super) fn apply_layers(
    layers: impl Iterator<Item = anyhow::Result<PathBuf>>,
    count: usize,
    configuration: &ImageConfiguration,
    rootfs: &Path,
) -> anyhow::Result<()> {
    let wanted = configuration.rootfs().diff_ids();
    if wanted.len() != count {
        bail!("the image has {count} layers, its configuration names {}", wanted.len());
    }
    let root = Root::open(rootfs)?;
    for (layer, wanted) in layers.zip(wanted) {
        let layer = layer?;
        let mut reader = Hashing::new(stream::open(&layer)?);
        layer::apply(&mut reader, &root, layer::Kind::Layer).with_context(|| format!("the layer {}", layer.display()))?;
        let found = reader.finish();
        if digest::digits(wanted)? != found {
            bail!("the layer {} holds sha256:{found}, the image's configuration says {wanted}", layer.display());
        }
    }
    Ok(())
}

/// What a configuration says about running the image.
pub(super) fn run_configuration(configuration: &ImageConfiguration) -> ImageConfig {
    let Some(config) = configuration.config() else { return ImageConfig::default() };
    let list = |list: &Option<Vec<String>>| list.clone().unwrap_or_default();
    ImageConfig {
        environment: list(config.env()),
        working_directory: config.working_dir().clone().filter(|folder| !folder.is_empty()),
        entrypoint: list(config.entrypoint()),
        command: list(config.cmd()),
    }
}

/// The one image for this machine. Entries of other kinds, as attestations are, are passed over.
fn choose<'i>(index: &'i ImageIndex, path: &Path) -> anyhow::Result<&'i Descriptor> {
    let kinds = [MediaType::ImageManifest, MediaType::ImageIndex];
    let docker = |kind: &MediaType| kind.to_string().starts_with("application/vnd.docker.distribution.manifest.");
    let images = index.manifests().iter().filter(|entry| kinds.contains(entry.media_type()) || docker(entry.media_type()));
    let here = images
        .clone()
        .filter(|entry| entry.platform().as_ref().is_none_or(|platform| *platform.architecture() == Arch::default()));
    let here: Vec<_> = here.collect();
    match here.as_slice() {
        [only] => Ok(only),
        [] => match images
            .filter_map(|entry| entry.platform().as_ref())
            .map(|platform| platform.architecture().to_string())
            .collect::<Vec<_>>()
        {
            others if others.is_empty() => bail!("{} names no image", path.display()),
            others => bail!("{} has images for {}, none for {}", path.display(), others.join(", "), Arch::default()),
        },
        several => {
            let names: Vec<_> = several.iter().map(|entry| name(entry)).collect();
            bail!("{} names {} images ({}): make a layout of the one you want", path.display(), names.len(), names.join(", "))
        }
    }
}

/// How an image is called in an index, by its tag where it has one.
fn name(entry: &Descriptor) -> String {
    let tag = entry.annotations().as_ref().and_then(|annotations| annotations.get("org.opencontainers.image.ref.name"));
    tag.cloned().unwrap_or_else(|| entry.digest().to_string())
}

/// Where a blob lies (OCI image specification, image-layout.md, "Blobs").
fn blob_path(layout: &Path, descriptor: &Descriptor) -> anyhow::Result<PathBuf> {
    let digits = digest::digits(descriptor.digest().as_ref())?;
    // an archive may hold a link there
    Root::open(layout)?.resolve(&Path::new("blobs/sha256").join(digits))
}

/// A small blob, whole.
fn blob(layout: &Path, descriptor: &Descriptor) -> anyhow::Result<Vec<u8>> {
    check(layout, descriptor)?;
    let path = blob_path(layout, descriptor)?;
    fs::read(&path).with_context(|| format!("cannot read {}", path.display()))
}

/// A blob is what its descriptor says.
fn check(layout: &Path, descriptor: &Descriptor) -> anyhow::Result<()> {
    let path = blob_path(layout, descriptor)?;
    let size = fs::metadata(&path).with_context(|| format!("cannot read {}", path.display()))?.len();
    if size != descriptor.size() {
        bail!("{} is garbled or cut short: it has {size} bytes where {} are announced", path.display(), descriptor.size());
    }
    let found = digest::of_file(&path)?;
    if digest::digits(descriptor.digest().as_ref())? != found {
        bail!("{} is garbled: its content has the digest sha256:{found}", path.display());
    }
    Ok(())
}

/// Reads JSON; `path` is where it comes from.
pub(super) fn parse<T: DeserializeOwned>(text: &[u8], path: &Path) -> anyhow::Result<T> {
    serde_json::from_slice(text).map_err(io::Error::from).with_context(|| format!("{} is garbled", path.display()))
}
