//! Being in a group for as long as it takes to start something there: a child begins in its parent's groups.

use std::path::{Path, PathBuf};

use anyhow::Context;
use tailbed_format::facts::Cgroup;

use super::{own_group, set};
use crate::apply::affinity::OwnThreads;
use crate::probe;

/// Does something from within a group, and goes back. With version 1 only the hierarchy of cpusets is entered: in the others a new group has
/// limits that nobody asked for.
///
/// Changing into a cpuset changes where threads may run, and changing back need not undo that: some kernels (seen with 6.1) give whoever comes into the
/// root of version 2 all CPUs, also those that a partition has to itself (`cpuset_attach` in kernel/cgroup/cpuset.c). A thread that runs there
/// behind a packet loop is not seen again before the loop ends.
pub(in crate::apply) fn within<T>(path: &str, work: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<T> {
    let mount = match probe::cgroup() {
        Cgroup::V1 { controllers, .. } => controllers.into_iter().find(|(name, _)| name == "cpuset").map(|(_, mount)| mount),
        Cgroup::V2 { mount, .. } => Some(mount),
        Cgroup::None => None,
    };
    let mount = mount.context("there is no hierarchy with cpusets")?;
    let home: PathBuf = own_group("cpuset").context("cannot find our own control group")?;
    let group = Path::new(&mount).join(path);
    let threads = OwnThreads::now()?;
    set(&group, "cgroup.procs", "0")?;
    let done = work();
    let back = set(&home, "cgroup.procs", "0").and_then(|()| threads.give_back());
    let done = done?;
    back.map(|()| done)
}
