//! Threads that test cores, and threads that keep them busy: one for each core, or for each core and work.

use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{Builder, Scope, ScopedJoinHandle};

use tailbed_format::noise::{Load, Loaded, Noise, NoiseMeasured, Test};
use tailbed_format::order::Scheduling;

use super::worker::{Done, Go, Reason, undisturbed};
use crate::noise::NoiseError;
use crate::stop::Stop;
use crate::{load, noise, realtime};

impl From<NoiseError> for Reason {
    fn from(error: NoiseError) -> Self {
        Self::Failed(error.to_string())
    }
}

/// Tests the cores of an order: gaps on one after the other, so that there is always a core for whatever else must run; timers on all at once.
pub(super) fn noise(order: &Noise, go: Go) -> Result<Done, Reason> {
    std::thread::scope(|scope| {
        let (mut testers, mut downgrades) = (Vec::new(), Vec::new());
        for cpu in one_by_one(&order.scheduling) {
            let prepared = noise::prepare(&order.test)?;
            let task = move |stop: &Stop| prepared.run(cpu, stop).map_err(Reason::from);
            let (tester, refused) = Pinned::start(scope, cpu, &order.scheduling, task)?;
            downgrades.extend(refused);
            testers.push(tester);
        }
        // after all memory has been taken, so that all of it is locked
        downgrades.extend(order.scheduling.lock_memory.then(realtime::lock_memory).flatten());
        let stop = go.wait(said_once(downgrades), None)?;
        let cores = match order.test {
            Test::Gaps { .. } => testers.into_iter().map(|tester| tester.run(&stop).end()).collect::<Result<_, _>>(),
            Test::Timer { .. } => {
                let running: Vec<_> = testers.into_iter().map(|tester| tester.run(&stop)).collect();
                running.into_iter().map(Running::end).collect()
            }
        };
        Ok(Done::Noise(NoiseMeasured { cores: cores? }))
    })
}

/// Keeps the cores of an order busy.
pub(super) fn load(order: &Load, go: Go) -> Result<Done, Reason> {
    std::thread::scope(|scope| {
        let (mut threads, mut downgrades) = (Vec::new(), Vec::new());
        for (cpu, work) in load::threads(order) {
            let failed = move |error| Reason::Failed(format!("the neighbour's work `{work}` failed: {error}"));
            let task = move |stop: &Stop| load::work(cpu, work, stop).map_err(failed);
            let (thread, refused) = Pinned::start(scope, cpu, &order.scheduling, task)?;
            downgrades.extend(refused);
            threads.push(thread);
        }
        let stop = go.wait(said_once(downgrades), None)?;
        let running: Vec<_> = threads.into_iter().map(|thread| thread.run(&stop)).collect();
        let threads = running.into_iter().map(Running::end).collect::<Result<_, _>>()?;
        Ok(Done::Loaded(Loaded { threads }))
    })
}

/// The cores of an order; none of them known where the kernel is to place the one thread.
fn one_by_one(scheduling: &Scheduling) -> Vec<Option<usize>> {
    match scheduling.cpus.as_slice() {
        [] => vec![None],
        cpus => cpus.iter().copied().map(Some).collect(),
    }
}

/// What every thread is refused is said once.
fn said_once(mut downgrades: Vec<String>) -> Vec<String> {
    downgrades.sort();
    downgrades.dedup();
    downgrades
}

/// A thread on its core that waits to be told to start; it ends when that can come no more.
struct Pinned<'scope, T> {
    thread: ScopedJoinHandle<'scope, Result<T, Reason>>,
    start: Sender<Arc<Stop>>,
}

impl<'scope, T: Send + 'scope> Pinned<'scope, T> {
    /// Starts it; gives what was not granted to it. A thread that cannot be pinned fails the order: its results would bear the name of a
    /// core that they do not come from.
    fn start<'env>(
        scope: &'scope Scope<'scope, 'env>,
        cpu: Option<usize>,
        scheduling: &Scheduling,
        task: impl FnOnce(&Stop) -> Result<T, Reason> + Send + 'scope,
    ) -> Result<(Self, Vec<String>), Reason> {
        let (start, started) = mpsc::channel();
        let (ready, is_ready) = mpsc::channel();
        let own = Scheduling { cpus: cpu.into_iter().collect(), lock_memory: false, ..scheduling.clone() };
        let life = move || live(&own, &ready, &started, task);
        let name = cpu.map_or_else(|| "core".to_owned(), |cpu| format!("core-{cpu}"));
        let thread = Builder::new().name(name).spawn_scoped(scope, life);
        let thread = thread.map_err(|error| format!("no thread could be started: {error}"))?;
        match is_ready.recv() {
            Ok(refused) => Ok((Self { thread, start }, refused)),
            // it has ended without getting ready, and its result says why
            Err(_) => Err(Running(thread).end().err().unwrap_or_else(|| "a thread ended before it began".into())),
        }
    }

    /// Tells it to start.
    fn run(self, stop: &Arc<Stop>) -> Running<'scope, T> {
        // A thread that is gone already has its reason in its result.
        let _ = self.start.send(Arc::clone(stop));
        Running(self.thread)
    }
}

/// A thread that has been started.
struct Running<'scope, T>(ScopedJoinHandle<'scope, Result<T, Reason>>);

impl<T> Running<'_, T> {
    /// Waits for it.
    fn end(self) -> Result<T, Reason> {
        let crashed = |_| Err("a thread crashed, which is an error in tailbed; its message is on standard error".into());
        self.0.join().unwrap_or_else(crashed)
    }
}

fn live<T>(
    own: &Scheduling,
    ready: &Sender<Vec<String>>,
    started: &Receiver<Arc<Stop>>,
    task: impl FnOnce(&Stop) -> Result<T, Reason>,
) -> Result<T, Reason> {
    if let Some(refused) = realtime::pin(&own.cpus) {
        return Err(Reason::Failed(format!("{refused}; choose others with `cpus`")));
    }
    let abandoned = "the order was dropped before it was started";
    ready.send(undisturbed(own)).map_err(|_| abandoned)?;
    let stop = started.recv().map_err(|_| abandoned)?;
    task(&stop)
}
