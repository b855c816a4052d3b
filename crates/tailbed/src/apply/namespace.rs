//! Named network namespaces, as `ip netns` knows them: a namespace bind-mounted on a file in /run/netns.

use std::fs::{self, File};
use std::io;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use rustix::mount::{UnmountFlags, mount_bind, unmount};
use rustix::thread::{LinkNameSpaceType, UnshareFlags, move_into_link_name_space};

use super::process::Process;
use super::{TakenBack, cookie};

const FOLDER: &str = "/run/netns";

/// Where named namespaces are.
pub(super) fn folder() -> &'static Path {
    Path::new(FOLDER)
}

/// The file of a namespace.
pub(super) fn path(name: &str) -> PathBuf {
    Path::new(FOLDER).join(name)
}

/// Makes a namespace with IPv6 off, so that neighbour discovery does not mix with the traffic, and returns its cookie.
pub(super) fn make(name: &str) -> anyhow::Result<u64> {
    let path = path(name);
    fs::create_dir_all(FOLDER).with_context(|| format!("cannot make {FOLDER}"))?;
    File::create_new(&path).with_context(|| format!("cannot make the network namespace {name}"))?;
    let made = on_scratch_thread(|| {
        unshare_network()?;
        mount_bind("/proc/thread-self/ns/net", &path)?;
        disable_ipv6()?;
        cookie::of_this_thread()
    });
    made.map_err(|error| {
        remove(&path).ok();
        anyhow!(error).context(format!("cannot make the network namespace {name}"))
    })
}

/// Gives the network namespace of a process a name, with IPv6 off in it, and returns its cookie.
pub(super) fn adopt(name: &str, process: Option<&Process>) -> anyhow::Result<u64> {
    let pid = process.map(|process| process.pid).context("an environment that brings its network namespace has no process")?;
    let path = path(name);
    fs::create_dir_all(FOLDER).with_context(|| format!("cannot make {FOLDER}"))?;
    File::create_new(&path).with_context(|| format!("cannot make the network namespace {name}"))?;
    let adopted = mount_bind(format!("/proc/{pid}/ns/net"), &path).map_err(io::Error::from).and_then(|()| {
        inside(&path, || {
            disable_ipv6()?;
            cookie::of_this_thread()
        })
    });
    adopted.map_err(|error| {
        remove(&path).ok();
        anyhow!(error).context(format!("cannot adopt the network namespace of process {pid} as {name}"))
    })
}

/// Deletes a namespace if it is the one with the cookie.
pub(super) fn delete(name: &str, cookie: Option<u64>) -> anyhow::Result<TakenBack> {
    let path = path(name);
    if !path.exists() {
        return Ok(TakenBack::Done);
    }
    if let Some(cookie) = cookie {
        match inside(&path, cookie::of_this_thread) {
            Ok(found) if found == cookie => {}
            Ok(_) => return Ok(TakenBack::NotOurs(format!("the network namespace {name} is not the one we made"))),
            Err(error) if error.raw_os_error() == Some(libc::EINVAL) => {
                return Ok(TakenBack::NotOurs(format!("the file {} is not a network namespace", path.display())));
            }
            Err(error) => return Err(anyhow!(error).context(format!("cannot look into the network namespace {name}"))),
        }
    }
    remove(&path).with_context(|| format!("cannot delete the network namespace {name}"))?;
    Ok(TakenBack::Done)
}

fn remove(path: &Path) -> io::Result<()> {
    match unmount(path, UnmountFlags::DETACH) {
        // not a mount point: the run was killed between making the file and mounting the namespace on it
        Ok(()) | Err(rustix::io::Errno::INVAL) => {}
        Err(error) => return Err(error.into()),
    }
    fs::remove_file(path)
}

/// Runs a closure on a thread of its own inside a named namespace.
pub(super) fn inside<T: Send>(path: &Path, action: impl FnOnce() -> io::Result<T> + Send) -> io::Result<T> {
    on_scratch_thread(|| {
        enter(path)?;
        action()
    })
}

/// Runs a closure on a thread of its own inside a namespace that ends with it.
pub(crate) fn in_a_namespace_of_its_own<T: Send>(action: impl FnOnce() -> io::Result<T> + Send) -> io::Result<T> {
    on_scratch_thread(|| {
        unshare_network()?;
        action()
    })
}

/// Moves the calling thread into a namespace, for good.
pub(super) fn enter(path: &Path) -> io::Result<()> {
    enter_file(&File::open(path)?)
}

/// Moves the calling thread into a namespace that is open.
pub(super) fn enter_file(file: &File) -> io::Result<()> {
    Ok(move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network))?)
}

/// Namespaces belong to threads: only a thread that ends with the work may change its own.
fn on_scratch_thread<T: Send>(action: impl FnOnce() -> io::Result<T> + Send) -> io::Result<T> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("namespace".to_owned()).spawn_scoped(scope, action)?;
        thread.join().unwrap_or_else(|_| Err(io::Error::other("the thread in the namespace panicked")))
    })
}

#[allow(unsafe_code)]
fn unshare_network() -> io::Result<()> {
    // SAFETY: a network namespace is shared neither through memory nor file descriptors; only this scratch thread moves.
    Ok(unsafe { rustix::thread::unshare_unsafe(UnshareFlags::NEWNET) }?)
}

/// Switches IPv6 off in the calling thread's namespace, on all interfaces there are and will be: kernel documentation,
/// networking/ip-sysctl, `disable_ipv6`; a kernel without IPv6 has no such file.
pub(crate) fn disable_ipv6() -> io::Result<()> {
    for scope in ["all", "default"] {
        match fs::write(format!("/proc/sys/net/ipv6/conf/{scope}/disable_ipv6"), "1") {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}
