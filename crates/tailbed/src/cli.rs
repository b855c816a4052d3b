//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::analyze::AnalyzeArguments;
use crate::apply::AgentArguments;
use crate::check::CheckArguments;
use crate::compare::CompareArguments;
use crate::export::ExportArguments;
use crate::import::ImportArguments;
use crate::noise::NoiseArguments;
use crate::report::ReportArguments;
use crate::watch::WatchArguments;

/// Measures what virtualization costs the tail of a packet's latency, on this machine.
#[derive(Debug, Parser)]
#[command(name = "tailbed", version = version(), max_term_width = 100, disable_help_subcommand = true)]
#[command(after_help = "Exit codes: 0 done; 1 failed on the way, everything taken back or what is left is named; \
2 the file or the command line is wrong, nothing touched; 3 this host cannot, nothing touched or all of it taken back; 4 `check --fail-on` found something, a condition of `compare --fail-if` fails, or a deadline is missed that `run --fail-on-slo` asks about; 130 interrupted, everything taken back.")]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The version with the commit it was built from.
pub(crate) fn version() -> &'static str {
    const { if let Some(version) = option_env!("TAILBED_VERSION") { version } else { env!("CARGO_PKG_VERSION") } }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Carry out an experiment and report on it
    Run(RunArguments),
    /// Show what `run` would do; touches nothing and needs no privileges
    Plan(PlanArguments),
    /// Watch a campaign as it goes on, from another terminal: runs, percentiles so far, what does not count, what the host does
    Watch(WatchArguments),
    /// Compare two packet captures, taken before and after a device
    Analyze(AnalyzeArguments),
    /// Compare the results of two campaigns, or the levels of one factor within a campaign, and fail where a condition does
    Compare(CompareArguments),
    /// Write results in the form that another program wants, or as one archive to hand on
    Export(ExportArguments),
    /// Bring the results of other programs into a results folder: percentile tables, histograms, sockperf, cyclictest, captures
    Import(ImportArguments),
    /// Make the report of results folders again from their records, of several side by side
    Report(ReportArguments),
    /// Tell what of this host costs the tail of a latency, why, and what to do; changes nothing
    Check(CheckArguments),
    /// Measure how quiet cores are: what they take away from a loop that never pauses, and how late they wake a sleeper
    Noise(NoiseArguments),
    /// List the knobs of a host that an experiment may set, what each does, and what it says on this host
    Knobs {
        /// Print them as JSON
        #[arg(long)]
        json: bool,
    },
    /// Show what each kind of environment can do on this host, and why not
    Environments {
        /// Print the table as JSON
        #[arg(long)]
        json: bool,
    },
    /// Make images for containers and virtual machines, or look after those made
    #[command(subcommand)]
    Image(ImageCommand),
    /// Bring up the nodes and links of an experiment, without load, and leave them up to work in
    Up(UpArguments),
    /// List the nodes that are up: state, interfaces, process ids, cores, memory
    Ls {
        /// Print as JSON
        #[arg(long)]
        json: bool,
    },
    /// Run a program in a node that is up; its input, outputs and exit status are passed on
    Exec {
        /// Give it a terminal
        #[arg(short = 't', long = "tty")]
        terminal: bool,
        /// The node, by its name in the experiment file
        node: String,
        /// The program and its arguments
        #[arg(required = true, trailing_var_arg = true, value_name = "COMMAND")]
        command: Vec<String>,
    },
    /// Open a shell in a node that is up
    Shell {
        /// The node, by its name in the experiment file
        node: String,
    },
    /// Open the console of a virtual machine or system container that is up
    Console {
        /// The node, by its name in the experiment file
        node: String,
    },
    /// Take down what `up` brought up
    Down,
    /// Take back what a killed run or lab left behind
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
    Agent(AgentArguments),
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
        id: String,
        #[arg(long)]
        parent: i32,
    },
    /// Become the emulator of one virtual machine
    #[command(hide = true)]
    Emulator {
        #[arg(long)]
        tap: Vec<String>,
        #[arg(long)]
        parent: i32,
        #[arg(last = true)]
        arguments: Vec<String>,
    },
    /// Try whether a guest runs under KVM
    #[command(hide = true)]
    TryKvm {
        #[arg(long)]
        parent: i32,
    },
    /// Be the agent of a virtual machine, in it
    #[command(hide = true)]
    Guest {
        #[arg(long)]
        interface: Vec<String>,
    },
    /// Hold a lab up; what is to be held comes in on standard input
    #[command(hide = true)]
    Keeper,
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
pub(crate) struct UpArguments {
    #[command(flatten)]
    pub(crate) experiment: ExperimentArguments,
    /// Of an experiment that sweeps, the run whose environments are brought up, by its name in `tailbed plan` or the part of the name
    /// that says what varies; without it, the first combination
    #[arg(long, value_name = "NAME")]
    pub(crate) run: Option<String>,
}

#[derive(Debug, Args)]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag of its own on the command line")]
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
    /// Leave out the page and the plots, which take a slow machine longer than a short run; `tailbed report` makes them of the results later
    #[arg(long)]
    pub(crate) no_report: bool,
    /// End with status 4 where a deadline of the file, `[[slo]]`, is missed, or with `=undecided` where one is not held
    #[arg(long, value_name = "VERDICT", num_args = 0..=1, require_equals = true, default_missing_value = "missed")]
    pub(crate) fail_on_slo: Option<FailOnSlo>,
}

/// Which verdict on a deadline ends with a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FailOnSlo {
    /// Missed
    Missed,
    /// Missed, or not to be decided
    Undecided,
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

#[derive(Debug, Subcommand)]
pub(crate) enum ImageCommand {
    /// Build a recipe into a root file system, an OCI layout, an LXC image and a virtual machine's disk
    Build(BuildArguments),
    /// List the images in the cache
    Ls,
    /// Remove images from the cache
    Rm {
        /// Beginnings of their digests
        #[arg(required_unless_present = "all")]
        digests: Vec<String>,
        /// All of them
        #[arg(long, conflicts_with = "digests")]
        all: bool,
    },
}

#[derive(Debug, Args)]
pub(crate) struct BuildArguments {
    /// The recipe
    pub(crate) recipe: PathBuf,
    /// Folder to put the image at [default: NAME.image]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Leave a form out; may be given again
    #[arg(long, value_name = "FORM")]
    pub(crate) without: Vec<Form>,
    /// Make it anew, even if it is in the cache: a Debian has newer packages by now
    #[arg(long)]
    pub(crate) fresh: bool,
    /// Get Debian from here [default: where the host's apt gets it]
    #[arg(long, value_name = "URL")]
    pub(crate) mirror: Option<String>,
    /// Print what was made as JSON on standard output
    #[arg(long)]
    pub(crate) json: bool,
}

/// A form of an image that can be left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Form {
    /// The LXC image
    Lxc,
    /// The virtual machine's disk
    Vm,
}

impl Form {
    /// Every one.
    pub(crate) const ALL: [Self; 2] = [Self::Lxc, Self::Vm];

    /// As it is written on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Lxc => "lxc",
            Self::Vm => "vm",
        }
    }
}
