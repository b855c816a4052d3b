//! What a run asks of the host's knobs: the steps, and what is said of those that cannot be set here.

use std::collections::BTreeMap;

use tailbed_format::facts::Facts;

use super::noise;
use super::run::cgroups;
use crate::document::Combination;
use crate::experiment::Experiment;
use crate::knob::{Group, KnobPlan, Means, Place, ProfilePlan, Role, STOCK, Wish, Wishes};
use crate::placement::Placement;
use crate::plan::GENERATOR;
use crate::setup::{Environment, Node, Purpose, Setup};
use crate::step::{CgroupSpec, Setting, Step, Tuning, Untrack};
use crate::text::error::Fault;
use crate::text::tree;

/// What is asked of the host, as far as it can be had.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Knobs {
    /// What is written down of it.
    pub(super) plan: ProfilePlan,
    /// Done before anything else.
    pub(super) steps: Vec<Step>,
    /// Groups of nodes and generator, by the path of one with cores to itself.
    pub(super) groups: BTreeMap<String, CgroupSpec>,
    /// What keeps the kernel from keeping connections, to be filled in for each namespace with ends of links.
    pub(super) untrack: Option<Untrack>,
    /// What is set of every interface of a link, once it is there.
    pub(super) tunings: Vec<Tuning>,
    /// How many huge pages the knob `hugepages` keeps in each pool, by the file of the pool.
    pub(super) kept_pages: BTreeMap<String, u64>,
    /// Whether what runs in a node besides its packet loop is kept on its first core.
    pub(super) inside: bool,
    /// Why nothing was asked for that the experiment asks for.
    pub(super) unused: Option<String>,
}

impl Knobs {
    /// Nothing is asked for, whatever the experiment says.
    pub(super) fn none(experiment: &Experiment, why: &str) -> Self {
        Self { unused: unused(experiment, why), ..Self::default() }
    }
}

/// What is said where an experiment names a profile or knobs, and they are not used.
pub(super) fn unused(experiment: &Experiment, why: &str) -> Option<String> {
    let profile = experiment.profile.as_ref().map(|profile| format!("the profile {profile}"));
    let knobs = (!experiment.knobs.0.is_empty()).then(|| "[knobs]".to_owned());
    let named: Vec<String> = profile.into_iter().chain(knobs).collect();
    (!named.is_empty()).then(|| format!("{} is not used where {why}", named.join(" with ")))
}

/// What `isolation = false` leaves of it: the instrument's own need.
pub(super) fn without_isolation(wishes: Wishes) -> Wishes {
    let instrument = |wish: &Wish| tailbed_format::knob::Knobs::is_instrument(wish.knob.name);
    let knobs = wishes.knobs.into_iter().filter(instrument).map(|wish| Wish { by_name: false, ..wish }).collect();
    Wishes { profile: STOCK.to_owned(), knobs, alone: wishes.alone }
}

/// Works out what sets each knob. What a profile asks for and cannot be had is left out, and the plan says so.
///
/// The fault is that the experiment asks by name for one that cannot be had here.
pub(super) fn of(
    wishes: &Wishes,
    setup: &Setup,
    placement: &Placement,
    facts: &Facts,
    token: &str,
    combination: &Combination<'_>,
) -> Result<Knobs, Fault> {
    let place = place(wishes, setup, placement, facts, token);
    let mut knobs = Knobs { plan: ProfilePlan { profile: wishes.profile.clone(), knobs: Vec::new() }, ..Knobs::default() };
    let mut confined = false;
    for wish in &wishes.knobs {
        let mut plan = KnobPlan {
            knob: wish.knob.name.to_owned(),
            wanted: wish.value.clone(),
            now: wish.knob.now(&facts.settings),
            left: None,
            remarks: Vec::new(),
        };
        match wish.plan(&place).and_then(|means| besides(means, &knobs.steps)) {
            Ok(means) => {
                plan.remarks = means.remarks;
                confined |= means.steps.iter().any(|step| matches!(step, Step::ConfineGroup(_)));
                knobs.inside |= wish.knob.name == HOUSEKEEPING;
                knobs.kept_pages.extend(wish.kept_pages(&place));
                for step in means.steps {
                    match step {
                        Step::Untrack(untrack) => knobs.untrack = Some(untrack),
                        Step::TuneInterface(tuning) => knobs.tunings.push(tuning),
                        Step::MakeCgroup(spec) if spec.exclusive.is_some() => drop(knobs.groups.insert(spec.path.clone(), spec)),
                        step => knobs.steps.push(step),
                    }
                }
            }
            Err(reason) if wish.by_name => return Err(refused(wish, &reason, combination)),
            Err(reason) => plan.left = Some(reason),
        }
        knobs.plan.knobs.push(plan);
    }
    if confined {
        // whoever is in none of ours would be confined with the rest; below a group whose cores are given away it would have none
        for role in place.roles.iter().filter(|role| role.group == Group::Ours && !role.cpus.is_empty()) {
            let path = format!("tb-{token}-beside/{}", role.name);
            let plain = CgroupSpec::of_cores(path, role.cpus.clone(), super::environment::memory_nodes(&role.cpus, facts));
            knobs.groups.entry(format!("tb-{token}/{}", role.name)).or_insert(plain);
        }
    }
    Ok(knobs)
}

/// A knob's steps without those for files that another has written: what was found there before is that one's to put back.
///
/// # Errors
/// What the other has written is another value: a clause.
fn besides(means: Means, earlier: &[Step]) -> Result<Means, String> {
    let written = |path: &str| {
        earlier.iter().find_map(|step| match step {
            Step::WriteSetting(setting) if setting.path == path => Some(setting),
            _ => None,
        })
    };
    let mut steps = Vec::new();
    for step in means.steps {
        let Step::WriteSetting(Setting { path, value, form, .. }) = &step else {
            steps.push(step);
            continue;
        };
        match written(path) {
            None => steps.push(step),
            Some(other) if form.same(&other.value, value) => {}
            Some(other) => {
                return Err(format!("it makes {path} say {value}, and the knob `{}` is to make it {}", other.knob, other.value));
            }
        }
    }
    Ok(Means { steps, ..means })
}

/// The knob that keeps others on the CPUs for all else.
const HOUSEKEEPING: &str = "housekeeping";

fn place<'a>(wishes: &Wishes, setup: &Setup, placement: &Placement, facts: &'a Facts, token: &str) -> Place<'a> {
    let (roles, real_time) = match &setup.purpose {
        Purpose::Noise(goals) => (noise::roles(goals, setup, placement, facts), noise::real_time(goals, setup, facts)),
        // nothing of a life is pinned: what it costs is asked, not its tail
        Purpose::Life(_) => (Vec::new(), false),
        Purpose::Traffic(_) | Purpose::Search(_) => {
            let cpus = placement.nodes.iter().map(|scheduling| &scheduling.cpus);
            let nodes = setup.nodes.iter().zip(cpus).map(|(node, cpus)| role(node, cpus, facts));
            let generator = beside(GENERATOR, &placement.generator.cpus, facts);
            (nodes.chain([generator]).collect(), placement.generator.priority.is_some())
        }
    };
    let place = Place::new(facts, &placement.housekeeping, roles, real_time, wishes.of("smt").is_some(), token);
    match &setup.purpose {
        Purpose::Noise(_) => {
            Place { nobody: "no core that is tested is kept for that alone: it keeps the house as well", ..place }
        }
        Purpose::Life(_) => Place { nobody: "no core is kept for a node whose life is gone through", ..place },
        Purpose::Traffic(_) | Purpose::Search(_) => place,
    }
}

/// A node on its cores.
pub(super) fn role(node: &Node, cpus: &[usize], facts: &Facts) -> Role {
    let group = match node.environment {
        Environment::Docker(_) => Group::Docker,
        Environment::Host { .. } | Environment::Vm { .. } | Environment::Container { .. } => ours(facts),
        Environment::Lxc(_) | Environment::Simulated(_) => Group::Others,
    };
    let container = matches!(node.environment, Environment::Lxc(_) | Environment::Docker(_) | Environment::Container { .. });
    Role { name: node.name.clone(), cpus: cpus.to_vec(), group, inside: container && cpus.len() > 1, disturbs: false }
}

/// Control groups are ours to make where they may be written.
fn ours(facts: &Facts) -> Group {
    if cgroups(facts) { Group::Ours } else { Group::Others }
}

/// A process of the host's that is no node.
pub(super) fn beside(name: &str, cpus: &[usize], facts: &Facts) -> Role {
    let (name, cpus) = (name.to_owned(), cpus.to_vec());
    Role { name, cpus, group: ours(facts), inside: false, disturbs: false }
}

fn refused(wish: &Wish, reason: &str, combination: &Combination<'_>) -> Fault {
    Fault::host(format!("the knob `{}` cannot be {} here: {reason}", wish.knob.name, wish.value))
        .at(tree::span(&combination.tree, &["knobs", wish.knob.name]), "asked for here")
        .help(format!("leave it out, or ask for it by a profile, which leaves out what a host has not; `tailbed knobs` says what `{}` takes", wish.knob.name))
}

/// What is said of knobs that are left alone: one sentence each, or one for all of them.
pub(super) fn notes(knobs: &Knobs) -> Vec<String> {
    let unused = knobs.unused.clone();
    let ProfilePlan { profile, knobs } = &knobs.plan;
    let left: Vec<(&str, &str)> = knobs.iter().filter_map(|knob| Some((knob.knob.as_str(), knob.left.as_deref()?))).collect();
    let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
    for (knob, reason) in left {
        match reasons.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, names)) => names.push(knob),
            None => reasons.push((reason, vec![knob])),
        }
    }
    let left = reasons.into_iter().map(|(reason, names)| {
        let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
        format!("of the profile {profile}, {} cannot be had here: {reason}", names.join(", "))
    });
    let remarks = knobs.iter().flat_map(|knob| knob.remarks.iter().map(|remark| format!("`{}`: {remark}", knob.knob)));
    unused.into_iter().chain(left).chain(remarks).collect()
}
