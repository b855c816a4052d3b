//! How control groups are mounted, and whether we are in a container.

use crate::check::cores::Cores;
use crate::check::finding::{Effect, Finding, short};
use crate::check::host::Host;

const TOPIC: &str = "control groups";
const MOUNTS: &str = "/proc/self/mounts";

pub(super) fn findings(host: &Host<'_>, _: &Cores) -> Vec<Finding> {
    [Some(mounted(host)), real_time(host), container(host)].into_iter().flatten().collect()
}

fn mounted(host: &Host<'_>) -> Finding {
    let record = host.record;
    let Some(mounts) = record.text(MOUNTS) else {
        return Finding::unknown(record, TOPIC, MOUNTS, "How control groups are mounted");
    };
    if !mounts.lines().any(|line| line.split(' ').nth(1).is_some_and(|mount| mount.starts_with('/'))) {
        return Finding::unknown(record, TOPIC, MOUNTS, "How control groups are mounted");
    }
    // fields of fstab(5): device, mount point, type, options
    let of = |kind: &str| mounts.lines().filter(|line| line.split(' ').nth(2) == Some(kind)).collect::<Vec<_>>();
    let (first, second) = (of("cgroup"), of("cgroup2"));
    let controller = |name: &str| {
        first.iter().any(|line| line.split(' ').nth(3).is_some_and(|options| options.split(',').any(|one| one == name)))
    };
    match (first.is_empty(), second.first()) {
        (true, None) => {
            let is = "No control groups are mounted.";
            let why = "No node can be given cores of its own or a limit of memory: any program may run beside the packet loops.";
            Finding::costly(TOPIC, Effect::TensOfMicroseconds, is, why, "cgroups(7)")
                .seen(MOUNTS, "neither cgroup nor cgroup2")
                .run("mount -t cgroup2 none /sys/fs/cgroup")
        }
        (true, Some(mount)) => {
            let controllers = record.text("/sys/fs/cgroup/cgroup.controllers").map(short).unwrap_or_default();
            Finding::fine(TOPIC, format!("version 2: {controllers}")).seen(MOUNTS, mount)
        }
        (false, both) => {
            let cores = if controller("cpuset") { "with cpuset" } else { "without cpuset" };
            let both = if both.is_some() { ", and version 2 besides" } else { "" };
            Finding::fine(TOPIC, format!("version 1, {cores}{both}")).seen(MOUNTS, first.first().unwrap_or(&""))
        }
    }
}

/// Where groups share real-time time out, a new one has none.
fn real_time(host: &Host<'_>) -> Option<Finding> {
    let file = host.config_file()?;
    let is = "the kernel shares real-time time out by control group (RT_GROUP_SCHED): a new group has none until \
              cpu.rt_runtime_us is written; tailbed does that for its own";
    (host.has_option("CONFIG_RT_GROUP_SCHED")?)
        .then(|| Finding::fine("real-time groups", is).seen(file, "CONFIG_RT_GROUP_SCHED=y"))
}

/// The first namespaces have numbers of their own (include/linux/proc_ns.h): who has another one for processes is in a container, whatever
/// marks an image has brought along.
fn container(host: &Host<'_>) -> Option<Finding> {
    const NAMESPACE: &str = "/proc/self/ns/pid";
    const FIRST: &str = "pid:[4026531836]";
    let namespace = host.record.links.get(NAMESPACE).filter(|namespace| *namespace != FIRST)?;
    let marks = [("/.dockerenv", " (Docker)"), ("/run/.containerenv", " (Podman)"), ("/run/systemd/container", "")];
    let kind = marks.into_iter().find(|(mark, _)| host.record.has(mark)).map_or("", |(_, kind)| kind);
    let is = format!(
        "This is a container{kind}: what it is shown of its host may be masked, and settings of the kernel are its host's."
    );
    let why = "Other containers and the host's own tasks share the cores, unseen from in here.";
    Some(
        Finding::costly("container", Effect::TensOfMicroseconds, is, why, "cgroups(7); namespaces(7)")
            .seen(NAMESPACE, namespace)
            .note("run tailbed on the host itself"),
    )
}
