//! A forwarder's threads: the first worker is the packet thread itself, the others have one each.

use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{Builder, Scope, ScopedJoinHandle};

use tailbed_format::message::Forwarded;
use tailbed_format::order::{Forward, Scheduling};

use super::worker::{Done, Go, Reason, undisturbed};
use crate::forward::{self, ForwardError, Worker};
use crate::realtime;
use crate::stop::Stop;

/// Opens everything, says what was not granted, and forwards from the start until the stop.
pub(super) fn forward(order: &Forward, go: Go) -> Result<Done, Reason> {
    let mut downgrades = Vec::from_iter(realtime::pin(&order.scheduling.cpus));
    let mut workers = forward::open(order)?.into_iter();
    let first = workers.next().ok_or("a forwarder without workers was opened, which is an error in tailbed")?;
    let opened = first.opened().clone();
    downgrades.extend(opened.downgrades);
    std::thread::scope(|scope| {
        let mut helpers = Vec::new();
        for (number, worker) in (1..).zip(workers) {
            let (helper, refused) = Helper::start(scope, number, worker, scheduling_of(order, number))?;
            downgrades.extend(refused);
            helpers.push(helper);
        }
        let own = scheduling_of(order, 0);
        downgrades.extend(realtime::pin(&own.cpus).filter(|_| order.workers > 1));
        downgrades.extend(undisturbed(&own));
        // What every worker is refused is said once.
        downgrades.sort();
        downgrades.dedup();
        let stop = go.wait(downgrades, opened.ports)?;
        let running: Vec<_> = helpers.into_iter().map(|helper| helper.run(&stop)).collect();
        let mut sum = first.run(&stop);
        for helper in running {
            let counted = helper.join().map_err(|_| "a worker of the forwarder crashed; its message is on standard error")??;
            for (count, other) in sum.rules.iter_mut().zip(&counted.rules) {
                *count = count.and(other);
            }
            sum.accounts.extend(counted.accounts);
        }
        Ok(Done::Forwarded(sum))
    })
}

/// A worker of several has a core to itself, in the order they are given; where there is none for each, the kernel places them.
fn scheduling_of(order: &Forward, number: usize) -> Scheduling {
    let cpus = &order.scheduling.cpus;
    let own = cpus.get(number).filter(|_| order.workers > 1 && cpus.len() >= order.workers as usize);
    let cpus = own.map_or_else(|| cpus.clone(), |own| vec![*own]);
    Scheduling { cpus, lock_memory: order.scheduling.lock_memory && number == 0, ..order.scheduling.clone() }
}

impl From<ForwardError> for Reason {
    fn from(error: ForwardError) -> Self {
        match error {
            ForwardError::Port(error) => error.into(),
            error => Self::Failed(error.to_string()),
        }
    }
}

type Thread<'scope> = ScopedJoinHandle<'scope, Result<Forwarded, Reason>>;

/// A thread that waits to be told to start; it ends when that can come no more.
struct Helper<'scope> {
    thread: Thread<'scope>,
    start: Sender<Arc<Stop>>,
}

impl<'scope> Helper<'scope> {
    /// Starts it; what was not granted to it.
    fn start<'env>(
        scope: &'scope Scope<'scope, 'env>,
        number: usize,
        worker: Worker,
        scheduling: Scheduling,
    ) -> Result<(Self, Vec<String>), Reason> {
        let (start, started) = mpsc::channel();
        let (ready, is_ready) = mpsc::channel();
        let task = move || work(worker, &scheduling, &ready, &started);
        let thread = Builder::new().name(format!("packets-{number}")).spawn_scoped(scope, task);
        let thread = thread.map_err(|error| format!("no thread could be started for worker {number}: {error}"))?;
        let refused = is_ready.recv().map_err(|_| format!("worker {number} ended before it began"))?;
        Ok((Self { thread, start }, refused))
    }

    /// Tells it to start.
    fn run(self, stop: &Arc<Stop>) -> Thread<'scope> {
        // A thread that is gone already has its reason in its result.
        let _ = self.start.send(Arc::clone(stop));
        self.thread
    }
}

fn work(
    worker: Worker,
    scheduling: &Scheduling,
    ready: &Sender<Vec<String>>,
    started: &Receiver<Arc<Stop>>,
) -> Result<Forwarded, Reason> {
    let mut refused = Vec::from_iter(realtime::pin(&scheduling.cpus));
    refused.extend(undisturbed(scheduling));
    let abandoned = "the order was dropped before it was started";
    ready.send(refused).map_err(|_| abandoned)?;
    let stop = started.recv().map_err(|_| abandoned)?;
    Ok(worker.run(&stop))
}
