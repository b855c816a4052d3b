//! Where the threads of an emulator run, and before whom.
//!
//! A virtual CPU whose guest spins never sleeps. Under `SCHED_FIFO` it would keep its core from the threads of the emulator that bring its
//! packets and its timers; so these get one priority more: they sleep most of the time, and when they have work, the guest waits for it.
//! Where real-time priority is not safe, all threads come before others of ordinary priority instead, as far as nice values go.

use std::fs;

use anyhow::{Context, bail};
use rustix::process::{Pid, setpriority_process};
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
        schedule(spec, thread, 1)?;
    }
    // last: from here on a virtual CPU may keep its core from whoever has less
    virtual_cpus.iter().try_for_each(|&thread| schedule(spec, thread, 0))
}

/// Gives a thread the priority of the machine, or so much more.
fn schedule(spec: &VmSpec, thread: i32, more: u8) -> anyhow::Result<()> {
    match spec.real_time() {
        Some(priority) => prioritize(thread, priority.saturating_add(more)),
        None if spec.priority.is_some() => prefer(thread),
        None => Ok(()),
    }
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

/// The lowest nice value there is (sched(7), "The nice value").
fn prefer(thread: i32) -> anyhow::Result<()> {
    setpriority_process(Pid::from_raw(thread), -20).context("cannot lower the nice value of a thread of the emulator")
}

fn prioritize(thread: i32, priority: u8) -> anyhow::Result<()> {
    match tailbed_traffic::realtime::prioritize_thread(thread, priority) {
        None => Ok(()),
        Some(refusal) => bail!("a thread of the emulator: {refusal}"),
    }
}
