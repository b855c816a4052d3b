//! Cells: one per combination of swept values, and the floors they are read against.

use std::collections::BTreeMap;

use tailbed_format::facts::{Accelerator, Facts, Kvm};
use tailbed_format::summary::{Parameter, RunKind};

use super::{capture, environment, knobs, noise, proof};
use crate::document::{Combination, Document};
use crate::experiment::{Accel, Siblings};
use crate::knob;
use crate::placement::{self, NoPlacement, Placement, Request, Wishes};
use crate::plan::Cell;
use crate::setup::{self, Environment, Node, Purpose, Setup, StreamLoad, Way};
use crate::sweep;
use crate::text::error::Fault;
use crate::text::tree;

/// A combination, placed on the host.
#[derive(Debug, Clone)]
pub(super) struct Planned {
    pub(super) setup: Setup,
    pub(super) placement: Placement,
    pub(super) knobs: knobs::Knobs,
    pub(super) parameters: Vec<Parameter>,
    pub(super) notes: Vec<String>,
}

/// Plans the combination of a number; `token` marks what is made on the host.
pub(super) fn measured(document: &Document<'_>, number: usize, facts: &Facts, token: &str) -> Result<Planned, Fault> {
    let combination = document.combination(number)?;
    let setup =
        setup::resolve(&combination.experiment, &combination.tree, combination.folder, facts.no_packet_sockets.as_deref())?;
    let mut placement = placed(&setup, facts).map_err(|error| no_placement(&error, &combination, facts))?;
    noise::check(&setup, &placement, &combination, facts)?;
    let knobs = asked_of_the_host(&combination, &setup, &mut placement, facts, token)?;
    let notes = if setup.simulated().is_some() { simulated_notes() } else { real_notes(&setup, &placement, facts) };
    let notes = notes.into_iter().chain(knobs::notes(&knobs)).collect();
    let parameters = label(combination.parameters, &setup, facts);
    Ok(Planned { setup, placement, knobs, parameters, notes })
}

/// What is asked of the host's knobs; of a path that is simulated nothing.
fn asked_of_the_host(
    combination: &Combination<'_>,
    setup: &Setup,
    placement: &mut Placement,
    facts: &Facts,
    token: &str,
) -> Result<knobs::Knobs, Fault> {
    let wishes = knob::wishes(&combination.experiment, combination.profiles, &combination.tree, combination.folder)?;
    let experiment = &combination.experiment;
    if setup.simulated().is_some() {
        return Ok(knobs::Knobs::none(experiment, "the path is simulated"));
    }
    let unused = if setup.isolation { None } else { knobs::unused(experiment, "isolation = false") };
    let wishes = if setup.isolation { wishes } else { knobs::without_isolation(wishes) };
    if wishes.alone.contains(&"memory_lock") {
        placement.nodes.iter_mut().for_each(|node| node.lock_memory = false);
    }
    Ok(knobs::Knobs { unused, ..knobs::of(&wishes, setup, placement, facts, token, combination)? })
}

fn request(node: &Node) -> Request<'_> {
    Request {
        name: &node.name,
        cpus: node.cpus.count(),
        chosen: node.cpus.these(),
        // a program has all the cores of its node
        workers: if node.is_program() { node.cpus.count() } else { node.forwarding.workers as usize },
    }
}

/// Where everything of a setup runs.
fn placed(setup: &Setup, facts: &Facts) -> Result<Placement, NoPlacement> {
    let requests: Vec<_> = setup.nodes.iter().map(request).collect();
    let asked = &setup.placement;
    let card = facts.cards.iter().find(|card| setup.card() == Some(card.interface.as_str()));
    let card = card.filter(|_| asked.memory_node.is_none());
    // a card may lie where none of our cores is
    let near =
        card.and_then(|card| card.memory_node).filter(|node| facts.cpus.iter().any(|cpu| facts.memory_node(*cpu) == *node));
    let house = noise::house(setup, facts);
    let wishes = Wishes {
        generator: &setup.generator_cpus,
        housekeeping: if asked.housekeeping.is_empty() { &house } else { &asked.housekeeping },
        neighbours: &asked.neighbours,
        memory_node: asked.memory_node.or(near),
        card: near.and(card).map(|card| card.interface.as_str()),
        siblings: asked.siblings == Siblings::Used,
        isolation: setup.isolation,
    };
    placement::place(facts, &wishes, &requests)
}

/// A virtual machine's accelerator stands wherever its environment does: emulated and virtualized are different things.
fn label(mut parameters: Vec<Parameter>, setup: &Setup, facts: &Facts) -> Vec<Parameter> {
    for node in &setup.nodes {
        let Environment::Vm { accel, .. } = node.environment else { continue };
        let accelerator = environment::accelerator(accel, facts);
        let key = format!("nodes.{}.environment", node.name);
        match parameters.iter_mut().find(|parameter| parameter.key == key) {
            Some(parameter) => parameter.value = format!("{} ({accelerator})", parameter.value),
            None => parameters.push(Parameter { key, value: format!("vm ({accelerator})") }),
        }
    }
    parameters
}

/// What there is, for who asked for what is not.
pub(super) fn cores_here(facts: &Facts) -> String {
    let cpus: Vec<_> = facts.cpus.iter().map(ToString::to_string).collect();
    format!("cores of this host that we may use: {}", cpus.join(", "))
}

fn no_placement(error: &NoPlacement, combination: &Combination<'_>, facts: &Facts) -> Fault {
    let fault = Fault::host(error.to_string());
    let here = cores_here(facts);
    let at = |path: &[&str]| tree::span(&combination.tree, path);
    match error {
        NoPlacement::TooFewCpus { node, .. } => {
            fault.at(at(&["nodes", node, "cpus"]), "more than there are").help("ask for fewer, or use a larger host").help(here)
        }
        NoPlacement::NoSuchCpu { path, .. } => {
            let path: Vec<&str> = path.iter().map(String::as_str).collect();
            let key = path.last().copied().unwrap_or_default();
            let help = match path.as_slice() {
                ["nodes", ..] => "give a number of cores to have them chosen".to_owned(),
                _ => format!("leave `{key}` out to have cores chosen"),
            };
            fault.at(at(&path), "not a core of this host").help(help).help(here)
        }
        NoPlacement::NoSuchNode { .. } => fault
            .at(at(&["placement", "memory_node"]), "without a core of ours")
            .help("leave `memory_node` out to stay near the network card"),
        NoPlacement::NoCpu => fault,
    }
}

fn simulated_notes() -> Vec<String> {
    vec!["the path is simulated: its results test the instrument and measure nothing".to_owned()]
}

fn real_notes(setup: &Setup, placement: &Placement, facts: &Facts) -> Vec<String> {
    // who shares a core with the generator does not matter where there is none
    let mut notes = match setup.load() {
        Some(_) => placement.shared.iter().chain(&placement.notes).cloned().collect(),
        None => Vec::new(),
    };
    if let (Some(recording), Some(load)) = (&setup.capture, setup.load()) {
        notes.extend(capture::notes(recording, load, placement, facts));
    }
    if setup.load().is_some() {
        notes.extend(proof::note(setup, placement, facts));
    }
    if let Some(reason) = &setup.no_packet_sockets {
        notes.push(format!("packets go by UDP sockets, since no packet socket can be opened here: {reason}"));
    }
    for node in &setup.nodes {
        match node.environment {
            Environment::Container { memory: Some(_), .. } if !super::run::cgroups(facts) => {
                notes.push(format!("the memory limit of `{}` is not applied: control groups cannot be written here", node.name));
            }
            Environment::Vm { accel, .. } if environment::accelerator(accel, facts) == Accelerator::Tcg => {
                let why = match &facts.kvm {
                    Kvm::Refused(reason) if accel == Accel::Auto => format!(", since no guest runs under KVM here: {reason}"),
                    Kvm::Unknown if accel == Accel::Auto => ", since KVM was not tried".to_owned(),
                    _ => String::new(),
                };
                notes.push(format!(
                    "`{}` is emulated (TCG){why}: its times are the emulator's and say nothing of a virtual machine",
                    node.name
                ));
            }
            Environment::Vm { ref spec, .. } if environment::vcpus(spec, node) > node.cpus.count() => notes.push(format!(
                "the virtual CPUs of `{}` share cores: they have no real-time priority, for a guest may have one wait for another",
                node.name
            )),
            Environment::Host { own_namespace: false } if !facts.privilege.root && setup.load().is_some() => {
                notes.push(format!(
                    "`{}` wants the host's own network namespace: without root that is the user namespace's",
                    node.name
                ));
            }
            _ => {}
        }
    }
    notes
}

/// All cells, floors first, each with what it was planned from. Cells with the same load from the same cores share a floor, which
/// is planned from the first of them; simulated ones have none.
pub(super) fn with_floors(measured: Vec<Planned>) -> (Vec<Cell>, Vec<Planned>) {
    let mut numbers = BTreeMap::new();
    let mut floors: Vec<Planned> = Vec::new();
    let mut floor_of = Vec::new();
    for cell in &measured {
        let key = floor_key(cell).filter(|_| cell.setup.simulated().is_none());
        let number = key.map(|key| {
            *numbers.entry(key).or_insert_with(|| {
                let first = cell.setup.via.first().map_or("", |via| via.name.as_str());
                let parameters = cell.parameters.iter().filter(|parameter| concerns_floor(&parameter.key, first));
                let parameters = parameters.cloned().collect();
                floors.push(Planned { parameters, ..cell.clone() });
                floors.len() - 1
            })
        });
        floor_of.push(number);
    }
    let floor =
        |planned: &Planned| Cell { kind: RunKind::Floor, parameters: planned.parameters.clone(), floor: None, simulated: false };
    let measurement = |(planned, floor): (&Planned, Option<usize>)| Cell {
        kind: RunKind::Measurement,
        parameters: planned.parameters.clone(),
        floor,
        simulated: planned.setup.simulated().is_some(),
    };
    let cells = floors.iter().map(floor).chain(measured.iter().zip(floor_of).map(measurement)).collect();
    (cells, floors.into_iter().chain(measured).collect())
}

/// What a floor depends on: the load, what is sought of it, and how the generator is run. Lives have none.
fn floor_key(cell: &Planned) -> Option<impl Ord + use<>> {
    let load = cell.setup.load()?;
    let sought = match &cell.setup.purpose {
        Purpose::Search(goals) => Some(format!("{:?}", goals.order)),
        _ => None,
    };
    let generator = &cell.placement.generator;
    let stream = |(stream, way): (&StreamLoad, &Way)| {
        let schedule = &stream.schedule;
        (stream.frame, stream.shape.clone(), (schedule.rate, schedule.warm_up, schedule.duration), way.back)
    };
    let streams: Vec<_> = load.streams.iter().zip(&cell.setup.topology.ways).map(stream).collect();
    // the wire is of the kind that packets leave the generator by
    let medium = cell.setup.via.first().map(|via| via.medium.clone());
    let ports = (load.ports.send.name(), load.ports.receive.name());
    let tapped = cell.setup.capture.as_ref().map(|capture| capture.snap);
    let watched = (cell.setup.proof.rate, cell.setup.proof.switches);
    // what is asked of the host is asked of it for the floor as well, but for groups, which are the nodes' own
    let host: Vec<_> = cell.knobs.plan.knobs.iter().map(|knob| (knob.knob.clone(), knob.wanted.clone())).collect();
    let host = (cell.knobs.plan.profile.clone(), host);
    Some((streams, load.drain, sought, generator.cpus.clone(), generator.priority, (medium, ports), (tapped, watched, host)))
}

/// Whether a swept key makes a difference to the floor; `link` is that by which packets leave the generator.
fn concerns_floor(key: &str, link: &str) -> bool {
    let mut parts = key.split('.');
    match parts.next() {
        Some("traffic" | "throughput" | "generator" | "capture" | "proof" | "profile" | "knobs") => true,
        Some("links") => parts.next() == Some(link),
        _ => false,
    }
}

/// A note for each swept dimension whose values all come to the same here.
pub(super) fn without_effect(document: &Document<'_>, measured: &[Planned]) -> Vec<String> {
    let axes = document.axes();
    let mut stride = measured.len();
    let mut notes = Vec::new();
    for axis in axes {
        // Combinations that differ in this dimension alone lie a fixed distance apart, for the last one varies fastest.
        let block = stride;
        stride /= axis.rows.len();
        let first_row = |number: usize| number - number % block + number % stride;
        let same = |(number, cell): (usize, &Planned)| {
            let first = &measured[first_row(number)];
            cell.setup == first.setup && cell.placement == first.placement && cell.knobs == first.knobs
        };
        if axis.rows.len() > 1 && measured.iter().enumerate().all(same) {
            let keys: Vec<_> = axis.keys.iter().map(|key| format!("`{key}`")).collect();
            notes.push(format!("{} is swept but makes no difference here", keys.join(" with ")));
        }
    }
    debug_assert_eq!(sweep::combinations(axes), measured.len() as u128);
    notes
}
