//! Two results folders side by side: the subcommand `compare`. What may be said of them is `tailbed_stats::compare`'s.

mod junit;
mod settings;

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use serde_json::{Value, json};
use tailbed_format::facts::Facts;
use tailbed_format::results;
use tailbed_format::summary::{CampaignSummary, Parameter, RunKind};
use tailbed_stats::compare::gate::{Condition, NoCondition, Outcome};
use tailbed_stats::compare::machine::{Difference, differences};
use tailbed_stats::compare::{Comparison, Judged, Side, compare as side_by_side, markdown, text};
use tailbed_stats::counter::Counter;
use tailbed_stats::factor;
use tailbed_stats::import::summary as others;

use crate::factors::FactorArguments;
use crate::failure::Failure;
use crate::rebuild::imported;
use crate::results::campaign::{read_json, write_new};
use crate::results::tallies::{self, Source};
use junit::junit;

#[derive(Debug, Args)]
#[command(
    after_help = "Conditions: `p99.9 > +10%` more than the base's, `p99 > +5us` the same as a time, `max > 1ms` whatever the base has, \
`loss > 0.01%`. A condition fails when its whole 95 % interval lies above the limit, and cannot be decided when the interval holds it or has less than 93.75 % confidence: a difference takes 4 repeats a side, \
a time 5. \
Where nothing came through in any run every condition fails; a combination that only the base has cannot be decided.\n\n\
With --by one folder is enough: the levels of one of its factors are compared under all combinations of the others.\n\n\
Exit codes: 0 no condition fails; 1 a folder cannot be read; 2 the command line is wrong, or the campaigns are of different machines; \
4 a condition fails, or with --strict cannot be decided."
)]
pub(crate) struct CompareArguments {
    /// Results folder to compare against; with --by the one whose factor is compared
    base: PathBuf,
    /// Results folder to compare
    #[arg(required_unless_present = "by", conflicts_with = "by")]
    other: Option<PathBuf>,
    #[command(flatten)]
    factor: FactorArguments,
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
    /// Write the conditions as test cases of the experiment's name into a new JUnit file
    #[arg(long, value_name = "FILE", requires = "fail_if")]
    junit: Option<PathBuf>,
    /// Write the comparison into a new Markdown file
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
}

/// A campaign, as it lies in its folder.
struct Campaign {
    name: String,
    folder: PathBuf,
    summary: CampaignSummary,
    /// The machine; `None` of results that were imported.
    facts: Option<Facts>,
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
    let Some(other) = &arguments.other else {
        let is_imported = arguments.base.join(results::IMPORTED).exists();
        let factors = arguments.factor.compare(&read_summary(&arguments.base)?, is_imported, conditions)?;
        let said =
            Said { text: factor::text(&factors), markdown: factor::markdown(&factors), json: json!({ "factors": factors }) };
        let suites = factors.groups.iter().flat_map(crate::factors::suites).collect();
        return hand_out(arguments, &said, &Verdicts { experiment: &factors.name, mark: "", suites });
    };
    let (base, other) = (read(&arguments.base)?, read(other)?);
    let differences = match (&base.facts, &other.facts) {
        (Some(base), Some(other)) => differences(base, other),
        (base_facts, other_facts) => vec![unknown(base_facts.as_ref(), other_facts.as_ref())],
    };
    if !arguments.different_machines {
        same_machine(&differences)?;
    }
    let comparison = side_by_side(base.side(), other.side(), &conditions);
    if comparison.cells.is_empty() {
        return Err(Failure::File(format!(
            "error: {} and {} have no combination of swept values in common\n  = help: compare campaigns of one experiment file, with the \
             same --set and --sweep",
            base.name, other.name
        )));
    }
    let settings = settings::differences(&base, &other)?;
    let all = [differences.as_slice(), &settings].concat();
    let said = Said {
        text: text(&comparison, &all),
        markdown: markdown(&comparison, &all),
        json: json!({ "comparison": comparison, "machines": differences, "settings": settings }),
    };
    let mark = if differences.iter().any(|difference| difference.machine) { " (different machines)" } else { "" };
    hand_out(arguments, &said, &Verdicts { experiment: &other.summary.name, mark, suites: suites(&comparison) })
}

/// Of results whose machine nobody recorded.
fn unknown(base: Option<&Facts>, other: Option<&Facts>) -> Difference {
    let named = |facts: Option<&Facts>| {
        facts.map_or("not known, for the results were imported".to_owned(), |facts| facts.hostname.clone())
    };
    Difference { what: "machine".to_owned(), base: named(base), other: named(other), machine: true }
}

/// What was judged of one cell, and how that is called; nothing where there is one cell only.
pub(crate) type Suite<'a> = (String, Vec<&'a Judged>);

/// What became of all conditions.
struct Verdicts<'a> {
    /// Name of the experiment.
    experiment: &'a str,
    /// What every line says besides.
    mark: &'static str,
    suites: Vec<Suite<'a>>,
}

impl Verdicts<'_> {
    /// One by one, each with what stands before it: its cell.
    fn judged(&self) -> impl Iterator<Item = (String, &Judged)> {
        self.suites.iter().flat_map(|(name, judged)| {
            let label = if name.is_empty() { String::new() } else { format!("{name}: ") };
            judged.iter().map(move |judged| (label.clone(), *judged))
        })
    }
}

/// What is said, in the forms that can be asked for.
struct Said {
    text: String,
    markdown: String,
    json: Value,
}

/// Prints a comparison, writes what was asked for, and ends with a failure where a condition does.
fn hand_out(arguments: &CompareArguments, said: &Said, verdicts: &Verdicts<'_>) -> Result<(), Failure> {
    if let Some(path) = &arguments.markdown {
        write_new(path, said.markdown.as_bytes())?;
    }
    if let Some(path) = &arguments.junit {
        write_new(path, junit(verdicts, arguments.strict)?.as_bytes())?;
    }
    if arguments.json {
        crate::print(&format!("{}\n", serde_json::to_string_pretty(&said.json).map_err(anyhow::Error::from)?))?;
    } else {
        crate::print(&said.text)?;
    }
    gate(verdicts, arguments.strict)
}

/// Ends with a failure where a condition does.
fn gate(verdicts: &Verdicts<'_>, strict: bool) -> Result<(), Failure> {
    let failing = |outcome: Outcome| outcome == Outcome::Failed || strict && outcome == Outcome::Undecided;
    let lines: Vec<String> = verdicts
        .judged()
        .filter(|(_, judged)| failing(judged.outcome))
        .map(|(label, judged)| {
            let what = if judged.outcome == Outcome::Failed { "fails" } else { "cannot be decided" };
            format!("{label}`{}` {what}: {}{}", judged.condition, judged.why, verdicts.mark)
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

/// Reads what a results folder amounts to, whether it was measured or imported.
pub(crate) fn read_summary(folder: &Path) -> Result<CampaignSummary, Failure> {
    if let Some(imported) = imported(folder)? {
        return Ok(others::campaign(&imported));
    }
    let summary_path = folder.join(results::SUMMARY);
    if !summary_path.exists() {
        let why = if folder.join(results::CAMPAIGN).exists() {
            "its campaign did not come to its end\n  = help: `tailbed run --resume` finishes it".to_owned()
        } else {
            format!(
                "it has no {}\n  = help: name a folder that `tailbed run` or `tailbed import` made, below results/",
                results::SUMMARY
            )
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
    Ok(summary)
}

/// Reads a results folder: its summary, the machine, and the packets of all runs that count.
fn read(folder: &Path) -> Result<Campaign, Failure> {
    let name = folder.file_name().map_or_else(|| folder.display().to_string(), |name| name.to_string_lossy().into_owned());
    if let Some(imported) = imported(folder)? {
        let latencies = imported.cells.iter().map(others::latencies).collect();
        return Ok(Campaign { name, summary: others::campaign(&imported), facts: None, latencies, folder: folder.to_owned() });
    }
    let summary = read_summary(folder)?;
    let cells = summary.cells.iter().map(|cell| cell.cell + 1).max().unwrap_or(0);
    let mut latencies = vec![Counter::new(); cells];
    for cell in summary.cells.iter().filter(|cell| cell.kind == RunKind::Measurement) {
        for run in &cell.valid {
            let path = folder.join(results::RUNS).join(run).join(results::PACKETS);
            // a folder may be handed on without its packets: then the percentiles of the summary are compared alone
            if path.exists() {
                latencies[cell.cell].merge(&latency(&path)?);
            }
        }
    }
    let facts = Some(read_json(&folder.join(results::FACTS))?);
    Ok(Campaign { name, summary, facts, latencies, folder: folder.to_owned() })
}

/// The latencies of all packets of a run.
fn latency(path: &Path) -> anyhow::Result<Counter> {
    let mut latency = Ok(Counter::new());
    let source = Source { path, streams: &[] };
    tallies::count(&[source], tallies::threads(), |_, tally| latency = tally.map(|tally| tally.latency));
    latency
}

/// What was judged of each cell of the base.
fn suites(comparison: &Comparison) -> Vec<Suite<'_>> {
    let name = |parameters: &[Parameter]| {
        parameters.iter().map(|parameter| format!("{} = {}", parameter.key, parameter.value)).collect::<Vec<_>>().join(", ")
    };
    let both = comparison.cells.iter().map(|cell| (&cell.parameters, &cell.conditions));
    let absent = comparison.absent.iter().map(|cell| (&cell.parameters, &cell.conditions));
    both.chain(absent).map(|(parameters, conditions)| (name(parameters), conditions.iter().collect())).collect()
}
