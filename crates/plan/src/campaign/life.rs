//! A life as a run: the node, another made out of it, and as many more as are to be counted.

use tailbed_format::facts::Facts;
use tailbed_format::lifecycle::Phase;
use tailbed_format::order::{Scheduling, Wait};

use super::cells::Planned;
use super::environment;
use super::network;
use super::run::Setting;
use crate::plan::{DensityPlan, Instance, LifePlan};
use crate::setup::{Environment, LifeGoals, Node};
use crate::step::{AgentEnvironment, Step};

/// What a phase may take, for the estimate of the run's length only, ns.
const PHASE: u64 = 100_000_000;

/// The plan of a life, and how long it should take, ns.
pub(super) fn of_node(setting: &Setting<'_>, goals: &LifeGoals, planned: &Planned, facts: &Facts) -> Option<(LifePlan, u64)> {
    let node = planned.setup.nodes.first()?;
    // no core of its own and no priority: what its life costs is asked, not its tail
    let idle = Scheduling { cpus: Vec::new(), priority: None, lock_memory: false, wait: Wait::Block };
    let instance = |name: String, from: Option<&str>| instance(&Node { name, ..node.clone() }, from, &idle, setting, facts);
    let original = instance(node.name.clone(), None);
    let clone = goals.phases.contains(&Phase::Clone).then(|| instance(format!("{}-clone", node.name), original.id()));
    let density = goals.density.as_ref().filter(|_| setting.repeat == 0).map(|density| DensityPlan {
        nodes: (1..=density.nodes).map(|number| instance(format!("{}-{number}", node.name), None)).collect(),
        time: density.time.0,
        keep_free: density.keep_free.0,
        memory: memory(&node.environment),
    });
    let start = original.environment().map_or(0, environment::expected_start) + PHASE;
    let starts = goals.phases.len() as u64 + density.as_ref().map_or(0, |density| density.nodes.len() as u64);
    let plan = LifePlan { phases: goals.phases.clone(), memory: memory(&node.environment), original, clone, density };
    Some((plan, start * starts))
}

fn memory(environment: &Environment) -> Option<u64> {
    match environment {
        Environment::Container { memory, .. } => *memory,
        Environment::Lxc(spec) => spec.memory,
        Environment::Docker(spec) => spec.memory,
        Environment::Vm { spec, .. } => Some(spec.memory),
        Environment::Host { .. } | Environment::Simulated(_) => None,
    }
}

/// The steps of one node, without links.
pub(super) fn instance(
    node: &Node,
    from: Option<&str>,
    scheduling: &Scheduling,
    setting: &Setting<'_>,
    facts: &Facts,
) -> Instance {
    let token = setting.token;
    let environment = environment::of_node(0, node, scheduling, &[], facts, token);
    let namespace = network::namespace(node, token);
    let mut before = Vec::new();
    if let Some(name) = namespace.clone().filter(|_| !environment.brings_namespace()) {
        before.push(Step::MakeNamespace { name });
    }
    before.extend(environment::cgroup(node, scheduling, facts, token).map(Step::MakeCgroup));
    let provision = environment.id().map(|_| match from {
        None => Step::ProvisionNode { node: node.name.clone(), environment: environment.clone() },
        Some(from) => Step::CloneNode { node: node.name.clone(), environment: environment.clone(), from: from.to_owned() },
    });
    let start = Step::StartAgent { node: node.name.clone(), namespace, environment };
    Instance { node: node.name.clone(), before, provision, start }
}

impl Instance {
    fn environment(&self) -> Option<&AgentEnvironment> {
        match &self.start {
            Step::StartAgent { environment, .. } => Some(environment),
            _ => None,
        }
    }

    fn id(&self) -> Option<&str> {
        self.environment()?.id()
    }
}
