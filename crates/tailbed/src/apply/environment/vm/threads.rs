//! Where the threads of an emulator run, and before whom.
//!
//! A virtual CPU whose guest spins never sleeps. Under `SCHED_FIFO` it would keep its core from the threads of the emulator that bring its
//! packets and its timers; so these get one priority more: they sleep most of the time, and when they have work, the guest waits for it.

use std::fs;

use anyhow::{Context, bail};
use rustix::process::Pid;
use rustix::thread::{CpuSet, sched_setaffinity};
use tailbed_plan::step::VmSpec;

/// Puts all threads of an emulator in their places: virtual CPU n on the n-th core in turn, the others on any of them.
pub(super) fn place(spec: &VmSpec, emulator: u32, virtual_cpus: &[i32]) -> anyhow::Result<()> {
    for (number, &thread) in virtual_cpus.iter().enumerate() {
        if let Some(core) = spec.cpus.get(number % spec.cpus.len().max(1)) {
            pin(thread, &[*core])?;
        }
    }
    for thread in others(emulator, virtual_cpus)? {
        pin(thread, &spec.cpus)?;
        if let Some(priority) = spec.priority {
            prioritize(thread, priority.saturating_add(1))?;
        }
    }
    // last: from here on a virtual CPU may keep its core from whoever has less
    if let Some(priority) = spec.priority {
        virtual_cpus.iter().try_for_each(|thread| prioritize(*thread, priority))?;
    }
    Ok(())
}

fn others(emulator: u32, virtual_cpus: &[i32]) -> anyhow::Result<Vec<i32>> {
    let tasks = fs::read_dir(format!("/proc/{emulator}/task")).context("cannot list the emulator's threads")?;
    let threads = tasks.flatten().filter_map(|task| task.file_name().to_str()?.parse().ok());
    Ok(threads.filter(|thread| !virtual_cpus.contains(thread)).collect())
}

fn pin(thread: i32, cores: &[usize]) -> anyhow::Result<()> {
    if cores.is_empty() {
        return Ok(());
    }
    let mut set = CpuSet::new();
    for &core in cores.iter().filter(|core| **core < CpuSet::MAX_CPU) {
        set.set(core);
    }
    sched_setaffinity(Pid::from_raw(thread), &set)
        .with_context(|| format!("cannot pin a thread of the emulator to CPU {cores:?}"))
}

fn prioritize(thread: i32, priority: u8) -> anyhow::Result<()> {
    match tailbed_traffic::realtime::prioritize_thread(thread, priority) {
        None => Ok(()),
        Some(refusal) => bail!("a thread of the emulator: {refusal}"),
    }
}
