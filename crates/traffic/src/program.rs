//! Programs in a node: scripts, commands, shells. They run besides the packet loop, each watched by a thread of its own, and know
//! nothing of it: ordinary priority, no locked memory, other cores where there are any.
//!
//! Every program leads a session of its own (setsid(2)), so that a signal or the end of its time reaches what it started as well. What
//! it leaves running in the background goes on after it, and ends with the agent. Everything carries [`MARK`] in its environment, by
//! which it is found again even when it has left the session.

mod child;
mod children;
mod listener;
mod lookup;
mod memory_file;
mod processes;
mod results;
mod session;
mod streams;
mod terminal;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use rustix::thread::CpuSet;
use tailbed_format::program::{Exit, Program, TerminalSize};

pub use children::adopt_orphans;
pub use listener::Listener;
pub(crate) use listener::Output;
pub use processes::{end_marked, signal_session};
pub use results::RESULTS;

use crate::realtime;
use results::Results;
use session::Session;

/// The variable that marks all programs of one agent.
pub const MARK: &str = "TAILBED_AGENT";

/// How long killed programs may take to go.
const PATIENCE: Duration = Duration::from_secs(2);

/// The programs that run, and what they have in common.
#[derive(Debug)]
pub struct Programs<L> {
    shared: Arc<Shared<L>>,
}

/// What all sessions know.
#[derive(Debug)]
struct Shared<L> {
    listener: L,
    /// Value of [`MARK`].
    mark: String,
    running: Mutex<Running>,
    /// Told whenever a session has ended.
    fewer: Condvar,
    results: Mutex<Results>,
}

/// The sessions by their numbers.
#[derive(Debug)]
struct Running {
    sessions: HashMap<u32, Arc<Session>>,
    /// Cores that programs may use.
    cpus: CpuSet,
    /// Whether any program was started at all.
    used: bool,
    /// Nothing is started any more.
    over: bool,
}

impl<L> Clone for Programs<L> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

/// Takes a lock that only ever guards plain values: a thread that panicked has left them whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A thread with a small stack: where all memory is locked, each takes its whole stack at once.
fn thread(name: String) -> std::thread::Builder {
    std::thread::Builder::new().name(name).stack_size(256 << 10)
}

/// Counts agents of one process, so that each has its own mark.
static AGENTS: AtomicU32 = AtomicU32::new(0);

impl<L: Listener> Programs<L> {
    /// None yet; what comes of those that will be goes to the listener.
    pub fn new(listener: L) -> Self {
        let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
        let number = AGENTS.fetch_add(1, Ordering::Relaxed);
        let mark = format!("{}.{}.{}.{number}", std::process::id(), now.tv_sec, now.tv_nsec);
        let running = Running { sessions: HashMap::new(), cpus: realtime::home(), used: false, over: false };
        let results = Mutex::new(Results::default());
        let shared = Shared { listener, mark, running: Mutex::new(running), fewer: Condvar::new(), results };
        Self { shared: Arc::new(shared) }
    }

    /// Starts a program. What comes of it, also that it cannot be started, is told to the listener.
    pub fn execute(&self, session: u32, program: Program) {
        let refuse = |why: &str| {
            // nobody listens any more, and then nobody misses it
            let _ = self.shared.listener.ended(session, &Exit::NotStarted(why.to_owned()));
        };
        let made = match Session::new(session) {
            Ok(made) => Arc::new(made),
            Err(error) => return refuse(&format!("no descriptor for its session: {error}")),
        };
        let cpus = {
            let mut running = lock(&self.shared.running);
            if running.over {
                drop(running);
                return refuse("the agent is about to leave");
            }
            if running.sessions.contains_key(&session) {
                drop(running);
                return refuse(&format!("session {session} is one of a program that runs already"));
            }
            running.sessions.insert(session, Arc::clone(&made));
            running.used = true;
            running.cpus
        };
        let shared = Arc::clone(&self.shared);
        let watch = move || {
            realtime::step_down(&cpus);
            session::run(&made, &program, &cpus, &shared);
        };
        if let Err(error) = thread(format!("program {session}")).spawn(watch) {
            self.shared.forget(session);
            refuse(&format!("no thread for it: {error}"));
        }
    }

    /// Gives bytes to a program's standard input; none at all end it. Bytes for a program that has ended are nobody's.
    pub fn input(&self, session: u32, bytes: Vec<u8>) {
        if let Some(session) = self.session(session) {
            session.input(bytes);
        }
    }

    /// Gives a program's terminal another size.
    pub fn resize(&self, session: u32, size: TerminalSize) {
        if let Some(session) = self.session(session) {
            session.resize(size);
        }
    }

    /// Sends a signal to all processes of a session.
    pub fn signal(&self, session: u32, signal: i32) {
        if let Some(session) = self.session(session) {
            session.signal(signal);
        }
    }

    /// Programs started from now on keep to these cores.
    pub fn keep_to(&self, cpus: CpuSet) {
        lock(&self.shared.running).cpus = cpus;
    }

    /// Sends the files of the results folder on a thread of its own, and removes the folder.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn collect(&self) -> std::io::Result<()> {
        let shared = Arc::clone(&self.shared);
        let cpus = lock(&self.shared.running).cpus;
        let collect = move || {
            realtime::step_down(&cpus);
            let mut results = lock(&shared.results);
            // nobody listens any more, and then nobody misses it
            let _ = results.collect(&shared.listener);
        };
        thread("results".to_owned()).spawn(collect).map(drop)
    }

    /// Kills all programs with everything they have started, waits until they are gone, and removes the results folder.
    pub fn end(&self) {
        let used = {
            let mut running = lock(&self.shared.running);
            running.over = true;
            running.sessions.values().for_each(|session| session.signal(Signal::KILL.as_raw()));
            running.used
        };
        if !used {
            return;
        }
        let deadline = Instant::now() + PATIENCE;
        let mut running = lock(&self.shared.running);
        while !running.sessions.is_empty() && Instant::now() < deadline {
            let left = deadline.saturating_duration_since(Instant::now());
            running = self.shared.fewer.wait_timeout(running, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        drop(running);
        processes::end_marked(MARK, &self.shared.mark);
        children::end_orphans();
        lock(&self.shared.results).remove();
    }

    fn session(&self, session: u32) -> Option<Arc<Session>> {
        lock(&self.shared.running).sessions.get(&session).cloned()
    }
}

impl<L> Shared<L> {
    fn forget(&self, session: u32) {
        lock(&self.running).sessions.remove(&session);
        self.fewer.notify_all();
    }
}
