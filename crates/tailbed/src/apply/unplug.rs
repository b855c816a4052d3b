//! Processors that are taken off, and brought back.

use std::fs;
use std::path::Path;

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use tailbed_format::facts::Cgroup;
use tailbed_plan::check::cpus::parse_list;
use tailbed_plan::step::{Form, Unplug};

use super::{NotHeld, TakenBack, setting};
use crate::probe;

/// A folder for each interrupt.
const INTERRUPTS: &str = "/proc/irq";

/// A processor before it was taken off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CpuBefore {
    /// What its file said.
    pub(super) online: String,
    /// Files that forget about a processor that goes, with what they said: cpusets of version 1, which lose it for good (cpuset(7),
    /// "Hot plug"), and interrupts that were handled nowhere else.
    forgetting: Vec<(String, String)>,
}

/// What will have to be put back.
pub(super) fn before(unplug: &Unplug) -> anyhow::Result<CpuBefore> {
    let mut forgetting = Vec::new();
    if let Cgroup::V1 { controllers, .. } = probe::cgroup()
        && let Some((_, mount)) = controllers.iter().find(|(name, _)| name == "cpuset")
    {
        below(Path::new(mount), unplug.cpu, &mut forgetting);
    }
    for entry in fs::read_dir(INTERRUPTS).into_iter().flatten().flatten() {
        let file = entry.path().join("smp_affinity_list");
        keep(&file, |cpus| cpus.len() == 1 && cpus.contains(&unplug.cpu), &mut forgetting);
    }
    Ok(CpuBefore { online: read(unplug)?, forgetting })
}

/// Cpusets below a folder that have a processor.
fn below(folder: &Path, cpu: usize, found: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten().filter(|entry| entry.path().is_dir()) {
        keep(&entry.path().join("cpuset.cpus"), |cpus| cpus.contains(&cpu), found);
        below(&entry.path(), cpu, found);
    }
}

fn keep(file: &Path, wanted: impl Fn(&std::collections::BTreeSet<usize>) -> bool, found: &mut Vec<(String, String)>) {
    let Ok(text) = fs::read_to_string(file) else { return };
    if parse_list(&text).is_some_and(|cpus| wanted(&cpus)) {
        found.push((file.display().to_string(), text.trim().to_owned()));
    }
}

fn read(unplug: &Unplug) -> anyhow::Result<String> {
    let path = unplug.path();
    Ok(fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?.trim().to_owned())
}

/// Whether its file may be written, as far as opening it tells.
pub(super) fn check(unplug: &Unplug) -> anyhow::Result<()> {
    let opened = fs::File::options().write(true).open(unplug.path());
    opened.map(drop).map_err(|error| NotHeld::because(&unplug.knob, &unplug.path(), "0", &error).into())
}

/// Takes it off, and brings it back where that is all.
pub(super) fn unplug(unplug: &Unplug) -> anyhow::Result<()> {
    let before = before(unplug)?;
    let done = switch(unplug, "0").and_then(|()| if unplug.replug { bring_back(unplug, &before).map(drop) } else { Ok(()) });
    done.map_err(|error| match bring_back(unplug, &before) {
        Ok(_) => error,
        Err(also) => anyhow::anyhow!("{error:#}; after that, {also:#}"),
    })
}

fn switch(unplug: &Unplug, value: &str) -> anyhow::Result<()> {
    let path = unplug.path();
    if read(unplug)? != value {
        setting::put(&path, value).map_err(|error| NotHeld::because(&unplug.knob, &path, value, &error))?;
    }
    let now = read(unplug)?;
    if now == value { Ok(()) } else { Err(NotHeld::of(&unplug.knob, &path, value, &now).into()) }
}

/// Brings it back, with what forgot about it; gives the files that somebody else has written to since, which are left as they are.
fn bring_back(unplug: &Unplug, before: &CpuBefore) -> anyhow::Result<Vec<String>> {
    if before.online == "1" {
        switch(unplug, "1")?;
    }
    let (mut others, mut failed) = (Vec::new(), Vec::new());
    // parents first: a group can have no more than the one above it
    for (path, value) in &before.forgetting {
        let Ok(now) = fs::read_to_string(path) else { continue };
        if Form::List.same(&now, value) {
            continue;
        }
        if has_forgotten(path, &now, value, unplug.cpu) {
            failed.extend(remember(path, value).err().map(|error| format!("{error:#}")));
        } else {
            others.push(format!(
                "{path} says {}, which is not what the kernel made of {value}: somebody else changed it",
                now.trim()
            ));
        }
    }
    if failed.is_empty() { Ok(others) } else { bail!(failed.join("; ")) }
}

/// Whether a file says what the kernel leaves in it when a processor goes: of a cpuset all that was there but this one, of an interrupt any
/// other processors.
fn has_forgotten(path: &str, now: &str, before: &str, cpu: usize) -> bool {
    let (Some(now), Some(mut before)) = (parse_list(now), parse_list(before)) else { return false };
    before.remove(&cpu);
    if path.starts_with(INTERRUPTS) { !now.contains(&cpu) } else { now == before }
}

fn remember(path: &str, value: &str) -> anyhow::Result<()> {
    setting::put(path, value).with_context(|| format!("cannot write {value} back to {path}"))?;
    let now = fs::read_to_string(path).with_context(|| format!("cannot read {path}"))?;
    if Form::List.same(&now, value) { Ok(()) } else { bail!("{path} was given {value} back but says {}", now.trim()) }
}

/// Brings it back, with what forgot about it.
pub(super) fn put_back(unplug: &Unplug, before: &CpuBefore) -> anyhow::Result<TakenBack> {
    let others = bring_back(unplug, before)?;
    Ok(if others.is_empty() { TakenBack::Done } else { TakenBack::NotOurs(others.join("; ")) })
}

/// What its file is to say while the run is under way, and says.
pub(super) fn held(unplug: &Unplug) -> anyhow::Result<(&'static str, String)> {
    Ok((if unplug.replug { "1" } else { "0" }, read(unplug)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_kernel_has_forgotten_is_written_back() {
        let cpuset = "/sys/fs/cgroup/cpuset/docker/cpuset.cpus";
        assert!(has_forgotten(cpuset, "0,2-3\n", "0-3", 1));
        assert!(has_forgotten(cpuset, "\n", "1", 1));
        assert!(!has_forgotten(cpuset, "2\n", "0-3", 1), "somebody has narrowed it meanwhile");
        let interrupt = "/proc/irq/24/smp_affinity_list";
        assert!(has_forgotten(interrupt, "0,2-3\n", "1", 1));
        assert!(!has_forgotten(interrupt, "0-1\n", "1", 1), "somebody has moved it since the processor came back");
    }
}
