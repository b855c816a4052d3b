//! Which cores were not quiet in the runs of a cell, with the culprits of all runs together.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt;

use tailbed_format::proof::{CoreProof, Disturber, PacketCore, Proof};
use tailbed_format::rounded;

/// A core that was not quiet in at least one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unquiet {
    /// The cell.
    pub cell: usize,
    /// The core.
    pub core: PacketCore,
    /// In how many runs it was not.
    pub runs: usize,
    /// Of so many.
    pub of: usize,
    /// Who was there, gravest first.
    pub culprits: Vec<Gathered>,
}

/// A culprit over several runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gathered {
    /// What it is; tasks of one name are one.
    pub what: String,
    /// How often it came in all, where that is known.
    pub times: Option<u64>,
    /// How long it took in all, ns, where that is known.
    pub took: Option<u64>,
}

impl fmt::Display for Gathered {
    /// `stress (12 times, 3.2 ms)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        let times = self.times.map(|times| if times == 1 { "once".to_owned() } else { format!("{times} times") });
        let said: Vec<_> = times.into_iter().chain(self.took.map(rounded::time)).collect();
        if said.is_empty() { Ok(()) } else { write!(f, " ({})", said.join(", ")) }
    }
}

/// The cores that were not quiet, by cell and core, of runs with the number of their cell.
pub fn unquiet<'a>(proofs: impl Iterator<Item = (usize, &'a Proof)>) -> Vec<Unquiet> {
    let mut seen: BTreeMap<(usize, usize), Vec<&CoreProof>> = BTreeMap::new();
    for (cell, proof) in proofs {
        for core in &proof.cores {
            seen.entry((cell, core.core.cpu)).or_default().push(core);
        }
    }
    let judge = |((cell, _), cores): ((usize, usize), Vec<&CoreProof>)| {
        let loud: Vec<_> = cores.iter().filter(|core| !core.is_quiet()).collect();
        let first = loud.first()?;
        let culprits = gather(loud.iter().map(|core| **core));
        Some(Unquiet { cell, core: first.core.clone(), runs: loud.len(), of: cores.len(), culprits })
    };
    seen.into_iter().filter_map(judge).collect()
}

/// The culprits of several runs together, gravest first.
fn gather<'a>(cores: impl Iterator<Item = &'a CoreProof>) -> Vec<Gathered> {
    let mut all: BTreeMap<String, (Option<u64>, Option<u64>)> = BTreeMap::new();
    let sum = |sum: &mut Option<u64>, more: Option<u64>| {
        if let Some(more) = more {
            *sum = Some(sum.unwrap_or_default().saturating_add(more));
        }
    };
    for culprit in cores.flat_map(|core| &core.culprits) {
        let (times, took) = all.entry(name(&culprit.what)).or_default();
        sum(times, culprit.times);
        sum(took, culprit.took);
    }
    let mut gathered: Vec<_> = all.into_iter().map(|(what, (times, took))| Gathered { what, times, took }).collect();
    gathered.sort_by_key(|gathered| (Reverse(gathered.took), Reverse(gathered.times)));
    gathered
}

/// What is one over several runs: a task of another run has another number.
fn name(what: &Disturber) -> String {
    match what {
        Disturber::Task { name, .. } if name.is_empty() => "tasks that have ended".to_owned(),
        Disturber::Task { name, .. } => name.clone(),
        Disturber::Frequency { .. } => "changes of the clock frequency".to_owned(),
        other => other.to_string(),
    }
}

/// One line for the terminal: the core that was disturbed longest, and by whom; `None` when all were quiet, or nothing was watched.
pub fn sentence<'a>(proofs: impl Iterator<Item = (usize, &'a Proof)>) -> Option<String> {
    let unquiet = unquiet(proofs);
    let gravest = unquiet.iter().max_by_key(|unquiet| unquiet.culprits.first().map(|culprit| (culprit.took, culprit.times)))?;
    let culprit = gravest.culprits.first()?;
    let cores: std::collections::BTreeSet<usize> = unquiet.iter().map(|unquiet| unquiet.core.cpu).collect();
    let numbers = cores.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let which = if cores.len() == 1 { format!("core {numbers} was") } else { format!("cores {numbers} were") };
    Some(format!("{which} not quiet: on core {} (of {}) above all {culprit}", gravest.core.cpu, gravest.core.nodes.join(", ")))
}
