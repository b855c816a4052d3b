//! The scheduling policy of a thread: sched(7).
#![allow(unsafe_code)]

use std::io;

/// Puts the calling thread under `SCHED_FIFO`.
pub(super) fn set_fifo(priority: u8) -> io::Result<()> {
    set(libc::SCHED_FIFO, priority)
}

/// Puts the calling thread under `SCHED_OTHER`.
pub(super) fn set_ordinary() -> io::Result<()> {
    set(libc::SCHED_OTHER, 0)
}

fn set(policy: libc::c_int, priority: u8) -> io::Result<()> {
    let parameter = libc::sched_param { sched_priority: libc::c_int::from(priority) };
    // SAFETY: the pointer is to a structure that outlives the call, which only reads it; 0 is the calling thread.
    let result = unsafe { libc::sched_setscheduler(0, policy, &raw const parameter) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
