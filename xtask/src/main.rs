//! Chores of the project, run as `cargo xtask NAME`.

mod coverage;
mod licences;
mod packages;
mod peers;
mod suites;

use std::path::Path;
use std::process::ExitCode;

use clap::Parser;

#[derive(Debug, Parser)]
#[command(name = "cargo xtask", about = "Chores of the project", disable_help_subcommand = true)]
enum Chore {
    /// Install what is missing, then format, tests, lints, documentation, licences, example plans and goldens
    Test,
    /// Check every dependency's licence against deny.toml
    Licences,
    /// Measure beside sockperf, tcpdump and Mininet, as far as they are installed, and print ratios
    Peers(peers::Arguments),
    /// Simulate campaigns, and write down how often intervals hold the truth and how often claims are false
    Coverage(coverage::Arguments),
}

fn main() -> ExitCode {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."));
    let done = std::env::set_current_dir(root).map_err(anyhow::Error::from).and_then(|()| match Chore::parse() {
        Chore::Test => suites::test(),
        Chore::Licences => licences::check().map(|checked| println!("{checked}")),
        Chore::Peers(arguments) => peers::peers(&arguments),
        Chore::Coverage(arguments) => coverage::coverage(&arguments),
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
