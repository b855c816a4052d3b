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
    let reader = placement.housekeeping.first().copied().unwrap_or_default();
    let mut cores: BTreeMap<usize, PacketCore> = BTreeMap::new();
    let service = |cpu: &usize| placement.services.iter().any(|cpus| cpus.contains(cpu));
    for (name, scheduling, may_sleep) in loops(nodes, placement) {
        for &cpu in scheduling.cpus.iter().filter(|cpu| !service(cpu)) {
            let core = cores.entry(cpu).or_insert_with(|| PacketCore { cpu, nodes: Vec::new(), spins: true });
            core.nodes.push(name.to_owned());
            core.spins &= scheduling.wait == Wait::Spin && !may_sleep;
        }
    }
    let busy = cores.contains_key(&reader);
    let withheld = (busy && setup.proof.rate.is_none())
        .then(|| format!("core {reader}, which keeps the house, has a packet loop on it, and every reading would disturb that"));
    let beside = loops(nodes, placement).any(|(_, other, _)| other.cpus.contains(&reader) && other.priority.is_some());
    let rate = if withheld.is_some() { 0 } else { setup.proof.rate.unwrap_or(RATE) };
    Watch {
        rate,
        withheld,
        switches: setup.proof.switches,
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
