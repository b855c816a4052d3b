//! What a program that is started here may inherit.

/// Marks every descriptor but standard input and outputs to be closed in programs started from now on (close_range(2)).
///
/// Whoever started this command may have left descriptors open in it, a lock's for one; a keeper, which stays, would hold them for as
/// long. A kernel older than 5.11 does not know the call: there they are inherited as ever.
#[allow(unsafe_code)]
pub(super) fn keep_to_ourselves() {
    let first: libc::c_uint = 3;
    // SAFETY: the call takes plain numbers and closes nothing now: every descriptor stays as valid in this process as it was.
    unsafe { libc::syscall(libc::SYS_close_range, first, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC) };
}
