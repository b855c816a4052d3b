//! An image as an OCI layout (OCI image specification 1.1) of one layer.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use anyhow::{Context, anyhow};
use flate2::Compression;
use flate2::write::GzEncoder;
use oci_spec::image::{
    Arch, ConfigBuilder, Descriptor, Digest, ImageConfigurationBuilder, ImageIndexBuilder, ImageManifestBuilder, MediaType, Os,
    PlatformBuilder, RootFsBuilder,
};
use serde::Serialize;
use tailbed_plan::recipe::Recipe;

use super::archive;
use super::steps::Steps;
use crate::image::digest::{self, Hasher};

/// A layer's digests.
pub(super) struct Layer {
    /// Of the file, hexadecimal.
    compressed: String,
    /// Of the archive in it.
    plain: String,
}

/// Computes the digest of what is written through it.
struct Hashing<W> {
    inner: W,
    hasher: Hasher,
}

impl<W> Hashing<W> {
    fn new(inner: W) -> Self {
        Self { inner, hasher: Hasher::default() }
    }
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.inner.write(bytes)?;
        self.hasher.update(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Writes a root file system as tar+gzip, which every engine reads.
pub(super) fn write_layer(rootfs: &Path, path: &Path, steps: &Steps) -> anyhow::Result<Layer> {
    let cannot = || format!("cannot write {}", path.display());
    let file = File::create_new(path).with_context(cannot)?;
    let compressed = Hashing::new(BufWriter::with_capacity(1 << 16, file));
    let mut plain = Hashing::new(GzEncoder::new(compressed, Compression::default()));
    archive::write(rootfs, &mut plain, steps)?;
    let mut compressed = plain.inner.finish().with_context(cannot)?;
    compressed.flush().with_context(cannot)?;
    Ok(Layer { compressed: compressed.hasher.finish(), plain: plain.hasher.finish() })
}

/// Writes the layout around a layer; the layer itself is another name of the file, so that it is stored once.
pub(super) fn write_layout(folder: &Path, layer_path: &Path, layer: &Layer, recipe: &Recipe) -> anyhow::Result<()> {
    let blobs = folder.join("blobs/sha256");
    fs::create_dir_all(&blobs).with_context(|| format!("cannot make {}", blobs.display()))?;
    let place = blobs.join(&layer.compressed);
    fs::hard_link(layer_path, &place).with_context(|| format!("cannot make {}", place.display()))?;
    let size = fs::metadata(&place).with_context(|| format!("cannot look at {}", place.display()))?.len();
    let layer_descriptor = Descriptor::new(MediaType::ImageLayerGzip, size, name(&layer.compressed)?);

    let mut variables: Vec<String> = recipe.environment.iter().map(|(name, value)| format!("{name}={value}")).collect();
    if !recipe.environment.contains_key("PATH") {
        variables.insert(0, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".to_owned());
    }
    let mut config = ConfigBuilder::default().env(variables).working_dir("/");
    if !recipe.command.is_empty() {
        config = config.cmd(recipe.command.clone());
    }
    let root = RootFsBuilder::default().typ("layers").diff_ids(vec![format!("sha256:{}", layer.plain)]).build()?;
    let configuration = ImageConfigurationBuilder::default()
        .architecture(Arch::default())
        .os(Os::Linux)
        .config(config.build()?)
        .rootfs(root)
        .build()?;
    let configuration = write_blob(&blobs, MediaType::ImageConfig, &configuration)?;
    let manifest = ImageManifestBuilder::default()
        .schema_version(2_u32)
        .media_type(MediaType::ImageManifest)
        .config(configuration)
        .layers(vec![layer_descriptor])
        .build()?;
    let mut manifest = write_blob(&blobs, MediaType::ImageManifest, &manifest)?;
    manifest.set_platform(Some(PlatformBuilder::default().architecture(Arch::default()).os(Os::Linux).build()?));
    let tag = ("org.opencontainers.image.ref.name".to_owned(), recipe.name.clone());
    manifest.set_annotations(Some([tag].into()));
    let index =
        ImageIndexBuilder::default().schema_version(2_u32).media_type(MediaType::ImageIndex).manifests(vec![manifest]).build()?;
    write(&folder.join("index.json"), &to_json(&index)?)?;
    write(&folder.join("oci-layout"), b"{\"imageLayoutVersion\":\"1.0.0\"}")
}

fn write_blob(blobs: &Path, kind: MediaType, content: &impl Serialize) -> anyhow::Result<Descriptor> {
    let bytes = to_json(content)?;
    let digits = digest::of(&bytes);
    write(&blobs.join(&digits), &bytes)?;
    Ok(Descriptor::new(kind, bytes.len() as u64, name(&digits)?))
}

/// Through a value whose keys are in order: maps of the library have none, and the digest must not depend on it.
fn to_json(content: &impl Serialize) -> anyhow::Result<Vec<u8>> {
    Ok(serde_json::to_vec(&serde_json::to_value(content)?)?)
}

fn name(digits: &str) -> anyhow::Result<Digest> {
    format!("sha256:{digits}").parse().map_err(|error| anyhow!("{digits} is no digest: {error}"))
}

fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))
}
