//! Where everything else runs.

use crate::check::cpus::{Cpus, list, named, parse_list};
use crate::knob::means::Means;
use crate::knob::{About, Accepts, Group, Knob, Manner, Place};
use crate::step::{Form, GroupLimit, Step};

pub(super) const KNOB: Knob = Knob {
    name: "housekeeping",
    unit: "CPUs",
    what: "Keeps the host's services and sessions (systemd's slices) on the CPUs for all else, and what runs inside a container besides its \
           packet loop on the first of its cores.",
    why: "A daemon that wakes on a core for packets takes it for as long as it works, and its caches for longer.",
    source: "systemd.resource-control(5), AllowedCPUs; Documentation/admin-guide/cgroup-v2.rst, \"cpuset.cpus\"; Lightweight low-latency virtual networking (TU Munich 2022), 5.5.2",
    about: About::Host,
    accepts: Accepts::Switch,
    standard: "true",
    files: &[
        "/sys/fs/cgroup/*/cpuset.cpus",
        "/sys/fs/cgroup/*/cpuset.cpus.effective",
        "/sys/fs/cgroup/*/cpuset.cpus.partition",
        "/sys/fs/cgroup/*/cgroup.type",
    ],
    form: Form::List,
    manner: Manner {
        read: "from cpuset.cpus.effective of each group right below the root",
        set: "by cpuset.cpus of each, as systemctl set-property --runtime SLICE AllowedCPUs= does; a group with a list of its own keeps what of it is for all else, \
              and a partition of somebody else's is left; inside containers by sched_setaffinity(2) on what runs there",
        verified: "cpuset.cpus.effective is read, at once and again when the work of the run is done",
        undone: "the value found before is written back, unless somebody else has changed it since; what runs in a node ends with it",
    },
    plan,
};

fn plan(knob: &Knob, _: &str, place: &Place<'_>) -> Result<Means, String> {
    place.house()?;
    let inside = place.roles.iter().any(|role| role.inside);
    let Some(mount) = place.version_2() else {
        let reason =
            "in version 1 of control groups a service's tasks would have to be moved out of its groups, which is not ours to do";
        if inside {
            return Ok(Means { steps: Vec::new(), remarks: vec![format!("inside containers only: {reason}")] });
        }
        return Err(reason.to_owned());
    };
    let docker = place.roles.iter().any(|role| role.group == Group::Docker);
    let start = format!("{mount}/");
    let groups = place.settings().matching(&start, "/cgroup.type").filter_map(|(path, _)| {
        let group = path.strip_prefix(&start)?.strip_suffix("/cgroup.type")?;
        (!group.contains('/') && !group.starts_with("tb-")).then(|| group.to_owned())
    });
    let (left, groups): (Vec<String>, Vec<String>) =
        groups.partition(|group| docker && ["system.slice", "docker"].contains(&group.as_str()));
    if groups.is_empty() && !inside {
        return Err(format!("there is no group below {mount}: everything runs in its root, which cannot be confined"));
    }
    let remark = |group: &String| format!("{group} is left as it is: the Docker engine makes the groups of nodes in it");
    let mut means = Means { steps: Vec::new(), remarks: left.iter().map(remark).collect() };
    for group in groups {
        match stand(place, &format!("{mount}/{group}")) {
            Stand::Partition(cpus) => means.remarks.push(format!(
                "{group} is left as it is: somebody has made it a partition, with {} to itself",
                if cpus.is_empty() { "cores".to_owned() } else { named(&cpus) }
            )),
            Stand::Kept(cpus) => {
                let (mount, cpus, knob) = (mount.to_owned(), list(&cpus), knob.name.to_owned());
                means.steps.push(Step::ConfineGroup(GroupLimit { mount, group, cpus, knob }));
            }
        }
    }
    Ok(means)
}

/// How a group stands to the CPUs for all else.
enum Stand {
    /// It is somebody's partition, with these cores: what it has nobody else has, and no list is to be written there but its owner's.
    Partition(Cpus),
    /// It is to be kept to these. Where it is already, the same is written again: what was found may be a killed run's, which is taken back
    /// between plan and run, and it must hold until the run is over.
    Kept(Cpus),
}

/// What somebody keeps to few cores is not given more (cgroup-v2.rst, "cpuset.cpus": an empty list means those of the group above).
fn stand(place: &Place<'_>, folder: &str) -> Stand {
    let says = |file: &str| place.settings().text(&format!("{folder}/{file}")).unwrap_or_default();
    let cpus = |file: &str| parse_list(says(file)).unwrap_or_default();
    let own = cpus("cpuset.cpus");
    // a partition that is none any more says so after the word, and holds nothing
    if ["root", "isolated"].contains(&says("cpuset.cpus.partition").trim()) {
        return Stand::Partition(if own.is_empty() { cpus("cpuset.cpus.effective") } else { own });
    }
    let house = &place.housekeeping;
    let both: Cpus = own.intersection(house).copied().collect();
    Stand::Kept(if both.is_empty() { house.clone() } else { both })
}
