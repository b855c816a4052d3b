//! Two campaigns side by side: what became slower, what faster, and what cannot be said.
//!
//! The percentile of each repeat is one value, and the values of both sides are compared by their ranks ([`rank_sum`]): nothing is assumed of
//! how latencies are distributed, only that repeats are independent and that one side differs from the other by a shift. The cells of one
//! campaign are compared by the same rows ([`crate::campaign`]).

pub(crate) mod escaped;
pub mod gate;
mod judged;
pub mod machine;
pub(crate) mod packets;
pub mod rank_sum;
pub mod row;
pub(crate) mod silent;
pub(crate) mod words;

use serde::Serialize;
use tailbed_format::percentile::Percentile;
use tailbed_format::summary::{CampaignSummary, CellSummary, Counts, Parameter, RunKind};

use crate::campaign::floor_of;
use crate::counter::Counter;
use gate::{Condition, Measure, Outcome};
use judged::{judged, values};
use row::{CHANCE, correct, row, slower};

pub(crate) use judged::below;
pub use judged::{Judged, TooFew};
pub use row::{Range, Row, Verdict};
pub use words::{markdown, text};
pub(crate) use words::{not_enough, verdict};

/// A campaign to be compared.
#[derive(Debug, Clone, Copy)]
pub struct Side<'a> {
    /// What it found.
    pub summary: &'a CampaignSummary,
    /// Latencies of all packets of the runs that count, by cell.
    pub latencies: &'a [Counter],
}

/// Two campaigns, cell by cell.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// What is compared against.
    pub base: String,
    /// What is compared.
    pub other: String,
    /// Whether base and other are simulated, and so not measured.
    pub simulated: [bool; 2],
    /// Cells that both have.
    pub cells: Vec<Compared>,
    /// Combinations that only the base has.
    pub only_base: Vec<Vec<Parameter>>,
    /// The same where there are conditions, with what became of those.
    pub absent: Vec<Absent>,
    /// Combinations that only the other has.
    pub only_other: Vec<Vec<Parameter>>,
}

/// A combination of swept values in both campaigns.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Compared {
    /// The swept values.
    pub parameters: Vec<Parameter>,
    /// Repeats that count: of the base, of the other.
    pub repeats: [usize; 2],
    /// Probability that a packet of the other is slower than one of the base, equal ones counted half; `None` without packets.
    pub slower: Option<f64>,
    /// Packets of both.
    pub counts: [Counts; 2],
    /// One for each percentile that has a value on both sides.
    pub rows: Vec<Row>,
    /// The percentiles for which a side has too few packets.
    pub too_few: Vec<TooFew>,
    /// What became of the conditions.
    pub conditions: Vec<Judged>,
}

/// A combination of the base that the other has not, and what that means for the conditions.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Absent {
    /// The swept values.
    pub parameters: Vec<Parameter>,
    /// The conditions, none of which can be decided.
    pub conditions: Vec<Judged>,
}

impl Comparison {
    /// The worst outcome of all conditions; `None` without any.
    pub fn outcome(&self) -> Option<Outcome> {
        let absent = self.absent.iter().flat_map(|cell| &cell.conditions);
        self.cells.iter().flat_map(|cell| &cell.conditions).chain(absent).map(|judged| judged.outcome).max()
    }
}

/// Compares the measurement cells that both campaigns have; `base` and `other` name them for the reader.
pub fn compare(base: (&str, Side<'_>), other: (&str, Side<'_>), conditions: &[Condition]) -> Comparison {
    let ((base_name, base), (other_name, other)) = (base, other);
    let only = |this, that| {
        let alone = measured(this).filter(|cell| partner(cell, that).is_none());
        alone.map(|cell| cell.parameters.clone()).collect()
    };
    let pair = |cell| Some(compared((base, cell), (other, partner(cell, other)?), conditions));
    let mut cells: Vec<Compared> = measured(base).filter_map(pair).collect();
    correct(cells.iter_mut().flat_map(|cell| &mut cell.rows).collect(), CHANCE);
    let only_base: Vec<Vec<Parameter>> = only(base, other);
    let absent = |parameters: &Vec<Parameter>| {
        let undecided = |condition| Judged::new(condition, (Outcome::Undecided, words::absent()));
        Absent { parameters: parameters.clone(), conditions: conditions.iter().map(undecided).collect() }
    };
    Comparison {
        base: base_name.to_owned(),
        other: other_name.to_owned(),
        simulated: [base, other].map(|side| side.summary.simulated),
        cells,
        absent: if conditions.is_empty() { Vec::new() } else { only_base.iter().map(absent).collect() },
        only_base,
        only_other: only(other, base),
    }
}

fn measured(side: Side<'_>) -> impl Iterator<Item = &CellSummary> {
    side.summary.cells.iter().filter(|cell| cell.kind == RunKind::Measurement)
}

fn partner<'a>(cell: &CellSummary, side: Side<'a>) -> Option<&'a CellSummary> {
    measured(side).find(|candidate| same(&candidate.parameters, &cell.parameters))
}

/// Whether two combinations are the same, in whatever order their keys stand.
pub(crate) fn same(one: &[Parameter], other: &[Parameter]) -> bool {
    one.len() == other.len() && one.iter().all(|parameter| other.contains(parameter))
}

fn compared(base: (Side<'_>, &CellSummary), other: (Side<'_>, &CellSummary), conditions: &[Condition]) -> Compared {
    let sides = [base, other];
    let attempts = sides.map(|(side, cell)| side.summary.runs.iter().filter(|run| run.cell == cell.cell).collect::<Vec<_>>());
    let runs = attempts.each_ref().map(|runs| runs.iter().copied().filter(|run| run.is_valid()).collect::<Vec<_>>());
    let [of_base, of_other] = sides.map(|(side, cell)| side.latencies.get(cell.cell));
    let row = |percentile: Percentile| {
        let floor = sides.iter().filter_map(|(side, cell)| floor_of(cell, percentile, &side.summary.cells)).max();
        let [base, other] = [0, 1].map(|side| values(Measure::At(percentile), &runs[side]));
        row(percentile, &base, &other, floor.map(|ns| ns as f64))
    };
    Compared {
        parameters: other.1.parameters.clone(),
        repeats: [runs[0].len(), runs[1].len()],
        slower: of_base.zip(of_other).and_then(|(base, other)| slower(base, other)),
        counts: [base.1.counts, other.1.counts],
        rows: Percentile::REPORTED.into_iter().filter_map(row).collect(),
        too_few: Percentile::REPORTED
            .into_iter()
            .filter_map(|percentile| TooFew::of(percentile, &[&runs[0], &runs[1]]))
            .collect(),
        conditions: conditions.iter().map(|condition| judged(condition, &attempts, &other.1.counts)).collect(),
    }
}

#[cfg(test)]
mod tests;
