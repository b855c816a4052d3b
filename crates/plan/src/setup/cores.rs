//! Cores asked for by number.

use crate::experiment::{Cores, Placement};
use crate::text::error::Fault;
use crate::text::tree::{self, Table};

/// A node has one core at least, and none twice.
pub(super) fn of_node(name: &str, cpus: &Cores, tree: &Table<'_>) -> Result<(), Fault> {
    let at = tree::span(tree, &["nodes", name, "cpus"]);
    if cpus.count() == 0 {
        return Err(Fault::file(format!("node `{name}` has no core"))
            .at(at, "at least 1 is needed")
            .help("a forwarder runs on one core or more: cpus = 1"));
    }
    match twice(cpus.these()) {
        Some(cpu) => Err(Fault::file(format!("node `{name}` is given core {cpu} twice"))
            .at(at, "each is given once")
            .help(format!("for {} cores whichever they are, write cpus = {}", cpus.count(), cpus.count()))),
        None => Ok(()),
    }
}

/// What disturbs on purpose and what keeps the house may share cores; neither has one twice.
pub(super) fn of_placement(placement: &Placement, tree: &Table<'_>) -> Result<(), Fault> {
    for (key, cpus) in [("housekeeping", &placement.housekeeping), ("neighbours", &placement.neighbours)] {
        if let Some(cpu) = twice(cpus) {
            return Err(Fault::file(format!("`placement.{key}` has core {cpu} twice"))
                .at(tree::span(tree, &["placement", key]), "each is given once"));
        }
    }
    Ok(())
}

fn twice(cpus: &[usize]) -> Option<usize> {
    cpus.iter().enumerate().find(|(place, cpu)| cpus[..*place].contains(cpu)).map(|(_, cpu)| *cpu)
}
