//! Running without root: the whole program moves into a user namespace of its own.
//!
//! Inside it we are root over namespaces that we make, and over nothing else (user_namespaces(7)). Everything made there goes with the
//! last of our processes, whatever happens.

use std::fs;
use std::path::Path;

use anyhow::Context;
use rustix::mount::{MountFlags, MountPropagationFlags, UnmountFlags, mount, mount_bind_recursive, mount_change, unmount};
use rustix::process::pivot_root;
use rustix::thread::UnshareFlags;

/// Moves the program into new user, mount and network namespaces, with a /run of its own. Must be called before any thread is started:
/// the kernel refuses a threaded process (unshare(2), EINVAL).
pub(crate) fn enter() -> anyhow::Result<()> {
    let (user, group) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    unshare().context("cannot make a user namespace; run as root, or allow unprivileged user namespaces")?;
    // gid_map may only be written once setgroups(2) is given up
    fs::write("/proc/self/setgroups", "deny").context("cannot give up setgroups in the user namespace")?;
    fs::write("/proc/self/uid_map", format!("0 {user} 1")).context("cannot map the user into the user namespace")?;
    fs::write("/proc/self/gid_map", format!("0 {group} 1")).context("cannot map the group into the user namespace")?;
    let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    mount_change("/", private).context("cannot make mounts private to the user namespace")?;
    mount("tmpfs", "/run", "tmpfs", MountFlags::NOSUID | MountFlags::NODEV, Some(c"mode=755"))
        .context("cannot mount a /run of our own in the user namespace")?;
    Ok(())
}

#[allow(unsafe_code)]
fn unshare() -> rustix::io::Result<()> {
    // SAFETY: no thread has been started yet, so nothing shares what is unshared; no file descriptor table is unshared.
    unsafe { rustix::thread::unshare_unsafe(UnshareFlags::NEWUSER | UnshareFlags::NEWNS | UnshareFlags::NEWNET) }
}

/// Moves the calling process into a mount namespace of its own: what it mounts is seen by nobody else and goes with it; what the host unmounts
/// goes here as well.
pub(crate) fn own_mounts() -> anyhow::Result<()> {
    unshare_mounts().context("cannot make a mount namespace")?;
    let follow = MountPropagationFlags::DOWNSTREAM | MountPropagationFlags::REC;
    mount_change("/", follow).context("cannot make mounts private to a container")
}

/// Moves the calling process into a root of its own in which no control group is mounted, and which holds nothing but what is given,
/// /proc and /dev. `root` is the folder it is made in.
///
/// Without root no control group can be made, and a container runtime makes one wherever it sees a hierarchy mounted. Mounts that come from
/// outside the user namespace cannot be taken away one by one, but all of them at once may be left behind (mount_namespaces(7)).
pub(crate) fn leave_control_groups_behind(root: &Path, keep: &[&Path]) -> anyhow::Result<()> {
    unshare_mounts().context("cannot make a mount namespace")?;
    fs::create_dir_all(root)?;
    mount("tmpfs", root, "tmpfs", MountFlags::NOSUID | MountFlags::NODEV, Some(c"mode=755")).context("cannot mount a root")?;
    for path in [Path::new("/proc"), Path::new("/dev")].iter().chain(keep) {
        let inside = root.join(path.strip_prefix("/").unwrap_or(path));
        if path.is_dir() {
            fs::create_dir_all(&inside)?;
        } else {
            fs::create_dir_all(inside.parent().unwrap_or(root))?;
            fs::write(&inside, b"")?;
        }
        mount_bind_recursive(*path, &inside).with_context(|| format!("cannot keep {} in the new root", path.display()))?;
    }
    fs::create_dir_all(root.join("sys/fs/cgroup"))?;
    fs::create_dir_all(root.join("old"))?;
    std::env::set_current_dir(root)?;
    pivot_root(".", "old").context("cannot change the root")?;
    unmount("/old", UnmountFlags::DETACH).context("cannot leave the old root behind")?;
    Ok(std::env::set_current_dir("/")?)
}

#[allow(unsafe_code)]
fn unshare_mounts() -> rustix::io::Result<()> {
    // SAFETY: only the shim calls this, before any thread is started; no file descriptor table is unshared.
    unsafe { rustix::thread::unshare_unsafe(UnshareFlags::NEWNS) }
}
