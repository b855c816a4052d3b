//! What keeps a packet loop undisturbed: its own cores, real-time priority, memory that is there. Each is asked for, and a refusal is
//! a sentence for the user, never the end of the run.
//!
//! A loop that spins under `SCHED_FIFO` never lets a thread of ordinary priority onto its core. The thread that listens for commands
//! therefore moves to other cores ([`stand_aside`]), and takes a priority above the loop's: on the others another process's loop may
//! spin. It sleeps in read(2) nearly always, and when a command does come it must get through. So must the thread that prepares loops and
//! answers for them ([`answer_for`]), which stays where it is: while its loop runs it sleeps.

mod policy;

use std::hint::black_box;
use std::io;
use std::num::NonZeroU64;

use rustix::io::Errno;
use rustix::mm::{MlockAllFlags, mlockall};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity, set_current_timer_slack};
use tailbed_format::order::Scheduling;

/// Puts the calling thread onto the cores; says so where that is refused. No cores: its affinity is left alone.
#[must_use]
pub fn pin(cpus: &[usize]) -> Option<String> {
    if cpus.is_empty() {
        return None;
    }
    let refused = |reason: &str| {
        let list = cpus.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        format!("not pinned to CPU {list}: {reason}; see Cpus_allowed_list in /proc/self/status for the CPUs it may use")
    };
    let mut set = CpuSet::new();
    for &cpu in cpus {
        if cpu >= CpuSet::MAX_CPU {
            return Some(refused("there are no such CPUs"));
        }
        set.set(cpu);
    }
    sched_setaffinity(None, &set).err().map(|error| refused(&text(error)))
}

/// Gives the calling thread `SCHED_FIFO` priority, 1 to 99; says so where that is refused.
#[must_use]
pub fn prioritize(priority: u8) -> Option<String> {
    prioritize_thread(0, priority)
}

/// Gives a thread `SCHED_FIFO` priority, 1 to 99, by its id as the kernel numbers it (gettid(2)); 0 is the calling one. Says so where
/// that is refused.
#[must_use]
pub fn prioritize_thread(thread: i32, priority: u8) -> Option<String> {
    let error = policy::set_fifo(thread, priority).err()?;
    Some(format!(
        "no real-time priority (SCHED_FIFO {priority}): {error}; it needs CAP_SYS_NICE or RLIMIT_RTPRIO and, where the kernel groups \
         real-time tasks (RT_GROUP_SCHED), a control group with cpu.rt_runtime_us above 0"
    ))
}

/// Puts a thread, by its id as the kernel numbers it (gettid(2)), under a policy by its number (sched(7)) other than `SCHED_DEADLINE`, with a
/// priority from 1 to 99 where it is a real-time policy and 0 where it is none.
///
/// # Errors
/// The kernel's: sched_setscheduler(2).
pub fn set_policy(thread: i32, policy: i32, priority: u8) -> io::Result<()> {
    policy::set(thread, policy, priority)
}

/// Locks all memory of the process, that there is and, where there is no limit on it, that will be; says so where that is refused.
///
/// Memory taken later is only locked when the limit cannot be met: with one, an allocation beyond it would fail.
#[must_use]
pub fn lock_memory() -> Option<String> {
    let unlimited = Rlimit { current: None, maximum: None };
    let free = setrlimit(Resource::Memlock, unlimited).is_ok() || getrlimit(Resource::Memlock).current.is_none();
    let flags = if free { MlockAllFlags::CURRENT | MlockAllFlags::FUTURE } else { MlockAllFlags::CURRENT };
    let error = mlockall(flags).err()?;
    Some(format!("memory is not locked: {}; it needs CAP_IPC_LOCK or a higher limit (`ulimit -l`)", text(error)))
}

/// Lets timers of the calling thread expire when they are due: by default the kernel may put them off by 50 µs (prctl(2),
/// `PR_SET_TIMERSLACK`).
pub fn tighten_timers() {
    // Only a kernel without the call refuses, and then the default holds.
    let _ = set_current_timer_slack(NonZeroU64::new(1));
}

/// Touches the part of the stack that a loop may use, so that no page of it has to be found later.
#[inline(never)]
#[allow(clippy::large_stack_arrays, reason = "that is what it is for")]
pub fn touch_stack() {
    black_box([1u8; 128 * 1024]);
}

/// Gets the calling thread out of the way of a packet loop with this scheduling; `home` are the cores it may use.
pub fn stand_aside(scheduling: &Scheduling, home: &CpuSet) {
    let elsewhere = elsewhere(scheduling, home);
    let shares = |&cpu: &usize| cpu < CpuSet::MAX_CPU && elsewhere.is_set(cpu);
    let apart = !scheduling.cpus.is_empty() && !scheduling.cpus.iter().any(shares);
    if apart {
        // Refused when those cores were taken away since, and then the ones it has are as good.
        let _ = sched_setaffinity(None, &elsewhere);
    }
    answer_for(scheduling);
}

/// Gives the calling thread a priority one above that of a packet loop with this scheduling, at most 99; where the loop has none, it keeps its policy too.
pub fn answer_for(scheduling: &Scheduling) {
    if let Some(priority) = scheduling.priority {
        // Refused for the same reason as the loop's own priority, and then the loop is an ordinary thread too.
        let _ = policy::set_fifo(0, priority.saturating_add(1).min(99));
    }
}

/// Whether a packet loop with this scheduling takes all the cores of `home`.
pub fn is_confined(scheduling: &Scheduling, home: &CpuSet) -> bool {
    left(scheduling, home).count() == 0
}

/// The cores of `home` that a packet loop with this scheduling leaves to others; where it leaves none, all of them.
pub fn elsewhere(scheduling: &Scheduling, home: &CpuSet) -> CpuSet {
    let left = left(scheduling, home);
    if left.count() > 0 { left } else { *home }
}

/// The cores of `home` that are not the loop's.
fn left(scheduling: &Scheduling, home: &CpuSet) -> CpuSet {
    let mut left = *home;
    for &cpu in scheduling.cpus.iter().filter(|&&cpu| cpu < CpuSet::MAX_CPU) {
        left.unset(cpu);
    }
    left
}

/// Makes the calling thread an ordinary one on these cores, whatever thread it was started by.
pub fn step_down(cpus: &CpuSet) {
    // Always granted: it gives something up.
    let _ = policy::set_ordinary();
    // Refused when those cores were taken away since, and then the ones it has are as good.
    let _ = sched_setaffinity(None, cpus);
}

/// The cores the calling thread may use.
pub fn home() -> CpuSet {
    sched_getaffinity(None).unwrap_or_else(|_| CpuSet::new())
}

fn text(error: Errno) -> String {
    std::io::Error::from(error).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tailbed_format::order::Wait;

    fn in_a_thread<T: Send + 'static>(task: impl FnOnce() -> T + Send + 'static) -> T {
        std::thread::spawn(task).join().unwrap()
    }

    fn cpus(set: &CpuSet) -> Vec<usize> {
        (0..CpuSet::MAX_CPU).filter(|&cpu| set.is_set(cpu)).collect()
    }

    #[test]
    fn pins_to_a_core_it_may_use() {
        let first = cpus(&home())[0];
        assert_eq!(in_a_thread(move || (pin(&[first]), cpus(&home()))), (None, vec![first]));
    }

    #[test]
    fn cores_that_do_not_exist_are_a_downgrade() {
        let sentence = in_a_thread(|| pin(&[1023])).unwrap();
        assert!(sentence.starts_with("not pinned to CPU 1023: "), "{sentence}");
        let sentence = in_a_thread(|| pin(&[70_000, 70_001])).unwrap();
        assert!(sentence.starts_with("not pinned to CPU 70000,70001: there are no such CPUs"), "{sentence}");
    }

    #[test]
    fn an_impossible_priority_is_a_downgrade() {
        let sentence = in_a_thread(|| prioritize(100)).unwrap();
        assert!(sentence.starts_with("no real-time priority (SCHED_FIFO 100): "), "{sentence}");
    }

    #[test]
    fn a_loop_that_takes_every_core_confines_its_process() {
        let mut two = CpuSet::new();
        two.set(1);
        two.set(5);
        let on = |cpus: &[usize]| Scheduling { cpus: cpus.to_vec(), priority: None, lock_memory: false, wait: Wait::Spin };
        let confined = [vec![1, 5], vec![0, 1, 5], vec![1], vec![]].map(|cpus| is_confined(&on(&cpus), &two));
        assert_eq!(confined, [true, true, false, false]);
    }

    #[test]
    fn a_listener_leaves_the_loops_core_where_it_has_another() {
        let home = home();
        let all = cpus(&home);
        let scheduling = Scheduling { cpus: vec![all[0]], priority: None, lock_memory: false, wait: Wait::Spin };
        let after = in_a_thread(move || {
            stand_aside(&scheduling, &home);
            cpus(&super::home())
        });
        let expected = if all.len() > 1 { all[1..].to_vec() } else { all };
        assert_eq!(after, expected);
    }
}
