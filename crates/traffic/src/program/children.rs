//! Our own children and those that came to us as orphans.
//!
//! A process that is the first of its pid namespace, or has asked for it ([`adopt_orphans`]), gets every process below it whose parent
//! has ended. Somebody must wait for those, or they stay as zombies; but whoever waits for any child at all would take the exit status
//! of a program away from the thread that watches it. So one thread looks without taking (`WNOWAIT`), and leaves alone what is listed
//! here as ours.
#![allow(unsafe_code)]

use std::collections::HashSet;
use std::io;
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, LazyLock, Mutex, PoisonError};

use rustix::io::Errno;
use rustix::process::{WaitId, WaitIdOptions, set_child_subreaper, waitid};
use tailbed_format::program::Exit;

use super::child::{self, Child, Descriptors};
use super::lookup::Image;
use super::{lock, processes};

/// Children of this process that a thread of ours waits for.
#[derive(Debug, Default)]
struct Own {
    pids: HashSet<i32>,
    /// How many there have been.
    started: u64,
}

static OWN: LazyLock<Mutex<Own>> = LazyLock::new(Mutex::default);
static CHANGED: Condvar = Condvar::new();
static ADOPTS: AtomicBool = AtomicBool::new(false);

/// Has this process take in the orphans of its programs, wait for them, and kill them at the end. Only for a process that starts no
/// children but programs: the exit status of any other could be taken away from whoever waits for it.
///
/// # Errors
/// When no thread can be started.
pub fn adopt_orphans() -> io::Result<()> {
    if ADOPTS.swap(true, Ordering::Relaxed) {
        return Ok(());
    }
    // Any process that exists will do: the argument is a flag. The first of a pid namespace needs none.
    set_child_subreaper(Some(rustix::process::getpid()))?;
    std::thread::Builder::new().name("orphans".to_owned()).spawn(take_in_orphans).map(drop)
}

/// Starts a program as our own child.
pub(super) fn start(image: &Image, descriptors: &Descriptors<'_>, cpus: &rustix::thread::CpuSet) -> io::Result<Child> {
    // Held until it is listed: a program that ends at once is not mistaken for an orphan.
    let mut own = lock(&OWN);
    let child = child::start(image, descriptors, cpus)?;
    own.pids.insert(child.pid);
    own.started += 1;
    CHANGED.notify_all();
    Ok(child)
}

/// How a child has ended; its process id is free from here on.
pub(super) fn reap(child: &Child) -> Exit {
    let exit = wait_for(child);
    lock(&OWN).pids.remove(&child.pid);
    CHANGED.notify_all();
    exit
}

/// Waits for a child that is not listed.
pub(super) fn wait_for(child: &Child) -> Exit {
    loop {
        match waitid(WaitId::PidFd(child.descriptor.as_fd()), WaitIdOptions::EXITED) {
            Err(Errno::INTR) => {}
            Err(error) => return Exit::NotStarted(format!("how it ended is not known: {}", io::Error::from(error))),
            Ok(status) => {
                let status = status.as_ref();
                let signal = status.and_then(rustix::process::WaitIdStatus::terminating_signal).map(Exit::Signal);
                let code = status.and_then(rustix::process::WaitIdStatus::exit_status).map(Exit::Code);
                return signal.or(code).unwrap_or_else(|| Exit::NotStarted("how it ended is not known".to_owned()));
            }
        }
    }
}

/// Kills whatever still runs below this process, where it takes in orphans.
pub(super) fn end_orphans() {
    if ADOPTS.load(Ordering::Relaxed) {
        processes::end_below(std::process::id().cast_signed());
    }
}

/// Waits for orphans as they end, for ever.
fn take_in_orphans() {
    loop {
        let started = lock(&OWN).started;
        let Some(pid) = look() else {
            // No children at all. Orphans are descendants of programs, so there is nothing to wait for until one is started.
            let own = lock(&OWN);
            drop(CHANGED.wait_while(own, |own| own.started == started).unwrap_or_else(PoisonError::into_inner));
            continue;
        };
        let own = lock(&OWN);
        // One of our own is in good hands, but until it is taken it hides the others.
        let own = CHANGED.wait_while(own, |own| own.pids.contains(&pid)).unwrap_or_else(PoisonError::into_inner);
        // The lock is held, so that no program of ours can have got this number meanwhile.
        if let Some(pid) = rustix::process::Pid::from_raw(pid) {
            let _ = waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOHANG);
        }
        drop(own);
    }
}

/// Waits until any child has ended, and leaves it as it is; `None` when there is none to wait for.
fn look() -> Option<i32> {
    loop {
        // SAFETY: all zeros is a value of the type; the kernel fills it in.
        let mut found: libc::siginfo_t = unsafe { std::mem::zeroed() };
        // SAFETY: the pointer is to a structure that outlives the call.
        let result = unsafe { libc::waitid(libc::P_ALL, 0, &raw mut found, libc::WEXITED | libc::WNOWAIT) };
        if result == 0 {
            // SAFETY: waitid(2) fills in the fields of a SIGCHLD.
            return Some(unsafe { found.si_pid() });
        }
        if io::Error::last_os_error().kind() != io::ErrorKind::Interrupted {
            return None;
        }
    }
}
