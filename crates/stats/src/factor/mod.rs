//! What one factor does, within one campaign: the levels of `tuning`, say, compared under every combination of the others.
//!
//! Repeats of two levels are compared where everything else is the same, in a *block*: three repeats against three may be too few to
//! show anything, and nine such blocks are not ([`stratified`]). A factor that always changes along with the one asked after leaves no
//! block; it can be named as one to disregard, and then every line says that a difference may be of either.

mod contrast;
mod escaped;
mod level;
pub mod measure;
pub mod stratified;
mod words;

use serde::Serialize;
use tailbed_format::summary::{CampaignSummary, CellSummary, Parameter, RunKind, RunSummary};

use crate::compare::Judged;
use crate::compare::gate::{Condition, Limit, Measure, Outcome};
use crate::compare::silent::{Through, through};
use crate::compare::words::{named, nothing};

pub use contrast::{Contrast, Row, Verdict};
pub use level::{Along, Level, Spread};
pub use words::{markdown, text};

/// What is asked of a campaign.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Question {
    /// The factor whose levels are compared.
    pub by: String,
    /// Factors for each of whose combinations the question is asked anew.
    pub within: Vec<String>,
    /// Factors that blocks do not keep apart.
    pub regardless: Vec<String>,
    /// Only cells with one of these values of each key that is named.
    pub only: Vec<Parameter>,
    /// The level compared against; the first without it.
    pub against: Option<String>,
    /// What is compared of each repeat.
    pub measures: Vec<Measure>,
    /// Levels that differ by no more than this share are called close.
    pub margin: Option<f64>,
    /// What must not be so.
    pub conditions: Vec<Condition>,
    /// What is to be said first of all, sentences: that results were imported, and which were left out.
    pub said: Vec<String>,
}

/// Why a question has no answer, with what would do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unanswerable {
    /// A key that no cell has.
    #[error("no result has a factor `{key}`; these have: {known}")]
    NoFactor {
        /// The key.
        key: String,
        /// The keys there are.
        known: String,
    },
    /// A value that the key never has.
    #[error("`{key}` is never `{value}`; it is {known}")]
    NoLevel {
        /// The key.
        key: String,
        /// The value.
        value: String,
        /// The values there are.
        known: String,
    },
    /// Nothing to compare.
    #[error("`{key}` is {value} everywhere in what is asked after: there is nothing to compare it with")]
    OneLevel {
        /// The key.
        key: String,
        /// Its only value.
        value: String,
    },
    /// A factor in two roles.
    #[error("`{0}` is named twice; a factor is compared, asked within, or disregarded")]
    Twice(String),
    /// A condition on loss.
    #[error("`{0}` is of lost packets; of one factor only latencies are compared")]
    Loss(String),
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Factors {
    /// Whose results.
    pub name: String,
    /// What is to be said first of all, sentences.
    pub said: Vec<String>,
    /// The factor whose levels are compared.
    pub by: String,
    /// The level compared against.
    pub against: String,
    /// Factors that blocks do not keep apart.
    pub regardless: Vec<String>,
    /// Values that were asked for.
    pub only: Vec<Parameter>,
    /// Levels that differ by no more than this share are called close.
    pub margin: Option<f64>,
    /// How many rows the probabilities were corrected for.
    pub rows: usize,
    /// One for each combination of the factors asked within.
    pub groups: Vec<Group>,
}

/// The answer for one combination of the factors asked within.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Group {
    /// Those factors' values.
    pub parameters: Vec<Parameter>,
    /// The levels, with what their repeats amount to.
    pub levels: Vec<Level>,
    /// Each other level against the base.
    pub contrasts: Vec<Contrast>,
}

impl Factors {
    /// The worst outcome of all conditions; `None` without any.
    pub fn outcome(&self) -> Option<Outcome> {
        let levels = self.groups.iter().flat_map(|group| &group.levels).flat_map(|level| &level.conditions);
        let contrasts = self.groups.iter().flat_map(|group| &group.contrasts).flat_map(|contrast| &contrast.conditions);
        levels.chain(contrasts).map(|judged| judged.outcome).max()
    }
}

/// A cell and its repeats that count.
#[derive(Debug, Clone)]
struct Observed<'a> {
    cell: &'a CellSummary,
    runs: Vec<&'a RunSummary>,
    /// Where nothing came through in any repeat: in how many, with how many packets sent.
    silent: Option<(usize, u64)>,
}

impl Observed<'_> {
    /// What a condition comes to where nothing came through: it fails, for there is no latency that could hold it.
    fn fails(&self, condition: &Condition) -> Option<Judged> {
        let (runs, sent) = self.silent?;
        let why = format!("under {} {}", named(&self.cell.parameters), nothing(condition.measure, runs, sent));
        Some(Judged::new(condition, (Outcome::Failed, why)))
    }

    fn value(&self, key: &str) -> &str {
        self.cell.parameters.iter().find(|parameter| parameter.key == key).map_or("", |parameter| &parameter.value)
    }

    fn values(&self, keys: &[&str]) -> Vec<Parameter> {
        keys.iter().map(|key| Parameter { key: (*key).to_owned(), value: self.value(key).to_owned() }).collect()
    }
}

/// Compares the levels of a factor.
///
/// # Errors
/// When the campaign has no such factor or level, only one, or a factor is named twice.
pub fn compare(summary: &CampaignSummary, question: &Question) -> Result<Factors, Unanswerable> {
    let measured = summary.cells.iter().filter(|cell| cell.kind == RunKind::Measurement);
    let all: Vec<Observed<'_>> = measured
        .map(|cell| {
            let attempts: Vec<&RunSummary> = summary.runs.iter().filter(|run| run.cell == cell.cell).collect();
            let silent = match through(&attempts) {
                Through::Nothing { runs, sent } => Some((runs, sent)),
                Through::Counted | Through::Unknown { .. } => None,
            };
            Observed { cell, runs: attempts.into_iter().filter(|run| run.is_valid()).collect(), silent }
        })
        .collect();
    let keys = distinct(all.iter().flat_map(|one| &one.cell.parameters).map(|parameter| parameter.key.as_str()));
    check(question, &keys, &all)?;
    let asked: Vec<&Observed<'_>> = all.iter().filter(|one| is_asked(one, &question.only)).collect();
    let by = question.by.as_str();
    let levels = distinct(asked.iter().map(|one| one.value(by)));
    let against = question.against.as_deref().filter(|level| levels.contains(level)).or(levels.first().copied()).unwrap_or("");
    if levels.len() < 2 {
        return Err(Unanswerable::OneLevel { key: by.to_owned(), value: against.to_owned() });
    }
    let within: Vec<&str> = question.within.iter().map(String::as_str).collect();
    let held = |key: &&&str| **key != by && !within.contains(key) && !question.regardless.iter().any(|other| other == *key);
    let blocks: Vec<&str> = keys.iter().filter(held).copied().collect();
    let mut groups: Vec<Group> = distinct(asked.iter().map(|one| one.values(&within)))
        .into_iter()
        .map(|parameters| {
            let cells: Vec<&Observed<'_>> = asked.iter().copied().filter(|one| one.values(&within) == parameters).collect();
            let others =
                levels.iter().copied().filter(|level| *level != against && cells.iter().any(|one| one.value(by) == *level));
            let has_base = cells.iter().any(|one| one.value(by) == against);
            let contrasts = others.filter(|_| has_base);
            let contrasts = contrasts.map(|other| contrast::of(&cells, (against, other), &blocks, question, summary)).collect();
            let present = levels.iter().filter(|level| cells.iter().any(|one| one.value(by) == **level));
            Group { levels: present.map(|level| level::of(&cells, level, question)).collect(), parameters, contrasts }
        })
        .collect();
    let rows = contrast::correct(&mut groups, question.margin);
    Ok(Factors {
        name: summary.name.clone(),
        said: question.said.clone(),
        by: by.to_owned(),
        against: against.to_owned(),
        regardless: question.regardless.clone(),
        only: question.only.clone(),
        margin: question.margin,
        rows,
        groups,
    })
}

fn is_asked(one: &Observed<'_>, only: &[Parameter]) -> bool {
    let mut keys = distinct(only.iter().map(|parameter| parameter.key.as_str())).into_iter();
    keys.all(|key| only.iter().any(|parameter| parameter.key == key && parameter.value == one.value(key)))
}

fn check(question: &Question, keys: &[&str], all: &[Observed<'_>]) -> Result<(), Unanswerable> {
    let roles: Vec<&String> = std::iter::once(&question.by).chain(&question.within).chain(&question.regardless).collect();
    if let Some((_, again)) = roles.iter().enumerate().find(|(at, key)| roles[..*at].contains(key)) {
        return Err(Unanswerable::Twice((*again).clone()));
    }
    let asked = roles.into_iter().chain(question.only.iter().map(|parameter| &parameter.key));
    for key in asked {
        if !keys.contains(&key.as_str()) {
            let known = if keys.is_empty() { "none".to_owned() } else { keys.join(", ") };
            return Err(Unanswerable::NoFactor { key: key.clone(), known });
        }
    }
    let levels = question.only.iter().map(|parameter| (&parameter.key, &parameter.value));
    for (key, value) in levels.chain(question.against.iter().map(|value| (&question.by, value))) {
        let known = distinct(all.iter().map(|one| one.value(key)));
        if !known.contains(&value.as_str()) {
            return Err(Unanswerable::NoLevel { key: key.clone(), value: value.clone(), known: known.join(", ") });
        }
    }
    let loss = question.conditions.iter().find(|condition| matches!(condition.limit, Limit::Share(_)));
    loss.map_or(Ok(()), |condition| Err(Unanswerable::Loss(condition.text.clone())))
}

/// Each value once, in the order of their first appearance.
fn distinct<T: PartialEq>(values: impl Iterator<Item = T>) -> Vec<T> {
    values.fold(Vec::new(), |mut seen, value| {
        if !seen.contains(&value) {
            seen.push(value);
        }
        seen
    })
}

#[cfg(test)]
mod tests;
