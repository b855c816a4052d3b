//! The folder of a virtual machine on the host: what it boots, its console, and who runs it.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::apply::environment::folder::{folder, remove_file};
use crate::apply::process::{self, Process};

/// The folder of one.
pub(super) struct Bundle(PathBuf);

impl Bundle {
    pub(super) fn of(id: &str) -> Self {
        Self(folder(id))
    }

    /// What a kernel that is booted directly unpacks.
    pub(super) fn initramfs(&self) -> PathBuf {
        self.0.join("initramfs")
    }

    /// The files of the second disk, by which an image is told what to start.
    pub(super) fn seed(&self) -> PathBuf {
        self.0.join("seed")
    }

    /// All that the console has printed.
    pub(super) fn console(&self) -> PathBuf {
        self.0.join("console.log")
    }

    /// The socket by which one can type at the console.
    pub(super) fn console_socket(&self) -> PathBuf {
        self.0.join("console.sock")
    }

    /// The socket of the monitor for those who come later than its start.
    pub(super) fn monitor_socket(&self) -> PathBuf {
        self.0.join("monitor.sock")
    }

    /// The state of another machine that this one goes on from.
    pub(super) fn state(&self) -> PathBuf {
        self.0.join("state")
    }

    /// Which process is the emulator.
    fn emulator(&self) -> PathBuf {
        self.0.join("emulator.json")
    }

    pub(super) fn make(&self) -> anyhow::Result<()> {
        fs::create_dir_all(&self.0).with_context(|| format!("cannot make {}", self.0.display()))
    }

    /// Has the console's log written into a file that outlives the machine.
    pub(super) fn log_console_to(&self, log: &Path) -> anyhow::Result<()> {
        let log = std::path::absolute(log)?;
        remove_file(&self.console())?;
        symlink(&log, self.console()).with_context(|| format!("cannot have the console logged to {}", log.display()))
    }

    /// Notes who runs the machine, for whoever ends it from another process.
    pub(super) fn note_emulator(&self, process: &Process) -> anyhow::Result<()> {
        let path = self.emulator();
        fs::write(&path, serde_json::to_vec(process)?).with_context(|| format!("cannot write {}", path.display()))
    }

    /// Ends the emulator, if it runs.
    pub(super) fn end_emulator(&self) -> anyhow::Result<()> {
        let path = self.emulator();
        // never started, or killed before it was noted: then it ends with its parent
        let noted = fs::read(&path).ok().and_then(|text| serde_json::from_slice(&text).ok());
        if let Some(Process { pid, started: started @ Some(_) }) = noted {
            process::end(pid, started)?;
        }
        [path, self.console_socket(), self.monitor_socket()].iter().try_for_each(|path| remove_file(path))
    }
}
