//! Agents: this same binary, started in an environment and spoken to over its standard input and output.

use std::fs::File;
use std::io::{self, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use serde::Serialize;
use tailbed_format::message::{Frame, read_frame, write_message};
use tailbed_plan::step::AgentEnvironment;

use super::process::{self, Process};
use super::{TakenBack, container, namespace};

/// A running agent.
pub(crate) struct Agent {
    node: String,
    child: Child,
    process: Process,
    input: Option<ChildStdin>,
    frames: Receiver<io::Result<Option<Frame>>>,
    log: Option<PathBuf>,
}

impl Agent {
    pub(super) fn process(&self) -> &Process {
        &self.process
    }

    /// Sends a message.
    pub(crate) fn send<M: Serialize>(&mut self, message: &M) -> anyhow::Result<()> {
        let input = self.input.as_mut().context("the agent was told to leave")?;
        write_message(input, message).map_err(|error| self.gone(&error))
    }

    /// The next frame, or `None` when none comes in time.
    pub(crate) fn receive(&mut self, patience: Duration) -> anyhow::Result<Option<Frame>> {
        match self.frames.recv_timeout(patience) {
            Ok(Ok(Some(frame))) => Ok(Some(frame)),
            Ok(Ok(None)) | Err(RecvTimeoutError::Disconnected) => Err(self.gone(&io::Error::from(io::ErrorKind::UnexpectedEof))),
            Ok(Err(error)) => Err(self.gone(&error)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
        }
    }

    /// What to say of an agent that does not answer any more: its own last words, where it left some.
    fn gone(&mut self, error: &io::Error) -> anyhow::Error {
        let words = self.log.as_ref().and_then(|log| std::fs::read_to_string(log).ok()).unwrap_or_default();
        let words = words.trim();
        let status = self.child.try_wait().ok().flatten().map(|status| format!(" ({status})")).unwrap_or_default();
        if words.is_empty() {
            anyhow!("the agent of {} is gone{status}: {error}", self.node)
        } else {
            anyhow!("the agent of {} is gone{status}: {words}", self.node)
        }
    }
}

/// Starts an agent in its environment.
pub(super) fn start(
    node: &str,
    namespace: Option<&str>,
    environment: &AgentEnvironment,
    logs: Option<&Path>,
) -> anyhow::Result<Agent> {
    let started = try_start(node, namespace, environment, logs).with_context(|| format!("cannot start the agent of {node}"));
    if let (Err(_), AgentEnvironment::Container { id, .. }) = (&started, environment) {
        container::remove_bundle(id)?;
    }
    started
}

fn try_start(node: &str, namespace: Option<&str>, environment: &AgentEnvironment, logs: Option<&Path>) -> anyhow::Result<Agent> {
    // this very program, even if its file has been replaced since
    let mut command = Command::new("/proc/self/exe");
    match environment {
        AgentEnvironment::Host => {
            command.arg("agent");
            if let Some(namespace) = namespace {
                command.arg("--namespace").arg(namespace::path(namespace));
            }
        }
        AgentEnvironment::Container { id, cgroup } => {
            let binary = std::env::current_exe().context("cannot find this program's own file")?;
            let bundle = container::make_bundle(id, &binary, namespace, cgroup.as_deref())?;
            command.arg("container").arg("--bundle").arg(bundle).arg("--id").arg(id);
            if cgroup.is_some() {
                command.arg("--control-groups");
            }
        }
    }
    let log = logs.map(|folder| folder.join(format!("agent-{node}.log")));
    let errors = log.as_ref().map(File::create).transpose().context("cannot make its log")?;
    command.arg("--parent").arg(std::process::id().to_string());
    // a group of its own: an interrupt typed at the terminal is for us, who take things back in order
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(errors.map_or_else(Stdio::inherit, Stdio::from)).process_group(0);
    let mut child = command.spawn().context("cannot start this program again")?;
    let process = Process::of(child.id());
    let (input, output) = (child.stdin.take(), child.stdout.take());
    let (sender, frames) = channel();
    let output = output.context("the agent has no output")?;
    std::thread::Builder::new()
        .name(format!("from {node}"))
        .spawn(move || {
            let mut output = BufReader::with_capacity(1 << 16, output);
            loop {
                let frame = read_frame(&mut output);
                let last = !matches!(frame, Ok(Some(_)));
                if sender.send(frame).is_err() || last {
                    break;
                }
            }
        })
        .context("cannot start a thread")?;
    Ok(Agent { node: node.to_owned(), child, process, input, frames, log })
}

/// How long an agent may take to leave when told to.
const PATIENCE: Duration = Duration::from_secs(3);

/// Lets an agent leave, or ends it; without a handle, ends the process that the journal names. Then removes what its environment left.
pub(super) fn end(agent: Option<Agent>, process: Option<&Process>, environment: &AgentEnvironment) -> anyhow::Result<TakenBack> {
    if let Some(mut agent) = agent {
        // the end of its input tells an agent to leave
        drop(agent.input.take());
        let deadline = Instant::now() + PATIENCE;
        while agent.child.try_wait().context("cannot wait for an agent")?.is_none() {
            let left = deadline.saturating_duration_since(Instant::now());
            match agent.frames.recv_timeout(left) {
                Ok(Ok(Some(_))) => {}
                // its output has ended, so it is about to go
                Ok(_) | Err(RecvTimeoutError::Disconnected) if !left.is_zero() => {
                    process::wait(agent.process.pid, left).ok();
                }
                _ => {
                    process::end(agent.process.pid, agent.process.started)?;
                    agent.child.wait().context("cannot wait for an agent")?;
                    break;
                }
            }
        }
    } else if let Some(Process { pid, started: Some(started) }) = process {
        process::end(*pid, Some(*started))?;
    }
    if let AgentEnvironment::Container { id, .. } = environment {
        container::remove_bundle(id)?;
    }
    Ok(TakenBack::Done)
}

/// The program's life as an agent: obeys what comes in on standard input until it ends.
pub(crate) fn run_as_agent(namespace: Option<&Path>, parent: Option<i32>) -> anyhow::Result<()> {
    process::follow(parent)?;
    if let Some(namespace) = namespace {
        namespace::enter(namespace).with_context(|| format!("cannot enter the network namespace {}", namespace.display()))?;
    }
    Ok(tailbed_traffic::agent::agent(io::stdin(), io::stdout())?)
}
