//! Whether the packet cores were quiet while there was traffic, and who was not.
//!
//! ```text
//! counters: /proc/interrupts, /proc/softirqs, /proc/stat --\
//! switches: who had the core, and when ---------------------+--> verdict: what does not belong there
//! task: who ran how long, where changes are not recorded --/
//! ```

pub mod counters;
pub mod csv;
pub mod gathered;
pub mod group;
pub mod moved;
pub mod switches;
pub mod task;
mod verdict;

use std::collections::BTreeMap;

use tailbed_format::proof::{
    CoreProof, ForeignTurn, InterruptCount, InterruptPoint, LoopProof, PacketCore, Proof, TaskSource, TaskTime, Watch,
};

use counters::{Came, Counters};
use switches::{Event, Turn};
use task::Scanned;

/// So many tasks of a core are kept, those that ran longest.
const MOST_TASKS: usize = 100;

/// So many turns of tasks that do not belong there are kept of a core, the first ones.
const MOST_TURNS: usize = 20_000;

/// The kernel's counters at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reading {
    /// `CLOCK_MONOTONIC`, ns.
    pub at: u64,
    /// /proc/interrupts.
    pub interrupts: Counters,
    /// /proc/softirqs.
    pub softirqs: Counters,
    /// Time that the hypervisor ran something else, by core, ns.
    pub steal: BTreeMap<usize, u64>,
    /// How often each packet core was slowed because of its heat (`thermal_throttle/core_throttle_count`).
    pub hot: BTreeMap<usize, u64>,
    /// Clock frequency of each packet core, kHz (`cpufreq/scaling_cur_freq`).
    pub frequency: BTreeMap<usize, u64>,
}

/// What the host did in a run by the time: interrupts on all cores, and turns of tasks on packet cores where they do not belong.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HostTimeline {
    /// By the time of their readings.
    pub interrupts: Vec<InterruptPoint>,
    /// By the time they began.
    pub turns: Vec<ForeignTurn>,
}

/// How it is known which tasks ran.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tasks {
    /// From the kernel's records.
    Switches {
        /// `CLOCK_MONOTONIC` when they began, ns.
        from: u64,
        /// Those of each packet core, in order.
        events: BTreeMap<usize, Vec<Event>>,
    },
    /// From all tasks before and after.
    Scan {
        /// Before.
        before: Vec<Scanned>,
        /// After.
        after: Vec<Scanned>,
        /// Why there are no records.
        reason: Option<String>,
    },
}

/// All that was recorded of the host in a run.
#[derive(Debug, Clone, Copy)]
pub struct Observed<'a> {
    /// What was watched.
    pub watch: &'a Watch,
    /// Before the traffic.
    pub before: &'a Reading,
    /// After it.
    pub after: &'a Reading,
    /// Least and greatest clock frequency of each core over all readings, kHz.
    pub frequency: &'a BTreeMap<usize, (u64, u64)>,
    /// Readings in between.
    pub readings: u64,
    /// How long the reader ran for them, ns.
    pub reader_ran: u64,
    /// Which tasks ran.
    pub tasks: &'a Tasks,
    /// Names of tasks, by thread id.
    pub names: &'a BTreeMap<u32, String>,
    /// The node that each thread of a node belongs to.
    pub owners: &'a BTreeMap<u32, String>,
    /// What the packet loops' own kernels counted.
    pub loops: &'a [LoopProof],
    /// Of nodes whose control group has a limit on processor time, how often and how long, ns, they were held back by it.
    pub throttled: &'a BTreeMap<String, (u64, u64)>,
    /// Origin of the run, `CLOCK_MONOTONIC`, ns.
    pub origin: u64,
    /// Length of the counted part, ns.
    pub duration: u64,
}

/// Joins what was recorded and judges every core. Besides, every turn of a task where it does not belong.
pub fn prove(observed: &Observed<'_>) -> (Proof, Vec<ForeignTurn>) {
    let Observed { watch, before, after, tasks, .. } = *observed;
    let interrupts = after.interrupts.since(&before.interrupts);
    let softirqs = after.softirqs.since(&before.softirqs);
    let names = match tasks {
        Tasks::Switches { events, .. } => switches::names(observed.names, events.values().flatten()),
        Tasks::Scan { .. } => observed.names.clone(),
    };
    let mut foreign = Vec::new();
    let core = |core: &PacketCore| {
        let seen = who_ran(observed, core, &names, &mut foreign);
        let difference = |of: fn(&Reading) -> &BTreeMap<usize, u64>| {
            let (then, now) = (of(before).get(&core.cpu)?, of(after).get(&core.cpu)?);
            Some(now.saturating_sub(*then))
        };
        let mut proof = CoreProof {
            interrupts: counts(&interrupts, core, |came| verdict::interrupt_belongs(&came.source, &came.name, core)),
            softirqs: counts(&softirqs, core, |came| verdict::softirq_belongs(&came.source)),
            switches: seen.turns,
            preemptions: seen.preemptions,
            tasks: seen.tasks,
            steal: difference(|reading| &reading.steal),
            hot: difference(|reading| &reading.hot),
            frequency: observed.frequency.get(&core.cpu).copied(),
            culprits: Vec::new(),
            core: core.clone(),
        };
        proof.tasks.truncate(MOST_TASKS);
        proof.culprits = verdict::culprits(&proof, observed.loops, observed.throttled);
        proof
    };
    let proof = Proof {
        cores: watch.cores.iter().map(core).collect(),
        span: after.at.saturating_sub(before.at),
        counted: observed.duration,
        readings: observed.readings,
        reader_ran: observed.reader_ran,
        withheld: watch.withheld.clone(),
        tasks: match tasks {
            Tasks::Switches { events, .. } => {
                let lost = events.values().map(|events| switches::lost(events)).fold(0, u64::saturating_add);
                TaskSource::Switches { lost }
            }
            Tasks::Scan { reason, .. } => TaskSource::Scan { reason: reason.clone() },
        },
        loops: observed.loops.to_vec(),
    };
    foreign.sort_by_key(|turn: &ForeignTurn| (turn.at, turn.cpu));
    (proof, foreign)
}

/// What came to a core, most first.
fn counts(came: &[Came], core: &PacketCore, belongs: impl Fn(&Came) -> bool) -> Vec<InterruptCount> {
    let own = came.iter().filter(|came| came.cpu == core.cpu).map(|came| InterruptCount {
        source: came.source.to_string(),
        name: came.name.to_string(),
        count: came.count,
        expected: belongs(came),
    });
    let mut own: Vec<_> = own.collect();
    own.sort_by_key(|count| std::cmp::Reverse(count.count));
    own
}

/// Who ran on a core.
struct Ran {
    turns: Option<u64>,
    preemptions: Option<u64>,
    tasks: Vec<TaskTime>,
}

fn who_ran(observed: &Observed<'_>, core: &PacketCore, names: &BTreeMap<u32, String>, foreign: &mut Vec<ForeignTurn>) -> Ran {
    let task = |tid: u32, process: u32, name: &str| {
        let node = observed.owners.get(&tid).or_else(|| observed.owners.get(&process)).cloned();
        let expected = verdict::task_belongs(name, node.as_deref(), core);
        TaskTime { tid, name: name.to_owned(), node, expected, turns: None, ran: 0, longest: None }
    };
    let (turns, preemptions, mut tasks) = match observed.tasks {
        Tasks::Switches { from, events } => {
            let events = events.get(&core.cpu).map(Vec::as_slice).unwrap_or_default();
            let turns = switches::turns(events, *from, observed.origin, observed.origin.saturating_add(observed.duration));
            let mut tasks: BTreeMap<u32, TaskTime> = BTreeMap::new();
            for turn in &turns {
                let name = names.get(&turn.tid).map(String::as_str).unwrap_or_default();
                let task = tasks.entry(turn.tid).or_insert_with(|| task(turn.tid, turn.process, name));
                let length = turn.to - turn.from;
                task.ran += length;
                task.turns = Some(task.turns.unwrap_or_default() + 1);
                task.longest = task.longest.max(Some(length));
            }
            let strange = turns.iter().filter(|turn| tasks.get(&turn.tid).is_some_and(|task| !task.expected));
            foreign.extend(strange.take(MOST_TURNS).map(|turn| foreign_turn(turn, core, names, observed.origin)));
            let preempted = turns.iter().filter(|turn| turn.preempted).count() as u64;
            (Some(turns.len() as u64), Some(preempted), tasks.into_values().collect::<Vec<_>>())
        }
        Tasks::Scan { before, after, .. } => {
            let then: BTreeMap<u32, u64> = before.iter().map(|task| (task.tid, task.ran)).collect();
            let own = after.iter().filter(|scanned| scanned.cpu == core.cpu).filter_map(|scanned| {
                let ran = scanned.ran.saturating_sub(then.get(&scanned.tid).copied().unwrap_or_default());
                (ran > 0).then(|| TaskTime { ran, ..task(scanned.tid, scanned.tid, &scanned.name) })
            });
            (None, None, own.collect())
        }
    };
    tasks.sort_by_key(|task| (std::cmp::Reverse(task.ran), task.tid));
    Ran { turns, preemptions, tasks }
}

fn foreign_turn(turn: &Turn, core: &PacketCore, names: &BTreeMap<u32, String>, origin: u64) -> ForeignTurn {
    ForeignTurn {
        at: i64::try_from(turn.from - origin).unwrap_or(i64::MAX),
        cpu: core.cpu,
        tid: turn.tid,
        name: names.get(&turn.tid).cloned().unwrap_or_default(),
        length: turn.to - turn.from,
    }
}

#[cfg(test)]
mod tests;
