//! Which core is the next best for a packet loop.

use tailbed_format::facts::Facts;

/// Gives cores away one after the other, the best of those left first.
#[derive(Debug)]
pub(super) struct Choice<'a> {
    facts: &'a Facts,
    /// The NUMA node that packets should stay on.
    near: usize,
    /// Whether threads of cores that are taken are as good as others.
    siblings: bool,
    housekeeping: &'a [usize],
    /// Cores that packets have by now.
    taken: Vec<usize>,
}

impl<'a> Choice<'a> {
    /// None is given away yet but for those that keep the house.
    pub(super) fn new(facts: &'a Facts, near: usize, siblings: bool, housekeeping: &'a [usize]) -> Self {
        Self { facts, near, siblings, housekeeping, taken: Vec::new() }
    }

    /// These are given away.
    pub(super) fn take(&mut self, cpus: &[usize]) {
        self.taken.extend(cpus);
    }

    /// The best of those left, which is then given away; `None` when none is.
    pub(super) fn next(&mut self) -> Option<usize> {
        let left = self.facts.cpus.iter().copied();
        let left = left.filter(|cpu| !self.taken.contains(cpu) && !self.housekeeping.contains(cpu));
        let best = left.min_by_key(|&cpu| self.rank(cpu))?;
        self.taken.push(best);
        Some(best)
    }

    /// The lower the better: what its core's other threads do, whether tasks of others come, where it lies, its number.
    fn rank(&self, cpu: usize) -> (usize, bool, bool, usize) {
        let beside = |cpus: &[usize]| !self.siblings && cpus.iter().any(|&other| self.facts.share_a_core(cpu, other));
        let busy = if beside(&self.taken) { 2 } else { usize::from(beside(self.housekeeping)) };
        let isolated = self.facts.processor(cpu).is_some_and(|processor| processor.isolated);
        (busy, !isolated, self.facts.memory_node(cpu) != self.near, cpu)
    }
}
