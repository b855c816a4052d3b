//! The cores that packets shall have, and those that keep the house.

use super::cpus::{Cpus, list};
use super::host::{CPU, Host};

/// Which cores are judged for packets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cores {
    /// Cores for packets; empty where there is none to spare.
    pub(super) chosen: Cpus,
    /// All others that run, but for the siblings of those for packets.
    pub(super) housekeeping: Cpus,
    /// How they were come by, a clause.
    pub(super) why: String,
}

impl Cores {
    /// The cores asked for.
    ///
    /// # Errors
    /// Why they cannot be had, for the reader.
    pub(super) fn asked(host: &Host<'_>, chosen: &Cpus) -> Result<Self, String> {
        let missing: Cpus = chosen.difference(&host.online).copied().collect();
        if chosen.is_empty() || !missing.is_empty() {
            let which =
                if chosen.is_empty() { "no core".to_owned() } else { format!("{}, which does not run here", list(&missing)) };
            return Err(format!("--cores names {which}; the CPUs that run are {}", list(&host.online)));
        }
        let housekeeping = rest(host, chosen);
        if housekeeping.is_empty() {
            let all = list(&host.online);
            return Err(format!("--cores names all CPUs that run ({all}): leave one that keeps the house, as 0 does by default"));
        }
        Ok(Self { chosen: chosen.clone(), housekeeping, why: "as asked".to_owned() })
    }

    /// A sensible choice: what is isolated already, else whole cores of the network card's NUMA node, one thread of each, of the kind made for speed, without the first
    /// core of the host, and without one in eight for the rest of what a node has to do.
    pub(super) fn proposed(host: &Host<'_>, card: Option<(&str, usize)>) -> Self {
        if let Some(isolated) = isolated(host) {
            return Self { housekeeping: rest(host, &isolated), chosen: isolated, why: "isolated already".to_owned() };
        }
        let first = host.allowed.first().copied();
        let near = card.and_then(|(name, node)| Some((name, node, host.nodes.get(&node)?)));
        let near = near.filter(|(_, _, cpus)| cpus.intersection(&host.allowed).count() > 1);
        let home = first.and_then(|first| host.node_of(first)).and_then(|node| Some((node, host.nodes.get(&node)?)));
        let mut why = Vec::new();
        let node = match (near, home) {
            (Some((name, node, cpus)), _) if host.nodes.len() > 1 => {
                why.push(format!("on NUMA node {node}, where {name} is"));
                Some(cpus)
            }
            (_, Some((node, cpus))) if host.nodes.len() > 1 => {
                why.push(format!("on NUMA node {node}, as CPU {}", first.unwrap_or(0)));
                Some(cpus)
            }
            _ => None,
        };
        let fast = host.kinds.as_ref().map(|(fast, _)| fast);
        if fast.is_some() {
            why.push("of the kind made for speed".to_owned());
        }
        let fits = |cpu: &usize| node.is_none_or(|cpus| cpus.contains(cpu)) && fast.is_none_or(|fast| fast.contains(cpu));
        // the first thread of each core
        let threads = |cpu: &usize| host.siblings.get(cpu).and_then(Cpus::first).is_none_or(|thread| thread == cpu);
        let mut cores: Vec<usize> = host.allowed.iter().copied().filter(|cpu| fits(cpu) && threads(cpu)).collect();
        let is_home = |cpu: usize| first.is_some_and(|first| host.siblings.get(&first).is_some_and(|own| own.contains(&cpu)));
        let spared = cores.len() / 8;
        let kept = if cores.first().is_some_and(|cpu| is_home(*cpu)) { spared.max(1) } else { spared };
        cores.drain(..kept.min(cores.len()));
        if host.has_siblings() {
            why.push("one thread of each core".to_owned());
        }
        let chosen: Cpus = cores.into_iter().collect();
        let housekeeping = rest(host, &chosen);
        let why = if why.is_empty() { "proposed".to_owned() } else { format!("proposed: {}", why.join(", ")) };
        Self { chosen, housekeeping, why }
    }
}

/// Of these CPUs, the first thread of each core, without the core that the host's first CPU is in, where any is left.
pub(super) fn apart(host: &Host<'_>, within: &Cpus) -> Cpus {
    let home = host.online.first().and_then(|first| host.siblings.get(first));
    let is_first = |cpu: &usize| host.siblings.get(cpu).and_then(Cpus::first) == Some(cpu);
    let threads: Cpus = within.iter().copied().filter(is_first).collect();
    let apart: Cpus = threads.iter().copied().filter(|cpu| home.is_none_or(|home| !home.contains(cpu))).collect();
    if apart.is_empty() { threads } else { apart }
}

/// The cores that the kernel keeps tasks off, where any task is left elsewhere to go.
fn isolated(host: &Host<'_>) -> Option<Cpus> {
    let isolated = host.record.list(&format!("{CPU}/isolated"))?;
    let isolated: Cpus = isolated.intersection(&host.online).copied().collect();
    (!isolated.is_empty() && !rest(host, &isolated).is_empty()).then_some(isolated)
}

/// The CPUs that run beside the chosen ones and on other cores; where there are no others, their siblings.
fn rest(host: &Host<'_>, chosen: &Cpus) -> Cpus {
    let others: Cpus = host.online.difference(chosen).copied().collect();
    let siblings = host.idle_siblings(chosen);
    let apart: Cpus = others.difference(&siblings).copied().collect();
    if apart.is_empty() { others } else { apart }
}
