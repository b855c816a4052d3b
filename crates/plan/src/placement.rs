//! Which role runs on which core, and how: a pure function of the host's facts.

use std::collections::BTreeSet;

use tailbed_format::facts::Facts;
use tailbed_format::order::{Scheduling, Wait};

mod choice;
mod roles;

use choice::Choice;
use roles::Roles;

/// `SCHED_FIFO` priority of packet loops: one below the kernel's own real-time threads (50, `sched_set_fifo` in
/// kernel/sched/syscalls.c), among them threaded interrupt handlers, which bring the packets.
pub const PRIORITY: u8 = 49;

/// What asks for cores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Request<'a> {
    /// The node's name.
    pub(crate) name: &'a str,
    /// How many cores, at least 1.
    pub(crate) cpus: usize,
    /// Which, where they were asked for by number.
    pub(crate) chosen: &'a [usize],
    /// How many of them packets are to have.
    pub(crate) workers: usize,
}

/// What is asked of a placement, besides the nodes' requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Wishes<'a> {
    /// Cores of the load generator; empty to have them chosen.
    pub(crate) generator: &'a [usize],
    /// Cores that keep the house; empty to have one chosen.
    pub(crate) housekeeping: &'a [usize],
    /// Cores of what disturbs on purpose; empty to have them chosen.
    pub(crate) neighbours: &'a [usize],
    /// The NUMA node that packets should stay on.
    pub(crate) memory_node: Option<usize>,
    /// The network card whose node that is, where it was not asked for by number.
    pub(crate) card: Option<&'a str>,
    /// Whether the other threads of a core that packets have may be used like any other.
    pub(crate) siblings: bool,
    /// Whether the nodes get cores of their own.
    pub(crate) isolation: bool,
}

/// Where everything runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Placement {
    /// Cores for everything that is not packets.
    pub(crate) housekeeping: Vec<usize>,
    pub(crate) generator: Scheduling,
    /// One per request, in order, all cores of the node; `cpus` is empty where the kernel is left to choose.
    pub(crate) nodes: Vec<Scheduling>,
    /// Of each node's cores, those that its packet loops keep off, for what else it does.
    pub(crate) services: Vec<Vec<usize>>,
    /// Cores for what disturbs on purpose.
    pub(crate) neighbours: Vec<usize>,
    /// Which roles share cores.
    pub(crate) shared: Vec<String>,
    /// What else could not be had, and what it means.
    pub(crate) notes: Vec<String>,
}

/// Why there is no placement.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoPlacement {
    /// A node asks for more than there is.
    #[error("node `{node}` asks for {asked} cores and this host has {available}")]
    TooFewCpus { node: String, asked: usize, available: usize },
    /// A core asked for by number does not exist, or may not be used.
    #[error("{} asks for core {cpu}, which this host does not have or does not let us use", who(path))]
    NoSuchCpu { path: Vec<String>, cpu: usize },
    /// A NUMA node asked for by number has no core that we may use.
    #[error("[placement] asks for NUMA node {node}, which has no core that we may use")]
    NoSuchNode { node: usize },
    /// The facts list no core at all.
    #[error("this host lets us use no core")]
    NoCpu,
}

/// Whose key it is.
fn who(path: &[String]) -> String {
    match path {
        [table, ..] if table == "generator" => "the load generator".to_owned(),
        [table, node, ..] if table == "nodes" => format!("node `{node}`"),
        path => format!("`{}`", path.join(".")),
    }
}

/// Places the load generator and the nodes. One core keeps the house; with three cores or more the generator has one to itself and the
/// nodes share the rest; with two the generator shares the first and the nodes have the second; with one all share it.
/// Who shares a core with another packet loop sleeps when idle and has no real-time priority, else one would starve the other.
///
/// Of the cores that are left, packets get those whose other threads do nothing, that the scheduler leaves alone, and that lie on the
/// NUMA node of the network card, in this order of importance: two loops that spin on two threads of one core slow each other down all
/// the time, tasks of others come now and then, and a crossing between NUMA nodes costs some 1.7 µs each, the same every time.
pub(crate) fn place(facts: &Facts, wishes: &Wishes<'_>, requests: &[Request<'_>]) -> Result<Placement, NoPlacement> {
    let free = facts.cpus.iter().find(|cpu| facts.processor(**cpu).is_none_or(|processor| !processor.isolated));
    let first = *free.or(facts.cpus.first()).ok_or(NoPlacement::NoCpu)?;
    exist(facts, wishes, requests)?;
    let housekeeping = if wishes.housekeeping.is_empty() { vec![first] } else { sorted(wishes.housekeeping) };
    let asked: Vec<usize> = requests.iter().flat_map(|request| request.chosen.iter().copied()).collect();
    let near = wishes.memory_node.unwrap_or_else(|| facts.memory_node(first));
    let mut choice = Choice::new(facts, near, wishes.siblings, &housekeeping);
    choice.take(&asked);
    let generator = match wishes.generator {
        [] if facts.cpus.len() >= 3 => choice.next().map_or_else(|| housekeeping.clone(), |cpu| vec![cpu]),
        [] => vec![housekeeping[0]],
        chosen => sorted(chosen),
    };
    choice.take(&generator);
    let cores_of = cores_of_nodes(facts, choice, &generator, requests);
    let shared = |cores: &[usize], me: usize| {
        let others = cores_of.iter().enumerate().filter(|(other, _)| *other != me).map(|(_, cores)| cores);
        others.chain((me != cores_of.len()).then_some(&generator)).flatten().any(|core| cores.contains(core))
    };
    let scheduling = |cores: &[usize], me: usize, isolated: bool| {
        let alone = !shared(cores, me);
        Scheduling {
            cpus: if isolated { cores.to_vec() } else { Vec::new() },
            priority: (isolated && alone && facts.privilege.real_time).then_some(PRIORITY),
            lock_memory: isolated && facts.privilege.lock_memory,
            wait: if alone { Wait::Spin } else { Wait::Block },
        }
    };
    let nodes: Vec<Scheduling> = cores_of.iter().enumerate().map(|(me, cores)| scheduling(cores, me, wishes.isolation)).collect();
    // the first cores of a node that has more than its packet loops need
    let services = |(node, request): (&Scheduling, &Request<'_>)| match node.wait {
        Wait::Spin => node.cpus[..node.cpus.len().saturating_sub(request.workers)].to_vec(),
        Wait::Block => Vec::new(),
    };
    let services = nodes.iter().zip(requests).map(services).collect();
    let generator = scheduling(&generator, cores_of.len(), true);
    let roles = Roles::new(&housekeeping, &generator, requests, &cores_of, wishes.isolation);
    let said = roles.threads_of_one_core(facts).into_iter().chain(roles.far(facts, near, wishes.card)).collect();
    let neighbours =
        if wishes.neighbours.is_empty() { roles.left_over(facts, wishes.siblings) } else { sorted(wishes.neighbours) };
    let shared = roles.shared(generator.priority.is_some());
    Ok(Placement { housekeeping, generator, nodes, services, neighbours, shared, notes: said })
}

/// Whether everything that was asked for by number is there.
fn exist(facts: &Facts, wishes: &Wishes<'_>, requests: &[Request<'_>]) -> Result<(), NoPlacement> {
    let asked = |path: &[&str], cpus: &[usize]| match cpus.iter().find(|cpu| !facts.cpus.contains(cpu)) {
        Some(&cpu) => Err(NoPlacement::NoSuchCpu { path: path.iter().map(|key| (*key).to_owned()).collect(), cpu }),
        None => Ok(()),
    };
    asked(&["generator", "cpus"], wishes.generator)?;
    asked(&["placement", "housekeeping"], wishes.housekeeping)?;
    asked(&["placement", "neighbours"], wishes.neighbours)?;
    if let Some(node) = wishes.memory_node.filter(|node| !facts.cpus.iter().any(|cpu| facts.memory_node(*cpu) == *node)) {
        return Err(NoPlacement::NoSuchNode { node });
    }
    for Request { name, cpus, chosen, .. } in requests {
        asked(&["nodes", name, "cpus"], chosen)?;
        if *cpus > facts.cpus.len() {
            return Err(NoPlacement::TooFewCpus { node: (*name).to_owned(), asked: *cpus, available: facts.cpus.len() });
        }
    }
    Ok(())
}

/// The cores of each node: as asked for, else apart from generator and housekeeping where there are enough, in turn over what is left.
fn cores_of_nodes(facts: &Facts, mut choice: Choice<'_>, generator: &[usize], requests: &[Request<'_>]) -> Vec<Vec<usize>> {
    let apart: Vec<usize> = std::iter::from_fn(|| choice.next()).collect();
    let without = |taken: &[usize]| facts.cpus.iter().copied().filter(|cpu| !taken.contains(cpu)).collect::<Vec<_>>();
    let asked: Vec<usize> =
        requests.iter().flat_map(|request| request.chosen.iter().copied()).chain(generator.to_vec()).collect();
    let mut pools = [apart, without(&asked), without(generator), facts.cpus.clone()].into_iter().filter(|pool| !pool.is_empty());
    let pool = pools.next().unwrap_or_default();
    let mut next = 0;
    let mut give = |request: &Request<'_>| {
        if !request.chosen.is_empty() {
            return sorted(request.chosen);
        }
        // A node that asks for more than lies apart gets that and takes the rest from the others' cores.
        let rest = facts.cpus.iter().copied().filter(|cpu| !pool.contains(cpu));
        let own = (0..request.cpus.min(pool.len())).map(|step| pool[(next + step) % pool.len()]);
        let cores: Vec<_> = own.chain(rest).take(request.cpus).collect();
        next += request.cpus;
        sorted(&cores)
    };
    requests.iter().map(&mut give).collect()
}

fn sorted(cpus: &[usize]) -> Vec<usize> {
    Vec::from_iter(cpus.iter().copied().collect::<BTreeSet<_>>())
}

/// What this host does not grant where networks are to be made: one sentence each.
pub(crate) fn network_downgrades(facts: &Facts) -> Vec<String> {
    let mut notes = Vec::new();
    let privilege = &facts.privilege;
    if !privilege.root && privilege.user_namespaces {
        notes.push("not root: everything runs in an unprivileged user namespace, untuned; expect longer tails".to_owned());
    }
    if !privilege.root && !privilege.user_namespaces {
        notes.push(
            "neither root nor unprivileged user namespaces: this host cannot make the networks, `run` will refuse".to_owned(),
        );
    }
    notes
}

/// What this host does not grant, whatever the placement: one sentence each.
pub(crate) fn downgrades(facts: &Facts) -> Vec<String> {
    let mut notes = Vec::new();
    let privilege = &facts.privilege;
    if !privilege.real_time {
        notes.push("no real-time priority: it needs root, or an rtprio limit (ulimit -r) of at least 49".to_owned());
    }
    if !privilege.lock_memory {
        notes.push("memory is not locked: it needs root, or an unlimited memlock limit (ulimit -l)".to_owned());
    }
    if privilege.real_time && !privilege.root && facts.rt_runtime_us.is_some_and(|us| us >= 0) {
        notes.push(
            "real-time throttling stays on (kernel.sched_rt_runtime_us needs root): loops may stand still for 50 ms each second"
                .to_owned(),
        );
    }
    if !facts.invariant_tsc {
        notes.push("the TSC of this CPU is not invariant: time stamps may drift with the clock frequency".to_owned());
    }
    notes
}

#[cfg(test)]
pub(crate) mod tests;
