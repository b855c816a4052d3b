//! A noise test as a run: the node, and a neighbour where there is to be one.

use tailbed_format::facts::Facts;
use tailbed_format::noise::{Load, Noise, Test};
use tailbed_format::order::{Order, Scheduling, Wait};
use tailbed_format::proof::Watch;

use super::cells::{Planned, cores_here};
use super::run::Setting;
use super::{groups, knobs, life, proof};
use crate::document::Combination;
use crate::experiment::{Cores, NoiseLoad};
use crate::knob::Role;
use crate::placement::Placement;
use crate::plan::{AgentOrder, Instance, NEIGHBOUR};
use crate::setup::{Node, NoiseGoals, Purpose, Setup};
use crate::step::{AgentEnvironment, Step};
use crate::text::error::Fault;
use crate::text::tree;

/// What a test of cores consists of.
#[derive(Default)]
pub(super) struct Tested {
    pub(super) steps: Vec<Step>,
    /// The neighbour's first.
    pub(super) agents: Vec<AgentOrder>,
    /// What is watched on the cores that are tested.
    pub(super) proof: Option<Watch>,
    /// How long all of it should take, ns.
    pub(super) expected: u64,
}

/// Steps, orders and what is watched; `None` without a node.
pub(super) fn of_node(setting: &Setting<'_>, goals: &NoiseGoals, planned: &Planned, facts: &Facts) -> Option<Tested> {
    let node = planned.setup.nodes.first()?;
    let placed = planned.placement.nodes.first()?;
    let tested = tested(goals, &planned.placement)?;
    let wanted = goals.priority.filter(|_| planned.setup.isolation);
    let priority = wanted.filter(|_| real_time(goals, &planned.setup, facts));
    let scheduling = Scheduling { cpus: tested.clone(), priority, lock_memory: placed.lock_memory, wait: Wait::Block };
    // a machine has as many virtual CPUs as cores are tested, unless it says otherwise
    let cpus = if tested.is_empty() { node.cpus.clone() } else { Cores::These(tested.clone()) };
    let node = Node { cpus, ..node.clone() };
    let Instance { before, provision, start, .. } = life::instance(&node, None, &scheduling, setting, facts);
    let Step::StartAgent { environment, .. } = &start else { return None };
    let inside = inside(environment, &scheduling, wanted);
    let starting = super::environment::expected_start(environment);
    let mut steps = planned.knobs.steps.clone();
    let mut containers = Vec::new();
    for step in before {
        match step {
            Step::MakeCgroup(spec) => containers.push(spec),
            step => steps.push(step),
        }
    }
    steps.extend(groups::steps(containers, &planned.knobs, &[&node.name, NEIGHBOUR], setting.token));
    steps.extend(provision.into_iter().chain([start]));
    let on_these = Placement { nodes: vec![scheduling.clone()], ..planned.placement.clone() };
    steps.extend(groups::inside(std::slice::from_ref(&node), &on_these, &planned.knobs));
    let mut agents = Vec::new();
    if !goals.work.is_empty() {
        steps.push(Step::StartAgent { node: NEIGHBOUR.to_owned(), namespace: None, environment: AgentEnvironment::Host });
        let cpus = loaded(goals, &tested, facts);
        let scheduling = Scheduling { cpus, priority: None, lock_memory: false, wait: Wait::Spin };
        let order = Order::Load(Load { work: goals.work.clone(), scheduling });
        agents.push(AgentOrder { node: NEIGHBOUR.to_owned(), order });
    }
    let order = |test: &Test| {
        let wait = if matches!(test, Test::Gaps { .. }) { Wait::Spin } else { Wait::Block };
        let scheduling = Scheduling { wait, ..inside.clone() };
        AgentOrder { node: node.name.clone(), order: Order::Noise(Noise { test: *test, scheduling }) }
    };
    agents.extend(goals.tests.iter().map(order));
    let spans = goals.tests.iter().map(|test| test.span(inside.cpus.len()));
    let expected = spans.fold(starting, u64::saturating_add);
    let proof = proof::of_noise(&planned.setup, &node.name, &scheduling, &planned.placement, facts);
    Some(Tested { steps, agents, proof, expected })
}

/// Whether the tests go before all ordinary tasks.
pub(super) fn real_time(goals: &NoiseGoals, setup: &Setup, facts: &Facts) -> bool {
    goals.priority.is_some() && setup.isolation && facts.privilege.real_time
}

/// Who is on which cores, as knobs ask: the node on those that are tested, and the neighbour where there is one.
pub(super) fn roles(goals: &NoiseGoals, setup: &Setup, placement: &Placement, facts: &Facts) -> Vec<Role> {
    let tested = tested(goals, placement).unwrap_or_default();
    let neighbour = (!goals.work.is_empty())
        .then(|| Role { disturbs: true, ..knobs::beside(NEIGHBOUR, &loaded(goals, &tested, facts), facts) });
    setup.nodes.iter().map(|node| knobs::role(node, &tested, facts)).chain(neighbour).collect()
}

/// The core that keeps the house where the cores to be tested are named: one of the others, the first that is not isolated. Empty where there is
/// none, or none is named.
pub(super) fn house(setup: &Setup, facts: &Facts) -> Vec<usize> {
    let Purpose::Noise(NoiseGoals { cpus, .. }) = &setup.purpose else { return Vec::new() };
    let others = || facts.cpus.iter().copied().filter(|cpu| !cpus.is_empty() && !cpus.contains(cpu));
    let isolated = |cpu: &usize| facts.processor(*cpu).is_some_and(|processor| processor.isolated);
    others().find(|cpu| !isolated(cpu)).or_else(|| others().next()).into_iter().collect()
}

/// The cores of the host that are tested; none where the kernel is left to choose. `None` without a node.
fn tested(goals: &NoiseGoals, placement: &Placement) -> Option<Vec<usize>> {
    if goals.cpus.is_empty() { Some(placement.nodes.first()?.cpus.clone()) } else { Some(goals.cpus.clone()) }
}

/// The cores that the neighbour keeps busy.
fn loaded(goals: &NoiseGoals, tested: &[usize], facts: &Facts) -> Vec<usize> {
    match goals.load {
        NoiseLoad::Others => facts.cpus.iter().copied().filter(|cpu| !tested.contains(cpu)).collect(),
        NoiseLoad::Same | NoiseLoad::None => tested.to_vec(),
    }
}

/// Seen from inside: a virtual machine's kernel knows nothing of the host's cores, and all its virtual CPUs are tested. There the agent is
/// root and has the priority that is wanted.
fn inside(environment: &AgentEnvironment, host: &Scheduling, wanted: Option<u8>) -> Scheduling {
    match environment {
        AgentEnvironment::Vm(spec) => {
            Scheduling { cpus: (0..spec.vcpus).collect(), priority: wanted, lock_memory: true, wait: host.wait }
        }
        _ => host.clone(),
    }
}

/// Whether the cores that are named are there, and there are others where others are wanted.
pub(super) fn check(setup: &Setup, placement: &Placement, combination: &Combination<'_>, facts: &Facts) -> Result<(), Fault> {
    let Purpose::Noise(goals) = &setup.purpose else { return Ok(()) };
    let at = |key: &str| tree::span(&combination.tree, &["noise", key]);
    if let Some(cpu) = goals.cpus.iter().find(|cpu| !facts.cpus.contains(cpu)) {
        return Err(Fault::host(format!("core {cpu} is to be tested, which this host does not have or does not let us use"))
            .at(at("cpus"), "not a core of this host")
            .help("leave `cpus` out to have those of the node tested")
            .help(cores_here(facts)));
    }
    let tested = tested(goals, placement).unwrap_or_default();
    if goals.load == NoiseLoad::Others && loaded(goals, &tested, facts).is_empty() {
        return Err(Fault::host("the load is to be on other cores than those tested, and there is none")
            .at(at("load"), "no other core")
            .help("test fewer cores, or write load = \"same\"")
            .help(cores_here(facts)));
    }
    Ok(())
}
