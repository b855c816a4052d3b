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
use tailbed_format::message::Measured;
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
    before: Vec<Scanned>,
    switches: Result<Switches, Option<String>>,
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
        Ok(Some(Self { watch, files, roots, names: BTreeMap::new(), before: Vec::new(), switches, first, reader: None }))
    }

    /// From now on what happens is counted.
    pub(super) fn begin(&mut self) -> anyhow::Result<()> {
        let tasks = tasks::all();
        self.names = tasks.iter().map(|task| (task.tid, task.name.clone())).collect();
        self.before = tasks;
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
        let after = self.files.read(Some(&self.first))?;
        let mut readings = match self.reader.take() {
            Some(reader) => {
                let (readings, switches) = reader.stop()?;
                self.switches = switches;
                readings
            }
            None => Readings::from(&self.first),
        };
        readings.add(&after);
        let tasks = tasks::all();
        for task in &tasks {
            self.names.entry(task.tid).or_insert_with(|| task.name.clone());
        }
        let owners = tasks::owners(&self.roots);
        let tasks = match self.switches {
            Ok(switches) => switches.end(&mut self.names),
            Err(reason) => Tasks::Scan { before: self.before, after: tasks, reason },
        };
        Ok(Watched { watch: self.watch, before: self.first, after, readings, tasks, names: self.names, owners })
    }
}

/// What one run brought home of its packet loops.
pub(super) struct Accounts<'a> {
    /// Of the load generator.
    pub(super) measured: &'a Measured,
    /// Of each forwarder, by its workers.
    pub(super) forwarders: &'a [(String, Vec<LoopAccount>)],
}

impl Accounts<'_> {
    fn loops(&self) -> Vec<LoopProof> {
        let generator = self.measured.account.map(|account| LoopProof { node: GENERATOR.to_owned(), worker: 0, account });
        let forwarders = self.forwarders.iter().flat_map(|(node, accounts)| {
            (0..).zip(accounts).map(|(worker, account)| LoopProof { node: node.clone(), worker, account: *account })
        });
        generator.into_iter().chain(forwarders).collect()
    }
}

impl Watched {
    /// Judges what was recorded, and writes what came when into the run's folder. `duration` is the length of the counted part, ns.
    pub(super) fn prove(&self, accounts: &Accounts<'_>, duration: u64, folder: &Path) -> anyhow::Result<(Proof, HostTimeline)> {
        let origin = accounts.measured.clock.origin_monotonic;
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
            loops: &accounts.loops(),
            origin,
            duration,
        });
        let timeline = HostTimeline { interrupts: self.readings.points(origin), turns };
        write_new(&folder.join(results::INTERRUPTS), csv::interrupts(&timeline.interrupts).as_bytes())?;
        write_new(&folder.join(results::FOREIGN_TASKS), csv::foreign_tasks(&timeline.turns).as_bytes())?;
        Ok((proof, timeline))
    }
}

/// What an earlier session wrote of a run; empty where it wrote nothing.
pub(super) fn read_again(folder: &Path) -> anyhow::Result<HostTimeline> {
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
