//! `tailbed compare FOLDER --by FACTOR`: what is asked, from the command line. The answer is `tailbed_stats::factor`'s.

use clap::Args;
use tailbed_format::summary::{CampaignSummary, Parameter};
use tailbed_stats::compare::gate::Condition;
use tailbed_stats::factor::{Factors, Group, Question, compare, measure};

use crate::compare::Suite;
use crate::failure::Failure;

/// Which factor, and how.
#[derive(Debug, Args)]
pub(crate) struct FactorArguments {
    /// Compare the levels of this factor, under each combination of all others
    #[arg(long, value_name = "FACTOR")]
    by: Option<String>,
    /// Ask anew for each level of this other factor; may be given again
    #[arg(long, value_name = "FACTOR", requires = "by")]
    within: Vec<String>,
    /// Do not keep this other factor apart, and say so in every line; may be given again
    #[arg(long, value_name = "FACTOR", requires = "by")]
    regardless: Vec<String>,
    /// Only what has this value; may be given again, also with another value of the same key
    #[arg(long = "where", value_name = "KEY=VALUE", requires = "by")]
    only: Vec<String>,
    /// The level that the others are compared against [default: the first]
    #[arg(long, value_name = "LEVEL", requires = "by")]
    against: Option<String>,
    /// What is compared, for example p99.9,max [default: p50, p99 to p99.9999, max]
    #[arg(long, value_name = "MEASURE,…", requires = "by")]
    measure: Option<String>,
    /// Call close what differs by no more than this, for example 10%
    #[arg(long, value_name = "PERCENT", requires = "by")]
    margin: Option<String>,
}

impl FactorArguments {
    /// Answers.
    ///
    /// # Errors
    /// [`Failure::File`] when what is asked cannot be, with what could.
    pub(crate) fn compare(
        &self,
        summary: &CampaignSummary,
        is_imported: bool,
        conditions: Vec<Condition>,
    ) -> Result<Factors, Failure> {
        let wrong = |said: String| Failure::File(format!("error: {said}"));
        let measures = self.measure.as_deref().map_or_else(|| Ok(measure::usual()), measure::parse).map_err(wrong)?;
        let only: Result<Vec<Parameter>, String> = self.only.iter().map(|text| parameter("where", text)).collect();
        let question = Question {
            by: self.by.clone().unwrap_or_default(),
            within: self.within.clone(),
            regardless: self.regardless.clone(),
            only: only.map_err(wrong)?,
            against: self.against.clone(),
            measures,
            margin: self.margin.as_deref().map(margin).transpose().map_err(wrong)?,
            conditions,
            said: if is_imported { imported(summary) } else { Vec::new() },
        };
        compare(summary, &question).map_err(|error| wrong(error.to_string()))
    }
}

/// What is said of results that were imported: where they come from, and what was left out.
fn imported(summary: &CampaignSummary) -> Vec<String> {
    let notes = summary.notes.iter().map(|note| format!("{note}."));
    std::iter::once(summary.answer.clone()).chain(notes).collect()
}

/// `KEY=VALUE` of an option.
pub(crate) fn parameter(option: &str, text: &str) -> Result<Parameter, String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() && !value.is_empty() => {
            Ok(Parameter { key: key.to_owned(), value: value.to_owned() })
        }
        _ => Err(format!("--{option} {text} is not of the form KEY=VALUE, such as tuning=optimized")),
    }
}

fn margin(text: &str) -> Result<f64, String> {
    let share = text.strip_suffix('%').and_then(|number| number.trim().parse::<f64>().ok()).map(|percent| percent / 100.0);
    let share = share.filter(|share| *share > 0.0 && *share <= 1.0);
    share.ok_or_else(|| format!("--margin {text} is no share between 0 % and 100 %; write for example 10%"))
}

/// What was judged in a group, level by level.
pub(crate) fn suites(group: &Group) -> Vec<Suite<'_>> {
    let whole: Vec<String> =
        group.parameters.iter().map(|parameter| format!("{} = {}", parameter.key, parameter.value)).collect();
    let named = |what: String| whole.iter().cloned().chain([what]).collect::<Vec<_>>().join(", ");
    let levels = group.levels.iter().map(|level| (named(level.value.clone()), level.conditions.iter().collect::<Vec<_>>()));
    let contrasts = group.contrasts.iter().map(|contrast| {
        (named(format!("{} against {}", contrast.other, contrast.base)), contrast.conditions.iter().collect::<Vec<_>>())
    });
    levels.chain(contrasts).filter(|(_, judged): &Suite<'_>| !judged.is_empty()).collect()
}
