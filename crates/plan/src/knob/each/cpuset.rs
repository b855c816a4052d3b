//! How far a node's cores are its own.

use tailbed_format::facts::Cgroup;

use crate::check::cpus::{Cpus, list, parse_list};
use crate::knob::means::Means;
use crate::knob::{About, Accepts, Group, Knob, Manner, Place, Role};
use crate::plan::GENERATOR;
use crate::step::{CgroupSpec, Exclusive, Form, Partition, Step};

pub(super) const KNOB: Knob = Knob {
    name: "cpuset",
    unit: "a word",
    what: "Gives each node, and the generator, a cpuset whose cores no other has (`exclusive`), and that the scheduler does not balance load \
           over either (`isolated`).",
    why: "A core that a task is pinned to is still everybody's: the scheduler puts any other task there as soon as it finds the others busier.",
    source: "Documentation/admin-guide/cgroup-v2.rst, \"cpuset.cpus.partition\"; cpuset(7), \"Exclusive CPUs\", \"Load balancing\"",
    about: About::Nodes,
    accepts: Accepts::Words(&["exclusive", "isolated"]),
    standard: "isolated",
    files: &[
        "/sys/fs/cgroup/cpuset.cpus.isolated",
        "/sys/fs/cgroup/cpuset/*/cpuset.cpus",
        "/sys/fs/cgroup/cpuset/*/cpuset.sched_load_balance",
        "/sys/fs/cgroup/cpuset/cpuset.sched_load_balance",
    ],
    form: Form::List,
    manner: Manner {
        read: "version 2: cpuset.cpus.partition and cpuset.cpus.effective of each group; version 1: cpuset.cpu_exclusive and cpuset.sched_load_balance",
        set: "by a control group for each node, with the agent in it; in version 1 the root's sched_load_balance is switched off as well, and the \
              other cores get a group that load is balanced over",
        verified: "read back at once, and again when the work of the run is done: the kernel answers `isolated invalid` where it cannot",
        undone: "the groups are removed, and their cores go back to the groups above",
    },
    plan,
};

/// Where version 1 has its cpusets.
pub(super) fn version_1<'a>(place: &Place<'a>) -> Option<&'a str> {
    let Cgroup::V1 { controllers, .. } = &place.facts.cgroup else { return None };
    controllers.iter().find(|(name, _)| name == "cpuset").map(|(_, mount)| mount.as_str())
}

fn plan(knob: &Knob, value: &str, place: &Place<'_>) -> Result<Means, String> {
    place.cores()?;
    let partition = if value == "isolated" { Partition::Isolated } else { Partition::Root };
    let its_own = |role: &&Role| role.cpus.iter().all(|cpu| place.reserved.contains(cpu));
    let own: Vec<&Role> = place.roles.iter().filter(|role| role.group == Group::Ours).filter(its_own).collect();
    let shared = own.iter().enumerate().find_map(|(number, role)| {
        let other = own.iter().skip(number + 1).find(|other| other.cpus.iter().any(|cpu| role.cpus.contains(cpu)))?;
        Some(format!("{} and {} share a core", role.name, other.name))
    });
    if let Some(shared) = shared {
        return Err(shared);
    }
    let mut means = Means::default();
    let left: Vec<&str> = place
        .roles
        .iter()
        .filter(|role| !own.iter().any(|own| own.name == role.name) && role.name != GENERATOR && !role.disturbs)
        .map(|role| role.name.as_str())
        .collect();
    if own.iter().all(|role| role.name == GENERATOR) && !left.is_empty() {
        return Err(format!("the cores of {} are not its own, or its engine makes its control group", left.join(", ")));
    }
    if !left.is_empty() {
        means.remarks.push(format!(
            "not those of {}: their cores are not their own, or their engine makes their control groups",
            left.join(", ")
        ));
    }
    let together: Cpus = own.iter().flat_map(|role| role.cpus.iter().copied()).collect();
    match (place.version_2(), version_1(place)) {
        (Some(_), _) => {}
        (None, Some(mount)) => means.steps.extend(version_1_around(knob, partition, mount, &together, place)?),
        (None, None) => return Err("there is no controller of cpusets that could be used (/proc/cgroups)".to_owned()),
    }
    let exclusive = Exclusive { partition, together: together.into_iter().collect(), knob: knob.name.to_owned() };
    for role in own {
        let path = format!("tb-{}/{}", place.token, role.name);
        let plain = CgroupSpec::of_cores(path, role.cpus.clone(), place.facts.memory_nodes.clone());
        means.steps.push(Step::MakeCgroup(CgroupSpec { exclusive: Some(exclusive.clone()), ..plain }));
    }
    Ok(means)
}

/// What must hold around exclusive cpusets of version 1: no group beside ours may have their cores, and load is balanced over the rest alone
/// only when the root does not have it balanced over all.
fn version_1_around(
    knob: &Knob,
    partition: Partition,
    mount: &str,
    together: &Cpus,
    place: &Place<'_>,
) -> Result<Vec<Step>, String> {
    let settings = place.settings();
    let start = format!("{mount}/");
    let beside = settings.matching(&start, "/cpuset.cpus").filter(|(path, _)| {
        // the root has all of them anyhow
        path.strip_prefix(&start).is_some_and(|path| path.contains('/') && !path.starts_with("tb-"))
    });
    let overlapping =
        beside.filter(|(_, cpus)| parse_list(cpus).is_some_and(|cpus| !cpus.is_disjoint(together))).map(|(path, _)| path);
    let overlapping: Vec<&str> = overlapping.collect();
    if let Some(path) = overlapping.first() {
        return Err(format!(
            "version 1 gives no group cores to itself that another beside it has, and {path} has some of CPUs {}",
            list(together)
        ));
    }
    if partition == Partition::Root {
        return Ok(Vec::new());
    }
    let path = format!("{mount}/cpuset.sched_load_balance");
    let setting = crate::knob::means::setting(knob.name, path, Form::Text, "0", "the scheduler balances load within groups only");
    let within_house = rest_v1(place).map(Step::MakeCgroup);
    Ok(within_house.into_iter().chain(Means::write(setting, settings)?.steps).collect())
}

/// A group of the CPUs for all else. Nothing need be in it: load is balanced over the CPUs of every group that says so (cpuset(7), "Load
/// balancing"), as a new one does, whoever runs there. Without it tasks would stay on the one they woke on, however busy that is.
fn rest_v1(place: &Place<'_>) -> Option<CgroupSpec> {
    let cpus: Vec<usize> = place.housekeeping.iter().copied().collect();
    let path = format!("tb-{}-house", place.token);
    (cpus.len() > 1).then(|| CgroupSpec::of_cores(path, cpus, place.facts.memory_nodes.clone()))
}
