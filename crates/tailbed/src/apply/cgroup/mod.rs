//! Control groups, by their files: version 1 with its hierarchy per controller, and version 2 (cgroups(7)).

mod devices;
mod exclusive;
mod huge_pages;
mod memory;
mod visit;

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use tailbed_format::facts::{Cgroup, Hierarchy};
use tailbed_plan::step::CgroupSpec;

use super::{TakenBack, process};
use crate::probe;

pub(super) use devices::allow as allow_devices;
pub(super) use exclusive::{confine, effective_of, held, limited, release};
pub(super) use huge_pages::{join_counting, limit_of as limit_huge_pages_of, refused as huge_pages_refused};
pub(super) use memory::{out_of_memory, out_of_memory_around, ran_out};
pub(super) use visit::within;

/// A group that was made.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Made {
    /// Folders made, with their inodes, parents first.
    folders: Vec<(PathBuf, u64)>,
    /// Version 2: controllers that were off before for the root's children.
    enabled: Vec<String>,
    /// Version 2: inodes of the root's children that were there before.
    #[serde(default)]
    beside: Vec<u64>,
}

/// Makes the group wherever a controller needs it, parents first, and sets its limits.
pub(super) fn make(spec: &CgroupSpec) -> anyhow::Result<Made> {
    let mut made = Made::default();
    let cgroup = probe::cgroup();
    let result = match &cgroup {
        Cgroup::V1 { controllers, .. } => {
            make_v1(spec, controllers, &mut made.folders).and_then(|()| make_beside(spec, &cgroup, &mut made))
        }
        Cgroup::V2 { mount, controllers } => make_v2(spec, Path::new(mount), controllers, &mut made),
        Cgroup::None => Err(anyhow::anyhow!("no control groups that we may write to")),
    };
    if let Err(error) = result {
        remove(&made.folders).ok();
        switch_off(&made)?;
        return Err(error.context(format!("cannot make the control group {}", spec.path)));
    }
    Ok(made)
}

/// Ends what still runs in the group (only what we started can be in it) and removes it, as far as the folders are those we made.
pub(super) fn delete(spec: &CgroupSpec, made: &Made) -> anyhow::Result<TakenBack> {
    let known;
    let folders = if made.folders.is_empty() {
        known = by_name(spec);
        &known
    } else {
        &made.folders
    };
    let (ours, others): (Vec<_>, Vec<_>) =
        folders.iter().filter(|(folder, _)| folder.exists()).partition(|(folder, inode)| inode_of(folder).ok() == Some(*inode));
    let ours: Vec<_> = ours.into_iter().cloned().collect();
    end_processes(spec, &ours)?;
    remove(&ours).with_context(|| format!("cannot remove the control group {}", spec.path))?;
    switch_off(made)?;
    Ok(others.first().map_or(TakenBack::Done, |(folder, _)| {
        TakenBack::NotOurs(format!("the control group {} is not the one we made", folder.display()))
    }))
}

/// Version 2: switches off controllers of the root's children that were off before, unless somebody relies on them by now: a group that has
/// come since and is not ours, one that was there and has got cores of its own, or one that hands the controller further down.
fn switch_off(made: &Made) -> anyhow::Result<()> {
    let Some(mount) = second_version() else { return Ok(()) };
    if made.enabled.is_empty() || children(&mount).iter().any(|inode| !made.beside.contains(inode)) {
        return Ok(());
    }
    for controller in &made.enabled {
        if controller == "cpuset" && exclusive::relied_on(&mount) {
            continue;
        }
        match set(&mount, "cgroup.subtree_control", &format!("-{controller}")) {
            Err(error) if error.downcast_ref::<io::Error>().and_then(io::Error::raw_os_error) == Some(libc::EBUSY) => {}
            done => done?,
        }
    }
    Ok(())
}

/// Where version 2 is mounted, alone or besides.
fn second_version() -> Option<PathBuf> {
    match probe::cgroup() {
        Cgroup::V2 { mount, .. } | Cgroup::V1 { unified: Some(mount), .. } => Some(mount.into()),
        _ => None,
    }
}

/// The inodes of the groups below a folder.
fn children(folder: &Path) -> Vec<u64> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    entries.filter(|path| path.is_dir()).filter_map(|path| inode_of(&path).ok()).collect()
}

fn make_v1(spec: &CgroupSpec, controllers: &[(String, String)], made: &mut Vec<(PathBuf, u64)>) -> anyhow::Result<()> {
    for (controller, mount) in controllers {
        let leaf = Path::new(mount).join(&spec.path);
        if leaf.exists() && made.iter().any(|(folder, _)| *folder == leaf) {
            // controllers mounted together share their folders
            set_v1(spec, controller, &leaf)?;
            continue;
        }
        let parent = leaf.parent().unwrap_or(&leaf);
        let new_parent = make_parent(parent, made)?;
        let cpuset = controller == "cpuset";
        // a version 1 cpuset takes no task before it has cpus and memory nodes (cpuset(7), ENOSPC)
        if cpuset && new_parent {
            inherit(parent, "cpuset.cpus")?;
            inherit(parent, "cpuset.mems")?;
        }
        let exclusive = spec.exclusive.as_ref().filter(|_| cpuset);
        exclusive.map_or(Ok(()), |exclusive| exclusive::parent_v1(exclusive, parent))?;
        make_folder(&leaf, made)?;
        if cpuset {
            inherit(&leaf, "cpuset.cpus")?;
            inherit(&leaf, "cpuset.mems")?;
        }
        set_v1(spec, controller, &leaf)?;
        exclusive.map_or(Ok(()), |exclusive| exclusive::claim_v1(exclusive, &leaf))?;
    }
    Ok(())
}

fn set_v1(spec: &CgroupSpec, controller: &str, leaf: &Path) -> anyhow::Result<()> {
    match controller {
        "cpuset" => {
            set_list(leaf, "cpuset.cpus", &spec.cpus)?;
            set_list(leaf, "cpuset.mems", &spec.memory_nodes)
        }
        "memory" => spec.memory.map_or(Ok(()), |memory| memory::limit_v1(leaf, memory)),
        "hugetlb" => huge_pages::limit(leaf, Hierarchy::First(""), &spec.huge_pages),
        _ => Ok(()),
    }
}

/// Makes a group in the hierarchy of version 2 that is mounted besides version 1, where only that one counts huge pages.
fn make_beside(spec: &CgroupSpec, cgroup: &Cgroup, made: &mut Made) -> anyhow::Result<()> {
    let Some(hierarchy @ Hierarchy::Second(mount)) = cgroup.hierarchy_of("hugetlb").filter(|_| !spec.huge_pages.is_empty())
    else {
        return Ok(());
    };
    let leaf = hand_down(spec, Path::new(mount), &["hugetlb"], made)?;
    huge_pages::limit(&leaf, hierarchy, &spec.huge_pages)
}

fn make_v2(spec: &CgroupSpec, mount: &Path, available: &[String], made: &mut Made) -> anyhow::Result<()> {
    let huge_pages = (!spec.huge_pages.is_empty()).then_some("hugetlb");
    let wanted = ["cpuset", "memory", "pids"].into_iter().chain(huge_pages);
    let wanted: Vec<_> = wanted.filter(|name| available.iter().any(|have| have == name)).collect();
    let leaf = hand_down(spec, mount, &wanted, made)?;
    set_list(&leaf, "cpuset.cpus", &spec.cpus)?;
    set_list(&leaf, "cpuset.mems", &spec.memory_nodes)?;
    let exclusive = spec.exclusive.as_ref();
    exclusive.map_or(Ok(()), |exclusive| exclusive::claim_v2(exclusive, &leaf, &spec.cpus))?;
    if wanted.contains(&"hugetlb") {
        huge_pages::limit(&leaf, Hierarchy::Second(""), &spec.huge_pages)?;
    }
    spec.memory.map_or(Ok(()), |memory| memory::limit_v2(&leaf, memory))
}

/// Makes a group of version 2 with the controllers that are wanted, which are handed down one level at a time (cgroup-v2.rst, "Enabling
/// and Disabling").
fn hand_down(spec: &CgroupSpec, mount: &Path, wanted: &[&str], made: &mut Made) -> anyhow::Result<PathBuf> {
    let leaf = mount.join(&spec.path);
    let parent = leaf.parent().unwrap_or(mount).to_owned();
    let on = fs::read_to_string(mount.join("cgroup.subtree_control"))?;
    let is_on = |name: &str| on.split_whitespace().any(|have| have == name);
    made.beside = children(mount);
    made.enabled = wanted.iter().filter(|name| !is_on(name)).map(|name| (*name).to_owned()).collect();
    let all: Vec<_> = wanted.iter().map(|name| format!("+{name}")).collect();
    set(mount, "cgroup.subtree_control", &all.join(" "))?;
    make_parent(&parent, &mut made.folders)?;
    set(&parent, "cgroup.subtree_control", &all.join(" "))?;
    let exclusive = spec.exclusive.as_ref().filter(|_| wanted.contains(&"cpuset"));
    exclusive.map_or(Ok(()), |exclusive| exclusive::parent_v2(exclusive, &parent))?;
    make_folder(&leaf, &mut made.folders)?;
    Ok(leaf)
}

/// Makes the folder that holds the groups of all nodes, unless an earlier step has. Says whether it is new.
fn make_parent(folder: &Path, made: &mut Vec<(PathBuf, u64)>) -> anyhow::Result<bool> {
    if folder.exists() { Ok(false) } else { make_folder(folder, made).map(|()| true) }
}

/// Makes a folder that must not exist yet.
fn make_folder(folder: &Path, made: &mut Vec<(PathBuf, u64)>) -> anyhow::Result<()> {
    fs::create_dir(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    made.push((folder.to_owned(), inode_of(folder)?));
    Ok(())
}

fn inherit(folder: &Path, file: &str) -> anyhow::Result<()> {
    let parent = folder.parent().unwrap_or(folder).join(file);
    let value = fs::read_to_string(&parent).with_context(|| format!("cannot read {}", parent.display()))?;
    set(folder, file, value.trim())
}

fn set_list(folder: &Path, file: &str, numbers: &[usize]) -> anyhow::Result<()> {
    if numbers.is_empty() {
        return Ok(());
    }
    let list: Vec<_> = numbers.iter().map(ToString::to_string).collect();
    set(folder, file, &list.join(","))
}

fn set(folder: &Path, file: &str, value: &str) -> anyhow::Result<()> {
    let path = folder.join(file);
    fs::write(&path, value).with_context(|| format!("cannot write {value} to {}", path.display()))
}

fn inode_of(folder: &Path) -> io::Result<u64> {
    Ok(fs::metadata(folder)?.ino())
}

/// Has the kernel get ready for a process to change its group. The lock that this takes first waits for a grace period of RCU, some
/// milliseconds, unless the last change is hardly longer ago (`rcu_sync_enter` in kernel/rcu/sync.c). To change into the group one is in
/// changes nothing, and done in the background it lets that time pass while a container's parent starts.
pub(super) fn get_ready_for_change() {
    std::thread::spawn(|| own_group("cpu").map(|folder| set(&folder, "cgroup.procs", "0")));
}

/// The folder of the group that this process is in: of the version 1 hierarchy of a controller, or of version 2.
fn own_group(controller: &str) -> Option<PathBuf> {
    let (mount, controller) = match probe::cgroup() {
        Cgroup::V1 { controllers, .. } => (controllers.into_iter().find(|(name, _)| name == controller)?.1, controller),
        Cgroup::V2 { mount, .. } => (mount, ""),
        Cgroup::None => return None,
    };
    let own = fs::read_to_string("/proc/self/cgroup").ok()?;
    // hierarchy number, controllers, path (cgroups(7))
    let fields = own.lines().filter_map(|line| line.splitn(3, ':').collect::<Vec<_>>().try_into().ok());
    let path = fields
        .into_iter()
        .find(|[_, names, _]: &[&str; 3]| names.split(',').any(|name| name == controller))
        .map_or("/", |[_, _, path]| path);
    Some(Path::new(&mount).join(path.trim_start_matches('/')))
}

/// Puts a process back into the version 1 cpu group that this process is in, where the kernel gives groups shares of real-time time
/// (RT_GROUP_SCHED): a new group has none at all, and the shares of all groups together may not exceed the root's, which is 95 % unless
/// somebody changed it. A loop that never sleeps needs all of it.
pub(super) fn keep_real_time_share(pid: i32) -> anyhow::Result<()> {
    let Some(folder) = own_group("cpu") else { return Ok(()) };
    if folder.join("cpu.rt_runtime_us").exists() { set(&folder, "cgroup.procs", &pid.to_string()) } else { Ok(()) }
}

/// Puts a process into the group that was made for it beside those of version 1, where there is one: a container runtime knows only these.
pub(super) fn join_beside(path: &str, pid: i32) -> anyhow::Result<()> {
    let Cgroup::V1 { unified: Some(mount), .. } = probe::cgroup() else { return Ok(()) };
    let leaf = Path::new(&mount).join(path);
    if leaf.exists() { set(&leaf, "cgroup.procs", &pid.to_string()) } else { Ok(()) }
}

/// Ends what runs in a group and in the groups below it, and removes them all; none is fine.
pub(super) fn delete_tree(group: &Path) -> anyhow::Result<()> {
    let below = fs::read_dir(group).into_iter().flatten().flatten().map(|entry| entry.path());
    below.filter(|path| path.is_dir()).try_for_each(|child| delete_tree(&child))?;
    if group.is_dir() { wait_until_empty(group, Instant::now() + PATIENCE) } else { Ok(()) }
}

/// The folders by their names, which hold the campaign's token: for a group whose maker did not live to say what it made.
fn by_name(spec: &CgroupSpec) -> Vec<(PathBuf, u64)> {
    let mounts: Vec<PathBuf> = match probe::cgroup() {
        Cgroup::V1 { controllers, unified, .. } => {
            controllers.into_iter().map(|(_, mount)| mount).chain(unified).map(PathBuf::from).collect()
        }
        Cgroup::V2 { mount, .. } => vec![mount.into()],
        Cgroup::None => Vec::new(),
    };
    // none of them is the mount of a hierarchy
    let mut parents_first: Vec<_> = Path::new(&spec.path).ancestors().filter(|path| !path.as_os_str().is_empty()).collect();
    parents_first.reverse();
    let folders = mounts.iter().flat_map(|mount| parents_first.iter().map(move |path| mount.join(path)));
    folders.filter_map(|folder| inode_of(&folder).ok().map(|inode| (folder, inode))).collect()
}

/// How long the tasks of a group may take to go.
const PATIENCE: Duration = Duration::from_secs(10);

/// Ends the tasks of the group itself, never those of a parent, and waits until the kernel has let go of them: a task that has ended stays
/// in its group for a moment, and one that was just being started may appear after the first look.
fn end_processes(spec: &CgroupSpec, folders: &[(PathBuf, u64)]) -> anyhow::Result<()> {
    let deadline = Instant::now() + PATIENCE;
    for (folder, _) in folders.iter().filter(|(folder, _)| folder.ends_with(&spec.path)) {
        wait_until_empty(folder, deadline)?;
    }
    Ok(())
}

fn wait_until_empty(folder: &Path, deadline: Instant) -> anyhow::Result<()> {
    while !empty(folder) {
        if Instant::now() > deadline {
            bail!("tasks in {} do not go away", folder.display());
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    Ok(())
}

/// Ends what a group holds now; says whether it can be and was removed.
fn empty(folder: &Path) -> bool {
    for pid in
        fs::read_to_string(folder.join("cgroup.procs")).unwrap_or_default().lines().filter_map(|line| line.trim().parse().ok())
    {
        process::end(pid, None).ok();
    }
    match fs::remove_dir(folder) {
        Ok(()) => true,
        Err(error) => error.raw_os_error() != Some(libc::EBUSY),
    }
}

/// Removes folders, children first; a parent that still holds another node's group stays until that one goes.
fn remove(folders: &[(PathBuf, u64)]) -> io::Result<()> {
    for (folder, _) in folders.iter().rev() {
        match fs::remove_dir(folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(_) if is_parent_of_another(folder, folders) => {}
            result => result?,
        }
    }
    Ok(())
}

fn is_parent_of_another(folder: &Path, folders: &[(PathBuf, u64)]) -> bool {
    let children = fs::read_dir(folder).into_iter().flatten().flatten().filter(|child| child.path().is_dir());
    children.into_iter().any(|child| !folders.iter().any(|(known, _)| *known == child.path()))
}
