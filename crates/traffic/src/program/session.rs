//! The life of one program, from its start until all it printed was told.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::process::Signal;
use rustix::thread::CpuSet;
use tailbed_format::program::{Exit, Program, Stream, TerminalSize};

use super::child::Child;
use super::listener::Listener;
use super::streams::{Read, Streams};
use super::{MARK, RESULTS, Shared, children, lock, lookup, memory_file, processes, terminal};

/// How long a program whose time is over may take to leave by itself.
const GRACE: Duration = Duration::from_secs(2);

/// How often it is looked whether what a program started has left as well.
const INTERVAL: Duration = Duration::from_millis(20);

/// What others may do to a program.
#[derive(Debug)]
pub(super) struct Session {
    number: u32,
    /// Wakes the thread that watches.
    wake: OwnedFd,
    wishes: Mutex<Wishes>,
}

#[derive(Debug, Default)]
struct Wishes {
    input: VecDeque<u8>,
    input_ended: bool,
    /// Signals that came before the program was there.
    signals: Vec<Signal>,
    /// The program's first process, as long as its number is its own.
    leader: Option<i32>,
    terminal: Option<OwnedFd>,
}

impl Session {
    /// Of a program that is not there yet.
    pub(super) fn new(number: u32) -> io::Result<Self> {
        let wake = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        Ok(Self { number, wake, wishes: Mutex::default() })
    }

    /// Bytes for the program; none at all are the end.
    pub(super) fn input(&self, bytes: Vec<u8>) {
        let mut wishes = lock(&self.wishes);
        wishes.input_ended |= bytes.is_empty();
        wishes.input.extend(bytes);
        drop(wishes);
        // the only refusal possible is a full counter, and then it is readable already
        let _ = rustix::io::write(&self.wake, &1u64.to_ne_bytes());
    }

    /// Another size for its terminal.
    pub(super) fn resize(&self, size: TerminalSize) {
        if let Some(terminal) = &lock(&self.wishes).terminal {
            terminal::resize(terminal, size);
        }
    }

    /// A signal for all its processes. Sent here and now, not by the thread that watches: that one may be waiting for somebody to take
    /// what was printed.
    pub(super) fn signal(&self, signal: i32) {
        let Some(signal) = Signal::from_named_raw(signal) else { return };
        let mut wishes = lock(&self.wishes);
        match wishes.leader {
            Some(leader) => processes::signal_session(leader, signal),
            None => wishes.signals.push(signal),
        }
    }
}

/// Starts the program, tells what it prints, and how it ends.
pub(super) fn run<L: Listener>(session: &Session, program: &Program, cpus: &CpuSet, shared: &Shared<L>) {
    let (child, mut streams) = match start(session, program, cpus, shared) {
        Ok(started) => started,
        Err(reason) => {
            shared.forget(session.number);
            let _ = shared.listener.ended(session.number, &Exit::NotStarted(reason));
            return;
        }
    };
    let deadline = program.timeout.map(|ns| Instant::now() + Duration::from_nanos(ns));
    let ended = watch(session, &child, &mut streams, deadline, &shared.listener);
    if ended.is_err() {
        // nobody listens any more: the agent is about to leave
        processes::signal_session(child.pid, Signal::KILL);
    }
    let timed_out = matches!(ended, Ok(true));
    let rest = tell_rest(session.number, &mut streams, &shared.listener);
    // from here on its number may be given to another process
    let mut wishes = lock(&session.wishes);
    wishes.leader = None;
    wishes.terminal = None;
    let exit = children::reap(&child);
    drop(wishes);
    let exit = if timed_out { Exit::TimedOut } else { exit };
    shared.forget(session.number);
    if rest.is_ok() {
        let _ = shared.listener.ended(session.number, &exit);
    }
    swallow(&mut streams);
}

fn start<L: Listener>(
    session: &Session,
    program: &Program,
    cpus: &CpuSet,
    shared: &Shared<L>,
) -> Result<(Child, Streams), String> {
    let mut added = vec![(MARK.to_owned(), shared.mark.clone())];
    let given = |name: &str| program.environment.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str());
    if given(RESULTS).is_none() {
        let owner = match (given("TAILBED_TOKEN"), given("TAILBED_NODE")) {
            (Some(token), Some(node)) => format!("tb-{token}-{}", node.replace('/', "-")),
            _ => "tailbed".to_owned(),
        };
        let folder = lock(&shared.results).folder(&owner).map(|folder| folder.to_string_lossy().into_owned());
        added.extend(folder.map(|folder| (RESULTS.to_owned(), folder)));
    }
    let image = lookup::find(program, &added)?;
    let script = program.script.as_deref().map(memory_file::holding).transpose();
    let script = script.map_err(|error| format!("no file in memory for the script: {error}"))?;
    let (streams, theirs) = Streams::open(program.terminal)?;
    let descriptors = theirs.descriptors(script.as_ref().map(AsFd::as_fd));
    let chosen: CpuSet = program.cpus.iter().filter(|&&cpu| cpu < CpuSet::MAX_CPU).fold(CpuSet::new(), |mut set, &cpu| {
        set.set(cpu);
        set
    });
    let cpus = if chosen.count() > 0 { &chosen } else { cpus };
    let child = children::start(&image, &descriptors, cpus).map_err(|error| lookup::refusal(&image, &error))?;
    let mut wishes = lock(&session.wishes);
    wishes.leader = Some(child.pid);
    wishes.terminal = streams.terminal();
    for signal in std::mem::take(&mut wishes.signals) {
        processes::signal_session(child.pid, signal);
    }
    drop(wishes);
    Ok((child, streams))
}

/// Until the program has ended. Says whether it was ended because its time was over; fails when nobody listens any more.
fn watch<L: Listener>(
    session: &Session,
    child: &Child,
    streams: &mut Streams,
    deadline: Option<Instant>,
    listener: &L,
) -> io::Result<bool> {
    let mut ending = deadline.map(|at| Ending { at, stage: Stage::Running });
    loop {
        let gone = wait(session, child, streams, ending.as_ref().map(|ending| ending.at))?;
        for stream in [Stream::Output, Stream::Error] {
            if let Read::Bytes(count) = streams.read(stream) {
                listener.printed(session.number, stream, streams.bytes(count))?;
            }
        }
        feed(session, streams);
        let Some(ending) = &mut ending else {
            if gone {
                return Ok(false);
            }
            continue;
        };
        if ending.is_over(child.pid, gone) {
            return Ok(!matches!(ending.stage, Stage::Running));
        }
    }
}

/// How a program's time runs out.
struct Ending {
    /// When something is to be done next.
    at: Instant,
    stage: Stage,
}

enum Stage {
    /// It has time.
    Running,
    /// It was asked to leave; when it has to.
    Asked(Instant),
}

impl Ending {
    /// Does what is due; says whether it is all over.
    fn is_over(&mut self, leader: i32, gone: bool) -> bool {
        let now = Instant::now();
        match self.stage {
            Stage::Running if gone => return true,
            Stage::Running if now >= self.at => {
                processes::signal_session(leader, Signal::TERM);
                self.stage = Stage::Asked(now + GRACE);
                self.at = now + INTERVAL;
            }
            Stage::Running => {}
            Stage::Asked(at_latest) => {
                if gone && !processes::session_runs(leader) {
                    return true;
                }
                if now >= at_latest {
                    processes::signal_session(leader, Signal::KILL);
                }
                self.at = now + INTERVAL;
            }
        }
        false
    }
}

/// Sleeps until there is something to do; says whether the program has ended.
fn wait(session: &Session, child: &Child, streams: &Streams, until: Option<Instant>) -> io::Result<bool> {
    let hungry = !lock(&session.wishes).input.is_empty();
    let mut all = vec![PollFd::new(&child.descriptor, PollFlags::IN), PollFd::new(&session.wake, PollFlags::IN)];
    all.extend([&streams.output, &streams.error].into_iter().flatten().map(|source| PollFd::new(source, PollFlags::IN)));
    all.extend(streams.input.as_ref().filter(|_| hungry).map(|input| PollFd::new(input, PollFlags::OUT)));
    let left = until.map(|until| Timespec::try_from(until.saturating_duration_since(Instant::now())));
    let left = left.and_then(Result::ok);
    match poll(&mut all, left.as_ref()) {
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(!all[0].revents().is_empty()),
        Err(error) => Err(error.into()),
    }
}

/// Gives the program what has come for it.
fn feed(session: &Session, streams: &mut Streams) {
    // empty the counter; it is no matter how often we were woken
    let _ = rustix::io::read(&session.wake, &mut [0; 8][..]);
    let mut wishes = lock(&session.wishes);
    streams.write(&mut wishes.input);
    if streams.input.is_none() {
        wishes.input.clear();
    }
    if wishes.input_ended && wishes.input.is_empty() {
        wishes.input_ended = false;
        streams.end_input();
    }
}

/// What the program has printed and not been told yet is in the pipes; what it left running may go on printing for ever, so the end of
/// the pipes is not waited for.
fn tell_rest<L: Listener>(session: u32, streams: &mut Streams, listener: &L) -> io::Result<()> {
    const PIPE: usize = 1 << 20;
    for stream in [Stream::Output, Stream::Error] {
        let mut told = 0;
        while let (Read::Bytes(count), true) = (streams.read(stream), told < PIPE) {
            listener.printed(session, stream, streams.bytes(count))?;
            told += count;
        }
    }
    Ok(())
}

/// Takes what a program's background processes print, and throws it away, until the last of them has closed its outputs: a daemon must
/// neither stand still nor die for printing. A terminal is hung up instead, as it is when somebody leaves.
fn swallow(streams: &mut Streams) {
    streams.input = None;
    if streams.is_terminal() {
        return;
    }
    while streams.output.is_some() || streams.error.is_some() {
        let mut open: Vec<_> =
            [&streams.output, &streams.error].into_iter().flatten().map(|source| PollFd::new(source, PollFlags::IN)).collect();
        if !matches!(poll(&mut open, None), Ok(_) | Err(rustix::io::Errno::INTR)) {
            return;
        }
        for stream in [Stream::Output, Stream::Error] {
            streams.read(stream);
        }
    }
}
