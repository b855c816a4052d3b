//! Archives as `docker save` writes them: manifest.json names a configuration and the layers, each a file in the archive
//! (Docker image specification v1.2, "Combined Image JSON + Filesystem Changeset Format").

use std::fs;
use std::path::Path;

use anyhow::{Context, bail};
use oci_spec::image::ImageConfiguration;
use serde::Deserialize;

use super::ImageConfig;
use super::inside::Root;
use super::layout::{apply_layers, parse, run_configuration};

/// An image in manifest.json.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Saved {
    config: String,
    #[serde(default)]
    repo_tags: Option<Vec<String>>,
    layers: Vec<String>,
}

/// Fills a root file system from an unpacked archive.
pub(super) fn apply(archive: &Path, rootfs: &Path) -> anyhow::Result<ImageConfig> {
    let path = archive.join("manifest.json");
    let text = fs::read(&path).context("cannot read its manifest.json")?;
    let mut images: Vec<Saved> = parse(&text, Path::new("its manifest.json"))?;
    let image = match images.as_mut_slice() {
        [only] => only,
        [] => bail!("its manifest.json names no image"),
        several => {
            let names: Vec<_> = several.iter_mut().flat_map(|image| image.repo_tags.take().unwrap_or_default()).collect();
            bail!("it holds {} images ({}): save the one you want", several.len(), names.join(", "));
        }
    };
    let root = Root::open(archive)?;
    let path = root.resolve(Path::new(&image.config))?;
    let text = fs::read(&path).with_context(|| format!("cannot read its {}", image.config))?;
    let configuration: ImageConfiguration = parse(&text, Path::new(&image.config))?;
    // a layer used twice is a link to its first occurrence
    let layers = image.layers.iter().map(|layer| root.resolve(Path::new(layer)));
    apply_layers(layers, image.layers.len(), &configuration, rootfs)?;
    Ok(run_configuration(&configuration))
}
