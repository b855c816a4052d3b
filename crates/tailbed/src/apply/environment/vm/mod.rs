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
mod snapshot;
mod threads;

use std::fs::{self, File};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Child;

use anyhow::{Context, anyhow};
use tailbed_format::message::{Command, write_message};
use tailbed_plan::step::{Boot, Kernel, VmSpec};

use super::{Driver, Start, Started, folder};
use crate::apply::cgroup;
use crate::apply::process::Process;
use arguments::Place;
use bundle::Bundle;
use emulator::Emulator;
use qmp::Monitor;

pub(crate) use emulator::{PROGRAM, run_as_emulator};
pub(crate) use kernel::{PACKAGE, find as find_kernel, releases};

/// Where kernels and their modules are looked for.
pub(crate) const ROOT: &str = "/";

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
    fn check(&self) -> anyhow::Result<()> {
        match &self.boot {
            Boot::Kernel { kernel, root, .. } => {
                modules_of(self, kernel)?;
                root.as_ref().map(|root| disk::root_format(Path::new(root))).transpose()?;
            }
            Boot::Disk { image } => disk::format(Path::new(image)).map(drop)?,
        }
        if self.hugepages {
            huge_pages::mount_for(self.memory)?;
        }
        Ok(())
    }

    fn provision(&self) -> anyhow::Result<()> {
        let bundle = Bundle::of(&self.id);
        bundle.make()?;
        match &self.boot {
            Boot::Kernel { kernel, .. } => initramfs::write(&bundle.initramfs(), &modules_of(self, kernel)?, self.memory),
            Boot::Disk { image } => {
                disk::format(Path::new(image))?;
                disk::seed(self, &bundle.seed())
            }
        }
    }

    fn clone_from(&self, from: &str) -> anyhow::Result<()> {
        match &self.boot {
            Boot::Kernel { .. } => snapshot::take(&Bundle::of(from), &Bundle::of(&self.id)),
            // what the other one has written lies in a file of its emulator's; this one writes over the same image
            Boot::Disk { .. } => self.provision(),
        }
    }

    fn remove(&self) -> anyhow::Result<()> {
        folder::remove(&self.id)
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
        let restored = bundle.state().exists();
        let place =
            Place { bundle: &bundle, kernel: kernel.as_deref(), format, restored, huge_pages: huge_pages.as_deref(), vhost };
        let Emulator { mut child, mut agent, monitor } = emulator::spawn(self, arguments::arguments(self, &place), start)?;
        let process = Process::of(child.id());
        let begun =
            bundle.note_emulator(&process).and_then(|()| begin(self, &child, monitor, Some(&bundle).filter(|_| restored)));
        if let Err(error) = begun {
            return Err(failed(&mut child, start, error));
        }
        if restored {
            // the agent inside spoke long ago, to another
            write_message(&mut agent, &Command::Greet).context("the agent's socket is closed")?;
        }
        let output = agent.try_clone().context("cannot share the agent's socket")?;
        Ok(Started { input: Box::new(agent), output: Box::new(output), child: Some(child), init: Some(process) })
    }

    fn stop(&self) -> anyhow::Result<()> {
        Bundle::of(&self.id).end_emulator()
    }

    fn image_size(&self) -> Option<u64> {
        match &self.boot {
            Boot::Kernel { kernel, root, .. } => {
                let kernel = folder::size(&kernel::find(kernel, Path::new(ROOT)).ok()?.image);
                Some(kernel + root.as_ref().map_or(0, |root| folder::size(Path::new(root))))
            }
            Boot::Disk { image } => Some(folder::size(Path::new(image))),
        }
    }

    fn out_of_memory(&self) -> Option<String> {
        let log = fs::read(Bundle::of(&self.id).console()).ok()?;
        console::out_of_memory(&log).then(|| cgroup::ran_out(Some(self.memory)))
    }

    fn last_words(&self) -> Option<String> {
        let console = console::last_words(&fs::read(Bundle::of(&self.id).console()).ok()?);
        let words: Vec<_> = self.out_of_memory().into_iter().chain(console).collect();
        (!words.is_empty()).then(|| words.join("; "))
    }
}

/// Puts the emulator's threads in their places and lets the virtual CPUs run, from the state that a folder holds or from power-on.
fn begin(spec: &VmSpec, child: &Child, monitor: UnixStream, state: Option<&Bundle>) -> anyhow::Result<()> {
    let mut monitor = Monitor::greet(monitor)?;
    let virtual_cpus = qmp::virtual_cpus(&mut monitor)?;
    threads::place(spec, child.id(), &virtual_cpus)?;
    state.map_or(Ok(()), |bundle| snapshot::restore(&mut monitor, bundle))?;
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
