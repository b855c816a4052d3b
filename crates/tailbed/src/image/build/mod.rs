//! `tailbed image build`: one recipe becomes a root file system, an OCI layout, an LXC image and a virtual machine's disk.

mod archive;
mod chroot;
mod contents;
mod debian;
mod disk;
mod inputs;
mod lxc;
mod needs;
mod oci;
mod publish;
mod steps;
#[cfg(test)]
mod tests;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context;
use serde::Serialize;
use tailbed_plan::Source;
use tailbed_plan::recipe::{self, Base, Recipe};

pub(super) use contents::{ImageFile, bytes, space};

use self::contents::Forms;
use self::inputs::Inputs;
use self::steps::{Steps, Stopped};
use super::cache::{Cache, remove_tree};
use crate::cli::{BuildArguments, Form};
use crate::failure::Failure;
use crate::{colour, print, user_namespace};

/// The compressed root file system, which is also the layer of the OCI layout.
const ROOTFS: &str = "rootfs.tar.gz";

/// The virtual machine's disk.
const DISK: &str = "vm.qcow2";

/// What a build says about itself with `--json`.
#[derive(Serialize)]
struct Answer<'a> {
    /// Where it lies.
    path: &'a Path,
    /// It was made before, of the same recipe and inputs.
    cached: bool,
    /// How long it took, s.
    seconds: f64,
    image: &'a ImageFile,
}

/// Builds an image, or takes it from the cache.
pub(super) fn build(arguments: &BuildArguments) -> Result<(), Failure> {
    let began = Instant::now();
    let recipe = read(&arguments.recipe)?;
    let out = publish::place(arguments.out.as_deref(), &recipe.name)?;
    let forms: Vec<Form> = Form::ALL.into_iter().filter(|form| !arguments.without.contains(form)).collect();
    needs::check(&recipe, &forms)?;
    if !rustix::process::geteuid().is_root() {
        user_namespace::enter()?;
    }
    // modes of what is made do not depend on who makes it
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));
    let stop = crate::run::watch()?;
    let inputs = Inputs::gather(&recipe, &arguments.recipe, arguments.mirror.as_deref(), &forms)?;
    let cache = Cache::builds()?;
    if arguments.fresh && cache.get(&inputs.digest).is_some() {
        cache.remove(&inputs.digest)?;
    }
    let made = cache.get_or_make(&inputs.digest, |temporary| {
        make(temporary, &recipe, &inputs, &forms, &mut Steps::new(count(&recipe, &forms), stop))
    });
    let (folder, cached) = made.map_err(|error| match error.downcast_ref::<Stopped>() {
        Some(stopped) => Failure::Interrupted(stopped.to_string()),
        None => Failure::Failed(error.context(format!("cannot build the image {}", recipe.name))),
    })?;
    publish::publish(&folder, &out)?;
    let image = ImageFile::read(&out)?;
    let seconds = began.elapsed().as_secs_f64();
    if arguments.json {
        let answer = Answer { path: &out, cached, seconds, image: &image };
        return print(&(serde_json::to_string_pretty(&answer).map_err(anyhow::Error::from)? + "\n"));
    }
    print(&image.describe(&out, cached, seconds))
}

fn read(path: &Path) -> Result<Recipe, Failure> {
    let text =
        fs::read(path).map_err(|error| Failure::File(format!("error: cannot read the recipe {}: {error}", path.display())))?;
    let name = path.display().to_string();
    recipe::read(&Source { name: &name, text: &text }).map_err(|error| Failure::File(error.render(colour())))
}

/// How many steps [`make`] takes.
fn count(recipe: &Recipe, forms: &[Form]) -> usize {
    // base, tidying, root file system with OCI layout
    3 + usize::from(!recipe.packages.is_empty())
        + usize::from(!recipe.files.is_empty())
        + usize::from(recipe.script.is_some())
        + forms.len()
}

/// Makes an image in a folder.
fn make(folder: &Path, recipe: &Recipe, inputs: &Inputs, forms: &[Form], steps: &mut Steps) -> anyhow::Result<()> {
    let work = folder.join("work");
    let rootfs = work.join("rootfs");
    fs::create_dir_all(&rootfs).with_context(|| format!("cannot make {}", rootfs.display()))?;
    fill(&rootfs, &work, recipe, inputs, steps)?;
    steps.begin("root file system and OCI layout")?;
    let layer = oci::write_layer(&rootfs, &folder.join(ROOTFS), steps)?;
    oci::write_layout(&folder.join("oci"), &folder.join(ROOTFS), &layer, recipe)?;
    if forms.contains(&Form::Lxc) {
        steps.begin("LXC image")?;
        lxc::write(&rootfs, &folder.join("lxc"), recipe, steps)?;
    }
    if forms.contains(&Form::Vm) {
        steps.begin("virtual machine's disk")?;
        disk::write(&rootfs, &work, &folder.join(DISK), &inputs.digest, steps)?;
    }
    let software = debian::installed(&rootfs)?;
    remove_tree(&work).with_context(|| format!("cannot remove {}", work.display()))?;
    ImageFile::new(recipe, inputs, Forms::measure(folder)?, software).write(folder)?;
    steps.finish();
    Ok(())
}

/// Fills the root file system as the recipe says.
fn fill(rootfs: &Path, work: &Path, recipe: &Recipe, inputs: &Inputs, steps: &mut Steps) -> anyhow::Result<()> {
    let since = archive::Since::now()?;
    match &recipe.base {
        Base::Scratch => {
            steps.begin("this program")?;
            contents::put(rootfs, "/tailbed", &inputs.binary, steps)?;
        }
        Base::Debian { suite } => {
            steps.begin(&format!("Debian {suite}, a minute or more"))?;
            debian::bootstrap(rootfs, suite, &inputs.sources, steps)?;
        }
        Base::Image { path } => {
            steps.begin(&format!("copy of {path}"))?;
            contents::copy_image(&inputs.base_rootfs()?, rootfs, work, steps)?;
        }
    }
    if !recipe.packages.is_empty() {
        steps.begin(&format!("packages: {}", recipe.packages.join(" ")))?;
        debian::install(rootfs, work, &recipe.packages, steps)?;
    }
    if !recipe.files.is_empty() {
        steps.begin("files")?;
        for (inside, source) in &inputs.files {
            contents::put(rootfs, inside, source, steps)?;
        }
    }
    if let Some(script) = &recipe.script {
        steps.begin("script")?;
        chroot::script(rootfs, work, script, &recipe.environment, steps)?;
    }
    steps.begin("tidying")?;
    if !recipe.packages.is_empty() || matches!(recipe.base, Base::Debian { .. }) {
        debian::tidy(rootfs, &recipe.name)?;
    }
    contents::mount_points(rootfs)?;
    archive::settle(rootfs, &since)
}

/// A path beside the recipe.
fn beside(recipe: &Path, path: &str) -> PathBuf {
    recipe.parent().unwrap_or(Path::new("")).join(path)
}
