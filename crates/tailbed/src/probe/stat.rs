//! /proc/pid/stat (proc_pid_stat(5)).

/// Bit of [`FLAGS`]: a thread of the kernel's own (include/linux/sched.h).
pub(crate) const PF_KTHREAD: u32 = 0x0020_0000;

/// Numbers of its fields: flags (`PF_*`), start time, real-time priority, scheduling policy.
pub(crate) const FLAGS: usize = 9;
pub(crate) const STARTED: usize = 22;
pub(crate) const PRIORITY: usize = 40;
pub(crate) const POLICY: usize = 41;

/// A field after the second.
pub(crate) fn field(stat: &str, number: usize) -> Option<&str> {
    // the second, the command in parentheses, may hold spaces and parentheses itself
    stat.rsplit_once(')')?.1.split_whitespace().nth(number.checked_sub(3)?)
}
