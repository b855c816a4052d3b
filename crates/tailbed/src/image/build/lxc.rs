//! An image for LXC: metadata.tar.xz and rootfs.tar.xz, as `lxc-create -t local` takes them, which knows no other compression. Incus and LXD
//! take the same two files and read the metadata's metadata.yaml.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, bail};
use tailbed_plan::recipe::Recipe;
use tar::{Builder, EntryType, Header};

use super::archive;
use super::steps::Steps;
use crate::image::unpack::Root;

/// Lines of the container's configuration that every image has (lxc.container.conf(5)). The template replaces the capital words.
const CONFIG: &str = "lxc.include = LXC_TEMPLATE_CONFIG/common.conf\n";

/// Those of a container without root besides.
const CONFIG_USER: &str = "lxc.include = LXC_TEMPLATE_CONFIG/common.conf\nlxc.include = LXC_TEMPLATE_CONFIG/userns.conf\n";

/// Writes the two archives.
pub(super) fn write(rootfs: &Path, folder: &Path, recipe: &Recipe, steps: &Steps) -> anyhow::Result<()> {
    fs::create_dir(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let metadata = metadata(rootfs, recipe)?;
    compress(&folder.join("metadata.tar.xz"), |output| {
        let mut builder = Builder::new(output);
        for (name, text) in &metadata {
            let mut header = Header::new_ustar();
            header.set_entry_type(EntryType::Regular);
            header.set_mode(0o644);
            header.set_mtime(archive::MADE.unsigned_abs());
            header.set_size(text.len() as u64);
            builder.append_data(&mut header, name, text.as_bytes()).context("cannot write the metadata")?;
        }
        builder.into_inner().context("cannot write the metadata")?.flush().context("cannot write the metadata")
    })?;
    compress(&folder.join("rootfs.tar.xz"), |output| archive::write(rootfs, output, steps))
}

fn metadata(rootfs: &Path, recipe: &Recipe) -> anyhow::Result<Vec<(&'static str, String)>> {
    let architecture = std::env::consts::ARCH;
    // without an init of its own, the container's first process is the recipe's command
    let init = match Root::open(rootfs)?.resolve(Path::new("sbin/init")) {
        Err(_) if !recipe.command.is_empty() => format!("lxc.init.cmd = {}\n", recipe.command.join(" ")),
        _ => String::new(),
    };
    let name = &recipe.name;
    let described = format!(
        "architecture: {architecture}\ncreation_date: {}\nproperties:\n  description: {name}\n  name: {name}\n  os: {name}\n",
        archive::MADE
    );
    Ok(vec![
        ("config", format!("{CONFIG}lxc.arch = {architecture}\n{init}")),
        ("config-user", format!("{CONFIG_USER}lxc.arch = {architecture}\n{init}")),
        ("create-message", format!("You have made a container of the image {name}.\n")),
        ("excludes-user", "dev/*\n".to_owned()),
        ("metadata.yaml", described),
    ])
}

/// Lets something be written through xz. The lowest level is a third larger than the usual and many times faster.
fn compress(path: &Path, write: impl FnOnce(&mut dyn Write) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let file = File::create_new(path).with_context(|| format!("cannot make {}", path.display()))?;
    let mut child = Command::new("xz")
        .args(["--compress", "--stdout", "-0", "--threads=0"])
        .stdin(Stdio::piped())
        .stdout(file)
        .spawn()
        .context("cannot start xz")?;
    let input = child.stdin.take().context("xz has no input")?;
    let mut input = BufWriter::with_capacity(1 << 16, input);
    let written = write(&mut input);
    drop(input);
    let status = child.wait().context("cannot wait for xz")?;
    // xz that gave up explains a pipe that broke
    if !status.success() {
        bail!("cannot write {}: xz ended with {status}", path.display());
    }
    written
}
