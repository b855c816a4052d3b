//! What knobs ask of the things of a run: control groups, those of containers, which have one anyhow, among them; what runs in containers;
//! interfaces.

use tailbed_format::order::Scheduling;

use super::knobs::Knobs;
use crate::placement::Placement;
use crate::setup::{Environment, Node};
use crate::step::{CgroupSpec, Step, Tuning, Untrack};

/// Makes the groups of containers, with what knobs ask of them, and those of other roles of the run, whose agents start there.
pub(super) fn steps(containers: Vec<CgroupSpec>, knobs: &Knobs, names: &[&str], token: &str) -> Vec<Step> {
    let mut others = knobs.groups.clone();
    let mut steps = Vec::new();
    for spec in containers {
        let exclusive = others.remove(&spec.path).and_then(|asked| asked.exclusive);
        steps.push(Step::MakeCgroup(CgroupSpec { exclusive, ..spec }));
    }
    // the floor has none of the nodes
    for name in names {
        if let Some(spec) = others.remove(&format!("tb-{token}/{name}")) {
            let join = Step::JoinCgroup { node: (*name).to_owned(), path: spec.path.clone() };
            steps.extend([Step::MakeCgroup(spec), join]);
        }
    }
    steps
}

/// Keeps what runs in a container besides its packet loops on the cores for services, or on the first where there are none of those: its init,
/// services, and what they start.
pub(super) fn inside(nodes: &[Node], placement: &Placement, knobs: &Knobs) -> Vec<Step> {
    let confined = |((node, scheduling), services): ((&Node, &Scheduling), &Vec<usize>)| {
        let container = matches!(node.environment, Environment::Lxc(_) | Environment::Docker(_) | Environment::Container { .. });
        let first = *scheduling.cpus.first()?;
        (knobs.inside && container && scheduling.cpus.len() > 1).then(|| Step::ConfineInside {
            node: node.name.clone(),
            cpus: if services.is_empty() { vec![first] } else { services.clone() },
            knob: "housekeeping".to_owned(),
        })
    };
    nodes.iter().zip(&placement.nodes).zip(&placement.services).filter_map(confined).collect()
}

/// Tunes every interface that steps make, and the one of the host's that macvlans hang on; and has no connections kept of what comes in by
/// them.
pub(super) fn tuned(made: &[Step], knobs: &Knobs) -> Vec<Step> {
    let mut interfaces: Vec<(Option<String>, String)> = Vec::new();
    for (namespace, name) in made.iter().flat_map(interfaces_of) {
        if !interfaces.contains(&(namespace.clone(), name.clone())) {
            interfaces.push((namespace, name));
        }
    }
    let each = knobs.tunings.iter().flat_map(|tuning| {
        interfaces.iter().map(|(namespace, interface)| {
            Step::TuneInterface(Tuning { namespace: namespace.clone(), interface: interface.clone(), ..tuning.clone() })
        })
    });
    let mut steps: Vec<Step> = each.collect();
    let mut namespaces: Vec<&Option<String>> = interfaces.iter().map(|(namespace, _)| namespace).collect();
    namespaces.sort_unstable();
    namespaces.dedup();
    if let Some(untrack) = &knobs.untrack {
        steps.extend(namespaces.iter().map(|namespace| {
            let within = interfaces.iter().filter(|(other, _)| other == *namespace).map(|(_, name)| name.clone()).collect();
            Step::Untrack(Untrack { namespace: (*namespace).clone(), interfaces: within, ..untrack.clone() })
        }));
    }
    steps
}

fn interfaces_of(step: &Step) -> Vec<(Option<String>, String)> {
    match step {
        Step::MakeVeth { ends } => ends.iter().map(|end| (end.namespace.clone(), end.name.clone())).collect(),
        Step::MakeTap(tap) => vec![(tap.namespace.clone(), tap.name.clone())],
        Step::MakeMacvlan { parent, .. } => vec![(parent.namespace.clone(), parent.name.clone())],
        _ => Vec::new(),
    }
}
