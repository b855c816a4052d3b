//! What a system container's root file system is made of: a template's, made once and kept, or an image's.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use tailbed_plan::step::LxcSource;

use super::super::folder::remove_tree;
use super::left::remove_locks;
use super::tools::{self, last_lines, succeed};
use crate::apply::follower::following;

/// A root file system that is never written to, and what its maker says of its configuration.
pub(super) struct Base {
    pub(super) rootfs: PathBuf,
    /// Lines of lxc.container.conf(5).
    pub(super) config: Vec<String>,
}

/// Finds or makes it. `folder` is the container's own, for what is only needed on the way.
pub(super) fn base(source: &LxcSource, folder: &Path) -> anyhow::Result<Base> {
    match source {
        LxcSource::Template { name, options } => template(name, options, folder),
        LxcSource::Image(path) => image(Path::new(path), folder),
    }
}

/// Whether it is there to be made or unpacked.
pub(super) fn look(source: &LxcSource) -> anyhow::Result<()> {
    match source {
        LxcSource::Template { name, .. } => {
            let script = script(name);
            fs::metadata(&script).map(drop).map_err(|error| no_template(name, &script, &error))
        }
        LxcSource::Image(path) => crate::image::look(Path::new(path)),
    }
}

/// Where LXC keeps its templates (lxc-create(1)).
const TEMPLATES: &str = "/usr/share/lxc/templates";

/// Where LXC keeps configuration for its images to include.
const CONFIGURATIONS: &str = "/usr/share/lxc/config";

/// How long a template may take: those of distributions download and unpack some hundred packages.
const PATIENCE: Duration = Duration::from_mins(20);

/// A template's root file system is made once for each text of the template and its options, and kept in the cache: templates of
/// distributions take minutes.
fn template(name: &str, options: &[String], folder: &Path) -> anyhow::Result<Base> {
    let script = script(name);
    let text = fs::read(&script).map_err(|error| no_template(name, &script, &error))?;
    let options_text = options.join("\0");
    let made_from = [text.as_slice(), name.as_bytes(), options_text.as_bytes()];
    let made = crate::image::kept("lxc", &made_from, |place| create(&script, name, options, place, folder))?;
    let made = made.join(NAME);
    let path = made.join("config");
    let config = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(Base { rootfs: made.join("rootfs"), config: config.lines().map(str::to_owned).collect() })
}

/// The file of a template, which is given by its name or its path.
fn script(name: &str) -> PathBuf {
    if name.contains('/') { name.into() } else { Path::new(TEMPLATES).join(format!("lxc-{name}")) }
}

fn no_template(name: &str, script: &Path, error: &std::io::Error) -> anyhow::Error {
    let there = fs::read_dir(TEMPLATES).into_iter().flatten().flatten();
    let mut there: Vec<_> =
        there.filter_map(|entry| entry.file_name().to_str()?.strip_prefix("lxc-").map(str::to_owned)).collect();
    there.sort();
    let there = if there.is_empty() { "none".to_owned() } else { there.join(", ") };
    anyhow::anyhow!(
        "there is no template `{name}` of LXC: {}: {error}; there are: {there} (Debian's package lxc-templates brings more)",
        script.display()
    )
}

/// What every template's container is called while it is made.
const NAME: &str = "template";

/// Runs the template. It gets process ids and mounts of its own, so that all its children and all it mounts go at once with the one
/// process that is tied to ours.
fn create(script: &Path, name: &str, options: &[String], place: &Path, folder: &Path) -> anyhow::Result<()> {
    // without one, LXC would take the host's own default configuration, which names a bridge
    let initial = folder.join("initial");
    fs::write(&initial, "lxc.net.0.type = empty\n").with_context(|| format!("cannot write {}", initial.display()))?;
    let mut command = following("unshare");
    command.args(["--pid", "--fork", "--kill-child", "--mount-proc", "lxc-create", "-B", "dir", "-n", NAME]);
    command.arg("-P").arg(place).arg("-f").arg(&initial).arg("-t").arg(script);
    if !options.is_empty() {
        command.arg("--").args(options);
    }
    let created = succeed(command, &format!("lxc-create with the template `{name}`"), folder, PATIENCE);
    remove_locks(place, NAME);
    created?;
    if !place.join(NAME).join("rootfs").is_dir() {
        bail!("the template `{name}` made no root file system");
    }
    Ok(())
}

/// An image as for containers; one of LXC's brings lines of configuration besides.
fn image(path: &Path, folder: &Path) -> anyhow::Result<Base> {
    // of what `tailbed image build` makes, the form that says what the container's first process is
    let built = path.join("lxc");
    let is_built = path.join("image.json").is_file() && built.is_dir();
    let path = if is_built { &built } else { path };
    let rootfs = crate::image::unpack(path)?.rootfs;
    let metadata = fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.path());
    let metadata = metadata.filter(|path| {
        path.file_name().is_some_and(|name| {
            let name = name.to_string_lossy();
            name.starts_with("metadata.tar") || name.starts_with("meta.tar")
        })
    });
    let mut lines = None;
    if let Some(archive) = metadata.min() {
        lines = configuration(&archive, folder)?;
    }
    let lines = lines.unwrap_or_else(|| vec![format!("lxc.include = {CONFIGURATIONS}/common.conf")]);
    Ok(Base { rootfs, config: lines })
}

/// The configuration in an image's metadata (as `lxc-download` uses it), with its placeholder filled in; `None` when there is none, as in
/// images made for LXD.
fn configuration(archive: &Path, folder: &Path) -> anyhow::Result<Option<Vec<String>>> {
    let place = folder.join("metadata");
    fs::create_dir(&place).with_context(|| format!("cannot make {}", place.display()))?;
    let mut command = following("tar");
    command.arg("-C").arg(&place).arg("-xf").arg(archive);
    let unpacked = tools::run(command, "tar", folder, Duration::from_mins(1))?;
    if !unpacked.status.success() {
        bail!("cannot unpack {}: {}", archive.display(), last_lines(&unpacked.said));
    }
    let text = fs::read_to_string(place.join("config")).ok();
    remove_tree(&place)?;
    Ok(text.map(|text| text.lines().map(|line| line.replace("LXC_TEMPLATE_CONFIG", CONFIGURATIONS)).collect()))
}
