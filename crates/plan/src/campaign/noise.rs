//! A noise test as a run: the node, and a neighbour where there is to be one.

use tailbed_format::facts::Facts;
use tailbed_format::noise::{Load, Noise, Test};
use tailbed_format::order::{Order, Scheduling, Wait};

use super::cells::{Planned, cores_here};
use super::life;
use super::run::Setting;
use crate::document::Combination;
use crate::experiment::{Cores, NoiseLoad};
use crate::knob::throttling_lifted;
use crate::placement::Placement;
use crate::plan::{AgentOrder, Instance, NEIGHBOUR};
use crate::setup::{Node, NoiseGoals, Purpose, Setup};
use crate::step::{AgentEnvironment, Step};
use crate::text::error::Fault;
use crate::text::tree;

/// Steps and orders, the neighbour's first, and how long all of it should take, ns.
pub(super) fn of_node(
    setting: &Setting<'_>,
    goals: &NoiseGoals,
    planned: &Planned,
    facts: &Facts,
) -> Option<(Vec<Step>, Vec<AgentOrder>, u64)> {
    let node = planned.setup.nodes.first()?;
    let placed = planned.placement.nodes.first()?;
    let tested = tested(goals, &planned.placement)?;
    let wanted = goals.priority.filter(|_| planned.setup.isolation);
    let priority = wanted.filter(|_| facts.privilege.real_time);
    let scheduling = Scheduling { cpus: tested.clone(), priority, lock_memory: placed.lock_memory, wait: Wait::Block };
    // a machine has as many virtual CPUs as cores are tested, unless it says otherwise
    let cpus = if tested.is_empty() { node.cpus.clone() } else { Cores::These(tested.clone()) };
    let node = Node { cpus, ..node.clone() };
    let Instance { before, provision, start, .. } = life::instance(&node, None, &scheduling, setting, facts);
    let Step::StartAgent { environment, .. } = &start else { return None };
    let inside = inside(environment, &scheduling, wanted);
    let starting = super::environment::expected_start(environment);
    let mut steps: Vec<Step> = throttling_lifted(priority.is_some(), facts).into_iter().collect();
    steps.extend(before.into_iter().chain(provision).chain([start]));
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
    Some((steps, agents, spans.fold(starting, u64::saturating_add)))
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
