//! What this host is, what of it costs the tail, and what to do about it: judged from a record, never from the host itself.
//!
//! ```text
//! host ── probe ──> record ── host, cores ──> topics ──> findings, by effect ──┐
//!                     │                                                        ├──> advice ── show
//!                     └── command line ──> scores, the line to add ────────────┘
//! ```
//!
//! What a file does not say is a finding of its own, and nothing is guessed.

mod boot;
mod cores;
pub mod cpus;
pub mod finding;
mod host;
pub mod measured;
pub mod record;
mod show;
pub mod sources;
mod topic;

use serde::Serialize;

pub use boot::{Line, Loader, Parameter, Score, State};
use cores::Cores;
use cpus::{Cpus, list};
use finding::{Finding, Level};
use host::Host;
use record::Record;
pub use show::show;

/// What the user may choose.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wishes {
    /// Cores for packets; proposed when `None`.
    pub cores: Option<Cpus>,
    /// How the kernel is told its parameters; found out when `None`.
    pub boot: Option<Loader>,
}

/// All that is to be said of a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Advice {
    /// The host in a line.
    pub host: String,
    /// Cores for packets, in the kernel's list format; empty where there is none to spare.
    pub cores: String,
    /// The CPUs for all else: those that run, without the cores for packets and their siblings.
    pub housekeeping: String,
    /// How the cores were come by.
    pub cores_why: String,
    /// What was found, the greatest effect first.
    pub findings: Vec<Finding>,
    /// The kernel's command line beside what is recommended.
    pub scores: Vec<Score>,
    /// What to add to it and how; `None` where there is nothing to add or no core to spare.
    pub line: Option<Line>,
}

impl Advice {
    /// How many findings are of a level.
    pub fn count(&self, level: Level) -> usize {
        self.findings.iter().filter(|finding| finding.level == level).count()
    }

    /// Puts the findings in order. What weighs the same stays in the order it was found in: the sort is stable.
    fn sort(&mut self) {
        self.findings.sort_by_key(|finding| (finding.level, finding.cost.as_ref().map(|cost| cost.effect)));
    }
}

/// Judges a record.
///
/// # Errors
/// What is wrong with the wishes, for the reader; a record, however garbled, is none.
pub fn check(record: &Record, wishes: &Wishes) -> Result<Advice, String> {
    let host = Host::new(record);
    let cores = match &wishes.cores {
        Some(chosen) => Cores::asked(&host, chosen)?,
        None => Cores::proposed(&host, topic::card(&host)),
    };
    let findings: Vec<Finding> = topic::ALL.iter().flat_map(|topic| topic(&host, &cores)).collect();
    let (scores, line) = boot::judge(&host, &cores, wishes.boot);
    let mut advice = Advice {
        host: topic::in_a_line(&host),
        cores: list(&cores.chosen),
        housekeeping: list(&cores.housekeeping),
        cores_why: cores.why,
        findings,
        scores,
        line,
    };
    advice.sort();
    Ok(advice)
}
