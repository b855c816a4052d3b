//! The kernel's own threads, by their names, and what knobs set of them.

use std::collections::BTreeSet;
use std::{fmt, fs, io};

use anyhow::{Context, anyhow, ensure};
use serde::{Deserialize, Serialize};

use super::process::Process;
use super::{NotHeld, TakenBack};
use crate::probe::stat::PF_KTHREAD;

/// What a knob sets of a thread: where it runs, or before whom.
pub(super) trait Property: fmt::Display + PartialEq + Sized {
    /// What a thread does that has it, as `runs on CPUs`.
    const HAS: &str;
    /// What it is to a thread, as `its CPUs`.
    const OWN: &str;
    /// What somebody did who gave a thread another, as `moved`.
    const CHANGED: &str;

    /// Asks what a thread has.
    fn of(thread: &Process) -> anyhow::Result<Self>;

    /// Has a thread have it.
    fn give_to(&self, thread: &Process) -> io::Result<()>;
}

/// A thread, and what it had before it was given something else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Found<P> {
    /// Which one.
    process: Process,
    /// What it had.
    #[serde(alias = "cpus")]
    pub(super) had: P,
}

/// The threads of a name, with what they have.
pub(super) fn before<P: Property>(name: &str) -> anyhow::Result<Vec<Found<P>>> {
    named(name)?.into_iter().map(|process| Ok(Found { had: P::of(&process)?, process })).collect()
}

/// What threads had; those that say the same once.
pub(super) fn found<P: Property>(threads: &[Found<P>]) -> String {
    let all: BTreeSet<String> = threads.iter().map(|thread| thread.had.to_string()).collect();
    all.into_iter().collect::<Vec<_>>().join("; ")
}

/// What the threads of a name have now; those that say the same once.
pub(super) fn now<P: Property>(name: &str) -> anyhow::Result<BTreeSet<String>> {
    named(name)?.iter().map(|process| Ok(P::of(process)?.to_string())).collect()
}

/// Gives the threads of a name what a knob asks for; all of them, or none.
pub(super) fn give<P: Property>(name: &str, knob: &str, asked: &P) -> anyhow::Result<()> {
    let found = before(name)?;
    give_all(name, knob, asked).map_err(|error| match put_back(name, asked, &found) {
        Ok(_) => error,
        Err(also) => anyhow!("{error:#}; after that, {also:#}"),
    })
}

fn give_all<P: Property>(name: &str, knob: &str, asked: &P) -> anyhow::Result<()> {
    for process in named(name)? {
        let (what, wanted) = (what(name, process.pid), asked.to_string());
        asked.give_to(&process).map_err(|error| NotHeld::because(knob, &what, &wanted, &error))?;
        let now = P::of(&process)?;
        if now != *asked {
            return Err(NotHeld::of(knob, &what, &wanted, &now.to_string()).into());
        }
    }
    Ok(())
}

/// Gives threads back what they had, unless somebody else has given them something since.
pub(super) fn put_back<P: Property>(name: &str, asked: &P, before: &[Found<P>]) -> anyhow::Result<TakenBack> {
    let (has, own, changed) = (P::HAS, P::OWN, P::CHANGED);
    let mut others = Vec::new();
    for Found { process, had } in before.iter().filter(|thread| !thread.process.is_ending()) {
        let now = P::of(process)?;
        let what = what(name, process.pid);
        if now == *had {
            continue;
        }
        if now != *asked {
            others.push(format!("{what} {has} {now}, neither {asked} (ours) nor {had} (as found): somebody else {changed} it"));
            continue;
        }
        had.give_to(process).with_context(|| format!("cannot give {what} {own} {had} back"))?;
    }
    Ok(if others.is_empty() { TakenBack::Done } else { TakenBack::NotOurs(others.join("; ")) })
}

/// Those of a name: one at least.
fn named(name: &str) -> anyhow::Result<Vec<Process>> {
    let entries = fs::read_dir("/proc").context("cannot list /proc")?.flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let is_it = |pid: &u32| fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|comm| comm.trim_end() == name);
    let processes = pids.filter(is_it).map(Process::of);
    let found: Vec<Process> = processes.filter(|process| process.flags().is_some_and(|flags| flags & PF_KTHREAD != 0)).collect();
    ensure!(!found.is_empty(), "the kernel has no thread {name}");
    Ok(found)
}

/// One of them, as messages name it.
pub(super) fn what(thread: &str, pid: i32) -> String {
    format!("the thread {thread} ({pid})")
}
