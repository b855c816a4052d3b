//! What of this host costs the tail: the subcommand `check`. What is judged, and how, is `tailbed_plan::check`'s.

use std::fs::{self, File};
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use tailbed_plan::check::cpus::parse_list;
use tailbed_plan::check::finding::Level;
use tailbed_plan::check::record::Record;
use tailbed_plan::check::{self, Advice, Loader, Wishes};

use crate::failure::Failure;
use crate::{noise, print, probe};

/// Lines longer than this are hard to read, however wide the terminal is.
const WIDEST: usize = 100;

#[derive(Debug, Args)]
#[command(after_help = "Exit codes: 0 told; 2 the command line or the record is wrong; 4 --fail-on found something. \
A record holds the kernel's command line and names of network interfaces: read it before you send it on.")]
pub(crate) struct CheckArguments {
    /// Cores for packets, for example 2-5 [default: proposed by NUMA node, core type and sibling threads]
    #[arg(long, value_name = "LIST")]
    cores: Option<String>,
    /// How the kernel is told its parameters [default: by what lies in /boot]
    #[arg(long, value_name = "LOADER")]
    boot: Option<BootLoader>,
    /// Print the advice as JSON
    #[arg(long)]
    json: bool,
    /// Judge a host by a record of it
    #[arg(long, value_name = "FILE", conflicts_with = "record")]
    facts: Option<PathBuf>,
    /// Write a record of this host, for `--facts` elsewhere
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// Measure how quiet the cores for packets are as well, or all where there is none to spare: a few seconds each
    #[arg(long, conflicts_with = "facts")]
    measure: bool,
    /// End with status 4 where anything is found that weighs as much
    #[arg(long, value_name = "LEVEL")]
    fail_on: Option<FailOn>,
}

/// What hands the kernel its command line.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum BootLoader {
    /// GNU GRUB
    Grub,
    /// systemd-boot
    SystemdBoot,
    /// kexec: without the firmware, for one boot only
    Kexec,
}

/// What makes a host unfit.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum FailOn {
    /// Delays of 100 µs and more
    Serious,
    /// Delays of 1 µs and more
    Notable,
    /// Any delay
    Minor,
    /// Anything that cannot be read, or any delay
    Unknown,
}

/// The subcommand.
pub(crate) fn check(arguments: &CheckArguments) -> Result<(), Failure> {
    let wishes = wishes(arguments)?;
    let record = match &arguments.facts {
        Some(path) => recorded(path)?,
        None => probe::record(),
    };
    let mut advice = check::check(&record, &wishes).map_err(Failure::File)?;
    if arguments.measure {
        measure(&mut advice)?;
    }
    if let Some(path) = &arguments.record {
        keep(&record, path)?;
    }
    if arguments.json {
        let text = serde_json::to_string_pretty(&advice).map_err(anyhow::Error::from)?;
        print(&format!("{text}\n"))?;
    } else {
        print(&check::show(&advice, width()))?;
    }
    arguments.fail_on.map_or(Ok(()), |level| gate(&advice, level))
}

/// Tests the cores for packets, or all where there is none to spare, and adds what they showed.
fn measure(advice: &mut Advice) -> Result<(), Failure> {
    let facts = probe::facts();
    let chosen = parse_list(&advice.cores).unwrap_or_default();
    let cpus: Vec<usize> = if chosen.is_empty() { facts.cpus.clone() } else { chosen.into_iter().collect() };
    let measured = noise::measure(&noise::short(&cpus), Vec::new(), facts)?;
    noise::counts(&measured.run)?;
    check::measured::add(advice, &measured.run);
    measured.run.downgrades.iter().for_each(|downgrade| eprintln!("note: {downgrade}"));
    Ok(())
}

fn wishes(arguments: &CheckArguments) -> Result<Wishes, Failure> {
    let cores = arguments.cores.as_ref().map(|text| {
        parse_list(text).ok_or_else(|| Failure::File(format!("--cores {text} is no list of CPUs; one looks like 2-5 or 2,4-7")))
    });
    let boot = arguments.boot.map(|boot| match boot {
        BootLoader::Grub => Loader::Grub,
        BootLoader::SystemdBoot => Loader::SystemdBoot,
        BootLoader::Kexec => Loader::Kexec,
    });
    Ok(Wishes { cores: cores.transpose()?, boot })
}

fn recorded(path: &Path) -> Result<Record, Failure> {
    let wrong = |what: String| Failure::File(format!("{}: {what}", path.display()));
    let bytes = fs::read(path).map_err(|error| wrong(error.to_string()))?;
    let text = String::from_utf8(bytes).map_err(|_| wrong("not UTF-8; a record is made by tailbed check --record".to_owned()))?;
    Record::parse(&text).map_err(|error| wrong(format!("{error}\na record is made by tailbed check --record")))
}

/// Writes a record to a file that is not there yet.
fn keep(record: &Record, path: &Path) -> Result<(), Failure> {
    let text = record.to_text().map_err(|error| anyhow::anyhow!("cannot write the record: {error}"))?;
    let mut file = File::create_new(path).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => Failure::File(format!("{} is there already: remove it or name another", path.display())),
        _ => Failure::File(format!("cannot write {}: {error}", path.display())),
    })?;
    file.write_all(text.as_bytes()).map_err(|error| anyhow::anyhow!("cannot write {}: {error}", path.display()).into())
}

/// Whether the host is fit.
fn gate(advice: &Advice, fail_on: FailOn) -> Result<(), Failure> {
    let levels: &[Level] = match fail_on {
        FailOn::Serious => &[Level::Serious],
        FailOn::Notable => &[Level::Serious, Level::Notable],
        FailOn::Minor => &[Level::Serious, Level::Notable, Level::Minor],
        FailOn::Unknown => &[Level::Serious, Level::Notable, Level::Minor, Level::Unknown],
    };
    let counts: Vec<String> = levels
        .iter()
        .map(|level| (advice.count(*level), level.name()))
        .filter(|(count, _)| *count > 0)
        .map(|(count, name)| format!("{count} {name}"))
        .collect();
    if counts.is_empty() { Ok(()) } else { Err(Failure::Gate(format!("this host is not fit: {}", counts.join(", ")))) }
}

fn width() -> usize {
    let output = io::stdout();
    let size = output.is_terminal().then(|| rustix::termios::tcgetwinsize(&output).ok()).flatten();
    size.map(|size| usize::from(size.ws_col)).filter(|columns| *columns > 0).map_or(WIDEST, |columns| columns.min(WIDEST))
}
