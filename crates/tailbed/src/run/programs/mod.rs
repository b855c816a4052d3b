//! Scripts and commands of a run, in their order: `host_setup`, `setup`, `command` and `run`, then `teardown` and `host_teardown`, which
//! run also when something failed.
//!
//! Scripts on the host run as our own children, those in nodes as their agents'. Both speak the same frames, and every program has a
//! number of its own in the run, so that whatever is heard finds its way by that number.

mod huge_pages;
mod on_host;
mod record;
mod results;
mod running;
mod scripts;

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use tailbed_format::message::{Command, Frame};
use tailbed_format::results::{PROGRAM_LOGS, PROGRAMS, host_results};
use tailbed_plan::plan::{NodePrograms, Run, ScriptSource};

use self::on_host::OnHost;
use self::running::{Place, Running};
use crate::apply::{Broken, Host};
use crate::results::campaign::{json, write_new};

pub(super) use record::recorded;
pub(crate) use scripts::Scripts;

/// How long a program that was asked to leave may take.
const GRACE: Duration = Duration::from_secs(2);

/// The programs of one attempt at a run.
pub(crate) struct Programs<'a> {
    nodes: &'a [NodePrograms],
    scripts: &'a Scripts,
    folder: PathBuf,
    on_host: OnHost,
    /// By their numbers.
    all: Vec<Running>,
    /// The set-up was begun, so that there is something to tear down.
    begun: bool,
}

impl<'a> Programs<'a> {
    /// Nothing is started yet.
    pub(crate) fn new(run: &'a Run, scripts: &'a Scripts, folder: &Path) -> anyhow::Result<Self> {
        // scripts may change their folder, and are told absolute paths
        let folder = std::path::absolute(folder).context("cannot find the current folder")?;
        Ok(Self { nodes: &run.programs, scripts, folder, on_host: OnHost::new(), all: Vec::new(), begun: false })
    }

    /// Before the traffic: on the host for every node, then in every node.
    pub(crate) fn set_up(&mut self, host: &mut Host, interrupted: &AtomicBool) -> Result<(), Broken> {
        if self.nodes.is_empty() {
            return Ok(());
        }
        self.begun = true;
        let logs = self.folder.join(PROGRAM_LOGS);
        std::fs::create_dir(&logs).with_context(|| format!("cannot make {}", logs.display()))?;
        for node in self.nodes {
            self.script(host, node, "host_setup", node.host_setup.as_ref(), Place::Host, Some(interrupted))?;
        }
        for node in self.nodes {
            self.script(host, node, "setup", node.setup.as_ref(), Place::Node, Some(interrupted))?;
        }
        Ok(())
    }

    /// Starts the commands that stand for network functions, and waits for those that say when they are ready.
    pub(crate) fn start_commands(&mut self, host: &mut Host, interrupted: &AtomicBool) -> Result<(), Broken> {
        let mut started = Vec::new();
        for node in self.nodes.iter().filter(|node| !node.command.is_empty()) {
            let program = self.program(node, None, &node.command);
            started.push((self.execute(host, node, "command", program, Place::Node)?, node.timeout));
        }
        for (number, timeout) in started {
            self.expect_ready(host, number, Duration::from_nanos(timeout), interrupted)?;
        }
        Ok(())
    }

    /// Starts what runs while there is traffic.
    pub(super) fn start(&mut self, host: &mut Host, interrupted: &AtomicBool) -> Result<(), Broken> {
        self.start_commands(host, interrupted)?;
        for node in self.nodes {
            if let Some(source) = &node.run {
                let program = self.program(node, Some(source), &[]);
                self.execute(host, node, "run", program, Place::Node)?;
            }
        }
        Ok(())
    }

    /// While there is traffic: hears what programs say; a command that has ended, or a script that has failed, fails the run.
    pub(crate) fn look_after(&mut self, host: &mut Host) -> anyhow::Result<()> {
        for number in 0..self.all.len() {
            if self.all[number].exit().is_none() {
                self.listen(host, number, Duration::ZERO)?;
            }
        }
        let failed = self.all.iter().position(|program| match program.exit() {
            None => false,
            Some(exit) => program.name == "command" || !exit.is_success(),
        });
        failed.map_or(Ok(()), |number| Err(self.failed(host, number, " while there was traffic")))
    }

    /// After the traffic: waits for the `run` scripts, then ends the commands.
    pub(super) fn wind_up(&mut self, host: &mut Host, interrupted: &AtomicBool) -> Result<(), Broken> {
        // one that ended with the last packets ended too early
        self.look_after(host)?;
        let deadline = Instant::now();
        for number in self.of_name("run") {
            let timeout = self.timeout(number);
            self.wait(host, number, deadline + timeout, Some(interrupted))?;
            if self.all[number].exit().is_none() {
                self.end(host, number)?;
                self.all[number].timed_out();
            }
            if !self.all[number].is_good() {
                return Err(self.failed(host, number, "").into());
            }
        }
        for number in self.of_name("command") {
            self.end(host, number)?;
        }
        Ok(())
    }

    /// Whatever came before: ends what still runs, tears down, fetches results, and writes down how all ended. Goes on after a failure.
    pub(crate) fn finish(&mut self, host: &mut Host) -> anyhow::Result<()> {
        if !self.begun {
            return Ok(());
        }
        let mut failed: Vec<String> = Vec::new();
        // an agent that is gone is so for everything it is asked
        let mut note = |result: anyhow::Result<()>| {
            let error = result.err().map(|error| format!("{error:#}"));
            failed.extend(error.filter(|error| !failed.contains(error)));
        };
        for node in self.nodes {
            // after a failure a forwarder may still spin, on the only core that a script has
            host.agent(&node.node).and_then(|agent| agent.send(&Command::Stop).ok());
        }
        for number in 0..self.all.len() {
            note(self.end(host, number));
        }
        for node in self.nodes.iter().rev() {
            note(self.script(host, node, "teardown", node.teardown.as_ref(), Place::Node, None).map_err(failure));
        }
        for node in self.nodes {
            note(self.collect(host, node));
        }
        for node in self.nodes.iter().rev() {
            note(self.script(host, node, "host_teardown", node.host_teardown.as_ref(), Place::Host, None).map_err(failure));
            // only where nothing was left in it
            std::fs::remove_dir(self.folder.join(host_results(&node.node))).ok();
        }
        self.on_host.end();
        let summaries: Vec<_> = self.all.iter().map(Running::summary).collect();
        note(json(&summaries).and_then(|text| write_new(&self.folder.join(PROGRAMS), &text)));
        if failed.is_empty() { Ok(()) } else { Err(anyhow!("{}", failed.join("; "))) }
    }

    /// Runs a script to its end, which must be a good one.
    fn script(
        &mut self,
        host: &mut Host,
        node: &NodePrograms,
        name: &'static str,
        source: Option<&ScriptSource>,
        place: Place,
        interrupted: Option<&AtomicBool>,
    ) -> Result<(), Broken> {
        let Some(source) = source else { return Ok(()) };
        let mut program = self.program(node, Some(source), &[]);
        program.timeout = Some(node.timeout);
        if place == Place::Host {
            self.tell_host(&mut program, node, host)?;
        }
        let number = self.execute(host, node, name, program, place)?;
        // whoever watches it ends it in time, with grace; this is for when that one has died
        let deadline = Instant::now() + Duration::from_nanos(node.timeout) + super::answers::PATIENCE;
        self.wait(host, number, deadline, interrupted)?;
        let program = &self.all[number];
        match program.exit() {
            None => Err(anyhow!("nothing was heard of the end of the {name} of {}", node.node).into()),
            Some(_) if program.is_good() => Ok(()),
            Some(_) => Err(self.failed(host, number, "").into()),
        }
    }

    /// What a frame of a program's means is kept; other frames are given back.
    pub(super) fn hear(&mut self, frame: Frame) -> anyhow::Result<Option<Frame>> {
        running::hear(&mut self.all, frame)
    }

    fn of_name(&self, name: &str) -> Vec<usize> {
        (0..self.all.len()).filter(|&number| self.all[number].name == name).collect()
    }

    fn timeout(&self, number: usize) -> Duration {
        let node = self.nodes.iter().find(|node| node.node == self.all[number].node);
        Duration::from_nanos(node.map_or(0, |node| node.timeout))
    }
}

/// Only an interrupt is none, and nobody interrupts a teardown.
fn failure(broken: Broken) -> anyhow::Error {
    match broken {
        Broken::Failed(error) | Broken::Left(error) => error,
        Broken::Interrupted => anyhow!("interrupted"),
    }
}
