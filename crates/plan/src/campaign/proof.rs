//! What is watched of the host in a run: which cores, how often, and from where.

use std::collections::BTreeMap;

use tailbed_format::facts::Facts;
use tailbed_format::order::{Scheduling, Wait};
use tailbed_format::proof::{PacketCore, Watch};

use crate::placement::{PRIORITY, Placement};
use crate::plan::GENERATOR;
use crate::setup::{Environment, Node, Setup};

/// Readings a second unless the file says otherwise.
const RATE: u32 = 1;

/// What is watched in a run of these nodes.
pub(super) fn of_run(setup: &Setup, nodes: &[Node], placement: &Placement, facts: &Facts) -> Watch {
    let switches = setup.proof.switches.unwrap_or(true);
    let why = "has a packet loop on it, and every reading would disturb that";
    watch(setup, (switches, why), &loops(nodes, placement).collect::<Vec<_>>(), placement, facts)
}

/// What is watched while a node's cores are tested; nothing where the kernel chooses them. Each wake-up of the timer test is a change of task: to
/// have the kernel note it would be part of what is measured, so that is done only where it is asked for.
pub(super) fn of_noise(setup: &Setup, node: &str, tested: &Scheduling, placement: &Placement, facts: &Facts) -> Option<Watch> {
    let switches = setup.proof.switches.unwrap_or(false);
    // the loop that looks for gaps spins, the one that waits for a timer sleeps
    let watch = watch(setup, (switches, "is tested, and every reading would show"), &[(node, tested, true)], placement, facts);
    (!watch.cores.is_empty()).then_some(watch)
}

/// What is watched of loops, each with its node and whether it may sleep; `why` says what is wrong with readings on a core that has one, half a
/// sentence.
fn watch(
    setup: &Setup,
    (switches, why): (bool, &str),
    loops: &[(&str, &Scheduling, bool)],
    placement: &Placement,
    facts: &Facts,
) -> Watch {
    let reader = placement.housekeeping.first().copied().unwrap_or_default();
    let mut cores: BTreeMap<usize, PacketCore> = BTreeMap::new();
    let service = |cpu: &usize| placement.services.iter().any(|cpus| cpus.contains(cpu));
    for (name, scheduling, may_sleep) in loops {
        for &cpu in scheduling.cpus.iter().filter(|cpu| !service(cpu)) {
            let core = cores.entry(cpu).or_insert_with(|| PacketCore { cpu, nodes: Vec::new(), spins: true });
            core.nodes.push((*name).to_owned());
            core.spins &= scheduling.wait == Wait::Spin && !may_sleep;
        }
    }
    let busy = cores.contains_key(&reader);
    let withheld = (busy && setup.proof.rate.is_none()).then(|| format!("core {reader}, which keeps the house, {why}"));
    let beside = loops.iter().any(|(_, other, _)| other.cpus.contains(&reader) && other.priority.is_some());
    let rate = if withheld.is_some() { 0 } else { setup.proof.rate.unwrap_or(RATE) };
    Watch {
        rate,
        withheld,
        switches,
        reader,
        priority: (rate > 0 && beside && facts.privilege.real_time).then_some(PRIORITY + 1),
        cores: cores.into_values().collect(),
    }
}

/// Every packet loop with its node, and whether it may sleep whatever it is told: a virtual CPU that has nothing to do halts, and of a program of
/// the user's nothing is known. Where the kernel is left to choose a core there is none to watch.
fn loops<'a>(nodes: &'a [Node], placement: &'a Placement) -> impl Iterator<Item = (&'a str, &'a Scheduling, bool)> {
    let placed = nodes.iter().zip(&placement.nodes).map(|(node, scheduling)| {
        let may_sleep = matches!(node.environment, Environment::Vm { .. }) || node.is_program();
        (node.name.as_str(), scheduling, may_sleep)
    });
    std::iter::once((GENERATOR, &placement.generator, false)).chain(placed)
}

/// What is to be said of a cell's readings.
pub(super) fn note(setup: &Setup, placement: &Placement, facts: &Facts) -> Option<String> {
    let Watch { rate, reader, cores, .. } = of_run(setup, &setup.nodes, placement, facts);
    let core = cores.iter().find(|core| core.cpu == reader && rate > 0)?;
    let names = core.nodes.join(", ");
    let times = if rate == 1 { "once".to_owned() } else { format!("{rate} times") };
    Some(format!(
        "the host is read {times} a second on core {reader}, which {names} runs on, and which stands still for each reading"
    ))
}
