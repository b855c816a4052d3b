//! `cargo xtask peers`: ours beside other programs on this machine, in turns, with the same pinning and priority, as medians and ratios.

mod gate;
mod line;
mod lives;
mod reading;
mod round_trip;
mod timer;
mod volume;

use std::process::{Command, Output};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};

use anyhow::{Context, bail};
use clap::builder::RangedU64ValueParser;
use clap::{Args, ValueEnum};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use crate::packages::installed;
use gate::Gate;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// How many turns each program gets; the median of them counts, and of fewer than five it says little
    #[arg(long, default_value_t = 5, value_parser = RangedU64ValueParser::<usize>::new().range(1..=1000))]
    turns: usize,
    /// Only these comparisons
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Subject>,
}

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Subject {
    /// One packet in flight, beside sockperf
    RoundTrip,
    /// Reading captures, beside tcpdump
    Reading,
    /// Many nodes, beside Mininet
    Line,
    /// Starts of containers, beside runc, crun and LXC
    Containers,
    /// Boots of virtual machines, from a kernel beside from a disk image
    Boots,
    /// Latency one way
    OneWay,
    /// Packets sent and received, beside iperf3
    Volume,
    /// Packets forwarded, beside DPDK's testpmd
    Forwarding,
    /// Timer wake-ups, beside cyclictest
    Cyclictest,
}

impl Subject {
    const ALL: [Self; 9] = [
        Self::RoundTrip,
        Self::Reading,
        Self::Line,
        Self::Containers,
        Self::Boots,
        Self::OneWay,
        Self::Volume,
        Self::Forwarding,
        Self::Cyclictest,
    ];

    /// Whether the release binary takes part; the others are benches of one library.
    fn needs_the_binary(self) -> bool {
        matches!(self, Self::Reading | Self::Line | Self::Containers | Self::Boots | Self::Cyclictest)
    }

    fn compare(self, turns: usize) -> anyhow::Result<()> {
        match self {
            Self::RoundTrip => beside("sockperf", round_trip::compare, turns),
            Self::Reading => beside("tcpdump", reading::compare, turns),
            Self::Line => {
                line::compare(turns)?;
                line::growth(turns)?;
            }
            Self::Containers => lives::compare(turns)?,
            Self::Boots => lives::boots(turns)?,
            Self::OneWay => round_trip::one_way()?,
            Self::Volume => beside("iperf3", volume::iperf3, turns),
            Self::Forwarding => beside("dpdk-testpmd", volume::testpmd, turns),
            Self::Cyclictest => beside("cyclictest", timer::compare, turns),
        }
        Ok(())
    }
}

/// Whether somebody wants an end: what was done to the machine is then taken back on the way out, as after any error.
static INTERRUPTED: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);

/// Takes so many turns and prints ratios.
type Compare = fn(usize) -> anyhow::Result<()>;

/// Runs every comparison whose peer is installed; says which are not. A gate that is missed is an error, once all have had their turn.
pub(crate) fn peers(arguments: &Arguments) -> anyhow::Result<()> {
    for signal in [SIGHUP, SIGINT, SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&INTERRUPTED)).context("cannot listen for signals")?;
    }
    let only = if arguments.only.is_empty() { &Subject::ALL[..] } else { &arguments.only };
    if only.iter().any(|subject| subject.needs_the_binary()) {
        run(Command::new(env!("CARGO")).args(["build", "--quiet", "--release", "--locked", "--package", "tailbed"]))?;
    }
    println!("medians of {} turns each, in turns; a ratio is ours / theirs\n", arguments.turns);
    for subject in only {
        subject.compare(arguments.turns)?;
        not_interrupted()?;
        println!();
    }
    gate::close()
}

fn not_interrupted() -> anyhow::Result<()> {
    if INTERRUPTED.load(Ordering::Relaxed) {
        bail!("interrupted: everything is taken back");
    }
    Ok(())
}

/// A comparison for which a program must be there. A peer that does not run here takes nothing away from the others.
fn beside(program: &str, compare: Compare, turns: usize) {
    let why = if installed(program) {
        compare(turns).err().map(|error| format!("{error:#}"))
    } else {
        Some(format!("{program} is not installed (the Debian package is {})", package(program)))
    };
    if let Some(why) = why {
        gate::skip();
        println!("skipped: {why}");
    }
}

/// The Debian package of a program: it has the same name, but for one.
fn package(program: &str) -> &str {
    if program == "cyclictest" { "rt-tests" } else { program }
}

/// The release binary.
fn tailbed() -> String {
    format!("{}/x86_64-unknown-linux-gnu/release/tailbed", target())
}

fn target() -> String {
    std::env::var("CARGO_TARGET_DIR").unwrap_or_else(|_| "target".to_owned())
}

/// Runs a command that must succeed.
fn run(command: &mut Command) -> anyhow::Result<Output> {
    not_interrupted()?;
    let output = command.output().with_context(|| format!("cannot run {}", command.get_program().display()))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("{} ended with {}: {}", command.get_program().display(), output.status, said.trim());
    }
    Ok(output)
}

/// Runs a line of the shell that must succeed.
fn shell(line: &str) -> anyhow::Result<Output> {
    run(Command::new("sh").args(["-c", line]))
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// One line of a comparison.
fn print_ratio(what: &str, unit: &str, ours: f64, theirs: f64, gate: Gate) {
    let ratio = ours / theirs;
    let judged = gate.judged(ratio);
    println!("  {what:<28} ours {ours:>9.2} {unit:<3} theirs {theirs:>9.2} {unit:<3} ratio {ratio:>6.3}   {judged}");
}
