//! A container's root file system, joined of layers in the shim's own mount namespace: it goes with the shim, however that one ends, and the
//! image below is never written to.

use std::ffi::CString;
use std::fs;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::chown;
use std::path::{Component, Path, PathBuf};

use anyhow::Context;
use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, mkdirat, openat, openat2};
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MountFlags, MoveMountFlags, fsconfig_create, fsconfig_set_flag,
    fsconfig_set_string, fsmount, fsopen, mount, mount_bind, mount_bind_recursive, move_mount,
};

use super::bundle::Bundle;
use super::identity::{self, Mapping};
use super::order::Order;
use super::{huge_pages, masks};

/// A root file system, ready to be run in.
pub(super) struct Root {
    /// The folder.
    pub(super) path: PathBuf,
    /// Where programs start, a folder in it.
    pub(super) working_directory: String,
    /// This program's file, where the runtime can reach it.
    pub(super) binary: PathBuf,
    /// What else the runtime is to mount in it.
    pub(super) passed: Vec<Passed>,
}

/// Something of the host, passed in.
pub(super) struct Passed {
    /// Where the runtime can reach it, whoever it is by then.
    pub(super) source: PathBuf,
    /// Where it is seen inside.
    pub(super) target: String,
    /// May not be written inside.
    pub(super) read_only: bool,
}

/// Makes the root file system. The calling process must be alone in its mount namespace.
pub(super) fn make(order: &Order, bundle: &Bundle, mapping: Option<Mapping>) -> anyhow::Result<Root> {
    let private = bundle.private();
    let owner = mapping.map_or(0, |mapping| mapping.first);
    mount("tmpfs", &private, "tmpfs", MountFlags::NOSUID | MountFlags::NODEV, Some(c"mode=755"))
        .with_context(|| format!("cannot mount memory on {}", private.display()))?;
    if owner != 0 {
        bundle.give_base_to(owner)?;
    }
    let path = if order.layered() { join(order, bundle, mapping)? } else { bundle.base() };
    let inside = openat(CWD, &path, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
    for folder in ["proc", "dev", "sys", "tmp"] {
        place(&inside, Path::new(folder), true, owner)?;
    }
    place(&inside, Path::new("tailbed"), false, owner)?;
    let mut passed = Vec::new();
    for volume in &order.spec.volumes {
        let source = Path::new(&volume.source);
        place(&inside, Path::new(&volume.target), source.is_dir(), owner)?;
        let source = stage(source, &private, passed.len()).with_context(|| format!("cannot pass in {}", volume.source))?;
        passed.push(Passed { source, target: volume.target.clone(), read_only: volume.read_only });
    }
    passed.extend(huge_pages::mount_all(&order.spec.hugepages, &private, owner)?);
    // where control groups may not be written the container has no /sys either
    if let Some(masks) = order.spec.masks.as_ref().filter(|_| order.spec.cgroup.is_some()) {
        passed.extend(masks::make(masks, &order.spec.devices, &private)?);
    }
    let binary = private.join("tailbed");
    fs::write(&binary, b"")?;
    mount_bind(&order.binary, &binary).context("cannot pass in this program's file")?;
    Ok(Root { path, working_directory: working_directory(order, &inside), binary, passed })
}

/// Joins the image, or our mount points where there is none, with memory that takes what is written (overlayfs.rst in the kernel's
/// documentation). Device nodes that an image may hold are dead.
fn join(order: &Order, bundle: &Bundle, mapping: Option<Mapping>) -> anyhow::Result<PathBuf> {
    let private = bundle.private();
    let base = bundle.base();
    let image = order.image.as_ref().map_or(base.as_path(), |image| &image.rootfs);
    let mut lower = image.to_owned();
    let (upper, work) = (private.join("upper"), private.join("work"));
    for folder in [&upper, &work] {
        fs::create_dir(folder)?;
    }
    fs::set_permissions(&upper, fs::metadata(image)?.permissions())?;
    if let Some(mapping) = mapping.filter(|mapping| mapping.first != 0) {
        chown(&upper, Some(mapping.first), Some(mapping.first))?;
        if order.image.is_some() {
            lower = private.join("lower");
            fs::create_dir(&lower)?;
            identity::show_as(image, &lower, mapping)
                .with_context(|| format!("cannot show the image {} to root of a user namespace", image.display()))?;
        }
    }
    let rootfs = bundle.rootfs();
    let unprivileged = order.spec.cgroup.is_none();
    overlay(&lower, &upper, &work, &rootfs, unprivileged)
        .with_context(|| format!("cannot lay memory over the image {}", image.display()))?;
    Ok(rootfs)
}

fn overlay(lower: &Path, upper: &Path, work: &Path, target: &Path, unprivileged: bool) -> rustix::io::Result<()> {
    let context = fsopen("overlay", FsOpenFlags::FSOPEN_CLOEXEC)?;
    let context = context.as_fd();
    fsconfig_set_string(context, "source", "overlay")?;
    fsconfig_set_string(context, "lowerdir", escaped(lower)?)?;
    fsconfig_set_string(context, "upperdir", upper)?;
    fsconfig_set_string(context, "workdir", work)?;
    if unprivileged {
        fsconfig_set_flag(context, "userxattr")?;
    }
    fsconfig_create(context)?;
    let mounted = fsmount(context, FsMountFlags::FSMOUNT_CLOEXEC, MountAttrFlags::MOUNT_ATTR_NODEV)?;
    move_mount(mounted.as_fd(), "", CWD, target, MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)
}

/// A colon parts lower layers from each other.
fn escaped(path: &Path) -> rustix::io::Result<CString> {
    let text = path.to_string_lossy().replace('\\', "\\\\").replace(':', "\\:");
    CString::new(text).map_err(|_| rustix::io::Errno::INVAL)
}

/// Makes a mount point in a root file system, with the folders on the way. No link of an image leads out of it.
fn place(root: &OwnedFd, path: &Path, is_folder: bool, owner: u32) -> anyhow::Result<()> {
    let failed = || format!("cannot make {} in the root file system", path.display());
    let names: Vec<_> = path.components().filter(|part| matches!(part, Component::Normal(_))).collect();
    let mut so_far = PathBuf::new();
    for (index, name) in names.iter().enumerate() {
        let folder = look(root, &so_far, OFlags::PATH | OFlags::DIRECTORY).with_context(failed)?;
        so_far.push(name);
        let is_last = index + 1 == names.len();
        match look(root, &so_far, OFlags::PATH) {
            Err(rustix::io::Errno::NOENT) => {}
            Ok(_) => continue,
            Err(error) => return Err(error).with_context(failed),
        }
        if is_last && !is_folder {
            openat(&folder, Path::new(name), OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC, Mode::from(0o644))
                .with_context(failed)?;
        } else {
            mkdirat(&folder, Path::new(name), Mode::from(0o755)).with_context(failed)?;
        }
        let (user, group) = (rustix::fs::Uid::from_raw(owner), rustix::fs::Gid::from_raw(owner));
        if owner != 0 {
            let flags = rustix::fs::AtFlags::SYMLINK_NOFOLLOW;
            rustix::fs::chownat(&folder, Path::new(name), Some(user), Some(group), flags).with_context(failed)?;
        }
    }
    Ok(())
}

/// Opens a path as those inside would.
fn look(root: &OwnedFd, path: &Path, flags: OFlags) -> rustix::io::Result<OwnedFd> {
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    openat2(root, path, flags | OFlags::CLOEXEC, Mode::empty(), ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS)
}

/// Shows a file or folder of the host at a place that the runtime reaches even where it may not pass the folders above it.
fn stage(source: &Path, private: &Path, number: usize) -> io::Result<PathBuf> {
    let place = private.join(format!("volume-{number}"));
    if source.is_dir() {
        fs::create_dir(&place)?;
    } else {
        fs::write(&place, b"")?;
    }
    mount_bind_recursive(source, &place)?;
    Ok(place)
}

/// The folder that the image names, if it has it.
fn working_directory(order: &Order, root: &OwnedFd) -> String {
    let named = order.image.as_ref().and_then(|image| image.working_directory.as_deref()).filter(|path| path.starts_with('/'));
    let existing = named.filter(|path| look(root, Path::new(path), OFlags::PATH | OFlags::DIRECTORY).is_ok());
    existing.unwrap_or("/").to_owned()
}
