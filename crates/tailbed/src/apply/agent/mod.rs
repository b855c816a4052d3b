//! Agents: this same binary, started in an environment and spoken to over its standard input and output.

mod obituary;

use std::io::{self, BufReader};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use serde::Serialize;
use tailbed_format::message::{Frame, read_frame, write_message, write_recording, write_stream};
use tailbed_format::program::Stream;
use tailbed_plan::step::{AgentEnvironment, DockerSpec, HugePageLimit, LxcSpec, VmSpec};

use super::environment::{Start, Started, driver};
use super::process::{self, Process};
use super::voice::Voice;
use super::{TakenBack, namespace, seccomp};

/// What an agent says; `None` is the end.
pub(crate) type Said = io::Result<Option<Frame>>;

/// Frame by frame.
pub(crate) type Frames = Receiver<Said>;

/// A running agent.
pub(crate) struct Agent {
    node: String,
    environment: AgentEnvironment,
    child: Option<Child>,
    process: Option<Process>,
    init: Option<Process>,
    voice: Voice,
    frames: Frames,
    log: Option<PathBuf>,
    deadline: Instant,
}

impl Agent {
    /// Our own child that the agent hangs on.
    pub(super) fn process(&self) -> Option<&Process> {
        self.process.as_ref()
    }

    /// The first process of its environment, as the host numbers it.
    pub(crate) fn init(&self) -> Option<&Process> {
        self.init.as_ref()
    }

    /// The processes that its environment descends from, as the host numbers them.
    pub(crate) fn processes(&self) -> Vec<i32> {
        self.process.iter().chain(&self.init).map(|process| process.pid).collect()
    }

    /// Sends a message.
    pub(crate) fn send<M: Serialize>(&mut self, message: &M) -> anyhow::Result<()> {
        self.voice.say(|input| write_message(input, message)).map_err(|error| self.gone(&error))
    }

    /// Sends a block of packets that it is to replay with the order that comes next.
    pub(crate) fn send_recording(&mut self, block: &[u8]) -> anyhow::Result<()> {
        self.voice.say(|input| write_recording(input, block)).map_err(|error| self.gone(&error))
    }

    /// To speak to it from several threads.
    pub(crate) fn voice(&self) -> Voice {
        self.voice.clone()
    }

    /// Gives away what it says from now on; [`Self::receive`] hears what whoever has it then passes on.
    pub(crate) fn divert(&mut self) -> (Frames, Sender<Said>) {
        let (sender, frames) = channel();
        (std::mem::replace(&mut self.frames, frames), sender)
    }

    /// Gives bytes to a program's standard input; none at all end it.
    pub(crate) fn write_input(&mut self, session: u32, bytes: &[u8]) -> anyhow::Result<()> {
        self.voice.say(|input| write_stream(input, session, Stream::Input, bytes)).map_err(|error| self.gone(&error))
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

    /// What to say if memory of its environment ran out.
    pub(crate) fn out_of_memory(&self) -> Option<String> {
        driver(&self.environment).out_of_memory()
    }

    /// The huge pages that programs in its environment may have, each size with how often they were refused more.
    pub(crate) fn huge_pages(&self) -> Vec<(HugePageLimit, u64)> {
        driver(&self.environment).huge_pages()
    }

    /// Until when its first word is waited for.
    pub(crate) fn deadline(&self) -> Instant {
        self.deadline
    }
}

/// An error, with the one that came of clearing up after it.
pub(super) fn and_then(error: anyhow::Error, cleared: anyhow::Result<()>) -> anyhow::Error {
    match cleared {
        Ok(()) => error,
        Err(also) => anyhow!("{error:#}; after that, {also:#}"),
    }
}

/// How long an environment may take from its start to its agent's first word: what was asked for, else a minute.
fn patience(environment: &AgentEnvironment) -> Duration {
    match environment {
        AgentEnvironment::Host | AgentEnvironment::Container(_) => Duration::from_mins(1),
        AgentEnvironment::Lxc(LxcSpec { boot_timeout, .. })
        | AgentEnvironment::Docker(DockerSpec { boot_timeout, .. })
        | AgentEnvironment::Vm(VmSpec { boot_timeout, .. }) => Duration::from_nanos(*boot_timeout),
    }
}

/// Starts an environment with an agent in it.
pub(super) fn start(
    node: &str,
    namespace: Option<&str>,
    environment: &AgentEnvironment,
    logs: Option<&Path>,
) -> anyhow::Result<Agent> {
    let driver = driver(environment);
    let start = Start { node, namespace, logs };
    let started = driver.start(&start).and_then(|started| Agent::listen(started, &start, environment));
    started.map_err(|error| {
        // a limit may be too small even for what becomes the agent; asked before all that knows is stopped
        let error = match driver.out_of_memory() {
            Some(memory) => error.context(memory),
            None => error,
        };
        let error = error.context(format!("cannot start the agent of {node}"));
        and_then(error, driver.stop())
    })
}

impl Agent {
    /// Reads what the agent says on a thread of its own.
    fn listen(started: Started, start: &Start<'_>, environment: &AgentEnvironment) -> anyhow::Result<Self> {
        let Started { input, output, child, init } = started;
        let (sender, frames) = channel();
        let listen = move || {
            let mut output = BufReader::with_capacity(1 << 16, output);
            loop {
                let frame = read_frame(&mut output);
                let last = !matches!(frame, Ok(Some(_)));
                if sender.send(frame).is_err() || last {
                    break;
                }
            }
        };
        std::thread::Builder::new().name(format!("from {}", start.node)).spawn(listen).context("cannot start a thread")?;
        let process = child.as_ref().map(|child| Process::of(child.id()));
        Ok(Self {
            node: start.node.to_owned(),
            environment: environment.clone(),
            child,
            process,
            init,
            voice: Voice::new(input),
            frames,
            log: start.log(),
            deadline: Instant::now() + patience(environment),
        })
    }
}

/// How long an agent may take to leave when told to.
const PATIENCE: Duration = Duration::from_secs(3);

/// Lets an agent leave, or ends it; without a handle, ends the process that the journal names. Then ends what else of its environment
/// still runs.
pub(super) fn end(agent: Option<Agent>, process: Option<&Process>, environment: &AgentEnvironment) -> anyhow::Result<TakenBack> {
    if let Some(mut agent) = agent {
        agent.leave()?;
    } else if let Some(Process { pid, started: Some(started) }) = process {
        process::end(*pid, Some(*started))?;
    }
    driver(environment).stop()?;
    Ok(TakenBack::Done)
}

impl Agent {
    /// Tells the agent to leave.
    pub(super) fn dismiss(&self) {
        self.voice.dismiss();
    }

    /// Tells the agent to leave and waits until it has; after some time the process that it hangs on is ended.
    fn leave(&mut self) -> anyhow::Result<()> {
        self.voice.dismiss();
        let Some(child) = &mut self.child else { return Ok(()) };
        let deadline = Instant::now() + PATIENCE;
        while child.try_wait().context("cannot wait for an agent")?.is_none() {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.frames.recv_timeout(left) {
                Ok(Ok(Some(_))) => {}
                // its output has ended, so it is about to go
                Ok(_) | Err(RecvTimeoutError::Disconnected) if !left.is_zero() => {
                    if let Some(process) = &self.process {
                        process::wait(process.pid, left).ok();
                    }
                }
                _ => {
                    if let Some(process) = &self.process {
                        process::end(process.pid, process.started)?;
                    }
                    child.wait().context("cannot wait for an agent")?;
                    break;
                }
            }
        }
        Ok(())
    }
}

/// What an agent is told when it is started.
#[derive(Debug, clap::Args)]
pub(crate) struct AgentArguments {
    /// The network namespace it runs in
    #[arg(long)]
    namespace: Option<PathBuf>,
    /// The process whose life its own hangs on
    #[arg(long)]
    parent: Option<i32>,
    /// A socket to be spoken to by, in place of its standard input and output
    #[arg(long)]
    socket: Option<PathBuf>,
    /// Refuse system calls that ordinary programs do not need, to itself and to all that it starts
    #[arg(long)]
    seccomp: bool,
}

/// The program's life as an agent: obeys what comes in on standard input, or by the socket that it connects to, until that ends.
pub(crate) fn run_as_agent(arguments: &AgentArguments) -> anyhow::Result<()> {
    // by a socket it may be an engine's child, which comes and goes with reasons of its own; the socket ends when the other side does
    if arguments.socket.is_none() {
        process::follow(arguments.parent)?;
    }
    if arguments.seccomp {
        seccomp::load()?;
    }
    if let Some(namespace) = &arguments.namespace {
        namespace::enter(namespace).with_context(|| format!("cannot enter the network namespace {}", namespace.display()))?;
    }
    tailbed_traffic::program::adopt_orphans().context("cannot take in the orphans of programs")?;
    let Some(socket) = &arguments.socket else { return Ok(tailbed_traffic::agent::agent(io::stdin(), io::stdout())?) };
    let output = UnixStream::connect(socket).with_context(|| format!("cannot connect to {}", socket.display()))?;
    let input = output.try_clone().context("cannot open a socket twice")?;
    Ok(tailbed_traffic::agent::agent(input, output)?)
}
