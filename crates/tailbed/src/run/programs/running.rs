//! One program from its start to its end.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use rustix::process::Signal;
use tailbed_format::message::{Command, Frame, Reply};
use tailbed_format::program::{Exit, Program};
use tailbed_format::results::PROGRAM_LOGS;
use tailbed_format::summary::ProgramSummary;
use tailbed_plan::plan::{NodePrograms, ScriptSource};

use super::record::Log;
use super::{GRACE, Programs, huge_pages};
use crate::apply::{Broken, Host};
use crate::run::answers::{PATIENCE, agent};

/// Where a program runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Host,
    Node,
}

/// A program that was started.
pub(super) struct Running {
    pub(super) node: String,
    /// The key of the experiment file.
    pub(super) name: &'static str,
    place: Place,
    log: Log,
    exit: Option<Exit>,
    /// We have told it to end.
    told: bool,
    began: Instant,
    took: Duration,
}

impl Running {
    pub(super) fn exit(&self) -> Option<&Exit> {
        self.exit.as_ref()
    }

    /// Our own end of it, not its watcher's, is the one that was due to time.
    pub(super) fn timed_out(&mut self) {
        self.exit = Some(Exit::TimedOut);
    }

    /// Whether it did what it should.
    pub(super) fn is_good(&self) -> bool {
        match &self.exit {
            Some(exit) if self.name == "command" => self.told && !matches!(exit, Exit::NotStarted(_)),
            Some(exit) => exit.is_success(),
            None => false,
        }
    }

    /// What to say when it is not good, with what may be why.
    fn failure(&self, when: &str, why: &str) -> anyhow::Error {
        let Self { name, node, log, .. } = self;
        let lines = log.last_lines();
        let colon = if lines.is_empty() { "" } else { ":" };
        match &self.exit {
            Some(exit) => anyhow!("the {name} of {node} {exit}{when}{why}{colon}{lines}"),
            None => anyhow!("the {name} of {node} has not ended{when}{why}{colon}{lines}"),
        }
    }

    pub(super) fn summary(&self) -> ProgramSummary {
        let unknown = || Exit::NotStarted("nothing was heard of its end".to_owned());
        ProgramSummary {
            node: self.node.clone(),
            name: self.name.to_owned(),
            exit: self.exit.clone().unwrap_or_else(unknown),
            good: self.is_good(),
            took: u64::try_from(self.took.as_nanos()).unwrap_or(u64::MAX),
        }
    }
}

/// Keeps what a frame says of one of these programs; gives back one that is about something else.
pub(super) fn hear(all: &mut [Running], frame: Frame) -> anyhow::Result<Option<Frame>> {
    match frame {
        Frame::Stream { session, bytes, .. } => of(all, session)?.log.write(&bytes).map(|()| None),
        Frame::Json(body) => match serde_json::from_slice(&body) {
            Ok(Reply::Exited { session, exit }) => {
                let program = of(all, session)?;
                program.took = program.began.elapsed();
                program.exit = Some(exit);
                Ok(None)
            }
            _ => Ok(Some(Frame::Json(body))),
        },
        other => Ok(Some(other)),
    }
}

fn of(all: &mut [Running], session: u32) -> anyhow::Result<&mut Running> {
    let program = usize::try_from(session).ok().and_then(|number| all.get_mut(number));
    program.with_context(|| format!("something was heard of program {session}, which nobody has started"))
}

impl Programs<'_> {
    /// A script, or a command, with its variables.
    pub(super) fn program(&self, node: &NodePrograms, script: Option<&ScriptSource>, command: &[String]) -> Program {
        let value = |wanted: &str| node.environment.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
        // a command stands for a network function, and gets the cores of one
        let cpus = value("TAILBED_CPUS").filter(|_| script.is_none()).unwrap_or_default();
        Program {
            command: command.to_vec(),
            script: script.map(|source| self.scripts.text(source).to_owned()),
            environment: node.environment.clone(),
            timeout: None,
            terminal: None,
            cpus: cpus.split(',').filter_map(|cpu| cpu.parse().ok()).collect(),
        }
    }

    /// What to say of a program that is not good. Where memory of its node ran out that is said as well: the kernel's signal may have hit
    /// it, or something that it started.
    pub(super) fn failed(&self, host: &mut Host, number: usize, when: &str) -> anyhow::Error {
        let program = &self.all[number];
        let ended = matches!(program.exit, Some(Exit::Signal(_) | Exit::Code(_)));
        let inside = (ended && program.place == Place::Node).then(|| host.agent(&program.node)).flatten();
        let memory = inside.and_then(|agent| agent.out_of_memory());
        let pages = self.short_of_huge_pages(host, number);
        let why: Vec<_> = memory.into_iter().chain(pages).collect();
        let program = &self.all[number];
        program.failure(when, &if why.is_empty() { String::new() } else { format!(" ({})", why.join("; ")) })
    }

    /// What to say of huge pages when a command is not good.
    fn short_of_huge_pages(&self, host: &mut Host, number: usize) -> Option<String> {
        let program = &self.all[number];
        let node = self.nodes.iter().find(|node| node.node == program.node && program.place == Place::Node)?;
        let given = host.agent(&node.node)?.huge_pages();
        let command = if program.name == "command" { &node.command[..] } else { &[] };
        huge_pages::explain(command, &given, program.exit.as_ref())
    }

    /// Waits until a command has printed what it prints once it is ready, at most so long; at once where nothing is said of that.
    pub(super) fn expect_ready(
        &mut self,
        host: &mut Host,
        number: usize,
        timeout: Duration,
        interrupted: &AtomicBool,
    ) -> Result<(), Broken> {
        let deadline = Instant::now() + timeout;
        while self.all[number].log.awaited().is_some() {
            if interrupted.load(Ordering::Relaxed) {
                return Err(Broken::Interrupted);
            }
            if self.all[number].exit.is_some() {
                return Err(self.failed(host, number, " before it was ready").into());
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(self.never_ready(host, number, timeout).into());
            }
            self.listen(host, number, left.min(Duration::from_millis(200)))?;
        }
        Ok(())
    }

    fn never_ready(&self, host: &mut Host, number: usize, timeout: Duration) -> anyhow::Error {
        let pages = self.short_of_huge_pages(host, number).map_or_else(String::new, |pages| format!(" ({pages})"));
        let Running { node, log, .. } = &self.all[number];
        let (awaited, lines) = (log.awaited().unwrap_or_default(), log.last_lines());
        let said = if lines.is_empty() { "it has printed nothing".to_owned() } else { format!("its last lines:{lines}") };
        anyhow!("the command of {node} has not said `{awaited}` within the script_timeout of {timeout:?}{pages}; {said}")
    }

    /// Starts a program; gives its number.
    pub(super) fn execute(
        &mut self,
        host: &mut Host,
        node: &NodePrograms,
        name: &'static str,
        program: Program,
        place: Place,
    ) -> anyhow::Result<usize> {
        let file = |ending: &str| self.folder.join(PROGRAM_LOGS).join(format!("{}-{name}.{ending}", node.node));
        if let Some(text) = &program.script {
            write_text(&file("script"), text)?;
        }
        let ready = node.ready.as_deref().filter(|_| name == "command");
        let log = Log::create(&file("log"))?.awaiting(ready);
        let number = self.all.len();
        let session = u32::try_from(number).context("there are too many programs")?;
        let node = node.node.clone();
        let began = Instant::now();
        let started = Running { node: node.clone(), name, place, log, exit: None, told: false, began, took: Duration::ZERO };
        self.all.push(started);
        match place {
            Place::Host => self.on_host.execute(session, program),
            Place::Node => {
                let agent = agent(host, &node)?;
                agent.send(&Command::Execute { session, program })?;
                agent.write_input(session, b"")?;
            }
        }
        Ok(number)
    }

    /// Waits until a program has ended, at most so long.
    pub(super) fn wait(
        &mut self,
        host: &mut Host,
        number: usize,
        deadline: Instant,
        interrupted: Option<&AtomicBool>,
    ) -> Result<(), Broken> {
        while self.all[number].exit.is_none() {
            if interrupted.is_some_and(|interrupted| interrupted.load(Ordering::Relaxed)) {
                return Err(Broken::Interrupted);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            self.listen(host, number, left.min(Duration::from_millis(200)))?;
        }
        Ok(())
    }

    /// Ends a program that still runs: asked first, then by force.
    pub(super) fn end(&mut self, host: &mut Host, number: usize) -> anyhow::Result<()> {
        for (signal, patience) in [(Signal::TERM, GRACE), (Signal::KILL, PATIENCE)] {
            let program = &mut self.all[number];
            if program.exit.is_some() {
                return Ok(());
            }
            program.told = true;
            let (session, signal) = (u32::try_from(number)?, signal.as_raw());
            match program.place {
                Place::Host => self.on_host.signal(session, signal),
                Place::Node => {
                    let node = self.all[number].node.clone();
                    agent(host, &node)?.send(&Command::Signal { session, signal })?;
                }
            }
            self.wait(host, number, Instant::now() + patience, None).map_err(super::failure)?;
        }
        let Running { name, node, exit, .. } = &self.all[number];
        if exit.is_some() { Ok(()) } else { Err(anyhow!("the {name} of {node} cannot be ended")) }
    }

    /// Hears what is said where a program runs: waits at most so long for the first frame, and takes all that are there.
    pub(super) fn listen(&mut self, host: &mut Host, number: usize, mut patience: Duration) -> anyhow::Result<()> {
        let node = self.all[number].node.clone();
        loop {
            let frame = match self.all[number].place {
                Place::Host => self.on_host.receive(patience),
                Place::Node => agent(host, &node)?.receive(patience)?,
            };
            let Some(frame) = frame else { return Ok(()) };
            patience = Duration::ZERO;
            // what is given back is the answer to an order that was given up
            self.hear(frame)?;
            if self.all[number].exit.is_some() {
                return Ok(());
            }
        }
    }
}

/// Keeps a script with what it printed.
fn write_text(path: &Path, text: &str) -> anyhow::Result<()> {
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}
