//! Who root of a container is outside, and files that belong to them (user_namespaces(7), mount_setattr(2)).

use std::fs;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::Path;

use anyhow::Context;
use rustix::fs::CWD;
use rustix::mount::{MoveMountFlags, OpenTreeFlags, move_mount, open_tree};
use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};
use rustix::thread::UnshareFlags;

/// First of the ids outside: one that no system gives to users or containers (systemd's list of user ids ends right below, subordinate ids
/// begin far below).
const FIRST: u32 = 0x7000_0000;

/// How many ids a container has.
pub(super) const COUNT: u32 = 65_536;

/// How ids inside map to ids outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mapping {
    /// Who root is.
    pub(super) first: u32,
    /// How many follow, root included.
    pub(super) count: u32,
}

/// The mapping of a container's user namespace. A program that is in one itself, having been started without root, has but one id to give:
/// its own, which is nobody special outside.
pub(super) fn mapping() -> anyhow::Result<Mapping> {
    let ours = fs::read_to_string("/proc/self/uid_map").context("cannot read this process's user namespace")?;
    Ok(choose(&ours))
}

fn choose(ours: &str) -> Mapping {
    let wanted = u64::from(FIRST)..u64::from(FIRST) + u64::from(COUNT);
    let holds = |line: &str| {
        let numbers: Vec<u64> = line.split_whitespace().filter_map(|number| number.parse().ok()).collect();
        matches!(numbers[..], [first, _, count] if first <= wanted.start && wanted.end <= first + count)
    };
    if ours.lines().any(holds) { Mapping { first: FIRST, count: COUNT } } else { Mapping { first: 0, count: 1 } }
}

/// Shows a folder at another place, where what belongs to user n belongs to the n-th of the mapping: so root inside owns the image's files
/// without a file being changed. The calling process must have no threads.
pub(super) fn show_as(folder: &Path, place: &Path, mapping: Mapping) -> anyhow::Result<()> {
    let ids = user_namespace(mapping).context("cannot make a user namespace to map files by")?;
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    let tree = open_tree(CWD, folder, flags).context("cannot copy its mount")?;
    map(&tree, &ids).context("its file system cannot show files as another user's; an image on ext4, xfs, btrfs or tmpfs can")?;
    move_mount(tree.as_fd(), "", CWD, place, MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH).context("cannot mount it")
}

/// A user namespace with the mapping and nobody in it.
fn user_namespace(mapping: Mapping) -> anyhow::Result<fs::File> {
    let (mut ready, tell) = io::pipe()?;
    let child = fork_into_user_namespace(tell)?;
    let result = (|| {
        ready.read_exact(&mut [0]).context("cannot make a user namespace")?;
        let line = format!("0 {} {}", mapping.first, mapping.count);
        for map in ["uid_map", "gid_map"] {
            fs::write(format!("/proc/{}/{map}", child.as_raw_pid()), &line).with_context(|| format!("cannot write its {map}"))?;
        }
        Ok(fs::File::open(format!("/proc/{}/ns/user", child.as_raw_pid()))?)
    })();
    kill_process(child, Signal::KILL).ok();
    waitpid(Some(child), WaitOptions::empty()).context("cannot wait for a child")?;
    result
}

/// Starts a child that makes itself a user namespace, says so by a byte, and waits to be killed.
#[allow(unsafe_code)]
fn fork_into_user_namespace(mut tell: io::PipeWriter) -> io::Result<Pid> {
    // SAFETY: the shim has no threads, so its child may do anything; it makes system calls only and never returns.
    let child = unsafe { libc::fork() };
    if child != 0 {
        return Pid::from_raw(child).filter(|_| child > 0).ok_or_else(io::Error::last_os_error);
    }
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL)).ok();
    // SAFETY: the child is alone, and no file descriptor table is unshared.
    if unsafe { rustix::thread::unshare_unsafe(UnshareFlags::NEWUSER) }.is_ok() {
        tell.write_all(&[1]).ok();
    }
    drop(tell);
    loop {
        // SAFETY: waits for a signal, no more.
        unsafe { libc::pause() };
    }
}

/// MOUNT_ATTR_IDMAP of linux/mount.h.
const ATTRIBUTE_IDMAP: u64 = 0x0010_0000;

/// Maps the ids of a mount that is not attached yet.
#[allow(unsafe_code)]
fn map(tree: &OwnedFd, ids: &fs::File) -> io::Result<()> {
    // struct mount_attr: set, cleared, propagation, user namespace
    let attributes: [u64; 4] = [ATTRIBUTE_IDMAP, 0, 0, u64::try_from(ids.as_raw_fd()).unwrap_or(u64::MAX)];
    // SAFETY: the path is an empty string and the attributes are as long as is said.
    let result = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            tree.as_raw_fd(),
            c"".as_ptr(),
            libc::AT_EMPTY_PATH,
            attributes.as_ptr(),
            size_of_val(&attributes),
        )
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_high_where_we_have_them_and_our_own_where_not() {
        assert_eq!(choose("         0          0 4294967295\n"), Mapping { first: FIRST, count: COUNT });
        assert_eq!(choose("         0      65534          1\n"), Mapping { first: 0, count: 1 });
    }
}
