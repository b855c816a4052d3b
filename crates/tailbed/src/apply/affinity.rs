//! Which CPUs threads may run on: those of the kernel's own, and those of what runs in a node.

use std::collections::BTreeSet;
use std::fs;

use anyhow::{Context, anyhow, ensure};
use rustix::io::Errno;
use rustix::process::Pid;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use serde::{Deserialize, Serialize};
use tailbed_plan::check::cpus::{Cpus, list, parse_list};
use tailbed_plan::step::{Form, ThreadMove};

use super::process::Process;
use super::{NotHeld, TakenBack};

/// A thread before it was moved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ThreadBefore {
    /// Which one.
    process: Process,
    /// CPUs it might run on, in the kernel's list format.
    cpus: String,
}

/// Where threads might run; those that say the same once.
pub(super) fn cpus(threads: &[ThreadBefore]) -> String {
    let all: BTreeSet<&str> = threads.iter().map(|thread| thread.cpus.as_str()).collect();
    all.into_iter().collect::<Vec<_>>().join("; ")
}

/// The kernel's threads of a name, with where they may run.
pub(super) fn before(name: &str) -> anyhow::Result<Vec<ThreadBefore>> {
    let found = named(name)?;
    ensure!(!found.is_empty(), "the kernel has no thread {name}");
    found.into_iter().map(|process| Ok(ThreadBefore { cpus: read(process.pid)?, process })).collect()
}

/// Moves the threads of a name; all of them, or none.
pub(super) fn move_thread(moved: &ThreadMove) -> anyhow::Result<()> {
    let found = before(&moved.thread)?;
    move_all(moved).map_err(|error| match put_back(moved, &found) {
        Ok(_) => error,
        Err(also) => anyhow!("{error:#}; after that, {also:#}"),
    })
}

fn move_all(moved: &ThreadMove) -> anyhow::Result<()> {
    let wanted = parse_list(&moved.cpus).with_context(|| format!("{} is no list of CPUs", moved.cpus))?;
    for process in named(&moved.thread)? {
        let what = what(&moved.thread, process.pid);
        set(process.pid, &wanted).map_err(|error| NotHeld::because(&moved.knob, &what, &moved.cpus, &error))?;
        let now = read(process.pid)?;
        if !Form::List.same(&now, &moved.cpus) {
            return Err(NotHeld::of(&moved.knob, &what, &moved.cpus, &now).into());
        }
    }
    Ok(())
}

/// Where the threads of a name may run now; those that say the same once.
pub(super) fn now(name: &str) -> anyhow::Result<BTreeSet<String>> {
    named(name)?.iter().map(|process| read(process.pid)).collect()
}

/// Gives threads back where they ran before, unless somebody else has moved them since.
pub(super) fn put_back(moved: &ThreadMove, before: &[ThreadBefore]) -> anyhow::Result<TakenBack> {
    let mut others = Vec::new();
    for ThreadBefore { process, cpus } in before {
        if process.is_ending() {
            continue;
        }
        let now = read(process.pid)?;
        let what = what(&moved.thread, process.pid);
        if Form::List.same(&now, cpus) {
            continue;
        }
        if !Form::List.same(&now, &moved.cpus) {
            others.push(format!(
                "{what} runs on CPUs {now}, neither {} (ours) nor {cpus} (as found): somebody else moved it",
                moved.cpus
            ));
            continue;
        }
        let wanted = parse_list(cpus).with_context(|| format!("{cpus} is no list of CPUs"))?;
        set(process.pid, &wanted).with_context(|| format!("cannot give {what} its CPUs {cpus} back"))?;
    }
    Ok(if others.is_empty() { TakenBack::Done } else { TakenBack::NotOurs(others.join("; ")) })
}

fn what(thread: &str, pid: i32) -> String {
    format!("the thread {thread} ({pid})")
}

/// A thread of the kernel's own (include/linux/sched.h).
const PF_KTHREAD: u32 = 0x0020_0000;

fn named(name: &str) -> anyhow::Result<Vec<Process>> {
    let entries = fs::read_dir("/proc").context("cannot list /proc")?.flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let is_it = |pid: &u32| fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|comm| comm.trim_end() == name);
    let processes = pids.filter(is_it).map(Process::of);
    Ok(processes.filter(|process| process.flags().is_some_and(|flags| flags & PF_KTHREAD != 0)).collect())
}

/// CPUs a thread may run on, in the kernel's list format.
fn read(thread: i32) -> anyhow::Result<String> {
    let set =
        sched_getaffinity(Pid::from_raw(thread)).with_context(|| format!("cannot ask where the thread {thread} may run"))?;
    Ok(list(&(0..CpuSet::MAX_CPU).filter(|cpu| set.is_set(*cpu)).collect()))
}

fn set(thread: i32, cpus: &Cpus) -> Result<(), Errno> {
    let mut set = CpuSet::new();
    cpus.iter().filter(|cpu| **cpu < CpuSet::MAX_CPU).for_each(|cpu| set.set(*cpu));
    sched_setaffinity(Pid::from_raw(thread), &set)
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
    fn a_thread_says_where_it_may_run() {
        let mine = read(i32::try_from(std::process::id()).unwrap()).unwrap();
        assert!(parse_list(&mine).is_some_and(|cpus| !cpus.is_empty()), "{mine}");
        assert!(before("no such thread").is_err());
    }
}
