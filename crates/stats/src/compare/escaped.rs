//! A comparison whose texts are not taken for Markdown, and so can be written as it.

use tailbed_format::summary::Parameter;

use super::machine::Difference;
use super::{Absent, Compared, Comparison, Judged};
use crate::escape::markdown;

pub(super) fn comparison(comparison: &Comparison) -> Comparison {
    let alone = |all: &[Vec<Parameter>]| all.iter().map(|one| parameters(one)).collect();
    Comparison {
        base: markdown(&comparison.base),
        other: markdown(&comparison.other),
        cells: comparison.cells.iter().map(compared).collect(),
        only_base: alone(&comparison.only_base),
        only_other: alone(&comparison.only_other),
        absent: comparison.absent.iter().map(absent).collect(),
        ..comparison.clone()
    }
}

fn compared(cell: &Compared) -> Compared {
    Compared { parameters: parameters(&cell.parameters), conditions: judged(&cell.conditions), ..cell.clone() }
}

fn absent(cell: &Absent) -> Absent {
    Absent { parameters: parameters(&cell.parameters), conditions: judged(&cell.conditions) }
}

pub(super) fn difference(difference: &Difference) -> Difference {
    let Difference { what, base, other, machine } = difference;
    Difference { what: markdown(what), base: markdown(base), other: markdown(other), machine: *machine }
}

pub(crate) fn parameters(parameters: &[Parameter]) -> Vec<Parameter> {
    let one = |parameter: &Parameter| Parameter { key: markdown(&parameter.key), value: markdown(&parameter.value) };
    parameters.iter().map(one).collect()
}

/// Conditions themselves are printed as code, and say nothing but measures and limits.
pub(crate) fn judged(judged: &[Judged]) -> Vec<Judged> {
    judged.iter().map(|one| Judged { why: markdown(&one.why), ..one.clone() }).collect()
}
