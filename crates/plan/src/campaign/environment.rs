//! What a node's environment becomes in a run: its names, cores and interfaces filled in.

use tailbed_format::facts::{Accelerator, Cgroup, Facts, Kvm};
use tailbed_format::order::{Scheduling, Wait};

use super::network::{self, Interface};
use super::run::cgroups;
use super::{huge_pages, medium};
use crate::experiment::Accel;
use crate::placement::PRIORITY;
use crate::setup::{Environment, Node};
use crate::step::{AgentEnvironment, Boot, CgroupSpec, ContainerSpec, DockerSpec, Hardware, LxcSpec, Masks, VmSpec};

pub(super) fn cgroup_path(node: &Node, token: &str) -> String {
    format!("tb-{token}/{}", node.name)
}

/// The control group that is made for a node. LXC and Docker make their own, but for one that counts their huge pages where version 1 is mounted: of
/// the hierarchies of version 1 an engine knows those that it sets limits in, and not always the one that counts huge pages.
pub(super) fn cgroup(node: &Node, scheduling: &Scheduling, facts: &Facts, token: &str) -> Option<CgroupSpec> {
    if let Environment::Lxc(_) | Environment::Docker(_) = &node.environment {
        let huge_pages = huge_pages::of_node(node).0.to_vec();
        let path = counted_in(node, facts, token)?;
        return Some(CgroupSpec { path, cpus: Vec::new(), memory_nodes: Vec::new(), memory: None, huge_pages, exclusive: None });
    }
    let Environment::Container { memory, spec } = &node.environment else { return None };
    cgroups(facts).then(|| CgroupSpec {
        path: cgroup_path(node, token),
        cpus: scheduling.cpus.clone(),
        memory_nodes: memory_nodes(&scheduling.cpus, facts),
        memory: *memory,
        huge_pages: spec.hugepages.clone(),
        exclusive: None,
    })
}

/// The group of ours that counts the huge pages of a node that an engine makes.
fn counted_in(node: &Node, facts: &Facts, token: &str) -> Option<String> {
    let counted = matches!(facts.cgroup, Cgroup::V1 { .. }) && facts.cgroup.hierarchy_of("hugetlb").is_some();
    (counted && cgroups(facts) && !huge_pages::of_node(node).0.is_empty()).then(|| cgroup_path(node, token))
}

/// Memory comes from the nodes that the cores lie on; from any where none of those has memory. Without cores there is nothing to say.
pub(super) fn memory_nodes(cpus: &[usize], facts: &Facts) -> Vec<usize> {
    let near = |node: &&usize| cpus.iter().any(|cpu| facts.memory_node(*cpu) == **node);
    let near: Vec<usize> = facts.memory_nodes.iter().filter(near).copied().collect();
    match (cpus, near.as_slice()) {
        ([], _) => Vec::new(),
        (_, []) => facts.memory_nodes.clone(),
        _ => near,
    }
}

/// The environment a step is to make.
pub(super) fn of_node(
    number: usize,
    node: &Node,
    scheduling: &Scheduling,
    links: &[[Interface; 2]],
    facts: &Facts,
    token: &str,
) -> AgentEnvironment {
    let id = network::named(token, &node.name);
    let cpus = scheduling.cpus.clone();
    let environment = match &node.environment {
        Environment::Host { .. } | Environment::Simulated(_) => AgentEnvironment::Host,
        Environment::Container { spec, .. } => {
            let cgroup = cgroups(facts).then(|| cgroup_path(node, token));
            let masks = spec.masks.as_ref().map(|_| Masks { cpus });
            AgentEnvironment::Container(ContainerSpec { id, cgroup, masks, ..ContainerSpec::clone(spec) })
        }
        Environment::Lxc(spec) => {
            let hardware = hardware(&spec.hardware, node, &cpus, facts, token);
            AgentEnvironment::Lxc(LxcSpec { id, cpus, hardware, ..LxcSpec::clone(spec) })
        }
        Environment::Docker(spec) => {
            let hardware = hardware(&spec.hardware, node, &cpus, facts, token);
            AgentEnvironment::Docker(DockerSpec { id, cpus, hardware, ..DockerSpec::clone(spec) })
        }
        Environment::Vm { spec, accel } => AgentEnvironment::Vm(VmSpec {
            id,
            cpus,
            accelerator: accelerator(*accel, facts),
            vcpus: vcpus(spec, node),
            priority: scheduling.priority,
            interfaces: network::guest_interfaces(number, links, token),
            ..VmSpec::clone(spec)
        }),
    };
    medium::passed_in(number, without_raw(environment, node), links, token)
}

/// What depends on the run: where huge pages are counted, and which cores are shown.
fn hardware(asked: &Hardware, node: &Node, cpus: &[usize], facts: &Facts, token: &str) -> Hardware {
    let masks = asked.masks.as_ref().map(|_| Masks { cpus: cpus.to_vec() });
    Hardware { cgroup: counted_in(node, facts, token), masks, ..asked.clone() }
}

/// A container whose agent opens no packet socket has no use for CAP_NET_RAW.
fn without_raw(mut environment: AgentEnvironment, node: &Node) -> AgentEnvironment {
    let confinement = match &mut environment {
        AgentEnvironment::Container(spec) => &mut spec.confinement,
        AgentEnvironment::Docker(spec) => &mut spec.confinement,
        _ => return environment,
    };
    confinement.no_raw = node.forwarding.ports.any_udp();
    environment
}

/// The virtual CPUs of a machine: as many as the node has cores, unless it says otherwise.
pub(super) fn vcpus(spec: &VmSpec, node: &Node) -> usize {
    if spec.vcpus == 0 { node.cpus.count() } else { spec.vcpus }
}

/// KVM only where it was asked for or seen to work.
pub(super) fn accelerator(accel: Accel, facts: &Facts) -> Accelerator {
    match accel {
        Accel::Kvm => Accelerator::Kvm,
        Accel::Auto if facts.kvm == Kvm::Works => Accelerator::Kvm,
        Accel::Auto | Accel::Tcg => Accelerator::Tcg,
    }
}

/// How the packet loop runs, seen from inside: on the cores of the node but for those of its services. A virtual machine's own kernel
/// knows nothing of the host's cores: there the loop has the last virtual CPUs to itself, one for each worker, if there are more and each
/// has a core of the host; else it must leave room for the guest's kernel.
pub(super) fn scheduling_inside(
    environment: &AgentEnvironment,
    host: &Scheduling,
    services: &[usize],
    workers: u32,
) -> Scheduling {
    let AgentEnvironment::Vm(spec) = environment else {
        let cpus = host.cpus.iter().copied().filter(|cpu| !services.contains(cpu)).collect();
        return Scheduling { cpus, ..host.clone() };
    };
    let first = spec.vcpus.saturating_sub(workers as usize);
    let apart = first > 0 && spec.cpus.len() >= spec.vcpus && host.wait == Wait::Spin;
    Scheduling {
        cpus: if apart { (first..spec.vcpus).collect() } else { Vec::new() },
        priority: apart.then_some(PRIORITY),
        lock_memory: true,
        wait: if apart { Wait::Spin } else { Wait::Block },
    }
}

/// How long an environment takes to start, for the estimate of the run's length only, ns.
pub(super) fn expected_start(environment: &AgentEnvironment) -> u64 {
    let seconds = match environment {
        AgentEnvironment::Host | AgentEnvironment::Container(_) => 0,
        AgentEnvironment::Lxc(_) | AgentEnvironment::Docker(_) => 1,
        AgentEnvironment::Vm(VmSpec { boot: Boot::Kernel { .. }, .. }) => 4,
        AgentEnvironment::Vm(_) => 20,
    };
    seconds * 1_000_000_000
}
