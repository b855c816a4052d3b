//! The scheduling policy of a thread: sched(7).
#![allow(unsafe_code)]

use std::io;

/// Puts a thread under `SCHED_FIFO`; 0 is the calling one.
pub(super) fn set_fifo(thread: i32, priority: u8) -> io::Result<()> {
    set(thread, libc::SCHED_FIFO, priority)
}

/// Puts the calling thread under `SCHED_OTHER`.
pub(super) fn set_ordinary() -> io::Result<()> {
    set(0, libc::SCHED_OTHER, 0)
}

/// Puts a thread under a policy, given by its number.
pub(super) fn set(thread: i32, policy: libc::c_int, priority: u8) -> io::Result<()> {
    let parameter = libc::sched_param { sched_priority: libc::c_int::from(priority) };
    // SAFETY: the pointer is to a structure that outlives the call, which only reads it.
    let result = unsafe { libc::sched_setscheduler(thread, policy, &raw const parameter) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
