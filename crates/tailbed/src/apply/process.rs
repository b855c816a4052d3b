//! Ending processes that we started, and only those.

use std::fs;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, getppid, pidfd_open, pidfd_send_signal, set_parent_process_death_signal};
use serde::{Deserialize, Serialize};

use crate::probe::stat::{FLAGS, POLICY, PRIORITY, STARTED, field};

/// A process by its id and the time it was started, so that a later process of the same id is never mistaken for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Process {
    /// Process id.
    pub(crate) pid: i32,
    /// Field 22 of /proc/pid/stat (proc_pid_stat(5)), clock ticks since boot.
    pub(crate) started: Option<u64>,
}

impl Process {
    /// A process that exists now.
    pub(super) fn of(pid: u32) -> Self {
        let pid = i32::try_from(pid).unwrap_or(0);
        Self { pid, started: started(pid) }
    }

    /// Its flags (`PF_*` in include/linux/sched.h); `None` when it is gone.
    pub(super) fn flags(&self) -> Option<u32> {
        field(&fs::read_to_string(format!("/proc/{}/stat", self.pid)).ok()?, FLAGS)?.parse().ok()
    }

    /// Number of its scheduling policy, and its real-time priority (sched(7)); `None` when it is gone.
    pub(super) fn scheduling(&self) -> Option<(i32, u8)> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.pid)).ok()?;
        Some((field(&stat, POLICY)?.parse().ok()?, field(&stat, PRIORITY)?.parse().ok()?))
    }

    /// Whether it has ended or is about to. The first process of a pid namespace is about to from before the first of the others is
    /// killed until they all are gone (`zap_pid_ns_processes` in kernel/pid_namespace.c).
    pub(super) fn is_ending(&self) -> bool {
        let Ok(stat) = fs::read_to_string(format!("/proc/{}/stat", self.pid)) else { return true };
        let flags: Option<u32> = field(&stat, FLAGS).and_then(|flags| flags.parse().ok());
        started_in(&stat) != self.started || flags.is_none_or(|flags| flags & PF_EXITING != 0)
    }
}

/// A process that is going (include/linux/sched.h).
const PF_EXITING: u32 = 4;

/// Ties this process's life to that of the process that started it: it is killed when that one ends, however that one ends. Given by its
/// id, which inside a container cannot be known, it gives up at once if that has happened already: the kernel tells of later ends only
/// (PR_SET_PDEATHSIG(2const)).
pub(crate) fn follow(parent: Option<i32>) -> anyhow::Result<()> {
    set_parent_process_death_signal(Some(Signal::KILL)).context("cannot tie this process's life to its parent's")?;
    if parent.is_some_and(|parent| getppid().map(Pid::as_raw_pid) != Some(parent)) {
        bail!("the process that started this one is gone");
    }
    Ok(())
}

/// How long a killed process may take to go.
const PATIENCE: Duration = Duration::from_secs(10);

/// Kills a process, if it is still the one started then, and waits until it is gone.
pub(super) fn end(pid: i32, started_then: Option<u64>) -> anyhow::Result<()> {
    let Some(id) = Pid::from_raw(pid).filter(|_| pid > 1) else { return Ok(()) };
    // from here on the descriptor, not the number, names the process
    let descriptor = match pidfd_open(id, PidfdFlags::empty()) {
        Ok(descriptor) => descriptor,
        Err(Errno::SRCH) => return Ok(()),
        Err(error) => return Err(error).with_context(|| format!("cannot look at process {pid}")),
    };
    if started_then.is_some() && started(pid) != started_then {
        return Ok(());
    }
    match pidfd_send_signal(&descriptor, Signal::KILL) {
        Ok(()) | Err(Errno::SRCH) => {}
        Err(error) => return Err(error).with_context(|| format!("cannot end process {pid}")),
    }
    if gone(&descriptor, PATIENCE).with_context(|| format!("cannot wait for process {pid}"))? {
        Ok(())
    } else {
        bail!("process {pid} does not go away")
    }
}

/// Waits until a process is gone, at most so long; says whether it is.
pub(super) fn wait(pid: i32, patience: Duration) -> rustix::io::Result<bool> {
    let Some(id) = Pid::from_raw(pid) else { return Ok(true) };
    match pidfd_open(id, PidfdFlags::empty()) {
        Ok(descriptor) => gone(&descriptor, patience),
        Err(Errno::SRCH) => Ok(true),
        Err(error) => Err(error),
    }
}

fn gone(descriptor: &OwnedFd, patience: Duration) -> rustix::io::Result<bool> {
    let deadline = Instant::now() + patience;
    loop {
        let left = Timespec::try_from(deadline.saturating_duration_since(Instant::now())).ok();
        match poll(&mut [PollFd::new(descriptor, PollFlags::IN)], left.as_ref()) {
            Err(Errno::INTR) => {}
            ready => return ready.map(|ready| ready > 0),
        }
    }
}

fn started(pid: i32) -> Option<u64> {
    started_in(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

fn started_in(stat: &str) -> Option<u64> {
    field(stat, STARTED)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn only_the_process_started_then_is_ended() {
        let mut child = Command::new("sleep").arg("1000").spawn().unwrap();
        let process = Process::of(child.id());
        assert!(process.started.is_some() && !process.is_ending());
        end(process.pid, process.started.map(|ticks| ticks + 1)).unwrap();
        assert!(child.try_wait().unwrap().is_none(), "a process of another start time was ended");
        end(process.pid, process.started).unwrap();
        assert!(process.is_ending(), "a zombie");
        assert!(!child.wait().unwrap().success());
        assert!(process.is_ending(), "gone altogether");
    }
}
