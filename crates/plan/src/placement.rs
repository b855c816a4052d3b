//! Which role runs on which core, and how: a pure function of the host's facts.

use std::collections::BTreeSet;

use tailbed_format::facts::Facts;
use tailbed_format::order::{Scheduling, Wait};

use crate::plan::GENERATOR;

/// `SCHED_FIFO` priority of packet loops: one below the kernel's own real-time threads (50, `sched_set_fifo` in
/// kernel/sched/syscalls.c), among them threaded interrupt handlers, which bring the packets.
pub const PRIORITY: u8 = 49;

/// What asks for cores.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Request<'a> {
    /// The node's name.
    pub(crate) name: &'a str,
    /// How many cores, at least 1.
    pub(crate) cpus: usize,
}

/// Where everything runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Placement {
    pub(crate) generator: Scheduling,
    /// One per request, in order; `cpus` is empty where the kernel is left to choose.
    pub(crate) nodes: Vec<Scheduling>,
    /// What could not be had, and what it means.
    pub(crate) notes: Vec<String>,
}

/// Why there is no placement.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoPlacement {
    /// A node asks for more than there is.
    #[error("node `{node}` asks for {asked} cores and this host has {available}")]
    TooFewCpus { node: String, asked: usize, available: usize },
    /// A core asked for by number does not exist, or may not be used.
    #[error("the load generator asks for core {cpu}, which this host does not have or does not let us use")]
    NoSuchCpu { cpu: usize },
    /// The facts list no core at all.
    #[error("this host lets us use no core")]
    NoCpu,
}

/// Places the load generator and the nodes. The first core keeps the house; with three cores or more the generator has the second
/// and the nodes share the rest; with two the generator shares the first and the nodes have the second; with one all share it.
/// Who shares a core with another packet loop sleeps when idle and has no real-time priority, else one would starve the other.
pub(crate) fn place(
    facts: &Facts,
    generator_cpus: &[usize],
    isolation: bool,
    requests: &[Request<'_>],
) -> Result<Placement, NoPlacement> {
    let housekeeping = *facts.cpus.first().ok_or(NoPlacement::NoCpu)?;
    if let Some(&cpu) = generator_cpus.iter().find(|cpu| !facts.cpus.contains(cpu)) {
        return Err(NoPlacement::NoSuchCpu { cpu });
    }
    let available = facts.cpus.len();
    if let Some(request) = requests.iter().find(|request| request.cpus > available) {
        return Err(NoPlacement::TooFewCpus { node: request.name.to_owned(), asked: request.cpus, available });
    }
    let generator = match generator_cpus {
        [] => vec![if available >= 3 { facts.cpus[1] } else { housekeeping }],
        chosen => chosen.iter().copied().collect::<BTreeSet<_>>().into_iter().collect(),
    };
    let cores_of = cores_of_nodes(facts, housekeeping, &generator, requests);
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
    let nodes = cores_of.iter().enumerate().map(|(me, cores)| scheduling(cores, me, isolation)).collect();
    let placed_generator = scheduling(&generator, cores_of.len(), true);
    let mut said = Vec::new();
    if generator.contains(&housekeeping) {
        let effect = if placed_generator.priority.is_some() { "will hardly respond during a run" } else { "may disturb it" };
        said.push(format!("the generator shares core {housekeeping} with everything else on this host, which {effect}"));
    }
    said.extend(sharing_notes(&generator, &cores_of, requests));
    Ok(Placement { generator: placed_generator, nodes, notes: said })
}

/// The cores of each node: apart from generator and housekeeping where there are enough, in turn over what is left.
fn cores_of_nodes(facts: &Facts, housekeeping: usize, generator: &[usize], requests: &[Request<'_>]) -> Vec<Vec<usize>> {
    let without = |taken: &[usize]| facts.cpus.iter().copied().filter(|cpu| !taken.contains(cpu)).collect::<Vec<_>>();
    let apart = without(&[generator, &[housekeeping]].concat());
    let mut pools = [apart, without(generator), facts.cpus.clone()].into_iter().filter(|pool| !pool.is_empty());
    let pool = pools.next().unwrap_or_default();
    let mut next = 0;
    let mut give = |request: &Request<'_>| {
        // A node that asks for more than lies apart gets that and takes the rest from the others' cores.
        let rest = facts.cpus.iter().copied().filter(|cpu| !pool.contains(cpu));
        let own = (0..request.cpus.min(pool.len())).map(|step| pool[(next + step) % pool.len()]);
        let mut cores: Vec<_> = own.chain(rest).take(request.cpus).collect();
        cores.sort_unstable();
        next += request.cpus;
        cores
    };
    requests.iter().map(&mut give).collect()
}

/// One sentence per core that more than one packet loop runs on.
fn sharing_notes(generator: &[usize], cores_of: &[Vec<usize>], requests: &[Request<'_>]) -> Vec<String> {
    let roles = requests.iter().map(|request| request.name).zip(cores_of.iter().map(Vec::as_slice));
    let roles: Vec<(&str, &[usize])> = [(GENERATOR, generator)].into_iter().chain(roles).collect();
    let cores: BTreeSet<usize> = roles.iter().flat_map(|(_, cores)| cores.iter().copied()).collect();
    let mut notes = Vec::new();
    for core in cores {
        let names: Vec<&str> = roles.iter().filter(|(_, cores)| cores.contains(&core)).map(|(name, _)| *name).collect();
        if let [first @ .., last] = names.as_slice()
            && !first.is_empty()
        {
            let first = first.join(", ");
            notes.push(format!("{first} and {last} share core {core}: they sleep when idle and have no real-time priority"));
        }
    }
    notes
}

/// What this host does not grant, whatever the placement: one sentence each.
pub(crate) fn downgrades(facts: &Facts) -> Vec<String> {
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
pub(crate) mod tests {
    use tailbed_format::facts::{Cgroup, Privilege};

    use super::*;

    /// A host of so many cores that grants everything.
    pub(crate) fn facts(cpus: usize) -> Facts {
        Facts {
            tool_version: String::new(),
            tool_commit: None,
            hostname: String::new(),
            cpu_model: String::new(),
            cpus: (0..cpus).collect(),
            memory_nodes: vec![0],
            memory: 1 << 30,
            kernel: String::new(),
            command_line: String::new(),
            mitigations: Vec::new(),
            clocksource: "tsc".to_owned(),
            invariant_tsc: true,
            hypervisor: None,
            cgroup: Cgroup::None,
            privilege: Privilege { root: true, user_namespaces: true, real_time: true, lock_memory: true },
            rt_runtime_us: Some(-1),
            no_packet_sockets: None,
            engines: Vec::new(),
            kvm: tailbed_format::facts::Kvm::Unknown,
            kernels: Vec::new(),
        }
    }

    fn placed(cpus: usize, generator: &[usize], asked: &[usize]) -> Placement {
        let requests: Vec<_> = asked.iter().map(|cpus| Request { name: "dut", cpus: *cpus }).collect();
        place(&facts(cpus), generator, true, &requests).unwrap()
    }

    fn cores(placement: &Placement) -> (Vec<usize>, Vec<Vec<usize>>) {
        (placement.generator.cpus.clone(), placement.nodes.iter().map(|node| node.cpus.clone()).collect())
    }

    #[test]
    fn with_three_cores_everyone_is_apart() {
        let placement = placed(3, &[], &[1]);
        assert_eq!(cores(&placement), (vec![1], vec![vec![2]]));
        assert_eq!((placement.nodes[0].wait, placement.nodes[0].priority), (Wait::Spin, Some(PRIORITY)));
        assert!(placement.notes.is_empty());
    }

    #[test]
    fn with_two_cores_the_generator_keeps_the_house() {
        let placement = placed(2, &[], &[1]);
        assert_eq!(cores(&placement), (vec![0], vec![vec![1]]));
        assert_eq!((placement.generator.wait, placement.nodes[0].wait), (Wait::Spin, Wait::Spin));
        assert_eq!(placement.notes.len(), 1);
    }

    #[test]
    fn who_shares_a_core_sleeps_when_idle() {
        let placement = placed(1, &[], &[1]);
        assert_eq!((placement.generator.wait, placement.generator.priority), (Wait::Block, None));
        let placement = placed(4, &[], &[1, 1, 1]);
        assert_eq!(cores(&placement), (vec![1], vec![vec![2], vec![3], vec![2]]));
        let waits: Vec<_> = placement.nodes.iter().map(|node| node.wait).collect();
        assert_eq!(waits, [Wait::Block, Wait::Spin, Wait::Block]);
    }

    #[test]
    fn a_node_that_wants_more_than_lies_apart_takes_the_others_cores_as_well() {
        assert_eq!(cores(&placed(4, &[], &[3])), (vec![1], vec![vec![0, 2, 3]]));
        assert_eq!(cores(&placed(4, &[], &[2])), (vec![1], vec![vec![2, 3]]));
    }

    #[test]
    fn the_generators_cores_can_be_chosen() {
        assert_eq!(cores(&placed(4, &[3], &[1])), (vec![3], vec![vec![1]]));
        assert_eq!(cores(&placed(2, &[1], &[1])), (vec![1], vec![vec![0]]));
        assert_eq!(place(&facts(2), &[2], true, &[]), Err(NoPlacement::NoSuchCpu { cpu: 2 }));
    }

    #[test]
    fn without_isolation_the_nodes_run_anywhere_and_the_generator_keeps_its_core() {
        let placement = place(&facts(4), &[], false, &[Request { name: "dut", cpus: 1 }]).unwrap();
        assert_eq!(cores(&placement), (vec![1], vec![vec![]]));
        assert_eq!((placement.nodes[0].priority, placement.generator.priority), (None, Some(PRIORITY)));
    }

    #[test]
    fn what_is_not_granted_is_said() {
        let privilege = Privilege { root: false, user_namespaces: false, real_time: false, lock_memory: false };
        assert_eq!(downgrades(&Facts { privilege, ..facts(2) }).len(), 3);
        assert!(downgrades(&facts(2)).is_empty());
    }
}
