//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::analyze::AnalyzeArguments;

/// Measures what virtualization costs the tail of a packet's latency, on this machine.
#[derive(Debug, Parser)]
#[command(name = "tailbed", version = version(), max_term_width = 100, disable_help_subcommand = true)]
#[command(after_help = "Exit codes: 0 done; 1 failed on the way, everything taken back or what is left is named; \
2 the file or the command line is wrong, nothing touched; 3 this host cannot, nothing touched; 130 interrupted, everything taken back.")]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The version with the commit it was built from.
fn version() -> &'static str {
    const { if let Some(version) = option_env!("TAILBED_VERSION") { version } else { env!("CARGO_PKG_VERSION") } }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Carry out an experiment and report on it
    Run(RunArguments),
    /// Show what `run` would do; touches nothing and needs no privileges
    Plan(PlanArguments),
    /// Compare two packet captures, taken before and after a device
    Analyze(AnalyzeArguments),
    /// Show what each kind of environment can do on this host, and why not
    Environments {
        /// Print the table as JSON
        #[arg(long)]
        json: bool,
    },
    /// Take back what a killed run left behind
    Clean,
    /// Print the JSON Schema of experiment files
    Schema,
    /// Print shell completions
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    Man,
    /// Be an agent: obey what comes in on standard input
    #[command(hide = true)]
    Agent {
        #[arg(long)]
        namespace: Option<PathBuf>,
        #[arg(long)]
        parent: Option<i32>,
        #[arg(long)]
        socket: Option<PathBuf>,
    },
    /// Become another program that ends when the parent does
    #[command(hide = true)]
    Follow {
        #[arg(long)]
        parent: i32,
        #[arg(last = true, required = true)]
        command: Vec<OsString>,
    },
    /// Be the parent of one container
    #[command(hide = true)]
    Container {
        #[arg(long)]
        bundle: PathBuf,
        #[arg(long)]
        id: String,
        #[arg(long)]
        control_groups: bool,
        #[arg(long)]
        parent: i32,
    },
    /// Bring the topology of an experiment's first run up and down again, and say how long each took
    #[command(hide = true)]
    UpDown(ExperimentArguments),
}

/// Which experiment, and how it differs from its file.
#[derive(Debug, Args)]
pub(crate) struct ExperimentArguments {
    /// The experiment file; `-` reads standard input
    pub(crate) file: PathBuf,
    /// Set a key of the file by its path, for example traffic.rate=50kpps; may be given again
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// Vary a key of the file, for example traffic.rate=10kpps,100kpps; may be given again
    #[arg(long, value_name = "KEY=VALUE,…")]
    pub(crate) sweep: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct RunArguments {
    #[command(flatten)]
    pub(crate) experiment: ExperimentArguments,
    /// Folder that the campaign's own folder is made in
    #[arg(long, value_name = "DIR", default_value = "results")]
    pub(crate) out: PathBuf,
    /// Go on with the newest unfinished campaign of this very file and these options
    #[arg(long)]
    pub(crate) resume: bool,
    /// Print the results as JSON on standard output
    #[arg(long)]
    pub(crate) json: bool,
    /// Show the plan and stop
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Args)]
pub(crate) struct PlanArguments {
    #[command(flatten)]
    pub(crate) experiment: ExperimentArguments,
    /// Print every change to the host as the shell line for it
    #[arg(long)]
    pub(crate) steps: bool,
    /// Plan for another host, by its facts.json from a results folder
    #[arg(long, value_name = "FILE")]
    pub(crate) facts: Option<PathBuf>,
    /// Print the plan as JSON
    #[arg(long)]
    pub(crate) json: bool,
}
