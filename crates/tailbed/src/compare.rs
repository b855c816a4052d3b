//! Two results folders side by side: the subcommand `compare`. What may be said of them is `tailbed_stats::compare`'s.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};
use serde_json::{Value, json};
use tailbed_format::facts::Facts;
use tailbed_format::results;
use tailbed_format::summary::{CampaignSummary, RunKind};
use tailbed_stats::compare::gate::{Condition, NoCondition, Outcome};
use tailbed_stats::compare::machine::{Difference, differences};
use tailbed_stats::compare::{Comparison, Side, compare as side_by_side, markdown};
use tailbed_stats::counter::Counter;
use tailbed_stats::run::RunCounters;

use crate::failure::Failure;
use crate::results::campaign::{read_json, write_new};
use crate::results::packets;

#[derive(Debug, Args)]
#[command(
    after_help = "Conditions: `p99.9 > +10%` more than the base's, `p99 > +5us` the same as a time, `max > 1ms` whatever the base has, \
`loss > 0.01%`. A condition fails when its whole 95 % interval lies above the limit, and cannot be decided when the interval holds it.\n\n\
Exit codes: 0 no condition fails; 1 a folder cannot be read; 2 the command line is wrong, or the campaigns are of different machines; \
4 a condition fails, or with --strict cannot be decided."
)]
pub(crate) struct CompareArguments {
    /// Results folder to compare against
    base: PathBuf,
    /// Results folder to compare
    other: PathBuf,
    /// Fail where this is so; may be given several times
    #[arg(long, value_name = "CONDITION")]
    fail_if: Vec<String>,
    /// Fail where a condition cannot be decided, too
    #[arg(long, requires = "fail_if")]
    strict: bool,
    /// Compare campaigns of different machines all the same, and say so in every line
    #[arg(long)]
    different_machines: bool,
    /// Print the comparison as JSON
    #[arg(long)]
    json: bool,
    /// Write the conditions as test cases into a new JUnit file
    #[arg(long, value_name = "FILE", requires = "fail_if")]
    junit: Option<PathBuf>,
    /// Write the comparison into a new Markdown file
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
}

/// A campaign, as it lies in its folder.
struct Campaign {
    name: String,
    summary: CampaignSummary,
    facts: Facts,
    latencies: Vec<Counter>,
}

impl Campaign {
    fn side(&self) -> (&str, Side<'_>) {
        (&self.name, Side { summary: &self.summary, latencies: &self.latencies })
    }
}

/// Compares, writes what was asked for, and ends with a failure where a condition does.
pub(crate) fn compare(arguments: &CompareArguments) -> Result<(), Failure> {
    let conditions: Result<Vec<Condition>, NoCondition> = arguments.fail_if.iter().map(|text| text.parse()).collect();
    let conditions = conditions.map_err(|error| Failure::File(format!("error: {error}")))?;
    let (base, other) = (read(&arguments.base)?, read(&arguments.other)?);
    let differences = differences(&base.facts, &other.facts);
    if !arguments.different_machines {
        same_machine(&differences)?;
    }
    let comparison = side_by_side(base.side(), other.side(), &conditions);
    if comparison.cells.is_empty() {
        return Err(Failure::File(format!(
            "error: {} and {} have no combination of swept values in common\n  = help: compare campaigns of one experiment file, with the \
             same --set and --sweep",
            arguments.base.display(),
            arguments.other.display()
        )));
    }
    let text = markdown(&comparison, &differences);
    if let Some(path) = &arguments.markdown {
        write_new(path, text.as_bytes())?;
    }
    if let Some(path) = &arguments.junit {
        write_new(path, junit(&comparison, arguments.strict)?.as_bytes())?;
    }
    if arguments.json {
        let all = json!({ "comparison": comparison, "machines": differences });
        crate::print(&format!("{}\n", serde_json::to_string_pretty(&all).map_err(anyhow::Error::from)?))?;
    } else {
        crate::print(&text)?;
    }
    gate(&comparison, arguments.strict)
}

/// Ends with a failure where a condition does.
fn gate(comparison: &Comparison, strict: bool) -> Result<(), Failure> {
    let failing = |outcome: Outcome| outcome == Outcome::Failed || strict && outcome == Outcome::Undecided;
    let judged = comparison.cells.iter().flat_map(|cell| &cell.conditions);
    let lines: Vec<String> = judged
        .filter(|judged| failing(judged.outcome))
        .map(|judged| {
            let what = if judged.outcome == Outcome::Failed { "fails" } else { "cannot be decided" };
            format!("`{}` {what}: {}", judged.condition, judged.why)
        })
        .collect();
    if lines.is_empty() { Ok(()) } else { Err(Failure::Gate(lines.join("\n"))) }
}

fn same_machine(differences: &[Difference]) -> Result<(), Failure> {
    let machine: Vec<String> = differences
        .iter()
        .filter(|difference| difference.machine)
        .map(|difference| format!("{}: {} in the base, {} in the other", difference.what, difference.base, difference.other))
        .collect();
    if machine.is_empty() {
        return Ok(());
    }
    Err(Failure::File(format!(
        "error: these campaigns are of different machines\n  {}\n  = help: what differs between machines is not what the experiment \
         varies; with --different-machines they are compared all the same, and every line says so",
        machine.join("\n  ")
    )))
}

/// Reads a results folder: its summary, the machine, and the packets of all runs that count.
fn read(folder: &Path) -> Result<Campaign, Failure> {
    let summary_path = folder.join(results::SUMMARY);
    if !summary_path.exists() {
        let why = if folder.join(results::CAMPAIGN).exists() {
            "its campaign did not come to its end\n  = help: `tailbed run --resume` finishes it".to_owned()
        } else {
            format!("it has no {}\n  = help: name a folder that `tailbed run` made, below results/", results::SUMMARY)
        };
        return Err(Failure::File(format!("error: {} is no finished campaign: {why}", folder.display())));
    }
    let found: Value = read_json(&summary_path)?;
    if found.get("version").is_some() && found.get("contrasts").is_none() {
        return Err(Failure::File(format!(
            "error: {} is of searches, lives or noise tests\n  = help: latencies of packets are compared: name campaigns of experiments with \
             [traffic]",
            folder.display()
        )));
    }
    let summary: CampaignSummary =
        serde_json::from_value(found).with_context(|| format!("{} is damaged", summary_path.display()))?;
    if summary.version != CampaignSummary::VERSION {
        return Err(Failure::File(format!(
            "error: {} has version {} of the layout; this is version {}\n  = help: read it with the tailbed that wrote it",
            summary_path.display(),
            summary.version,
            CampaignSummary::VERSION
        )));
    }
    let cells = summary.cells.iter().map(|cell| cell.cell + 1).max().unwrap_or(0);
    let mut latencies = vec![Counter::new(); cells];
    for cell in summary.cells.iter().filter(|cell| cell.kind == RunKind::Measurement) {
        for run in &cell.valid {
            let path = folder.join(results::RUNS).join(run).join(results::PACKETS);
            // a folder may be handed on without its packets: then the percentiles of the summary are compared alone
            if path.exists() {
                latencies[cell.cell].merge(&RunCounters::of(&packets::read(&path)?, &[]).latency);
            }
        }
    }
    let facts = read_json(&folder.join(results::FACTS))?;
    let name = folder.file_name().map_or_else(|| folder.display().to_string(), |name| name.to_string_lossy().into_owned());
    Ok(Campaign { name, summary, facts, latencies })
}

/// A suite for each cell with a case for each condition; one that cannot be decided is skipped, or with `strict` fails.
fn junit(comparison: &Comparison, strict: bool) -> Result<String, Failure> {
    let mut report = Report::new(format!("{} against {}", comparison.other, comparison.base));
    for cell in &comparison.cells {
        let named: Vec<_> = cell.parameters.iter().map(|parameter| format!("{} = {}", parameter.key, parameter.value)).collect();
        let mut suite = TestSuite::new(if named.is_empty() { comparison.other.clone() } else { named.join(", ") });
        for judged in &cell.conditions {
            let mut status = match judged.outcome {
                Outcome::Held => TestCaseStatus::success(),
                Outcome::Undecided if !strict => TestCaseStatus::skipped(),
                Outcome::Undecided | Outcome::Failed => TestCaseStatus::non_success(NonSuccessKind::Failure),
            };
            status.set_message(judged.why.clone());
            suite.add_test_case(TestCase::new(format!("not {}", judged.condition), status));
        }
        report.add_test_suite(suite);
    }
    Ok(report.to_string().context("cannot write the JUnit report")?)
}
