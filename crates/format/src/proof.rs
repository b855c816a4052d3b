//! What the host did on the packet cores while there was traffic: what is to be watched, and what was seen.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::rounded;

/// What is watched in a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watch {
    /// Readings of the kernel's counters a second, 0 to 1 000; with 0 there are two in all, before the traffic and after it.
    pub rate: u32,
    /// Why there are no readings during the traffic though nothing was said against them, a sentence without its full stop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withheld: Option<String>,
    /// Whether the kernel is to note every change of task on the packet cores.
    pub switches: bool,
    /// The core that the readings are made on, in the kernel's numbering.
    pub reader: usize,
    /// `SCHED_FIFO` priority of the reader, where it must go before a loop that never sleeps; `None` for an ordinary thread.
    pub priority: Option<u8>,
    /// The packet cores, ascending.
    pub cores: Vec<PacketCore>,
}

/// A core that packet loops run on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PacketCore {
    /// Its number, in the kernel's numbering.
    pub cpu: usize,
    /// The nodes whose loops run there, the load generator among them.
    pub nodes: Vec<String>,
    /// Whether one loop has it to itself and never sleeps: then nothing but the timer's tick and the packets' own softirqs belong there.
    pub spins: bool,
}

/// How it is known which tasks ran on a core.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskSource {
    /// From the kernel's record of every change of task (`PERF_RECORD_SWITCH_CPU_WIDE`, perf_event_open(2)).
    Switches {
        /// Records for which there was no room.
        lost: u64,
    },
    /// From the run time of all tasks before and after (/proc/PID/task/TID/schedstat), by the core each was last seen on: what came and went
    /// in between is missed.
    Scan {
        /// Why the changes of task were not recorded; `None` when that was not asked for.
        reason: Option<String>,
    },
}

/// What was seen in a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Proof {
    /// Time from the first reading of the counters to the last, ns: the traffic with its warm-up, and what it takes to begin and to end.
    pub span: u64,
    /// Length of the counted part of the traffic, over which changes of task are counted, ns.
    pub counted: u64,
    /// Readings made during it, first and last not among them.
    pub readings: u64,
    /// Time that the reader ran for them, ns.
    pub reader_ran: u64,
    /// See [`Watch::withheld`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withheld: Option<String>,
    /// How it is known which tasks ran.
    pub tasks: TaskSource,
    /// Every packet core, ascending.
    pub cores: Vec<CoreProof>,
    /// Every packet loop, as its own kernel counted it from its first packet to its last; of a virtual machine that is the guest's.
    pub loops: Vec<LoopProof>,
}

impl Proof {
    /// The cores that were not quiet.
    pub fn unquiet(&self) -> impl Iterator<Item = &CoreProof> {
        self.cores.iter().filter(|core| !core.is_quiet())
    }
}

/// What was seen on one packet core.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CoreProof {
    /// The core.
    #[serde(flatten)]
    pub core: PacketCore,
    /// Interrupts by source, most first; sources that had none are left out.
    pub interrupts: Vec<InterruptCount>,
    /// Softirqs by name, most first; those that had none are left out.
    pub softirqs: Vec<InterruptCount>,
    /// Turns that tasks had there; `None` where changes of task were not recorded.
    pub switches: Option<u64>,
    /// Turns that ended though the task wanted to go on.
    pub preemptions: Option<u64>,
    /// Who ran there, longest first; the packet loops among them. At most 100.
    pub tasks: Vec<TaskTime>,
    /// Time the hypervisor ran something else, ns, in units of a clock tick of 10 ms; `None` where the kernel does not say.
    pub steal: Option<u64>,
    /// How often the core was slowed because of its heat; `None` where the hardware does not say.
    pub hot: Option<u64>,
    /// Least and greatest clock frequency read, kHz; `None` without readings, or where the kernel does not say.
    pub frequency: Option<(u64, u64)>,
    /// What did not belong there, gravest first; empty when the core was quiet.
    pub culprits: Vec<Culprit>,
}

impl CoreProof {
    /// Whether nothing happened there but what belongs there.
    pub fn is_quiet(&self) -> bool {
        self.culprits.is_empty()
    }
}

/// How often something came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InterruptCount {
    /// Source as the kernel names it in the first column of /proc/interrupts or /proc/softirqs: `36`, `LOC`, `NET_RX`.
    pub source: String,
    /// What the kernel says of it: the device of a numbered line, `Local timer interrupts`; empty for softirqs.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// How often.
    pub count: u64,
    /// Whether it belongs there.
    pub expected: bool,
}

/// How long a task ran on a core.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskTime {
    /// Its thread id, as the host numbers it.
    pub tid: u32,
    /// Its name (`comm`, proc_pid_comm(5)); empty when it was gone before it could be asked.
    pub name: String,
    /// The node it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// Whether it belongs there: a thread of a node that has the core, or the kernel's own for softirqs that were put off.
    pub expected: bool,
    /// How often it had its turn; `None` from a scan.
    pub turns: Option<u64>,
    /// How long it ran, ns.
    pub ran: u64,
    /// Its longest turn, ns; `None` from a scan.
    pub longest: Option<u64>,
}

/// What did not belong on a core.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Culprit {
    /// What it is, and its name.
    pub what: Disturber,
    /// How often it came, where that is known.
    pub times: Option<u64>,
    /// How long it took in all, ns, where that is known.
    pub took: Option<u64>,
}

/// What may disturb a core.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Disturber {
    /// A task that has no business there.
    Task {
        /// Its name, with the node that it belongs to; empty when it was gone before it could be asked.
        name: String,
        /// Its thread id, as the host numbers it.
        tid: u32,
    },
    /// An interrupt.
    Interrupt {
        /// As in [`InterruptCount::source`].
        source: String,
        /// As in [`InterruptCount::name`].
        name: String,
    },
    /// A softirq.
    Softirq {
        /// Its name.
        name: String,
    },
    /// The hypervisor, which ran something else.
    Steal,
    /// The core was slowed because of its heat.
    Heat,
    /// The clock frequency changed by more than a twentieth.
    Frequency {
        /// The least that was read, kHz.
        least: u64,
        /// The greatest that was read, kHz.
        greatest: u64,
    },
    /// The control group of a node had used up its processor time.
    Throttled {
        /// The node.
        node: String,
    },
    /// The packet loop of a node had pages to wait for.
    PageFaults {
        /// The node.
        node: String,
    },
    /// The packet loop of a node was moved between cores.
    Migrations {
        /// The node.
        node: String,
    },
    /// The packet loop of a node was stopped though it wanted to go on.
    Preemptions {
        /// The node.
        node: String,
    },
}

impl fmt::Display for Disturber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Task { name, tid } if name.is_empty() => write!(f, "a task that has ended ({tid})"),
            Self::Task { name, tid } => write!(f, "{name} ({tid})"),
            Self::Interrupt { source, name } if name.is_empty() => write!(f, "interrupt {source}"),
            Self::Interrupt { source, name } if source.parse::<u32>().is_ok() => write!(f, "interrupt {source} of {name}"),
            Self::Interrupt { source, name } => write!(f, "{name} ({source})"),
            Self::Softirq { name } => write!(f, "softirq {name}"),
            Self::Steal => f.write_str("the hypervisor ran something else (steal)"),
            Self::Heat => f.write_str("slowed because of heat"),
            Self::Frequency { least, greatest } => {
                write!(f, "clock frequency between {} and {} MHz", least / 1_000, greatest / 1_000)
            }
            Self::Throttled { node } => write!(f, "the limit on processor time of {node}"),
            Self::PageFaults { node } => write!(f, "page faults of the packet loop of {node}"),
            Self::Migrations { node } => write!(f, "moves of the packet loop of {node} between cores"),
            Self::Preemptions { node } => write!(f, "interruptions of the packet loop of {node} by another task"),
        }
    }
}

impl fmt::Display for Culprit {
    /// What, how often, and how long: `stress (4711): 12 times, 3.2 ms`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.what)?;
        let times = self.times.map(|times| if times == 1 { "once".to_owned() } else { format!("{times} times") });
        let said: Vec<_> = times.into_iter().chain(self.took.map(rounded::time)).collect();
        if said.is_empty() { Ok(()) } else { write!(f, ": {}", said.join(", ")) }
    }
}

/// What became of a packet loop, by its own kernel's account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoopProof {
    /// The node.
    pub node: String,
    /// Its worker, from 0; the load generator has one.
    pub worker: u32,
    /// The account.
    #[serde(flatten)]
    pub account: LoopAccount,
}

/// What a thread's kernel counted of it between two moments (getrusage(2) with `RUSAGE_THREAD`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LoopAccount {
    /// Times it slept.
    pub voluntary: u64,
    /// Times it was stopped though it wanted to go on.
    pub involuntary: u64,
    /// Pages that it had to wait for and that were in memory.
    pub minor_faults: u64,
    /// Pages that it had to wait for and that were read from a disk.
    pub major_faults: u64,
    /// Times it was moved to another core (`nr_migrations` in proc_pid_sched(5)); `None` where the kernel does not say.
    pub migrations: Option<u64>,
}

impl LoopAccount {
    /// What came between an earlier moment and this one.
    #[must_use]
    pub fn minus(&self, earlier: &Self) -> Self {
        Self {
            voluntary: self.voluntary.saturating_sub(earlier.voluntary),
            involuntary: self.involuntary.saturating_sub(earlier.involuntary),
            minor_faults: self.minor_faults.saturating_sub(earlier.minor_faults),
            major_faults: self.major_faults.saturating_sub(earlier.major_faults),
            migrations: self.migrations.zip(earlier.migrations).map(|(now, then)| now.saturating_sub(then)),
        }
    }
}

/// So many interrupts came from one source to one core between two readings of the counters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InterruptPoint {
    /// When the first of the two was made, ns from the origin of the run.
    pub from: i64,
    /// When the second was made.
    pub to: i64,
    /// The core.
    pub cpu: usize,
    /// Whether it is a softirq.
    pub soft: bool,
    /// As in [`InterruptCount::source`].
    pub source: Arc<str>,
    /// As in [`InterruptCount::name`].
    pub name: Arc<str>,
    /// How many.
    pub count: u64,
}

/// A task had its turn on a packet core where it does not belong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignTurn {
    /// When it began, ns from the origin of the run.
    pub at: i64,
    /// The core.
    pub cpu: usize,
    /// As in [`TaskTime::tid`].
    pub tid: u32,
    /// As in [`TaskTime::name`].
    pub name: String,
    /// How long it took, ns.
    pub length: u64,
}
