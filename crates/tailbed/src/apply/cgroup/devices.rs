//! Devices of control groups of version 2, which a program decides on; those of version 1 have files, which the container runtime writes.

use std::fs::File;
use std::os::fd::AsFd;
use std::path::Path;

use anyhow::Context;
use tailbed_format::facts::Cgroup;
use tailbed_traffic::bpf::{self, Device};

use crate::probe;

/// Lets the tasks of a group open these devices and no others, where only version 2 is mounted.
pub(in crate::apply) fn allow(path: &str, devices: &[Device]) -> anyhow::Result<()> {
    let Cgroup::V2 { mount, .. } = probe::cgroup() else { return Ok(()) };
    let group = Path::new(&mount).join(path);
    let folder = File::open(&group).with_context(|| format!("cannot open {}", group.display()))?;
    bpf::allow_devices(folder.as_fd(), devices)
        .with_context(|| format!("cannot have a program decide which devices the control group {path} may open"))
}
