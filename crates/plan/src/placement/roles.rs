//! Who has which cores in the end, and what is to be said of it.

use std::collections::{BTreeMap, BTreeSet};

use tailbed_format::facts::Facts;
use tailbed_format::order::Scheduling;

use super::Request;
use crate::check::cpus::{self, Cpus};
use crate::plan::GENERATOR;

/// The packet loops with their cores, and the cores that keep the house.
#[derive(Debug)]
pub(super) struct Roles<'a> {
    housekeeping: &'a [usize],
    /// The generator first.
    loops: Vec<(&'a str, &'a [usize])>,
    /// Whether the nodes' loops are held on their cores.
    held: bool,
}

impl<'a> Roles<'a> {
    pub(super) fn new(
        housekeeping: &'a [usize],
        generator: &'a Scheduling,
        requests: &'a [Request<'_>],
        cores_of: &'a [Vec<usize>],
        held: bool,
    ) -> Self {
        let nodes = requests.iter().map(|request| request.name).zip(cores_of.iter().map(Vec::as_slice));
        Self { housekeeping, loops: [(GENERATOR, generator.cpus.as_slice())].into_iter().chain(nodes).collect(), held }
    }

    /// The loops that are held on their cores.
    fn held(&self) -> &[(&'a str, &'a [usize])] {
        if self.held { &self.loops } else { &self.loops[..1] }
    }

    /// One sentence for each core that more than one of them has; `first` tells whether the generator goes before all ordinary tasks.
    pub(super) fn shared(&self, first: bool) -> Vec<String> {
        let (_, generator) = self.loops[0];
        let house = generator.iter().find(|cpu| self.housekeeping.contains(cpu));
        let house = house.map(|core| {
            let effect = if first { "will hardly respond during a run" } else { "may disturb it" };
            format!("the generator shares core {core} with everything else on this host, which {effect}")
        });
        let cores: BTreeSet<usize> = self.loops.iter().flat_map(|(_, cores)| cores.iter().copied()).collect();
        let among = cores.into_iter().filter_map(|core| {
            let names: Vec<&str> = self.loops.iter().filter(|(_, cores)| cores.contains(&core)).map(|(name, _)| *name).collect();
            let [first @ .., last] = names.as_slice() else { return None };
            let others = first.join(", ");
            (!first.is_empty())
                .then(|| format!("{others} and {last} share core {core}: they sleep when idle and have no real-time priority"))
        });
        house.into_iter().chain(among).collect()
    }

    /// One sentence for each core of which more than one thread is used, and one of them for packets.
    pub(super) fn threads_of_one_core(&self, facts: &Facts) -> Vec<String> {
        let mut cores: BTreeMap<&[usize], (BTreeSet<&str>, Cpus)> = BTreeMap::new();
        let held = self.held().iter().flat_map(|(name, cpus)| cpus.iter().map(move |cpu| (*name, *cpu)));
        for (name, cpu) in held {
            let threads = facts.processor(cpu).map_or(&[][..], |processor| &processor.threads);
            let (names, used) = cores.entry(threads).or_default();
            names.insert(name);
            used.insert(cpu);
        }
        let sentence = |(threads, (names, mut used)): (&[usize], (BTreeSet<&str>, Cpus))| {
            let house: Vec<usize> =
                self.housekeeping.iter().copied().filter(|cpu| threads.contains(cpu) && !used.contains(cpu)).collect();
            let mut names: Vec<&str> = names.into_iter().collect();
            if !house.is_empty() {
                names.push("what else runs on this host");
            }
            used.extend(house);
            let list: Vec<String> = used.iter().map(ToString::to_string).collect();
            (list.len() > 1).then(|| {
                format!(
                    "cores {} are threads of one core, which {} use at the same time: each slows the other down",
                    list.join(" and "),
                    if names.len() > 1 { names.join(" and ") } else { format!("several loops of {}", names.join("")) }
                )
            })
        };
        cores.into_iter().filter(|(threads, _)| threads.len() > 1).filter_map(sentence).collect()
    }

    /// One sentence for each loop that has cores off the NUMA node of the packets.
    pub(super) fn far(&self, facts: &Facts, near: usize, card: Option<&str>) -> Vec<String> {
        let what =
            card.map_or_else(|| format!("packets are on NUMA node {near}"), |card| format!("{card} is on NUMA node {near}"));
        let sentence = |(name, cpus): &(&str, &[usize])| {
            let far: Cpus = cpus.iter().copied().filter(|cpu| facts.memory_node(*cpu) != near).collect();
            // measured on a dual-socket server, see docs/method.md, "Cores"
            (!far.is_empty()).then(|| {
                format!("{name} has {}, and {what}: each crossing adds some 1.7 µs to a packet's way", cpus::named(&far))
            })
        };
        self.held().iter().filter_map(sentence).collect()
    }

    /// What is neither a packet's core nor a thread of one; where nothing is, the cores that keep the house.
    pub(super) fn left_over(&self, facts: &Facts, siblings: bool) -> Vec<usize> {
        let beside = |cpu: usize| {
            let mut taken = self.loops.iter().flat_map(|(_, cpus)| cpus.iter());
            taken.any(|&taken| if siblings { taken == cpu } else { facts.share_a_core(taken, cpu) })
        };
        let free = facts.cpus.iter().copied().filter(|cpu| !beside(*cpu) && !self.housekeeping.contains(cpu));
        let free: Vec<usize> = free.collect();
        if free.is_empty() { self.housekeeping.to_vec() } else { free }
    }
}
