//! How the nodes of a lab are at present.

use std::fs;
use std::path::Path;

use tailbed_plan::plan::Run;
use tailbed_plan::step::{AgentEnvironment, Step};

use super::protocol::{ListedNode, Listing, Orders, State};
use super::serve::Desk;
use crate::apply::{Host, Interface};

/// Looks at all nodes.
pub(super) fn listing(orders: &Orders, desk: &Desk, host: &mut Host, troubles: &[String]) -> Listing {
    let run = &orders.run;
    let nodes = run.steps.iter().filter_map(|step| match step {
        Step::StartAgent { node, namespace, environment } => {
            Some(look(run, desk, host, node, namespace.as_deref(), environment, &orders.token))
        }
        _ => None,
    });
    let nodes = nodes.collect();
    let (name, run) = (orders.name.clone(), run.name.clone());
    Listing { name, run, keeper: std::process::id(), nodes, troubles: troubles.to_vec() }
}

fn look(
    run: &Run,
    desk: &Desk,
    host: &mut Host,
    node: &str,
    namespace: Option<&str>,
    environment: &AgentEnvironment,
    token: &str,
) -> ListedNode {
    let pid = host.agent(node).and_then(|agent| agent.init().map(|init| init.pid)).filter(|&pid| pid > 0);
    let state = desk.node(node).map_or(State::Running, |node| node.state());
    let dead = matches!(state, State::Dead(_));
    ListedNode {
        node: node.to_owned(),
        environment: environment.kind().to_owned(),
        id: environment.id().map(str::to_owned),
        interfaces: interfaces(run, host, node, namespace, environment),
        pid: pid.filter(|_| !dead),
        cores: cores(run, node, environment),
        memory: pid.filter(|_| !dead).and_then(|pid| memory(pid, token)),
        state,
    }
}

/// Those in its namespace; of the host's own namespace only those that are the node's; of a virtual machine those it was given.
fn interfaces(run: &Run, host: &mut Host, node: &str, namespace: Option<&str>, environment: &AgentEnvironment) -> Vec<Interface> {
    if let AgentEnvironment::Vm(spec) = environment {
        let given = spec.interfaces.iter().map(|interface| Interface {
            name: interface.name.clone(),
            mac: Some(interface.mac),
            addresses: Vec::new(),
            packets: None,
        });
        return given.collect();
    }
    let mut found = host.interfaces(namespace).unwrap_or_else(|error| {
        eprintln!("{error:#}");
        Vec::new()
    });
    if namespace.is_none() {
        let hops = || run.hops.iter().filter(|hop| hop.node == node);
        found.retain(|interface| hops().any(|hop| [&hop.inward, &hop.outward].contains(&&interface.name)));
    }
    found
}

/// Where the plan put its work: what an engine pins, else the packet loop.
fn cores(run: &Run, node: &str, environment: &AgentEnvironment) -> Vec<usize> {
    let pinned = match environment {
        AgentEnvironment::Lxc(spec) => &spec.cpus,
        AgentEnvironment::Docker(spec) => &spec.cpus,
        AgentEnvironment::Vm(spec) => &spec.cpus,
        AgentEnvironment::Host | AgentEnvironment::Container(_) => {
            let order = run.agents.iter().find(|agent| agent.node == node);
            return order.map(|order| order.scheduling().cpus.clone()).unwrap_or_default();
        }
    };
    pinned.clone()
}

/// What its control group holds, where it has one of its own; else what its first process has in memory.
fn memory(pid: i32, token: &str) -> Option<u64> {
    let groups = fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap_or_default();
    let group = memory_group(&groups).filter(|group| group.contains(&format!("tb-{token}")));
    let of_group = group.and_then(|group| {
        let group = group.trim_start_matches('/');
        let root = Path::new("/sys/fs/cgroup");
        let files = [root.join("memory").join(group).join("memory.usage_in_bytes"), root.join(group).join("memory.current")];
        files.iter().find_map(|file| fs::read_to_string(file).ok()?.trim().parse().ok())
    });
    of_group.or_else(|| {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let kib = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB")?.parse::<u64>().ok());
        kib.map(|kib| kib * 1024)
    })
}

/// The path of the group that accounts for memory (cgroups(7)): that of the memory controller, else that of version 2.
fn memory_group(groups: &str) -> Option<&str> {
    let entries = || groups.lines().filter_map(|line| line.split_once(':')?.1.split_once(':'));
    let memory = entries().find(|(controllers, _)| controllers.split(',').any(|controller| controller == "memory"));
    memory.or_else(|| entries().find(|(controllers, _)| controllers.is_empty())).map(|(_, path)| path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_group_that_accounts_for_memory_is_found_in_both_versions() {
        assert_eq!(memory_group("5:cpuset:/a\n4:memory,x:/tb-1/dut\n0::/b\n"), Some("/tb-1/dut"));
        assert_eq!(memory_group("5:cpuset:/a\n0::/tb-1/dut:x\n"), Some("/tb-1/dut:x"));
        assert_eq!(memory_group(""), None);
    }
}
