//! One level of a factor: its repeats, what they have besides, and whether they keep what is asked of them.

use serde::Serialize;
use tailbed_format::summary::RunSummary;

use super::{Observed, Question, distinct, measure};
use crate::compare::gate::{Condition, Limit, Measure, Outcome};
use crate::compare::{self, Judged};
use crate::interval::binomial;
use crate::plot::number::{time, whole};

/// A level of the factor asked after.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Level {
    /// Its value.
    pub value: String,
    /// Repeats that count.
    pub runs: usize,
    /// Values of the factors that blocks do not keep apart.
    pub along: Vec<Along>,
    /// One for each measure that has a value in a repeat.
    pub spread: Vec<Spread>,
    /// What became of conditions that name a time.
    pub conditions: Vec<Judged>,
}

/// The values that another factor has in the cells of a level.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Along {
    /// The factor.
    pub key: String,
    /// Its values.
    pub values: Vec<String>,
}

/// A measure over the repeats of a level, ns.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Spread {
    /// Which.
    pub measure: Measure,
    /// Repeats with a value.
    pub runs: usize,
    /// Least, median and greatest.
    pub values: [f64; 3],
}

pub(super) fn of(cells: &[&Observed<'_>], level: &str, question: &Question) -> Level {
    let cells: Vec<&Observed<'_>> = cells.iter().copied().filter(|one| one.value(&question.by) == level).collect();
    let runs: Vec<&RunSummary> = cells.iter().flat_map(|one| one.runs.iter().copied()).collect();
    let along = |key: &String| {
        let mut values: Vec<String> = distinct(cells.iter().map(|one| one.value(key))).into_iter().map(str::to_owned).collect();
        values.sort();
        Along { key: key.clone(), values }
    };
    let absolute = question.conditions.iter().filter(|condition| matches!(condition.limit, Limit::Time(_)));
    Level {
        value: level.to_owned(),
        runs: runs.len(),
        along: question.regardless.iter().map(along).collect(),
        spread: question.measures.iter().filter_map(|measure| spread(*measure, &runs)).collect(),
        conditions: absolute
            .map(|condition| cells.iter().find_map(|one| one.fails(condition)).unwrap_or_else(|| judged(condition, &runs)))
            .collect(),
    }
}

fn values(measure: Measure, runs: &[&RunSummary]) -> Vec<f64> {
    let mut values: Vec<f64> = runs.iter().filter_map(|run| measure::value(measure, run)).collect();
    values.sort_by(f64::total_cmp);
    values
}

fn spread(measure: Measure, runs: &[&RunSummary]) -> Option<Spread> {
    let values = values(measure, runs);
    let (least, greatest) = (*values.first()?, *values.last()?);
    let median = f64::midpoint(values[(values.len() - 1) / 2], values[values.len() / 2]);
    Some(Spread { measure, runs: values.len(), values: [least, median, greatest] })
}

/// The median over the repeats against a time, and how many of the repeats keep it.
fn judged(condition: &Condition, runs: &[&RunSummary]) -> Judged {
    let Limit::Time(limit) = condition.limit else {
        return Judged { condition: condition.clone(), outcome: Outcome::Undecided, why: "it needs another level".to_owned() };
    };
    let values = values(condition.measure, runs);
    let (outcome, why) = compare::below(&values, limit);
    let kept = values.iter().filter(|value| **value <= limit as f64).count();
    let repeats = values.len();
    let share = at_least(kept as u64, repeats as u64) * 100.0;
    let keep = match kept {
        0 => format!("none of {repeats} repeats keeps it"),
        kept => format!("{kept} of {repeats} repeats keep it, so {share:.0} % of such repeats or more do (95 % confidence)"),
    };
    let why = match values.last() {
        Some(greatest) => format!("the median repeat has {why}; {keep}; the greatest has {}", time(whole(*greatest))),
        None => why,
    };
    Judged { condition: condition.clone(), outcome, why }
}

/// The least share of all repeats that would show as many of them keeping a limit with a probability of 5 % (Clopper and Pearson 1934,
/// one-sided).
fn at_least(kept: u64, of: u64) -> f64 {
    if kept == 0 {
        return 0.0;
    }
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if 1.0 - binomial::at_most(of, middle, kept - 1) > 0.05 { high = middle } else { low = middle }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_that_keeps_a_limit_is_the_tables() {
        // all of n: the n-th root of 5 %, for 27 repeats 0.895 (Hahn and Meeker, table A.25a gives 0.8950)
        assert!((at_least(27, 27) - 0.05_f64.powf(1.0 / 27.0)).abs() < 1e-6);
        // 9 of 10: 0.606 (Hahn and Meeker, section 6.2)
        assert!((at_least(9, 10) - 0.6058).abs() < 1e-3, "{}", at_least(9, 10));
        assert!(at_least(0, 10) < f64::EPSILON);
    }
}
