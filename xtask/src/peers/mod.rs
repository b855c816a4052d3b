//! `cargo xtask peers`: ours beside other programs on this machine, in turns, with the same pinning and priority, as medians and ratios.

mod line;
mod lives;
mod reading;
mod round_trip;

use std::process::{Command, Output};

use anyhow::{Context, bail};
use clap::Args;

use crate::packages::installed;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// How many turns each program gets; the median of them counts
    #[arg(long, default_value_t = 5)]
    turns: usize,
}

/// Takes so many turns and prints ratios.
type Compare = fn(usize) -> anyhow::Result<()>;

/// Runs every comparison whose peer is installed; says which are not.
pub(crate) fn peers(arguments: &Arguments) -> anyhow::Result<()> {
    run(Command::new(env!("CARGO")).args(["build", "--quiet", "--release", "--locked", "--package", "tailbed"]))?;
    println!("medians of {} turns each, in turns; a ratio is ours / theirs\n", arguments.turns);
    let comparisons: [(&str, Compare); 2] = [("sockperf", round_trip::compare), ("tcpdump", reading::compare)];
    for (program, compare) in comparisons {
        if installed(program) {
            // a peer that does not run here takes nothing away from the others
            compare(arguments.turns).unwrap_or_else(|error| println!("skipped: {error:#}"));
        } else {
            println!("skipped: {program} is not installed (the Debian package has the same name)");
        }
        println!();
    }
    line::compare(arguments.turns)?;
    line::growth(arguments.turns)?;
    println!();
    lives::compare(arguments.turns)?;
    lives::boots(arguments.turns)?;
    println!();
    round_trip::one_way()
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
fn print_ratio(what: &str, unit: &str, ours: f64, theirs: f64, gate: &str) {
    println!("  {what:<28} ours {ours:>9.2} {unit:<3} theirs {theirs:>9.2} {unit:<3} ratio {:>6.3}   {gate}", ours / theirs);
}
