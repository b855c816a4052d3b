//! Environments of the kind `vm`: virtual machines of QEMU, started by ourselves and spoken to over its monitor.
//!
//! QEMU starts with its virtual CPUs stopped, so that its threads are in their places before the guest's first instruction. The agent's
//! stream is a virtio serial port. Nothing of a machine outlives it but its folder, which taking back removes.

mod arguments;
mod bundle;
mod console;
mod disk;
mod elf;
mod emulator;
mod huge_pages;
mod initramfs;
mod kernel;
mod modules;
mod qmp;
mod threads;

use std::fs::{self, File};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Child;

use anyhow::{Context, anyhow};
use tailbed_plan::step::{Boot, Kernel, VmSpec};

use super::{Driver, Start, Started};
use crate::apply::process::Process;
use arguments::Place;
use bundle::Bundle;
use emulator::Emulator;
use qmp::Monitor;

pub(crate) use emulator::{PROGRAM, run_as_emulator};
pub(crate) use kernel::{PACKAGE, find as find_kernel};

/// Where kernels and their modules are looked for.
pub(crate) const ROOT: &str = "/";

/// Whether this host has what a machine is made of, before anything is touched.
pub(crate) fn check(spec: &VmSpec) -> anyhow::Result<()> {
    match &spec.boot {
        Boot::Kernel { kernel, root, .. } => {
            modules_of(spec, kernel)?;
            root.as_ref().map(|root| disk::root_format(Path::new(root))).transpose()?;
        }
        Boot::Disk { image } => disk::format(Path::new(image)).map(drop)?,
    }
    if spec.hugepages {
        huge_pages::mount_for(spec.memory)?;
    }
    Ok(())
}

/// The modules that a machine's kernel needs.
fn modules_of(spec: &VmSpec, kernel: &Kernel) -> anyhow::Result<Vec<PathBuf>> {
    let kernel = kernel::find(kernel, Path::new(ROOT))?;
    modules::files(&kernel.release, &modules::wanted(spec.machine, has_root(spec)), Path::new(ROOT))
}

/// Whether the guest's root file system lies on a disk that we attach.
fn has_root(spec: &VmSpec) -> bool {
    matches!(spec.boot, Boot::Kernel { root: Some(_), .. })
}

impl Driver for VmSpec {
    fn provision(&self) -> anyhow::Result<()> {
        let bundle = Bundle::of(&self.id);
        bundle.make()?;
        match &self.boot {
            Boot::Kernel { kernel, .. } => initramfs::write(&bundle.initramfs(), &modules_of(self, kernel)?),
            Boot::Disk { image } => {
                disk::format(Path::new(image))?;
                disk::seed(self, &bundle.seed())
            }
        }
    }

    fn remove(&self) -> anyhow::Result<()> {
        Bundle::of(&self.id).remove()
    }

    fn start(&self, start: &Start<'_>) -> anyhow::Result<Started> {
        let bundle = Bundle::of(&self.id);
        if let Some(folder) = start.logs {
            bundle.log_console_to(&folder.join(format!("console-{}.log", start.node)))?;
        }
        let kernel = match &self.boot {
            Boot::Kernel { kernel, .. } => Some(kernel::find(kernel, Path::new(ROOT))?.image),
            Boot::Disk { .. } => None,
        };
        let format = match &self.boot {
            Boot::Kernel { root: None, .. } => "",
            Boot::Kernel { root: Some(root), .. } => disk::root_format(Path::new(root))?,
            Boot::Disk { image } => disk::format(Path::new(image))?,
        };
        let huge_pages = self.hugepages.then(|| huge_pages::mount_for(self.memory)).transpose()?;
        let vhost = File::options().read(true).write(true).open("/dev/vhost-net").is_ok();
        let place = Place { bundle: &bundle, kernel: kernel.as_deref(), format, huge_pages: huge_pages.as_deref(), vhost };
        let Emulator { mut child, agent, monitor } = emulator::spawn(self, arguments::arguments(self, &place), start)?;
        let process = Process::of(child.id());
        let begun = bundle.note_emulator(&process).and_then(|()| begin(self, &child, monitor));
        if let Err(error) = begun {
            return Err(failed(&mut child, start, error));
        }
        let output = agent.try_clone().context("cannot share the agent's socket")?;
        Ok(Started { input: Box::new(agent), output: Box::new(output), child: Some(child), init: Some(process) })
    }

    fn stop(&self) -> anyhow::Result<()> {
        Bundle::of(&self.id).end_emulator()
    }

    fn last_words(&self) -> Option<String> {
        console::last_words(&fs::read(Bundle::of(&self.id).console()).ok()?)
    }
}

/// Puts the emulator's threads in their places and lets the virtual CPUs run.
fn begin(spec: &VmSpec, child: &Child, monitor: UnixStream) -> anyhow::Result<()> {
    let mut monitor = Monitor::greet(monitor)?;
    let virtual_cpus = qmp::virtual_cpus(&mut monitor)?;
    threads::place(spec, child.id(), &virtual_cpus)?;
    monitor.execute("cont").map(drop)
}

/// Ends an emulator that has not begun; the error is what it said itself, where it said something.
fn failed(child: &mut Child, start: &Start<'_>, error: anyhow::Error) -> anyhow::Error {
    child.kill().ok();
    let status = child.wait().map_or_else(|error| error.to_string(), |status| status.to_string());
    let said = start.log().and_then(|log| fs::read_to_string(log).ok()).unwrap_or_default();
    let said = said.trim();
    if said.is_empty() { error.context(format!("{PROGRAM} does not start ({status})")) } else { anyhow!("{said}") }
}
