//! What holds for every plan, whatever the experiment and the host.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]

mod hosts;

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use tailbed_format::capture::{Capture, Tap};
use tailbed_format::facts::{Cgroup, Facts, Privilege};
use tailbed_format::mac::MacAddress;
use tailbed_format::memory::{MemoryPort, Side};
use tailbed_format::order::{Order, Path, Scheduling, Wait};
use tailbed_format::summary::RunKind;
use tailbed_plan::plan::{GENERATOR, Plan, Run, TIMESTAMPER};
use tailbed_plan::step::{AgentEnvironment, ContainerSpec, Step, Undo, VmSpec};
use tailbed_plan::{Overrides, Source, plan};

/// Experiments with nodes of all kinds in a line, and a sweep.
fn experiment() -> impl Strategy<Value = String> {
    let environment = prop_oneof![
        Just("host"),
        Just("container"),
        Just("open"),
        Just("limited"),
        Just("lxc"),
        Just("docker"),
        Just("vm"),
        Just("mapped")
    ];
    let nodes = prop::collection::vec((environment, 1usize..3), 1..6);
    let rates = prop::collection::btree_set(1u32..100, 1..4);
    let capture = prop_oneof![Just(""), Just("[capture]\n"), Just("[capture]\nsnap = \"whole\"\n")];
    let kinds = prop::collection::vec(prop::sample::select(vec!["veth", "bridge", "macvlan", "memory"]), 6);
    (nodes, rates, 1u32..4, any::<u32>(), any::<[bool; 3]>(), kinds, capture).prop_map(
        |(nodes, rates, repeats, seed, [sequential, isolation, linked], kinds, capture)| {
            let order = if sequential { "sequential" } else { "shuffled" };
            let mut text =
                format!("name = \"x\"\nrepeats = {repeats}\nseed = {seed}\norder = \"{order}\"\nisolation = {isolation}\n");
            text += "[environments.open.host]\nnamespace = \"none\"\n[environments.limited.container]\nmemory = \"64MiB\"\n";
            text += "[environments.mapped.container]\nuser_namespace = true\n";
            let node = |(number, (environment, cpus)): (usize, &(&str, usize))| {
                format!("[nodes.node-{number}]\nenvironment = \"{environment}\"\ncpus = {cpus}\n")
            };
            text.extend(nodes.iter().enumerate().map(node));
            if linked {
                text += &links(&nodes.iter().map(|(environment, _)| *environment).collect::<Vec<_>>(), &kinds);
            }
            let rates: Vec<_> = rates.iter().map(|rate| format!("\"{rate}kpps\"")).collect();
            text += "[traffic]\nrate = \"1kpps\"\nduration = \"1s\"\n";
            // what passes through memory cannot be captured, and is refused
            if !(linked && kinds.contains(&"memory")) {
                text += capture;
            }
            text + &format!("[sweep]\n\"traffic.rate\" = [{}]\n", rates.join(", "))
        },
    )
}

/// The links of a line of nodes, of these kinds; a virtual machine has no macvlan.
fn links(environments: &[&str], kinds: &[&str]) -> String {
    let last = environments.len();
    let link = |number: usize| {
        let near = number.checked_sub(1).map_or("generator".to_owned(), |node| format!("node-{node}:out"));
        let far = if number == last { "sink".to_owned() } else { format!("node-{number}:in") };
        let machine = |node: Option<usize>| node.and_then(|node| environments.get(node)) == Some(&"vm");
        let kind = match kinds[number] {
            "macvlan" if machine(number.checked_sub(1)) || machine(Some(number)) => "veth",
            kind => kind,
        };
        format!("[links.link-{number}]\nends = [\"{near}\", \"{far}\"]\nkind = \"{kind}\"\n")
    };
    (0..=last).map(link).collect()
}

fn host() -> impl Strategy<Value = Facts> {
    let cgroup = prop_oneof![Just(hosts::small().cgroup), Just(hosts::server().cgroup), Just(Cgroup::None)];
    let throttle = prop_oneof![Just(None), Just(Some(-1)), Just(Some(950_000))];
    (2usize..10, cgroup, any::<[bool; 3]>(), throttle).prop_map(
        |(cpus, cgroup, [root, real_time, lock_memory], rt_runtime_us)| Facts {
            cpus: (0..cpus).collect(),
            cgroup,
            privilege: Privilege { root, user_namespaces: true, real_time, lock_memory },
            rt_runtime_us,
            no_packet_sockets: None,
            engines: Vec::new(),
            kvm: tailbed_format::facts::Kvm::Unknown,
            kernels: Vec::new(),
            ..hosts::small()
        },
    )
}

fn planned(text: &str, facts: &Facts, token: &str) -> Plan {
    let source = Source { name: "x.toml", text: text.as_bytes() };
    plan(&source, &Overrides::default(), facts, token).unwrap_or_else(|error| panic!("{error}"))
}

/// Interfaces by namespace, those of virtual machines by their name; adding one twice fails. Besides, every address.
fn interfaces(run: &Run) -> (BTreeMap<Option<String>, BTreeSet<String>>, BTreeSet<MacAddress>) {
    let mut interfaces: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    let mut own = BTreeSet::new();
    let mut add = |place: Option<String>, name: &String, mac: MacAddress| {
        assert!(interfaces.entry(place.clone()).or_default().insert(name.clone()), "{name} is twice in {place:?}");
        assert!(name.len() <= 15, "{name}");
        own.insert(mac);
    };
    for step in &run.steps {
        match step {
            Step::MakeVeth { ends } => ends.iter().for_each(|end| add(end.namespace.clone(), &end.name, end.mac)),
            Step::MakeMacvlan { end, .. } => add(end.namespace.clone(), &end.name, end.mac),
            // in the middle of a link only the nodes' ends have addresses that count
            Step::MakeTap(tap) if tap.name != "near" && tap.name != "far" => add(tap.namespace.clone(), &tap.name, tap.mac),
            Step::StartAgent { environment: AgentEnvironment::Vm(spec), .. } => {
                spec.interfaces.iter().for_each(|interface| add(Some(spec.id.clone()), &interface.name, interface.mac));
            }
            _ => {}
        }
    }
    for agent in &run.agents {
        let place = run.steps.iter().find_map(|step| match step {
            Step::StartAgent { node, environment: AgentEnvironment::Vm(spec), .. } if *node == agent.node => {
                Some(Some(spec.id.clone()))
            }
            Step::StartAgent { node, namespace, .. } if *node == agent.node => Some(namespace.clone()),
            _ => None,
        });
        for port in memory(&agent.order) {
            let there = interfaces.entry(place.clone().unwrap()).or_default();
            assert!(there.insert(port.name.clone()), "{} is an interface as well", port.name);
        }
    }
    (interfaces, own)
}

/// The ports of an order that are in shared memory.
fn memory(order: &Order) -> &[MemoryPort] {
    match order {
        Order::Forward(forward) => &forward.memory,
        Order::Capture(_) | Order::Noise(_) | Order::Load(_) => &[],
        Order::Measure(measure) => match &measure.path {
            Path::Mixed { memory, .. } => memory,
            Path::Interfaces { .. } | Path::Simulated(_) => &[],
        },
    }
}

/// Both ends of every link in shared memory are told of it, each its own side.
fn memory_has_two_ends(run: &Run) {
    let made = run.steps.iter().filter(|step| matches!(step, Step::MakeMemory(_))).count();
    let ports: Vec<&MemoryPort> = run.agents.iter().flat_map(|agent| memory(&agent.order)).collect();
    let of = |side: Side| ports.iter().filter(|port| port.side == side).count();
    assert_eq!((of(Side::Near), of(Side::Far)), (made, made));
}

/// What a step makes has our prefix, and its undo names the same thing.
fn undo_names_what_was_made(step: &Step) {
    match (step, step.undo()) {
        (Step::WriteSetting(setting), Undo::RestoreSetting { path }) => assert_eq!(setting.path, path),
        (Step::ConfineGroup(limit), Undo::RestoreSetting { path }) => assert_eq!(limit.path(), path),
        (Step::MoveThread(moved), Undo::RestoreThread { thread }) => assert_eq!(moved.thread, thread),
        (Step::PrioritizeThread(given), Undo::RestorePriority { thread }) => assert_eq!(given.thread, thread),
        (Step::UnplugCpu(unplug), Undo::PlugCpu { cpu }) => assert_eq!(unplug.cpu, cpu),
        (Step::TuneInterface(tuning), Undo::Untune { namespace, interface }) => {
            assert_eq!((&tuning.namespace, &tuning.interface), (&namespace, &interface));
        }
        (Step::Untrack(untrack), Undo::Track { namespace, table }) => {
            assert_eq!((&untrack.namespace, &untrack.table), (&namespace, &table));
        }
        (Step::HoldLatency { .. }, Undo::ReleaseLatency) => {}
        (Step::JoinCgroup { node, .. }, Undo::LeaveCgroup { node: undone })
        | (Step::ConfineInside { node, .. }, Undo::ForgetInside { node: undone }) => assert_eq!(*node, undone),
        (Step::MakeNamespace { name }, Undo::DeleteNamespace { name: undone }) => {
            assert_eq!(*name, undone);
            assert!(name.starts_with("tb-"));
        }
        (Step::MakeVeth { ends }, Undo::DeleteInterface { namespace, name }) => {
            assert_eq!((&ends[0].namespace, &ends[0].name), (&namespace, &name));
            assert!(namespace.is_some() || name.starts_with("tb"));
        }
        (Step::MakeCgroup(spec), Undo::RemoveCgroup { path }) => {
            assert_eq!(spec.path, path);
            assert!(path.starts_with("tb-"));
        }
        (Step::StartAgent { node, environment, .. }, Undo::StopAgent { node: undone, kind, id }) => {
            assert_eq!((node, environment.kind(), environment.id()), (&undone, kind.as_str(), id.as_deref()));
        }
        (Step::ProvisionNode { environment, .. }, Undo::RemoveNode { kind, id }) => {
            assert_eq!((environment.kind(), environment.id()), (kind.as_str(), Some(id.as_str())));
            assert!(id.starts_with("tb-"));
        }
        (Step::MakeTap(tap), Undo::DeleteInterface { namespace, name }) => {
            assert_eq!((&tap.namespace, &tap.name), (&namespace, &name));
            assert!(namespace.is_some() || name.starts_with("tb"));
        }
        (Step::MakeBridge { namespace, name, .. }, Undo::DeleteInterface { namespace: Some(within), name: undone }) => {
            assert_eq!((namespace, name), (&within, &undone));
        }
        (Step::MakeMacvlan { end, .. }, Undo::DeleteInterface { namespace, name }) => {
            assert_eq!((&end.namespace, &end.name), (&namespace, &name));
            assert!(namespace.is_some() || name.starts_with("tb"));
        }
        (Step::MakeMemory(link), Undo::RemoveMemory { id }) => {
            assert_eq!(link.id, id);
            assert!(id.starts_with("tb-"));
        }
        (Step::GiveAddress(address), Undo::RemoveAddress(undone)) => assert_eq!(*address, undone),
        (Step::StampInHardware { namespace, interface }, Undo::RestoreStamps { namespace: within, interface: undone }) => {
            assert_eq!((namespace, interface), (&within, &undone));
        }
        (step, undo) => panic!("{undo:?} does not take {step:?} back"),
    }
}

/// How many links in shared memory a machine has.
fn environment_shares(environment: &AgentEnvironment) -> usize {
    let AgentEnvironment::Vm(spec) = environment else { return 0 };
    spec.arguments.iter().filter(|argument| argument.starts_with("ivshmem-plain")).count()
}

/// Nothing is used before it is made, and every agent that is started has an order.
fn steps_build_on_each_other(run: &Run) {
    let mut namespaces = BTreeSet::new();
    let mut groups = BTreeSet::new();
    let mut started = Vec::new();
    let mut taps = BTreeSet::new();
    let mut provisioned = BTreeSet::new();
    for step in &run.steps {
        match step {
            Step::MakeNamespace { name } => assert!(namespaces.insert(name.clone()), "{name} is made twice"),
            Step::MakeVeth { ends } => {
                assert!(ends.iter().filter_map(|end| end.namespace.as_ref()).all(|namespace| namespaces.contains(namespace)));
                taps.extend(ends.iter().map(|end| (end.namespace.clone(), end.name.clone())));
            }
            Step::MakeTap(tap) => {
                assert!(tap.namespace.as_ref().is_none_or(|namespace| namespaces.contains(namespace)));
                assert!(taps.insert((tap.namespace.clone(), tap.name.clone())), "{} is made twice", tap.name);
            }
            Step::MakeBridge { namespace, ports, .. } => {
                assert!(ports.iter().all(|port| taps.contains(&(Some(namespace.clone()), port.clone()))));
            }
            Step::MakeMacvlan { parent, end } => {
                assert!(end.namespace.as_ref().is_none_or(|namespace| namespaces.contains(namespace)));
                assert!(parent.namespace.is_none() || taps.contains(&(parent.namespace.clone(), parent.name.clone())));
                taps.insert((end.namespace.clone(), end.name.clone()));
            }
            Step::MakeMemory(link) => assert!(groups.insert(link.id.clone()), "{} is made twice", link.id),
            Step::ProvisionNode { node, .. } | Step::CloneNode { node, .. } => {
                assert!(provisioned.insert(node.clone()), "{node} is provisioned twice");
            }
            Step::MakeCgroup(spec) => assert!(groups.insert(spec.path.clone()), "{} is made twice", spec.path),
            Step::StartAgent { node, namespace, environment } => {
                assert_eq!(environment.id().is_some(), provisioned.contains(node));
                if let Some(namespace) = namespace {
                    assert_eq!(namespaces.insert(namespace.clone()), environment.brings_namespace(), "{namespace}");
                }
                if let AgentEnvironment::Vm(VmSpec { interfaces, .. }) = environment {
                    let made = |(namespace, tap): (&Option<String>, &String)| taps.contains(&(namespace.clone(), tap.clone()));
                    assert!(interfaces.iter().all(|interface| made((&interface.tap_namespace, &interface.tap))));
                    let shared = environment_shares(environment);
                    assert_eq!(interfaces.len() + shared, 2);
                }
                if let AgentEnvironment::Container(ContainerSpec { cgroup: Some(path), .. }) = environment {
                    assert!(groups.contains(path));
                }
                started.push(node.clone());
            }
            Step::GiveAddress(address) => {
                assert!(taps.contains(&(address.namespace.clone(), address.interface.clone())));
            }
            Step::JoinCgroup { node, path } => assert!(!started.contains(node) && groups.contains(path)),
            Step::ConfineInside { node, .. } => assert!(started.contains(node)),
            Step::Untrack(untrack) => {
                assert!(untrack.interfaces.iter().all(|name| taps.contains(&(untrack.namespace.clone(), name.clone()))));
            }
            Step::TuneInterface(tuning) => assert!(taps.contains(&(tuning.namespace.clone(), tuning.interface.clone()))),
            Step::WriteSetting(_)
            | Step::StampInHardware { .. }
            | Step::MoveThread(_)
            | Step::PrioritizeThread(_)
            | Step::HoldLatency { .. }
            | Step::UnplugCpu(_)
            | Step::ConfineGroup(_) => {}
        }
    }
    let mut ordered: Vec<_> = run.agents.iter().map(|agent| agent.node.clone()).collect();
    let last = started.last().cloned();
    ordered.sort();
    started.sort();
    assert_eq!(started, ordered);
    assert_eq!(last.as_deref(), Some(GENERATOR));
}

/// Every frame is sent to where the next hop's own address is not, but for macvlan interfaces, which take in nothing else.
fn orders_use_interfaces_that_exist(run: &Run) {
    let (interfaces, own) = interfaces(run);
    let place_of = |name: &str| {
        run.steps.iter().find_map(|step| match step {
            Step::StartAgent { node, environment: AgentEnvironment::Vm(spec), .. } if node == name => Some(Some(spec.id.clone())),
            Step::StartAgent { node, namespace, .. } if node == name => Some(namespace.clone()),
            _ => None,
        })
    };
    for agent in &run.agents {
        if let Order::Capture(capture) = &agent.order {
            taps_are_where_frames_pass(capture, run, &interfaces);
            continue;
        }
        let there = &interfaces[&place_of(&agent.node).unwrap()];
        match &agent.order {
            Order::Capture(_) | Order::Noise(_) | Order::Load(_) => {}
            Order::Forward(forward) => {
                assert_eq!(forward.rules.len(), 2);
                for rule in &forward.rules {
                    assert!(there.contains(&rule.receive) && there.contains(&rule.transmit) && rule.receive != rule.transmit);
                    assert!(addressed(run, &own, rule.source, rule.destination));
                }
            }
            Order::Measure(measure) => {
                let (Path::Interfaces { transmit, receive } | Path::Mixed { transmit, receive, .. }) = &measure.path else {
                    panic!("not simulated")
                };
                assert!(there.contains(transmit) && there.contains(receive));
                assert!(addressed(run, &own, measure.source, measure.destination));
            }
        }
    }
}

/// Whether frames come from an address of ours, where that is an interface's, and go where they should.
fn addressed(run: &Run, own: &BTreeSet<MacAddress>, source: MacAddress, destination: MacAddress) -> bool {
    let macvlan = run.steps.iter().any(|step| matches!(step, Step::MakeMacvlan { end, .. } if end.mac == destination));
    let in_memory = run.steps.iter().any(|step| matches!(step, Step::MakeMemory(_)));
    (in_memory || own.contains(&source)) && (macvlan || !own.contains(&destination))
}

/// Each tap is on an interface of the host's that there is, no two see the same frames, and what leaves is seen at machines' taps alone,
/// where the generator then shows it.
fn taps_are_where_frames_pass(capture: &Capture, run: &Run, interfaces: &BTreeMap<Option<String>, BTreeSet<String>>) {
    let bridged = |tap: &Tap| tap.interface == "near" || tap.interface == "far";
    let machine = |tap: &Tap| {
        run.steps
            .iter()
            .any(|step| matches!(step, Step::MakeTap(made) if made.namespace == tap.namespace && made.name == tap.interface))
    };
    let mut seen = BTreeSet::new();
    for tap in &capture.taps {
        assert!(bridged(tap) || interfaces[&tap.namespace].contains(&tap.interface), "{tap:?}");
        assert!(seen.insert((&tap.namespace, &tap.interface, tap.outgoing)), "{tap:?} sees what another sees");
        assert!(!tap.outgoing || machine(tap), "{tap:?}");
        assert!(tap.blocks > 0 && tap.expected <= capture.limit && tap.name.starts_with(char::is_numeric));
        let from_generator = tap.outgoing && tap.from == GENERATOR;
        let shown = run.agents.iter().any(|agent| matches!(&agent.order, Order::Measure(measure) if measure.shown));
        assert!(!from_generator || shown, "{tap:?}");
    }
    let names: Vec<_> = capture.taps.iter().map(|tap| &tap.name).collect();
    assert!(
        run.through.iter().all(|part| names.contains(&&part.before) && names.contains(&&part.behind) && !part.nodes.is_empty())
    );
}

/// A loop that never sleeps, or that only higher priorities interrupt, has its cores for itself.
fn only_loops_alone_on_their_core_spin(run: &Run) {
    // a virtual machine's threads run on the host's cores, the loop inside on virtual ones
    let guest = |name: &str| {
        run.steps.iter().find_map(|step| match step {
            Step::StartAgent { node, environment: AgentEnvironment::Vm(spec), .. } if node == name => Some(spec),
            _ => None,
        })
    };
    // the timestamper is no packet loop: it sleeps
    let loops = run.agents.iter().filter(|agent| agent.node != TIMESTAMPER);
    let scheduling = loops.map(|agent| match (guest(&agent.node), agent.scheduling()) {
        (Some(spec), _) => Scheduling { cpus: spec.cpus.clone(), priority: spec.priority, lock_memory: false, wait: Wait::Block },
        (None, scheduling) => scheduling.clone(),
    });
    let all: Vec<_> = scheduling.collect();
    for (number, one) in all.iter().enumerate() {
        let shared =
            all.iter().enumerate().any(|(other, two)| other != number && two.cpus.iter().any(|cpu| one.cpus.contains(cpu)));
        if shared {
            assert_eq!((one.wait, one.priority), (Wait::Block, None));
        }
    }
}

proptest! {
    #[test]
    fn every_run_can_be_built_up_and_taken_back(text in experiment(), facts in host(), token in "[a-z0-9]{1,12}") {
        let plan = planned(&text, &facts, &token);
        for run in &plan.runs {
            run.steps.iter().for_each(undo_names_what_was_made);
            steps_build_on_each_other(run);
            orders_use_interfaces_that_exist(run);
            memory_has_two_ends(run);
            only_loops_alone_on_their_core_spin(run);
        }
    }

    #[test]
    fn every_cell_is_measured_as_often_as_asked_and_has_a_floor(text in experiment(), facts in host()) {
        let plan = planned(&text, &facts, "t");
        prop_assert_eq!(&plan, &planned(&text, &facts, "t"));
        let names: BTreeSet<_> = plan.runs.iter().map(|run| &run.name).collect();
        prop_assert_eq!(names.len(), plan.runs.len());
        let mut repeats: BTreeMap<usize, Vec<u32>> = BTreeMap::new();
        for run in &plan.runs {
            repeats.entry(run.cell).or_default().push(run.repeat);
        }
        let most = plan.runs.iter().map(|run| run.repeat).max().unwrap_or(0);
        for (number, cell) in plan.cells.iter().enumerate() {
            match cell.kind {
                RunKind::Floor => prop_assert_eq!(&repeats[&number], &[0]),
                RunKind::Measurement => {
                    prop_assert_eq!(&repeats[&number], &(0..=most).collect::<Vec<_>>());
                    prop_assert_eq!(cell.floor.map(|floor| plan.cells[floor].kind), Some(RunKind::Floor));
                }
            }
        }
        let kinds: Vec<_> = plan.runs.iter().map(|run| plan.cells[run.cell].kind).collect();
        prop_assert!(kinds.is_sorted_by_key(|kind| *kind == RunKind::Measurement));
    }

    #[test]
    fn any_bytes_are_a_plan_or_an_error_that_can_be_shown(bytes in prop::collection::vec(any::<u8>(), 0..200), option in ".*") {
        let overrides = Overrides { set: vec![option.clone()], sweep: vec![option], ..Overrides::default() };
        if let Err(error) = plan(&Source { name: "x.toml", text: &bytes }, &overrides, &hosts::small(), "t") {
            prop_assert!(error.render(false).starts_with("error: "));
        }
    }

    /// Files that are nearly right reach the later checks.
    #[test]
    fn any_damage_to_a_good_file_is_a_plan_or_an_error(text in experiment(), at in any::<prop::sample::Index>(), with in "[\\PC]{0,3}") {
        let mut damaged: Vec<char> = text.chars().collect();
        let at = at.index(damaged.len());
        damaged.splice(at..=at, with.chars());
        let text: String = damaged.into_iter().collect();
        if let Err(error) = plan(&Source { name: "x.toml", text: text.as_bytes() }, &Overrides::default(), &hosts::small(), "t") {
            prop_assert!(error.render(false).contains("x.toml:"), "{}", error.render(false));
        }
    }
}
