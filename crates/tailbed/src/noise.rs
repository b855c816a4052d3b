//! How quiet the cores of this host are: the subcommand `noise`. It plans and carries out one run as an experiment with `[noise]` does, on
//! the host itself, and keeps nothing.

use std::fmt::Write as _;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use clap::{Args, ValueEnum};
use tailbed_format::facts::Facts;
use tailbed_format::noise::NoiseRun;
use tailbed_format::unit::Time;
use tailbed_plan::check::cpus::parse_list;
use tailbed_stats::noise::RecordedNoise;

use crate::apply::Broken;
use crate::cli::ExperimentArguments;
use crate::failure::Failure;
use crate::show::noise;
use crate::show::progress::{Progress, RunEnd};
use crate::{experiment, print, probe, run};

#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 told; 1 failed, everything taken back; 2 the command line is wrong; 3 this host cannot; 130 interrupted. \
The same tests inside containers and virtual machines: an experiment with [noise], as examples/noise.toml."
)]
pub(crate) struct NoiseArguments {
    /// Cores to test, for example 2-5 [default: all that we may use]
    #[arg(long, value_name = "LIST")]
    cpus: Option<String>,
    /// Which tests
    #[arg(long, value_enum, value_delimiter = ',', default_values = ["gaps", "timer"])]
    tests: Vec<Test>,
    /// How long each core is watched for gaps
    #[arg(long, value_name = "TIME", default_value = "5s")]
    duration: Time,
    /// A stretch of at least this, in a loop that never pauses, is a gap
    #[arg(long, value_name = "TIME", default_value = "1us")]
    threshold: Time,
    /// From one wake-up to the next
    #[arg(long, value_name = "TIME", default_value = "200us")]
    interval: Time,
    /// How many wake-ups
    #[arg(long, value_name = "NUMBER", default_value_t = 500_000)]
    cycles: u64,
    /// SCHED_FIFO priority of the tests, 1 to 99; 0 is ordinary priority
    #[arg(long, value_name = "NUMBER", default_value_t = tailbed_plan::placement::PRIORITY)]
    priority: u8,
    /// Keep cores busy meanwhile: those that are tested, or all others
    #[arg(long, value_enum, value_name = "WHERE", num_args = 0..=1, default_missing_value = "same")]
    load: Option<Load>,
    /// What of the host is set meanwhile and put back: stock, isolated, realtime, or the file of a profile of one's own
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// A key of an experiment with `[noise]`, for example knobs.swappiness=1 or proof.rate=100; may be given several times
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Print the results as JSON, every value of every core among them
    #[arg(long)]
    json: bool,
}

/// A noise test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Test {
    /// A loop that never pauses, and when it was not running
    Gaps,
    /// A thread that sleeps, and how late it is woken
    Timer,
}

/// Where a neighbour keeps cores busy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Load {
    /// On the cores that are tested
    Same,
    /// On all cores that are not
    Others,
}

/// The subcommand.
pub(crate) fn noise(arguments: &NoiseArguments) -> Result<(), Failure> {
    let facts = probe::facts();
    let cpus = match &arguments.cpus {
        None => facts.cpus.clone(),
        Some(text) => {
            let wrong = || Failure::File(format!("--cpus {text} is no list of CPUs; one looks like 2-5 or 2,4-7"));
            parse_list(text).filter(|cpus| !cpus.is_empty()).ok_or_else(wrong)?.into_iter().collect()
        }
    };
    let profile = arguments.profile.iter().map(|name| format!("profile={name}"));
    let set = profile.chain(arguments.set.iter().cloned()).collect();
    let recorded = measure(&text(arguments, &cpus), set, facts)?;
    if arguments.json {
        let all = serde_json::json!({ "run": recorded.run, "records": recorded.records });
        print(&(serde_json::to_string_pretty(&all).map_err(anyhow::Error::from)? + "\n"))?;
    } else {
        print(&noise::cores(&recorded.run.tests, &recorded.records, std::io::stdout().is_terminal()))?;
        print(&beside(&recorded.run))?;
    }
    counts(&recorded.run)
}

/// The tests as an experiment on the host, in the host's own network: nothing is made for it.
fn text(arguments: &NoiseArguments, cpus: &[usize]) -> String {
    let NoiseArguments { duration, threshold, interval, cycles, priority, .. } = arguments;
    let names = arguments.tests.iter().map(|test| match test {
        Test::Gaps => "gaps",
        Test::Timer => "timer",
    });
    let load = match arguments.load {
        None => "none",
        Some(Load::Same) => "same",
        Some(Load::Others) => "others",
    };
    let tests: Vec<&str> = names.collect();
    experiment_of(&format!(
        "tests = {tests:?}\nduration = \"{duration}\"\nthreshold = \"{threshold}\"\ninterval = \"{interval}\"\ncycles = {cycles}\n\
         priority = {priority}\ncpus = {cpus:?}\nload = \"{load}\"\n"
    ))
}

/// For `check --measure`: both tests of a few seconds a core.
pub(crate) fn short(cpus: &[usize]) -> String {
    experiment_of(&format!("duration = \"2s\"\ncycles = 25_000\ncpus = {cpus:?}\n"))
}

fn experiment_of(settings: &str) -> String {
    format!("name = \"noise\"\nrepeats = 1\n\n[nodes.here.host]\nnamespace = \"none\"\n\n[noise]\n{settings}")
}

/// Plans an experiment of one run, some of its keys `set`, and carries it out; notes and progress go to standard error.
pub(crate) fn measure(text: &str, set: Vec<String>, mut facts: Facts) -> Result<RecordedNoise, Failure> {
    let asked = ExperimentArguments { file: PathBuf::from("noise"), set, sweep: Vec::new() };
    let token = run::draw_token()?;
    let plan = experiment::make_plan_for_this_host(&asked, text.as_bytes(), &mut facts, &token)?;
    let only = plan.runs.first().context("the plan of a noise test holds no run, which is an error in tailbed")?;
    let _alone = crate::journal::lock()?;
    let interrupted = run::watch()?;
    run::take_back_leftovers()?;
    plan.notes.iter().for_each(|note| eprintln!("note: {note}"));
    let folder = Folder::make(&token)?;
    let expected = Duration::from_nanos(only.expected);
    let mut progress = Progress::new(1, expected);
    progress.begin(0, "noise");
    let tested = run::test_noise(&plan, only, &folder.0, &interrupted, &mut |running| progress.tick(running, expected));
    progress.end(0, expected, &RunEnd { folder: "", counts: tested.is_ok(), line: "noise: tested" });
    progress.finish();
    tested.map_err(|broken| match broken {
        Broken::Interrupted => Failure::Interrupted("interrupted: everything is taken back".to_owned()),
        Broken::Failed(error) | Broken::Left(error) => Failure::Failed(error),
    })
}

/// What is said besides the numbers.
fn beside(run: &NoiseRun) -> String {
    let mut text = String::new();
    if let Some(load) = &run.load {
        let thread = |thread: &tailbed_format::noise::LoadThread| {
            let place = thread.cpu.map_or_else(|| "any core".to_owned(), |cpu| format!("core {cpu}"));
            format!("{} on {place} ({} turns)", thread.work, thread.turns)
        };
        let _ = writeln!(text, "\nmeanwhile: {}", load.threads.iter().map(thread).collect::<Vec<_>>().join(", "));
    }
    if let Some(knobs) = run.knobs.as_ref().filter(|knobs| !knobs.is_stock()) {
        let held = knobs.knobs.iter().filter(|knob| knob.left.is_none());
        let held = held.map(|knob| format!("{} {}", knob.knob, knob.wanted)).collect::<Vec<_>>();
        let _ = writeln!(text, "\nprofile {}: {}", knobs.profile, held.join(", "));
    }
    if let Some(unquiet) = tailbed_stats::proof::gathered::sentence(run.proof.iter().map(|proof| (run.cell, proof))) {
        let _ = writeln!(text, "\n{unquiet}");
    }
    run.downgrades.iter().fold(text, |mut text, downgrade| {
        let _ = writeln!(text, "note: {downgrade}");
        text
    })
}

/// A run that does not count is an error, with its reasons.
pub(crate) fn counts(run: &NoiseRun) -> Result<(), Failure> {
    if run.is_valid() { Ok(()) } else { Err(anyhow::anyhow!("the noise test does not count: {}", run.invalid.join("; ")).into()) }
}

/// Where the run's journal and logs lie, gone with this.
struct Folder(PathBuf);

impl Folder {
    fn make(token: &str) -> anyhow::Result<Self> {
        let path = std::env::temp_dir().join(format!("tb-{token}-noise"));
        std::fs::create_dir(&path).with_context(|| format!("cannot make {}", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // what is on the host has been taken back by now; a folder that stays behind is of no consequence
        std::fs::remove_dir_all(&self.0).ok();
    }
}
