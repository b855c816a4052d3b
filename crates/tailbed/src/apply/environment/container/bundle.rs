//! A container's folder on the host: the bundle of the OCI runtime specification and what belongs to it.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::order::Image;
use crate::apply::environment::folder::{FOLDER, folder, remove_file, remove_tree};
use crate::apply::process::Process;

/// The bundle of one container.
pub(super) struct Bundle {
    folder: PathBuf,
}

impl Bundle {
    /// By the container's id.
    pub(super) fn of(id: &str) -> Self {
        Self { folder: folder(id) }
    }

    /// The folder itself.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// A root file system that holds nothing but mount points; where it is shown as it is.
    pub(super) fn base(&self) -> PathBuf {
        self.folder.join("base")
    }

    /// Where layers are joined to a root file system, in the shim's mount namespace only.
    pub(super) fn rootfs(&self) -> PathBuf {
        self.folder.join("rootfs")
    }

    /// Memory of the shim's mount namespace: what is written in the container, and what is passed into it.
    pub(super) fn private(&self) -> PathBuf {
        self.folder.join("private")
    }

    /// Where the runtime keeps its state.
    pub(super) fn state(&self) -> PathBuf {
        self.folder.join("state")
    }

    /// Where a container without control groups gets a root of its own to start from.
    pub(super) fn private_root(&self) -> PathBuf {
        let mut name = self.folder.as_os_str().to_owned();
        name.push(".root");
        name.into()
    }

    /// Makes the bundle.
    pub(super) fn make(&self, image: Option<&Image>) -> anyhow::Result<()> {
        for folder in [self.base(), self.rootfs(), self.private()] {
            fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        }
        // others than root must get through, whatever the umask: root of a user namespace is one of them
        for folder in [Path::new(FOLDER), &self.folder, &self.base(), &self.rootfs(), &self.private()] {
            fs::set_permissions(folder, fs::Permissions::from_mode(0o755))?;
        }
        self.write("image.json", &image)
    }

    /// What was unpacked when the bundle was made.
    pub(super) fn image(&self) -> anyhow::Result<Option<Image>> {
        self.read("image.json")
    }

    /// Writes a file of the bundle.
    pub(super) fn write(&self, name: &str, content: &impl Serialize) -> anyhow::Result<()> {
        let path = self.folder.join(name);
        fs::write(&path, serde_json::to_vec_pretty(content)?).with_context(|| format!("cannot write {}", path.display()))
    }

    /// Reads a file of the bundle.
    pub(super) fn read<T: DeserializeOwned>(&self, name: &str) -> anyhow::Result<T> {
        let path = self.folder.join(name);
        let text = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        serde_json::from_slice(&text).with_context(|| format!("cannot understand {}", path.display()))
    }

    /// The container's first process, as far as it came that one was started.
    pub(super) fn init(&self) -> Option<Process> {
        self.read(INIT).ok()
    }

    /// Keeps which process is the container's first.
    pub(super) fn keep_init(&self, init: &Process) -> anyhow::Result<()> {
        self.write(INIT, init)
    }

    /// Removes what one start leaves for the next to stumble over.
    pub(super) fn forget_last_start(&self) -> anyhow::Result<()> {
        remove_tree(&self.state())?;
        remove_file(&self.folder.join(INIT))
    }

    /// Gives the base to the user that is root inside.
    pub(super) fn give_base_to(&self, owner: u32) -> anyhow::Result<()> {
        chown(self.base(), Some(owner), Some(owner)).context("cannot give the root file system to the container's root")
    }
}

const INIT: &str = "init.json";
