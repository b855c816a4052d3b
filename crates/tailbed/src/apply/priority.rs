//! Before whom the kernel's own threads run.

use std::{fmt, io};

use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};
use tailbed_plan::step::ThreadPriority;
use tailbed_traffic::realtime::set_policy;

use super::kernel_thread::{self, Found, Property};
use super::process::Process;

/// Policies by their numbers (sched(7); include/uapi/linux/sched.h).
const NAMES: [(i32, &str); 7] = [
    (0, "SCHED_OTHER"),
    (FIFO, "SCHED_FIFO"),
    (2, "SCHED_RR"),
    (3, "SCHED_BATCH"),
    (5, "SCHED_IDLE"),
    (DEADLINE, "SCHED_DEADLINE"),
    (7, "SCHED_EXT"),
];
const FIFO: i32 = 1;
const DEADLINE: i32 = 6;

/// How a thread is scheduled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Scheduled {
    /// Number of its policy.
    policy: i32,
    /// Real-time priority, 1 to 99; 0 under other policies.
    priority: u8,
}

impl fmt::Display for Scheduled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match NAMES.iter().find(|(number, _)| *number == self.policy) {
            Some((_, name)) => f.write_str(name)?,
            None => write!(f, "policy {}", self.policy)?,
        }
        if self.priority > 0 { write!(f, " {}", self.priority) } else { Ok(()) }
    }
}

impl Scheduled {
    /// What a step asks for.
    pub(super) fn asked(given: &ThreadPriority) -> Self {
        Self { policy: FIFO, priority: given.priority }
    }
}

impl Property for Scheduled {
    const HAS: &str = "is under";
    const OWN: &str = "its policy";
    const CHANGED: &str = "changed";

    fn of(thread: &Process) -> anyhow::Result<Self> {
        let (policy, priority) =
            thread.scheduling().with_context(|| format!("cannot ask how the thread {} is scheduled", thread.pid))?;
        Ok(Self { policy, priority })
    }

    fn give_to(&self, thread: &Process) -> io::Result<()> {
        set_policy(thread.pid, self.policy, self.priority)
    }
}

/// The kernel's threads of a name, with how they are scheduled.
pub(super) fn before(name: &str) -> anyhow::Result<Vec<Found<Scheduled>>> {
    let found = kernel_thread::before::<Scheduled>(name)?;
    // its three times are nowhere to be read in full, so it could not be put back
    ensure!(found.iter().all(|thread| thread.had.policy != DEADLINE), "{name} is under SCHED_DEADLINE, which is left alone");
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_says_how_it_is_scheduled() {
        let this = Process::of(std::process::id());
        assert_eq!(Scheduled::of(&this).unwrap(), Scheduled { policy: 0, priority: 0 });
        assert_eq!(Scheduled { policy: FIFO, priority: 50 }.to_string(), "SCHED_FIFO 50");
        assert_eq!(Scheduled { policy: 4, priority: 0 }.to_string(), "policy 4");
    }
}
