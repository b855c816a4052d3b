//! Cores that a group has to itself: partitions of version 2, exclusive cpusets of version 1; and groups of others, kept off them.

use std::fs;
use std::path::Path;

use anyhow::Context;
use tailbed_format::facts::Cgroup;
use tailbed_plan::check::cpus::{list, parse_list};
use tailbed_plan::step::{CgroupSpec, Exclusive, Form, GroupLimit, Partition};

use super::super::{NotHeld, TakenBack, affinity, setting};
use super::{set, set_list};
use crate::probe;

/// Makes the group above all those of the run fit to have exclusive ones below it, with version 1.
pub(super) fn parent_v1(exclusive: &Exclusive, parent: &Path) -> anyhow::Result<()> {
    set_list(parent, "cpuset.cpus", &exclusive.together)?;
    claim_v1(exclusive, parent)
}

/// Keeps others off a group's cores, with version 1 (cpuset(7), "Exclusive CPUs", "Load balancing").
pub(super) fn claim_v1(exclusive: &Exclusive, group: &Path) -> anyhow::Result<()> {
    files_v1(exclusive).try_for_each(|(file, value)| {
        let path = group.join(file).display().to_string();
        setting::put(&path, value).map_err(|error| NotHeld::because(&exclusive.knob, &path, value, &error))?;
        expect(&exclusive.knob, &path, value, &read(&path)?)
    })?;
    // we may be on them, and nothing takes us off any more
    affinity::keep_off(&exclusive.together.iter().copied().collect())
}

/// Files of a version 1 cpuset and what they are to say.
fn files_v1(exclusive: &Exclusive) -> impl Iterator<Item = (&'static str, &'static str)> {
    let alone = (exclusive.partition == Partition::Isolated).then_some(("cpuset.sched_load_balance", "0"));
    [("cpuset.cpu_exclusive", "1")].into_iter().chain(alone)
}

/// Makes the group above all those of the run a partition of the host's cores, with version 2.
pub(super) fn parent_v2(exclusive: &Exclusive, parent: &Path) -> anyhow::Result<()> {
    set_list(parent, "cpuset.cpus", &exclusive.together)?;
    partition(exclusive, parent, Partition::Root, &exclusive.together)
}

/// Makes a group with cores a partition of the one above it, with version 2.
pub(super) fn claim_v2(exclusive: &Exclusive, group: &Path, cpus: &[usize]) -> anyhow::Result<()> {
    partition(exclusive, group, exclusive.partition, cpus)
}

/// The kernel takes every word, and says afterwards what came of it: `isolated invalid (…)` where it could not.
fn partition(exclusive: &Exclusive, group: &Path, partition: Partition, cpus: &[usize]) -> anyhow::Result<()> {
    let path = group.join(PARTITION).display().to_string();
    let refused = |error: std::io::Error| NotHeld::because(&exclusive.knob, &path, partition.word(), &error);
    setting::put(&path, partition.word()).map_err(refused)?;
    expect(&exclusive.knob, &path, partition.word(), &read(&path)?)?;
    // the group above gives its cores away to those below, and has none left of its own
    if partition == exclusive.partition { effective(&exclusive.knob, group, cpus) } else { Ok(()) }
}

const PARTITION: &str = "cpuset.cpus.partition";

/// The cores that a group's tasks do run on.
fn effective(knob: &str, group: &Path, cpus: &[usize]) -> anyhow::Result<()> {
    let path = group.join("cpuset.cpus.effective").display().to_string();
    let (wanted, now) = (list(&cpus.iter().copied().collect()), read(&path)?);
    if Form::List.same(&now, &wanted) { Ok(()) } else { Err(NotHeld::of(knob, &path, &wanted, &now).into()) }
}

fn read(path: &str) -> anyhow::Result<String> {
    Ok(fs::read_to_string(path).with_context(|| format!("cannot read {path}"))?.trim().to_owned())
}

fn expect(knob: &str, path: &str, wanted: &str, now: &str) -> anyhow::Result<()> {
    if now == wanted { Ok(()) } else { Err(NotHeld::of(knob, path, wanted, now).into()) }
}

/// What the files of a group with cores to itself are to say, and say, each by its path.
pub(in crate::apply) fn held(spec: &CgroupSpec, exclusive: &Exclusive) -> anyhow::Result<Vec<(String, String, String)>> {
    let said = |path: String, wanted: &str| Ok((path.clone(), wanted.to_owned(), read(&path)?));
    match probe::cgroup() {
        Cgroup::V1 { controllers, .. } => {
            let mount = controllers.iter().find(|(name, _)| name == "cpuset").map(|(_, mount)| mount.as_str());
            let group = Path::new(mount.unwrap_or_default()).join(&spec.path);
            files_v1(exclusive).map(|(file, wanted)| said(group.join(file).display().to_string(), wanted)).collect()
        }
        Cgroup::V2 { mount, .. } => {
            let group = Path::new(&mount).join(&spec.path);
            Ok(vec![
                said(group.join(PARTITION).display().to_string(), exclusive.partition.word())?,
                said(group.join("cpuset.cpus.effective").display().to_string(), &list(&spec.cpus.iter().copied().collect()))?,
            ])
        }
        Cgroup::None => Ok(Vec::new()),
    }
}

/// The cores that a group is limited to; empty where it is not.
pub(in crate::apply) fn limited(limit: &GroupLimit) -> String {
    read(&limit.path()).unwrap_or_default()
}

/// Limits a group to cores; says whether the controller had to be switched on for that.
pub(in crate::apply) fn confine(limit: &GroupLimit) -> anyhow::Result<bool> {
    let root = Path::new(&limit.mount);
    let on = read(&root.join("cgroup.subtree_control").display().to_string())?;
    let switched = !on.split_whitespace().any(|name| name == "cpuset");
    if switched {
        set(root, "cgroup.subtree_control", "+cpuset")?;
    }
    let path = limit.path();
    let before = limited(limit);
    let done = setting::put(&path, &limit.cpus)
        .map_err(|error| NotHeld::because(&limit.knob, &path, &limit.cpus, &error).into())
        .and_then(|()| held_within(limit));
    let Err(error) = done else { return Ok(switched) };
    let error: anyhow::Error = error;
    let undone = let_go(limit, &before);
    let off = switched && !relied_on(root);
    let undone = undone.and_then(|()| if off { set(root, "cgroup.subtree_control", "-cpuset") } else { Ok(()) });
    Err(match undone {
        Ok(()) => error,
        Err(also) => anyhow::anyhow!("{error:#}; after that, {also:#}"),
    })
}

fn held_within(limit: &GroupLimit) -> anyhow::Result<()> {
    let now = effective_of(limit)?;
    let within = parse_list(&now).zip(parse_list(&limit.cpus)).is_some_and(|(now, wanted)| now.is_subset(&wanted));
    if within { Ok(()) } else { Err(NotHeld::of(&limit.knob, &limit.effective(), &limit.cpus, &now).into()) }
}

/// The cores that a group's tasks do run on.
pub(in crate::apply) fn effective_of(limit: &GroupLimit) -> anyhow::Result<String> {
    read(&limit.effective())
}

/// Writes back what limited a group. Linux 6.1, for one, lets nobody empty the list of a group with tasks (ENOSPC, `validate_change` in
/// kernel/cgroup/cpuset.c): it then gets every CPU, which limits nothing, and is emptied when the controller is switched off.
fn let_go(limit: &GroupLimit, before: &str) -> anyhow::Result<()> {
    let path = limit.path();
    let put = match setting::put(&path, before) {
        Err(error) if before.is_empty() && error.raw_os_error() == Some(libc::ENOSPC) => {
            setting::put(&path, &all(Path::new(&limit.mount)))
        }
        done => done,
    };
    put.with_context(|| format!("cannot write {before} back to {path}"))
}

/// Every CPU that groups may have.
fn all(root: &Path) -> String {
    fs::read_to_string(root.join("cpuset.cpus.effective")).unwrap_or_default().trim().to_owned()
}

/// Whether a group right below the root has cores of its own, or hands the controller further down: it would lose them with it.
pub(super) fn relied_on(root: &Path) -> bool {
    let limits = |cpus: &str| !cpus.trim().is_empty() && !Form::List.same(cpus, &all(root));
    fs::read_dir(root).into_iter().flatten().flatten().map(|entry| entry.path()).filter(|path| path.is_dir()).any(|group| {
        let says = |file: &str| fs::read_to_string(group.join(file)).unwrap_or_default();
        limits(&says("cpuset.cpus")) || says("cgroup.subtree_control").split_whitespace().any(|name| name == "cpuset")
    })
}

/// Takes a limit away again, unless somebody else has changed it since; and the controller, where it was switched on for it.
pub(in crate::apply) fn release(limit: &GroupLimit, before: &str, switched: bool) -> anyhow::Result<TakenBack> {
    let path = limit.path();
    if !Path::new(&path).exists() {
        return Ok(TakenBack::Done);
    }
    let now = read(&path)?;
    if !Form::List.same(&now, &limit.cpus) && !Form::List.same(&now, before) {
        return Ok(TakenBack::NotOurs(format!("{path} says {now}, neither ours nor as found: somebody else changed it")));
    }
    let_go(limit, before)?;
    if switched && !relied_on(Path::new(&limit.mount)) {
        set(Path::new(&limit.mount), "cgroup.subtree_control", "-cpuset")?;
    }
    Ok(TakenBack::Done)
}
