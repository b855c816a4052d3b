//! A layout as an archive as `docker save` writes it, which every engine loads: manifest.json, a configuration and the layers
//! (Docker image specification v1.2, "Combined Image JSON + Filesystem Changeset Format").

use std::fs::File;
use std::io::Write;

use anyhow::Context;
use serde_json::json;
use tar::{Builder, Header};

use super::layout::Image;

impl Image {
    /// Writes the archive. The layers go into it as they are, compressed or not: the engine looks.
    ///
    /// # Errors
    /// When a file of the layout is not there or not what its digest says, or when the archive cannot be written.
    pub(crate) fn save(&self, out: impl Write) -> anyhow::Result<()> {
        let files = self.files()?;
        let entries = files.iter().enumerate().map(|(number, (digits, path))| {
            // the first is the configuration
            let ending = if number == 0 { "json" } else { "tar" };
            (format!("{digits}.{ending}"), path)
        });
        let entries: Vec<_> = entries.collect();
        let names: Vec<_> = entries.iter().map(|(name, _)| name).collect();
        let (config, layers) = names.split_first().context("the image has no configuration")?;
        let manifest = json!([{ "Config": config, "RepoTags": null, "Layers": layers }]).to_string();
        let mut archive = Builder::new(out);
        let header = |size: u64| {
            let mut header = Header::new_gnu();
            header.set_mode(0o644);
            header.set_size(size);
            header
        };
        for (name, path) in &entries {
            let cannot = || format!("cannot read {}", path.display());
            let file = File::open(path).with_context(cannot)?;
            let size = file.metadata().with_context(cannot)?.len();
            archive.append_data(&mut header(size), name, file).context("cannot write the archive")?;
        }
        let size = manifest.len() as u64;
        archive.append_data(&mut header(size), "manifest.json", manifest.as_bytes()).context("cannot write the archive")?;
        archive.into_inner().and_then(|mut out| out.flush()).context("cannot write the archive")
    }
}
