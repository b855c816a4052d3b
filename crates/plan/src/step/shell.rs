//! Steps as the shell lines a person would type. For reading: the steps themselves are done through the kernel's own interfaces.

mod environment;
mod link;

use tailbed_format::facts::{Cgroup, Hierarchy};

use super::{CgroupSpec, Exclusive, Partition, Setting, Step, Tap, ThreadMove, ThreadPriority, Undo, VethEnd, huge_pages};

impl Step {
    /// The shell lines that do this step, on a host whose control groups are mounted as given.
    pub fn shell(&self, cgroup: &Cgroup) -> Vec<String> {
        match self {
            Self::WriteSetting(Setting { path, value, reason, .. }) => vec![format!("echo {value} > {path}  # {reason}")],
            Self::MoveThread(ThreadMove { thread, cpus, .. }) => vec![format!("taskset -pc {cpus} $(pgrep -x {thread})")],
            Self::PrioritizeThread(ThreadPriority { thread, priority, .. }) => {
                vec![format!("chrt --fifo --pid {priority} $(pgrep -x {thread})")]
            }
            Self::Untrack(untrack) => untrack.shell(),
            Self::TuneInterface(tuning) => vec![tuning.shell()],
            Self::HoldLatency { microseconds, .. } => {
                vec![format!("exec 9> /dev/cpu_dma_latency; echo {microseconds:#010x} >&9  # held open until the run is over")]
            }
            Self::UnplugCpu(unplug) => {
                let path = unplug.path();
                let off = format!("echo 0 > {path}");
                if unplug.replug { vec![off, format!("echo 1 > {path}")] } else { vec![off] }
            }
            Self::JoinCgroup { node, path } => join(node, path, cgroup),
            Self::ConfineGroup(limit) => vec![
                format!("echo +cpuset > {}/cgroup.subtree_control", limit.mount),
                format!("echo {} > {}", limit.cpus, limit.path()),
            ],
            Self::ConfineInside { node, cpus, .. } => {
                vec![format!("for p in $(pgrep --ns ${} | grep -v $$); do taskset -apc {} $p; done", variable(node), list(cpus))]
            }
            Self::MakeNamespace { name } => vec![
                format!("ip netns add {name}"),
                format!("ip netns exec {name} sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1"),
            ],
            Self::MakeVeth { ends: [one, other] } => {
                let (first, second) = (end(one), end(other));
                // Without a word the peer would lie where the first end does; process 1 stands for the host's own namespace.
                let peer = other.namespace.as_deref().unwrap_or("1");
                vec![
                    format!("ip{} link add {first} type veth peer {second} netns {peer}", within(one.namespace.as_ref())),
                    format!("ip{} link set {} up", within(one.namespace.as_ref()), one.name),
                    format!("ip{} link set {} up", within(other.namespace.as_ref()), other.name),
                ]
            }
            Self::MakeCgroup(spec) => make_cgroup(spec, cgroup),
            Self::MakeTap(Tap { namespace, name, mac, mtu }) => {
                let within = within(namespace.as_ref());
                let tap = within.replacen("-n", "netns exec", 1);
                vec![
                    format!("ip{tap} {}tuntap add {name} mode tap", if tap.is_empty() { "" } else { "ip " }),
                    format!("ip{within} link set {name} address {mac}{} up", with_mtu(*mtu)),
                ]
            }
            Self::MakeBridge { namespace, name, ports } => {
                let mut lines = vec![format!("ip -n {namespace} link add {name} type bridge stp_state 0 mcast_snooping 0")];
                lines.extend(ports.iter().map(|port| format!("ip -n {namespace} link set {port} master {name}")));
                lines.push(format!("ip -n {namespace} link set {name} up"));
                lines
            }
            Self::MakeMacvlan { parent, end } => link::macvlan(parent, end),
            Self::MakeMemory(link) => link::memory(link),
            Self::GiveAddress(address) => link::address(address),
            Self::StampInHardware { namespace, interface } => {
                vec![format!(
                    "{}hwstamp_ctl -i {interface} -r 1  # of linuxptp; 1: every frame that comes in",
                    inside(namespace.as_ref())
                )]
            }
            Self::ProvisionNode { node, environment } => environment::provision(node, environment),
            Self::CloneNode { node, environment, from } => environment::clone(node, environment, from),
            Self::StartAgent { node, namespace, environment } => environment::start(node, namespace.as_deref(), environment),
        }
    }
}

impl Undo {
    /// The shell lines that do it, on a host whose control groups are mounted as given.
    pub fn shell(&self, cgroup: &Cgroup) -> Vec<String> {
        match self {
            Self::RestoreSetting { path } => vec![format!("echo $BEFORE > {path}  # what was read there before")],
            Self::RestoreThread { thread } => vec![format!("taskset -pc $BEFORE $(pgrep -x {thread})")],
            Self::RestorePriority { thread } => {
                vec![format!("chrt $POLICY --pid $PRIORITY $(pgrep -x {thread})  # as read before")]
            }
            Self::Untune { namespace: None, interface } => {
                vec![format!("ethtool -C -K -L {interface} $BEFORE  # where it is still there")]
            }
            Self::Track { namespace, table } => {
                let within = namespace.as_ref().map_or_else(String::new, |namespace| format!("ip netns exec {namespace} "));
                vec![format!("{within}nft delete table inet {table}")]
            }
            Self::ReleaseLatency => vec!["exec 9>&-".to_owned()],
            Self::PlugCpu { cpu } => vec![format!("echo 1 > /sys/devices/system/cpu/cpu{cpu}/online")],
            Self::LeaveCgroup { .. } | Self::ForgetInside { .. } | Self::Untune { namespace: Some(_), .. } => Vec::new(),
            Self::DeleteNamespace { name } => vec![format!("ip netns delete {name}")],
            Self::RemoveCgroup { path } => {
                let parent = path.split_once('/').map_or(String::new(), |(parent, _)| format!(" $r/{parent}"));
                match roots(cgroup).join(" ").as_str() {
                    "" => Vec::new(),
                    roots => {
                        vec![format!("for r in {roots}; do rmdir $r/{path}{parent}; done 2> /dev/null  # wherever it is")]
                    }
                }
            }
            Self::DeleteInterface { namespace, name } => vec![format!("ip{} link delete {name}", within(namespace.as_ref()))],
            Self::RestoreStamps { namespace, interface } => {
                vec![format!("{}hwstamp_ctl -i {interface} -r $BEFORE  # what was read there before", inside(namespace.as_ref()))]
            }
            Self::RemoveAddress(address) => link::remove_address(address),
            Self::RemoveMemory { id } => link::remove_memory(id),
            Self::RemoveNode { kind, id } => environment::remove(kind, id),
            Self::StopAgent { node, kind, id } => environment::stop(node, kind, id.as_deref()),
        }
    }
}

fn within(namespace: Option<&String>) -> String {
    namespace.map_or(String::new(), |namespace| format!(" -n {namespace}"))
}

/// Before a command that is run in a namespace.
fn inside(namespace: Option<&String>) -> String {
    namespace.map_or(String::new(), |namespace| format!("ip netns exec {namespace} "))
}

fn end(end: &VethEnd) -> String {
    format!("{} address {}{}", end.name, end.mac, with_mtu(end.mtu))
}

fn with_mtu(mtu: Option<u32>) -> String {
    mtu.map_or(String::new(), |mtu| format!(" mtu {mtu}"))
}

fn variable(node: &str) -> String {
    format!("pid_{}", node.replace('-', "_"))
}

/// Where a group may be: the version 1 hierarchies, or the version 2 one.
fn roots(cgroup: &Cgroup) -> Vec<&str> {
    match cgroup {
        Cgroup::V1 { controllers, unified, unified_controllers } => {
            let mut mounts: Vec<_> = controllers.iter().map(|(_, mount)| mount.as_str()).collect();
            mounts.extend(unified.as_deref().filter(|_| !unified_controllers.is_empty()));
            mounts.sort_unstable();
            mounts.dedup();
            mounts
        }
        Cgroup::V2 { mount, .. } => vec![mount],
        Cgroup::None => Vec::new(),
    }
}

fn mount<'a>(cgroup: &'a Cgroup, controller: &str) -> Option<&'a str> {
    let Cgroup::V1 { controllers, .. } = cgroup else { return None };
    controllers.iter().find(|(name, _)| name == controller).map(|(_, mount)| mount.as_str())
}

fn make_cgroup(spec: &CgroupSpec, cgroup: &Cgroup) -> Vec<String> {
    match cgroup {
        Cgroup::V1 { .. } => make_cgroup_v1(spec, cgroup),
        Cgroup::V2 { mount, .. } => make_cgroup_v2(spec, mount),
        Cgroup::None => Vec::new(),
    }
}

/// The kernel's list format (cpuset(7)): `1,3`.
fn list(numbers: &[usize]) -> String {
    numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

fn make_cgroup_v1(spec: &CgroupSpec, cgroup: &Cgroup) -> Vec<String> {
    let path = &spec.path;
    let parent = path.split('/').next().unwrap_or(path);
    let mut lines = Vec::new();
    if let Some(root) = mount(cgroup, "cpuset") {
        lines.push(format!("mkdir -p {root}/{path}"));
        // A version 1 cpuset starts empty, can have only what the one above it has, and takes no task before it has both lists.
        for (file, numbers) in [("cpuset.cpus", &spec.cpus), ("cpuset.mems", &spec.memory_nodes)] {
            if parent != path {
                lines.push(format!("cat {root}/{file} > {root}/{parent}/{file}"));
            }
            if numbers.is_empty() {
                lines.push(format!("cat {root}/{file} > {root}/{path}/{file}"));
            } else {
                lines.push(format!("echo {} > {root}/{path}/{file}", list(numbers)));
            }
        }
    }
    if let (Some(root), Some(exclusive)) = (mount(cgroup, "cpuset"), &spec.exclusive) {
        lines.extend(exclusive_v1(exclusive, &format!("{root}/{parent}"), &format!("{root}/{path}")));
    }
    if let (Some(root), Some(memory)) = (mount(cgroup, "memory"), spec.memory) {
        lines.push(format!("mkdir -p {root}/{path}"));
        lines.push(format!("echo {memory} > {root}/{path}/memory.limit_in_bytes"));
    }
    lines.extend(huge_pages::lines_beside(path, &spec.huge_pages, cgroup));
    lines
}

fn exclusive_v1(exclusive: &Exclusive, parent: &str, group: &str) -> Vec<String> {
    let mut lines = vec![format!("echo {} > {parent}/cpuset.cpus", list(&exclusive.together))];
    lines.extend([parent, group].map(|folder| format!("echo 1 > {folder}/cpuset.cpu_exclusive")));
    if exclusive.partition == Partition::Isolated {
        lines.extend([parent, group].map(|folder| format!("echo 0 > {folder}/cpuset.sched_load_balance")));
    }
    lines
}

/// Only into the hierarchy of cpusets: in the others a new group has limits that nobody asked for.
fn join(node: &str, path: &str, cgroup: &Cgroup) -> Vec<String> {
    let root = match cgroup {
        Cgroup::V1 { .. } => mount(cgroup, "cpuset"),
        Cgroup::V2 { mount, .. } => Some(mount.as_str()),
        Cgroup::None => None,
    };
    root.map(|root| format!("echo $$ > {root}/{path}/cgroup.procs  # while {node} is started")).into_iter().collect()
}

fn make_cgroup_v2(spec: &CgroupSpec, root: &str) -> Vec<String> {
    let path = &spec.path;
    let parent = path.split('/').next().unwrap_or(path);
    // Controllers are handed down one level at a time (Documentation/admin-guide/cgroup-v2.rst, "Enabling and Disabling").
    let mut lines = vec![format!("mkdir -p {root}/{path}")];
    let controllers =
        [("+cpuset", !spec.cpus.is_empty()), ("+memory", spec.memory.is_some()), ("+hugetlb", !spec.huge_pages.is_empty())];
    let wanted: Vec<_> = controllers.into_iter().filter(|(_, wanted)| *wanted).map(|(name, _)| name).collect();
    if !wanted.is_empty() {
        let wanted = wanted.join(" ");
        lines.push(format!("for g in {root} {root}/{parent}; do echo \"{wanted}\" > $g/cgroup.subtree_control; done"));
    }
    for (file, numbers) in [("cpuset.cpus", &spec.cpus), ("cpuset.mems", &spec.memory_nodes)] {
        if !numbers.is_empty() {
            lines.push(format!("echo {} > {root}/{path}/{file}", list(numbers)));
        }
    }
    if let Some(Exclusive { partition, together, .. }) = &spec.exclusive {
        lines.push(format!("echo {} > {root}/{parent}/cpuset.cpus", list(together)));
        lines.push(format!("echo root > {root}/{parent}/cpuset.cpus.partition"));
        lines.push(format!("echo {} > {root}/{path}/cpuset.cpus.partition", partition.word()));
    }
    if let Some(memory) = spec.memory {
        lines.push(format!("echo {memory} > {root}/{path}/memory.max"));
    }
    let group = format!("{root}/{path}");
    lines.extend(spec.huge_pages.iter().flat_map(|limit| limit.limit_lines(&group, Hierarchy::Second(root))));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_written_where_control_groups_are_not_mounted() {
        let spec = CgroupSpec {
            path: "tb-x/dut".to_owned(),
            cpus: vec![1],
            memory_nodes: vec![0],
            memory: Some(1 << 28),
            huge_pages: Vec::new(),
            exclusive: None,
        };
        assert!(Step::MakeCgroup(spec).shell(&Cgroup::None).is_empty());
    }

    #[test]
    fn the_pair_is_made_from_the_first_ends_namespace() {
        let end = |namespace: Option<&str>, name: &str, number| VethEnd {
            namespace: namespace.map(str::to_owned),
            name: name.to_owned(),
            mac: tailbed_format::mac::MacAddress::local(1, number),
            mtu: None,
        };
        let step = Step::MakeVeth { ends: [end(Some("tb-x-generator"), "tx", 0), end(None, "tbx0in", 1)] };
        insta::assert_snapshot!(step.shell(&Cgroup::None).join("\n"), @r"
        ip -n tb-x-generator link add tx address 02:01:00:00:00:00 type veth peer tbx0in address 02:01:00:00:00:01 netns 1
        ip -n tb-x-generator link set tx up
        ip link set tbx0in up
        ");
        assert_eq!(step.undo().shell(&Cgroup::None), ["ip -n tb-x-generator link delete tx"]);
    }
}
