//! tailbed: a tail-latency testbed for bare metal, containers and virtual machines.

mod analyze;
mod apply;
mod check;
mod cli;
mod compare;
mod environments;
mod experiment;
mod export;
mod factors;
mod failure;
mod guest;
mod image;
mod import;
mod journal;
mod knobs;
mod lab;
mod noise;
mod probe;
mod rebuild;
mod report;
mod results;
mod run;
mod show;
mod up_down;
mod user_namespace;
mod watch;

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use crate::cli::{Cli, Command};
use crate::failure::Failure;

fn main() -> ExitCode {
    if guest::is_first() {
        guest::run_as_first();
    }
    let cli = Cli::parse();
    match dispatch(cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Program(status)) => ExitCode::from(status),
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::from(failure.exit_code())
        }
    }
}

fn dispatch(command: Command) -> Result<(), Failure> {
    match command {
        Command::Run(arguments) => run::run(&arguments),
        Command::Plan(arguments) => experiment::show_plan(&arguments),
        Command::Watch(arguments) => watch::watch(&arguments),
        Command::Analyze(arguments) => analyze::analyze(&arguments),
        Command::Image(command) => image::image(&command),
        Command::Compare(arguments) => compare::compare(&arguments),
        Command::Export(arguments) => export::export(&arguments),
        Command::Import(arguments) => import::import(&arguments),
        Command::Report(arguments) => report::report(&arguments),
        Command::Check(arguments) => check::check(&arguments),
        Command::Noise(arguments) => noise::noise(&arguments),
        Command::Knobs { json } => knobs::knobs(json),
        Command::Environments { json } => environments::environments(json),
        Command::Clean => clean(),
        Command::Schema => print(&tailbed_plan::schema()),
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "tailbed", &mut io::stdout());
            Ok(())
        }
        Command::Man => {
            let mut page = Vec::new();
            clap_mangen::Man::new(Cli::command()).render(&mut page).map_err(anyhow::Error::from)?;
            print(&String::from_utf8_lossy(&page))
        }
        Command::Agent(arguments) => Ok(apply::run_as_agent(&arguments)?),
        Command::Follow { parent, command } => Ok(apply::run_as_follower(parent, &command)?),
        Command::Container { id, parent } => Ok(apply::run_as_shim(&id, parent)?),
        Command::Emulator { tap, parent, arguments } => Ok(apply::run_as_emulator(&tap, parent, &arguments)?),
        Command::Guest { interface } => Ok(guest::run_as_guest(&interface)?),
        Command::TryKvm { parent } => probe::kvm::run_as_try(parent),
        Command::Up(arguments) => lab::up(&arguments),
        Command::Ls { json } => lab::ls(json),
        Command::Exec { terminal, node, command } => lab::exec(&node, command, terminal),
        Command::Shell { node } => lab::shell(&node),
        Command::Console { node } => lab::console(&node),
        Command::Down => lab::down(),
        Command::Keeper => lab::keep(),
        Command::UpDown(arguments) => up_down::up_down(&arguments),
    }
}

fn clean() -> Result<(), Failure> {
    let _alone = journal::lock()?;
    let cleaned = journal::clean()?;
    if cleaned.is_empty() {
        return print("nothing to take back\n");
    }
    report(cleaned)
}

/// Says what was taken back; what was not is an error.
pub(crate) fn report(cleaned: Vec<journal::Cleaned>) -> Result<(), Failure> {
    let mut left = Vec::new();
    for run in cleaned {
        print(&format!("{}: {} steps taken back\n", run.run, run.taken_back))?;
        run.not_ours.iter().try_for_each(|what| print(&format!("  {what}: it is left as it is\n")))?;
        left.extend(run.left);
    }
    if left.is_empty() { Ok(()) } else { Err(anyhow::anyhow!("left behind: {}", left.join("; ")).into()) }
}

/// Prints to standard output; a reader that has gone away, as `head` does, is no error.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    match io::stdout().write_all(text.as_bytes()).and_then(|()| io::stdout().flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(anyhow::Error::from(error).into()),
        _ => Ok(()),
    }
}

/// Whether messages to the user may be coloured: a terminal, and colours not forbidden.
pub(crate) fn colour() -> bool {
    io::stderr().is_terminal() && colour_allowed()
}

/// Whether a terminal may be given colours: `NO_COLOR` (no-color.org) is not set.
pub(crate) fn colour_allowed() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}
