//! What the shim is told: the container's specification and what of the host goes into it, checked before anything is made.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};

use tailbed_plan::step::ContainerSpec;

use super::bundle::Bundle;
use super::{capabilities, devices, huge_pages, profile};
use crate::apply::namespace;
use crate::image::{self, ImageConfig};

/// An unpacked image. It is never written to.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Image {
    /// Its root file system.
    pub(super) rootfs: PathBuf,
    /// Environment variables of its programs.
    pub(super) environment: Vec<String>,
    /// Folder its programs start in.
    pub(super) working_directory: Option<String>,
}

/// One container, to be run.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Order {
    /// What was asked for.
    pub(super) spec: ContainerSpec,
    /// Its network namespace, unless it brings its own.
    pub(super) namespace: Option<PathBuf>,
    /// What its root file system is made of besides our mount points.
    pub(super) image: Option<Image>,
    /// This program's file.
    pub(super) binary: PathBuf,
}

const FILE: &str = "container.json";

impl Order {
    /// For a container whose bundle is made.
    pub(super) fn of(spec: &ContainerSpec, namespace: Option<&str>, bundle: &Bundle) -> anyhow::Result<Self> {
        let binary = std::env::current_exe().context("cannot find this program's own file")?;
        let namespace = namespace.filter(|_| !spec.user_namespace).map(namespace::path);
        Ok(Self { spec: spec.clone(), namespace, image: bundle.image()?, binary })
    }

    /// Leaves it in the bundle for the shim.
    pub(super) fn write(&self, bundle: &Bundle) -> anyhow::Result<()> {
        bundle.write(FILE, self)
    }

    /// Finds it there.
    pub(super) fn read(bundle: &Bundle) -> anyhow::Result<Self> {
        bundle.read(FILE)
    }

    /// Whether the root file system is layers joined, not the bundle's own folder as it is.
    pub(super) fn layered(&self) -> bool {
        self.image.is_some() || !self.spec.read_only
    }
}

/// Everything the specification names must be there, so that a mistake is told before anything runs.
pub(super) fn check(spec: &ContainerSpec) -> anyhow::Result<()> {
    for volume in spec.volumes.iter().filter(|volume| !volume.made) {
        ensure!(Path::new(&volume.source).exists(), "the volume {} does not exist on this host", volume.source);
    }
    devices::check(&spec.devices)?;
    capabilities::check(&spec.confinement.capabilities)?;
    profile::apparmor(&spec.confinement)?;
    huge_pages::check(&spec.hugepages)
}

/// Makes a root file system of an image, or finds the one made before.
pub(super) fn unpack(path: &str) -> anyhow::Result<Image> {
    let unpacked = image::unpack(Path::new(path))?;
    let ImageConfig { environment, working_directory, .. } = unpacked.config;
    Ok(Image { rootfs: unpacked.rootfs, environment, working_directory })
}
