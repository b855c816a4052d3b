//! Placements on hosts that were made up.

use proptest::collection::vec;
use proptest::prelude::*;
use tailbed_format::facts::{Cgroup, Privilege, Processor};

use super::*;

/// A host of so many cores that grants everything.
pub(crate) fn facts(cpus: usize) -> Facts {
    Facts {
        tool_version: String::new(),
        tool_commit: None,
        hostname: String::new(),
        cpu_model: String::new(),
        cpus: (0..cpus).collect(),
        processors: Vec::new(),
        cards: Vec::new(),
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
        engines: Vec::new(),
        kvm: tailbed_format::facts::Kvm::Unknown,
        kernels: Vec::new(),
        huge_pages: Vec::new(),
        no_packet_sockets: None,
        settings: tailbed_format::settings::Settings::default(),
    }
}

/// A host of so many cores with two threads each, numbered as Linux does on most: the second threads after all first ones. The cores
/// lie on so many NUMA nodes.
fn threaded(cores: usize, nodes: usize) -> Facts {
    let processor = |cpu: usize| Processor {
        cpu,
        threads: vec![cpu % cores, cpu % cores + cores],
        memory_node: cpu % cores * nodes / cores,
        isolated: false,
    };
    Facts { processors: (0..2 * cores).map(processor).collect(), ..facts(2 * cores) }
}

fn isolating(mut facts: Facts, isolated: &[usize]) -> Facts {
    if facts.processors.is_empty() {
        let processor = |&cpu: &usize| Processor { cpu, threads: vec![cpu], memory_node: 0, isolated: false };
        facts.processors = facts.cpus.iter().map(processor).collect();
    }
    facts.processors.iter_mut().for_each(|processor| processor.isolated = isolated.contains(&processor.cpu));
    facts
}

fn request(cpus: usize) -> Request<'static> {
    Request { name: "dut", cpus, chosen: &[], workers: 1 }
}

const ISOLATED: Wishes<'_> = Wishes {
    generator: &[],
    housekeeping: &[],
    neighbours: &[],
    memory_node: None,
    card: None,
    siblings: false,
    isolation: true,
};

fn on(facts: &Facts, asked: &[usize]) -> Placement {
    let requests: Vec<_> = asked.iter().map(|cpus| request(*cpus)).collect();
    place(facts, &ISOLATED, &requests).unwrap()
}

fn placed(cpus: usize, generator: &[usize], asked: &[usize]) -> Placement {
    let requests: Vec<_> = asked.iter().map(|cpus| request(*cpus)).collect();
    place(&facts(cpus), &Wishes { generator, ..ISOLATED }, &requests).unwrap()
}

fn cores(placement: &Placement) -> (Vec<usize>, Vec<Vec<usize>>) {
    (placement.generator.cpus.clone(), placement.nodes.iter().map(|node| node.cpus.clone()).collect())
}

#[test]
fn with_three_cores_everyone_is_apart() {
    let placement = placed(3, &[], &[1]);
    assert_eq!(cores(&placement), (vec![1], vec![vec![2]]));
    assert_eq!((placement.nodes[0].wait, placement.nodes[0].priority), (Wait::Spin, Some(PRIORITY)));
    assert!(placement.notes.is_empty() && placement.shared.is_empty());
}

#[test]
fn with_two_cores_the_generator_keeps_the_house() {
    let placement = placed(2, &[], &[1]);
    assert_eq!(cores(&placement), (vec![0], vec![vec![1]]));
    assert_eq!((placement.generator.wait, placement.nodes[0].wait), (Wait::Spin, Wait::Spin));
    assert_eq!(placement.shared.len(), 1);
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
fn a_node_with_more_cores_than_packet_loops_keeps_its_first_ones_for_services() {
    let of = |workers| {
        let request = Request { workers, ..request(3) };
        place(&facts(8), &ISOLATED, &[request]).unwrap().services
    };
    // three for each forwarder: one for services, two for packets
    assert_eq!(of(2), [vec![2]]);
    assert_eq!(of(1), [vec![2, 3]]);
    assert_eq!(of(3), [Vec::<usize>::new()]);
    assert_eq!(placed(1, &[], &[1]).services, [Vec::<usize>::new()], "a node that shares its cores has none to spare");
}

#[test]
fn every_role_can_be_given_its_cores() {
    assert_eq!(cores(&placed(4, &[3], &[1])), (vec![3], vec![vec![1]]));
    assert_eq!(cores(&placed(2, &[1], &[1])), (vec![1], vec![vec![0]]));
    let wishes = Wishes { housekeeping: &[2, 3], neighbours: &[7], ..ISOLATED };
    let chosen = Request { chosen: &[1, 4], ..request(2) };
    let placement = place(&facts(8), &wishes, &[chosen, request(1)]).unwrap();
    assert_eq!(cores(&placement), (vec![0], vec![vec![1, 4], vec![5]]));
    assert_eq!((placement.housekeeping, placement.neighbours), (vec![2, 3], vec![7]));
}

#[test]
fn what_does_not_exist_is_refused_by_its_key() {
    let refused = |wishes: &Wishes<'_>, request: Request<'_>| place(&facts(2), wishes, &[request]).unwrap_err();
    let no_such = |path: &[&str], cpu| NoPlacement::NoSuchCpu { path: path.iter().map(|key| (*key).to_owned()).collect(), cpu };
    let plain = request(1);
    assert_eq!(refused(&Wishes { generator: &[2], ..ISOLATED }, plain), no_such(&["generator", "cpus"], 2));
    assert_eq!(refused(&Wishes { housekeeping: &[5], ..ISOLATED }, plain), no_such(&["placement", "housekeeping"], 5));
    assert_eq!(refused(&Wishes { memory_node: Some(1), ..ISOLATED }, plain), NoPlacement::NoSuchNode { node: 1 });
    let chosen = Request { chosen: &[9], ..plain };
    assert_eq!(refused(&ISOLATED, chosen), no_such(&["nodes", "dut", "cpus"], 9));
    assert!(refused(&ISOLATED, chosen).to_string().starts_with("node `dut` asks for core 9"));
}

#[test]
fn the_other_threads_of_cores_that_packets_have_are_left_idle() {
    let placement = on(&threaded(4, 1), &[1, 1]);
    assert_eq!(cores(&placement), (vec![1], vec![vec![2], vec![3]]));
    assert_eq!(placement.neighbours, [4], "beside what keeps the house");
    assert!(placement.notes.is_empty(), "{:?}", placement.notes);
}

#[test]
fn with_too_few_cores_a_thread_beside_the_house_goes_before_one_beside_packets() {
    let placement = on(&threaded(2, 1), &[1]);
    assert_eq!(cores(&placement), (vec![1], vec![vec![2]]));
    assert_eq!(placement.notes.len(), 1);
    assert!(placement.notes[0].contains("0 and 2"), "{:?}", placement.notes);
    let wishes = Wishes { siblings: true, ..ISOLATED };
    let used = place(&threaded(4, 1), &wishes, &[request(5)]).unwrap();
    assert_eq!(cores(&used), (vec![1], vec![vec![2, 3, 4, 5, 6]]));
}

#[test]
fn isolated_cores_are_for_packets_and_others_keep_the_house() {
    let placement = on(&isolating(facts(6), &[0, 1, 4, 5]), &[2]);
    assert_eq!(placement.housekeeping, [2]);
    assert_eq!(cores(&placement), (vec![0], vec![vec![1, 4]]));
    assert_eq!(placement.neighbours, [3, 5]);
}

#[test]
fn packets_stay_on_the_cards_memory_node_while_they_can() {
    let facts = threaded(8, 2);
    let wishes = Wishes { memory_node: Some(1), card: Some("eth0"), ..ISOLATED };
    let placement = place(&facts, &wishes, &[request(2)]).unwrap();
    assert_eq!(cores(&placement), (vec![4], vec![vec![5, 6]]));
    assert!(placement.notes.is_empty());
    let placement = place(&facts, &wishes, &[request(5)]).unwrap();
    assert_eq!(cores(&placement), (vec![4], vec![vec![1, 2, 5, 6, 7]]));
    assert!(placement.notes[0].contains("1.7 µs"), "{:?}", placement.notes);
}

#[test]
fn without_isolation_the_nodes_run_anywhere_and_the_generator_keeps_its_core() {
    let placement = place(&facts(4), &Wishes { isolation: false, ..ISOLATED }, &[request(1)]).unwrap();
    assert_eq!(cores(&placement), (vec![1], vec![vec![]]));
    assert_eq!((placement.nodes[0].priority, placement.generator.priority), (None, Some(PRIORITY)));
}

proptest! {
    /// Whatever the host: every core given exists, nobody has fewer than asked for, and who shares one with a packet loop does not
    /// spin.
    #[test]
    fn a_placement_keeps_its_promises(cores in 1_usize..9, two in any::<bool>(), nodes in 1_usize..3, asked in vec(1_usize..5, 0..5)) {
        let facts = if two { threaded(cores, nodes.min(cores)) } else { facts(cores) };
        let asked: Vec<usize> = asked.into_iter().map(|cpus| cpus.min(facts.cpus.len())).collect();
        let placement = on(&facts, &asked);
        let loops: Vec<&Scheduling> = std::iter::once(&placement.generator).chain(&placement.nodes).collect();
        for (number, one) in loops.iter().enumerate() {
            prop_assert!(!one.cpus.is_empty() && one.cpus.iter().all(|cpu| facts.cpus.contains(cpu)));
            let shares = |other: &&&Scheduling| other.cpus.iter().any(|cpu| one.cpus.contains(cpu));
            let others = loops.iter().enumerate().filter(|(other, _)| *other != number).map(|(_, other)| other);
            prop_assert_eq!(one.wait == Wait::Block, others.filter(shares).count() > 0);
        }
        prop_assert!(placement.nodes.iter().zip(&asked).all(|(node, cpus)| node.cpus.len() == *cpus));
        prop_assert!(!placement.housekeeping.is_empty() && !placement.neighbours.is_empty());
    }
}

#[test]
fn what_is_not_granted_is_said() {
    let privilege = Privilege { root: false, user_namespaces: false, real_time: false, lock_memory: false };
    let granted = facts(2);
    let without = Facts { privilege, ..granted.clone() };
    assert_eq!((network_downgrades(&without).len(), downgrades(&without).len()), (1, 2));
    assert!(network_downgrades(&granted).is_empty() && downgrades(&granted).is_empty());
}
