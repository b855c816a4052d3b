//! Which CPUs threads may run on: those of the kernel's own, and those of what runs in a node.

use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::{fmt, fs, io};

use anyhow::{Context, ensure};
use rustix::io::Errno;
use rustix::process::Pid;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use serde::{Deserialize, Serialize};
use tailbed_plan::check::cpus::{Cpus, list, parse_list};
use tailbed_plan::step::ThreadMove;

use super::NotHeld;
use super::kernel_thread::{Property, what};
use super::process::Process;

/// Where a thread may run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Affinity(Cpus);

impl Affinity {
    /// Where a step asks for.
    pub(super) fn asked(moved: &ThreadMove) -> anyhow::Result<Self> {
        moved.cpus.clone().try_into()
    }
}

impl TryFrom<String> for Affinity {
    type Error = anyhow::Error;

    fn try_from(cpus: String) -> anyhow::Result<Self> {
        parse_list(&cpus).map(Self).with_context(|| format!("{cpus} is no list of CPUs"))
    }
}

impl From<Affinity> for String {
    fn from(affinity: Affinity) -> Self {
        affinity.to_string()
    }
}

impl fmt::Display for Affinity {
    /// In the kernel's list format.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&list(&self.0))
    }
}

impl Property for Affinity {
    const HAS: &str = "runs on CPUs";
    const OWN: &str = "its CPUs";
    const CHANGED: &str = "moved";

    fn of(thread: &Process) -> anyhow::Result<Self> {
        cpus_of(thread.pid).map(Self).with_context(|| format!("cannot ask where the thread {} may run", thread.pid))
    }

    fn give_to(&self, thread: &Process) -> io::Result<()> {
        Ok(set(thread.pid, &self.0)?)
    }
}

/// CPUs a thread may run on, in the kernel's list format.
fn read(thread: i32) -> anyhow::Result<String> {
    Ok(list(&cpus_of(thread).with_context(|| format!("cannot ask where the thread {thread} may run"))?))
}

/// CPUs a thread may run on; 0 is the calling one.
fn cpus_of(thread: i32) -> Result<Cpus, Errno> {
    let set = sched_getaffinity(Pid::from_raw(thread))?;
    Ok((0..CpuSet::MAX_CPU).filter(|cpu| set.is_set(*cpu)).collect())
}

fn set(thread: i32, cpus: &Cpus) -> Result<(), Errno> {
    let mut set = CpuSet::new();
    cpus.iter().filter(|cpu| **cpu < CpuSet::MAX_CPU).for_each(|cpu| set.set(*cpu));
    sched_setaffinity(Pid::from_raw(thread), &set)
}

/// Where this process might run before it did anything to the host, which may take processors off it.
static ALLOWED: OnceLock<Cpus> = OnceLock::new();

/// Whether it keeps off some of them.
static KEEPS_OFF: AtomicBool = AtomicBool::new(false);

/// Where this process may run, as it was when it was first asked.
///
/// # Errors
/// The kernel's.
pub(super) fn allowed() -> anyhow::Result<&'static Cpus> {
    if let Some(allowed) = ALLOWED.get() {
        return Ok(allowed);
    }
    let own = cpus_of(0).context("cannot ask where this thread may run")?;
    Ok(ALLOWED.get_or_init(|| own))
}

/// Forbids these CPUs to all threads of this process, and to what they start, as far as they may run on others; what is started on purpose on
/// one of them says so itself. Where load is not balanced over a CPU nothing takes off it who was the last to run or to wake there: it would wait
/// behind a packet loop, and behind whatever is as busy besides, until they end. It holds until [`come_back`].
///
/// # Errors
/// The kernel's.
pub(super) fn keep_off(cpus: &Cpus) -> anyhow::Result<()> {
    let others: Cpus = allowed()?.difference(cpus).copied().collect();
    if others.is_empty() {
        return Ok(());
    }
    KEEPS_OFF.store(true, Ordering::Relaxed);
    run_on(&others)
}

/// Allows all threads of this process what it might use at first, if it keeps off some of it. When everything is taken back: until then
/// processors of these may be off.
///
/// # Errors
/// The kernel's.
pub(super) fn come_back() -> anyhow::Result<()> {
    if KEEPS_OFF.swap(false, Ordering::Relaxed) { run_on(allowed()?) } else { Ok(()) }
}

/// Has all threads of this process run on these CPUs.
fn run_on(cpus: &Cpus) -> anyhow::Result<()> {
    own_threads()?.into_iter().try_for_each(|thread| move_own(thread, cpus))
}

/// Has a thread of this process run on these CPUs; one that has ended is passed over.
fn move_own(thread: i32, cpus: &Cpus) -> anyhow::Result<()> {
    match cpus_of(thread).and_then(|now| if now == *cpus { Ok(()) } else { set(thread, cpus) }) {
        Ok(()) | Err(Errno::SRCH) => Ok(()),
        Err(error) => Err(error).with_context(|| format!("cannot run on CPUs {}", list(cpus))),
    }
}

/// Where each thread of this process may run.
pub(super) struct OwnThreads {
    /// By the thread's id.
    each: BTreeMap<i32, Cpus>,
    /// Of the thread that asked.
    own: Cpus,
}

impl OwnThreads {
    /// Asks.
    pub(super) fn now() -> anyhow::Result<Self> {
        let each = own_threads()?.into_iter().filter_map(|thread| Some((thread, cpus_of(thread).ok()?))).collect();
        Ok(Self { each, own: cpus_of(0)? })
    }

    /// Has each run where it ran then, and those that are new since where the thread did that asked; one that ends meanwhile is passed over.
    ///
    /// # Errors
    /// The kernel's, of the first thread that is refused.
    pub(super) fn give_back(&self) -> anyhow::Result<()> {
        own_threads()?.into_iter().try_for_each(|thread| move_own(thread, self.each.get(&thread).unwrap_or(&self.own)))
    }
}

fn own_threads() -> anyhow::Result<Vec<i32>> {
    let tasks = fs::read_dir("/proc/self/task").context("cannot list our own threads")?.flatten();
    Ok(tasks.filter_map(|task| task.file_name().to_str()?.parse().ok()).collect())
}

/// Has every thread of every process in a pid namespace run on these cores only, that of the process `init`. Those they start later
/// inherit it; one that ends meanwhile is passed over.
pub(super) fn confine_inside(knob: &str, node: &str, init: i32, cpus: &[usize]) -> anyhow::Result<()> {
    let cpus: Cpus = cpus.iter().copied().collect();
    let namespace = |pid: i32| fs::read_link(format!("/proc/{pid}/ns/pid"));
    let within = namespace(init).with_context(|| format!("cannot look at the first process of {node}"))?;
    ensure!(namespace(i32::try_from(std::process::id()).unwrap_or_default())? != within, "{node} has no processes of its own");
    let entries = fs::read_dir("/proc").context("cannot list /proc")?.flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    for pid in pids.filter(|pid| namespace(*pid).is_ok_and(|other| other == within)) {
        let tasks = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
        for thread in tasks.filter_map(|task| task.file_name().to_str()?.parse().ok()) {
            match set(thread, &cpus) {
                Ok(()) | Err(Errno::SRCH) => {}
                Err(error) => {
                    let what = format!("the thread {thread} in {node}");
                    return Err(NotHeld::because(knob, &what, &list(&cpus), &error).into());
                }
            }
        }
    }
    let now = read(init)?;
    if now == list(&cpus) { Ok(()) } else { Err(NotHeld::of(knob, &what(node, init), &list(&cpus), &now).into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_run_where_they_ran_before() {
        let before = OwnThreads::now().unwrap();
        let first = Cpus::from([*before.own.iter().next().unwrap()]);
        set(0, &first).unwrap();
        before.give_back().unwrap();
        assert_eq!(cpus_of(0).unwrap(), before.own);
    }

    #[test]
    fn a_thread_says_where_it_may_run() {
        let mine = read(i32::try_from(std::process::id()).unwrap()).unwrap();
        assert!(parse_list(&mine).is_some_and(|cpus| !cpus.is_empty()), "{mine}");
        assert!(crate::apply::kernel_thread::before::<Affinity>("no such thread").is_err());
    }
}
