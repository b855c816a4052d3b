//! Watching the host while there is traffic: readings of the kernel's counters, its record of changes of task, and whose task is whose.
//!
//! Nothing of this runs on a packet core, but for what the kernel itself notes there at a change of task. Readings over time are a thread's on
//! the core that keeps the house; without them (`rate = 0`) there is no such thread.

mod files;
mod reader;
mod switches;
mod tasks;

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context;
use tailbed_format::proof::{LoopAccount, LoopProof, Proof, Watch};
use tailbed_format::results;
use tailbed_plan::plan::{GENERATOR, Run};
use tailbed_stats::proof::task::Scanned;
use tailbed_stats::proof::{HostTimeline, Observed, Reading, Tasks, csv, prove};

use self::files::Files;
use self::reader::{Reader, Readings};
use self::switches::Switches;
use crate::apply::Host;
use crate::results::campaign::write_new;

/// Watching that is prepared or under way. Dropped, it ends.
pub(super) struct Watching {
    watch: Watch,
    files: Files,
    /// The processes that each node's environment descends from.
    roots: Vec<(String, Vec<i32>)>,
    names: BTreeMap<u32, String>,
    owners: BTreeMap<u32, String>,
    before: Vec<Scanned>,
    switches: Result<Switches, Option<String>>,
    throttled: BTreeMap<String, (u64, u64)>,
    first: Reading,
    reader: Option<Reader>,
}

/// All that was recorded.
pub(super) struct Watched {
    watch: Watch,
    before: Reading,
    after: Reading,
    readings: Readings,
    tasks: Tasks,
    names: BTreeMap<u32, String>,
    owners: BTreeMap<u32, String>,
    throttled: BTreeMap<String, (u64, u64)>,
}

impl Watching {
    /// Opens everything; nothing where nothing is to be watched. Agents are there, and traffic is not yet.
    pub(super) fn prepare(run: &Run, host: &mut Host) -> anyhow::Result<Option<Self>> {
        let Some(watch) = run.proof.clone() else { return Ok(None) };
        let roots = run.agents.iter().filter_map(|agent| {
            let roots = host.agent(&agent.node)?.processes();
            Some((agent.node.clone(), roots))
        });
        let roots = roots.collect();
        let files = Files::open(&watch)?;
        let cpus = watch.cores.iter().map(|core| core.cpu);
        let switches = if watch.switches { Switches::open(cpus).map_err(Some) } else { Err(None) };
        let first = Reading::default();
        Ok(Some(Self {
            watch,
            files,
            roots,
            names: BTreeMap::new(),
            owners: BTreeMap::new(),
            before: Vec::new(),
            switches,
            throttled: BTreeMap::new(),
            first,
            reader: None,
        }))
    }

    /// From now on what happens is counted.
    pub(super) fn begin(&mut self) -> anyhow::Result<()> {
        let tasks = tasks::all();
        self.names = tasks.iter().map(|task| (task.tid, task.name.clone())).collect();
        self.before = tasks;
        // the load generator's thread is gone when its packets are brought home
        self.owners = tasks::owners(&self.roots);
        self.throttled = tasks::throttled(&self.owners);
        if let Ok(switches) = &mut self.switches
            && let Err(error) = switches.begin()
        {
            self.switches = Err(Some(error.to_string()));
        }
        self.first = self.files.read(None)?;
        if self.watch.rate > 0 {
            let files = Files::open(&self.watch)?;
            let switches = std::mem::replace(&mut self.switches, Err(None));
            self.reader = Some(Reader::start(&self.watch, files, switches, self.first.clone())?);
        }
        Ok(())
    }

    /// The traffic is over.
    pub(super) fn end(mut self) -> anyhow::Result<Watched> {
        let mut readings = match self.reader.take() {
            Some(reader) => {
                let (readings, switches) = reader.stop()?;
                self.switches = switches;
                readings
            }
            None => Readings::from(&self.first),
        };
        // the last one, so that no counter of it is behind one of the thread's, which would look like one begun anew
        let after = self.files.read(Some(&self.first))?;
        readings.add(&after);
        let tasks = tasks::all();
        for task in &tasks {
            self.names.entry(task.tid).or_insert_with(|| task.name.clone());
        }
        let mut owners = self.owners;
        owners.extend(tasks::owners(&self.roots));
        let mut throttled = tasks::throttled(&owners);
        for (node, (times, took)) in &mut throttled {
            let (times_then, took_then) = self.throttled.get(node).copied().unwrap_or_default();
            (*times, *took) = (times.saturating_sub(times_then), took.saturating_sub(took_then));
        }
        let tasks = match self.switches {
            Ok(switches) => switches.end(&mut self.names),
            Err(reason) => Tasks::Scan { before: self.before, after: tasks, reason },
        };
        Ok(Watched { watch: self.watch, before: self.first, after, readings, tasks, names: self.names, owners, throttled })
    }
}

/// What was counted of each packet loop: of the load generator's, and by node of each forwarder's workers.
pub(super) fn loops(generator: Option<LoopAccount>, forwarders: &[(String, Vec<LoopAccount>)]) -> Vec<LoopProof> {
    let generator = generator.map(|account| LoopProof { node: GENERATOR.to_owned(), worker: 0, account });
    let forwarders = forwarders.iter().flat_map(|(node, accounts)| {
        (0..).zip(accounts).map(|(worker, account)| LoopProof { node: node.clone(), worker, account: *account })
    });
    generator.into_iter().chain(forwarders).collect()
}

impl Watched {
    /// Judges what was recorded, and writes what came when into the run's folder. The counted part begins at `origin`, `CLOCK_MONOTONIC`, and takes
    /// `duration`, ns.
    pub(super) fn prove(&self, loops: &[LoopProof], origin: u64, duration: u64, folder: &Path) -> anyhow::Result<Proof> {
        let (proof, turns) = prove(&Observed {
            watch: &self.watch,
            before: &self.before,
            after: &self.after,
            frequency: &self.readings.frequency,
            readings: self.readings.count.saturating_sub(1),
            reader_ran: self.readings.ran,
            tasks: &self.tasks,
            names: &self.names,
            owners: &self.owners,
            loops,
            throttled: &self.throttled,
            origin,
            duration,
        });
        let timeline = HostTimeline { interrupts: self.readings.points(origin), turns };
        write_new(&folder.join(results::INTERRUPTS), csv::interrupts(&timeline.interrupts).as_bytes())?;
        write_new(&folder.join(results::FOREIGN_TASKS), csv::foreign_tasks(&timeline.turns).as_bytes())?;
        Ok(proof)
    }

    /// The same of all that was watched, where there is no counted part.
    pub(super) fn prove_whole(&self, loops: &[LoopProof], folder: &Path) -> anyhow::Result<Proof> {
        let (from, to) = (self.before.at, self.after.at);
        self.prove(loops, from, to.saturating_sub(from), folder)
    }
}

/// What an earlier session wrote of a run; empty where it wrote nothing.
pub(crate) fn read_again(folder: &Path) -> anyhow::Result<HostTimeline> {
    let text = |name| {
        let path = folder.join(name);
        if path.exists() {
            std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
        } else {
            Ok(String::new())
        }
    };
    let garbled = |name| format!("{} is garbled", folder.join(name).display());
    Ok(HostTimeline {
        interrupts: csv::read_interrupts(&text(results::INTERRUPTS)?).with_context(|| garbled(results::INTERRUPTS))?,
        turns: csv::read_foreign_tasks(&text(results::FOREIGN_TASKS)?).with_context(|| garbled(results::FOREIGN_TASKS))?,
    })
}
