//! The forwarder: what comes in by a rule's interface leaves as the network function decides.

mod any;

use std::fmt;

use tailbed_format::function::{Function, Reason};
use tailbed_format::message::{Forwarded, RuleCount};
use tailbed_format::order::{Forward, LARGEST_BATCH, MOST_WORKERS, Wait};

use crate::account;
use crate::function::{AHEAD, Buffer, NetworkFunction, TableError};
use crate::port::{self, FanoutGroup, Incoming, Opened, PortError, Receive, Rest, Steering, Transmit, Use, Wired};
use crate::stop::Stop;
use any::AnyFunction;

/// Most bytes of a frame that a function can work on in memory of its own: more than any MTU of Ethernet.
const LARGEST_FRAME: usize = 16 * 1024;

/// A forwarder could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum ForwardError {
    /// Nothing to forward.
    #[error("the forwarder has no rules; give it at least one direction")]
    NoRules,
    /// Two rules would each receive every frame of the interface.
    #[error("two rules of the forwarder receive on interface `{0}`; give it one rule per interface")]
    Twice(String),
    /// No worker, or too many.
    #[error("the forwarder is to have {0} workers; it can have 1 to {MOST_WORKERS}")]
    Workers(u32),
    /// No frame at a time, or too many.
    #[error("the forwarder is to take {0} frames at a time; it can take 1 to {LARGEST_BATCH}")]
    Batch(u32),
    /// Several workers, and a ring that only one can read.
    #[error("the forwarder is to have {0} workers, and a port in shared memory has one reader; leave it one worker")]
    Shared(u32),
    /// A port could not be opened.
    #[error(transparent)]
    Port(#[from] PortError),
    /// A table cannot be used.
    #[error("{0}")]
    Table(#[from] TableError),
}

/// The ports of one worker, what it counted, and memory for frames that change their length.
#[derive(Debug)]
pub struct Ports<R, T> {
    receive: Vec<R>,
    transmit: Vec<T>,
    counts: Vec<RuleCount>,
    scratch: Box<[u8]>,
}

impl<R: Receive, T: Transmit> Ports<R, T> {
    /// Ports that receive and transmit by the rules, one of each per rule.
    pub fn new(rules: impl IntoIterator<Item = (R, T)>) -> Self {
        let (receive, transmit): (Vec<R>, Vec<T>) = rules.into_iter().unzip();
        Self { counts: vec![RuleCount::default(); receive.len()], receive, transmit, scratch: vec![0; LARGEST_FRAME].into() }
    }

    /// What was counted so far, by rule.
    pub fn counts(&mut self) -> Vec<RuleCount> {
        let drops: Vec<u64> = self.receive.iter_mut().map(Receive::drops).collect();
        for (count, drops) in self.counts.iter_mut().zip(drops) {
            count.receive_drops += drops;
        }
        self.counts.clone()
    }
}

/// One worker of a forwarder, ready to begin: its loop for the ports it has, which is called once.
pub struct Worker {
    run: Box<dyn FnOnce(&Stop) -> Forwarded + Send>,
    opened: Opened,
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker").field("opened", &self.opened).finish_non_exhaustive()
    }
}

/// Opens the ports and makes the tables of a forwarder: as many workers as the order asks for.
///
/// Several workers have a ring each on every interface, and the kernel deals the frames out (packet(7), `PACKET_FANOUT`): by the hash of
/// their flow, so that a flow's frames stay with one worker and in order; downstream through a gateway, where all packets are of one
/// tunnel, by label.
///
/// # Errors
/// When the rules make no sense together, a table cannot be used, or a port cannot be opened.
pub fn open(order: &Forward) -> Result<Vec<Worker>, ForwardError> {
    if order.rules.is_empty() {
        return Err(ForwardError::NoRules);
    }
    for (index, rule) in order.rules.iter().enumerate() {
        if order.rules[..index].iter().any(|earlier| earlier.receive == rule.receive) {
            return Err(ForwardError::Twice(rule.receive.clone()));
        }
    }
    if !(1..=MOST_WORKERS).contains(&order.workers) {
        return Err(ForwardError::Workers(order.workers));
    }
    if !(1..=LARGEST_BATCH).contains(&order.batch) {
        return Err(ForwardError::Batch(order.batch));
    }
    // a ring in shared memory has one reader, and nobody deals its frames out
    if order.workers > 1 && !order.memory.is_empty() {
        return Err(ForwardError::Shared(order.workers));
    }
    let function = AnyFunction::new(&order.function, &order.rules)?;
    let steering = |rule| if rule > 0 && matches!(order.function, Function::Bng(_)) { Steering::Label } else { Steering::Flow };
    let mut groups: Vec<_> = (0..order.rules.len()).map(|rule| FanoutGroup::new(steering(rule))).collect();
    let receive: Vec<_> = order.rules.iter().map(|rule| rule.receive.as_str()).collect();
    let transmit: Vec<_> = order.rules.iter().map(|rule| rule.transmit.as_str()).collect();
    let wires = Wired { receive: &receive, transmit: &transmit, memory: &order.memory, sockets: &order.sockets, shown: false };
    let mut worker = || {
        let groups = (order.workers > 1).then_some(groups.as_mut_slice());
        let making = Making { function: function.clone(), batch: order.batch, wait: order.scheduling.wait };
        Ok(port::open(order.ports, wires, groups, making)?)
    };
    (0..order.workers).map(|_| worker()).collect()
}

/// What a worker is made of besides its ports.
struct Making {
    function: AnyFunction,
    batch: u32,
    wait: Wait,
}

impl Use for Making {
    type Output = Worker;

    fn with<R, T>(self, receive: Vec<R>, transmit: Vec<T>, opened: &Opened) -> Worker
    where
        R: Receive + Rest + fmt::Debug + Send + 'static,
        T: Transmit + fmt::Debug + Send + 'static,
    {
        let Self { mut function, batch, wait } = self;
        let mut ports = Ports::new(receive.into_iter().zip(transmit));
        let run = move |stop: &Stop| {
            let rest = |receivers: &[R]| {
                if wait == Wait::Block {
                    R::rest(receivers, u64::MAX, stop);
                }
            };
            let before = account::now();
            any::run(&mut function, &mut ports, batch, stop, rest);
            Forwarded { rules: ports.counts(), accounts: vec![account::since(&before)] }
        };
        Worker { run: Box::new(run), opened: opened.clone() }
    }
}

impl Worker {
    /// Which ports it has.
    pub fn opened(&self) -> &Opened {
        &self.opened
    }

    /// Forwards until the flag is raised.
    ///
    /// Each direction has a batch of frames at a time, so that none can starve the others. A frame longer than a slot of the ring counts
    /// as malformed; one that the kernel refuses to send is counted and dropped, never kept to be tried again.
    ///
    /// Told to block, the loop sleeps (without a time limit) until a frame comes by any direction or the flag is raised.
    pub fn run(self, stop: &Stop) -> Forwarded {
        (self.run)(stop)
    }
}

/// The loop, over any function and ports; `rest` is called when no direction had anything.
pub fn relay<R: Receive, T: Transmit>(
    function: &mut impl NetworkFunction,
    ports: &mut Ports<R, T>,
    batch: u32,
    stop: &Stop,
    mut rest: impl FnMut(&[R]),
) {
    while !stop.is_raised() {
        let mut moved = false;
        for rule in 0..ports.receive.len() {
            moved |= burst(function, ports, rule, batch);
        }
        if !moved {
            rest(&ports.receive);
        }
    }
}

/// Moves what is there, within reason; whether there was anything. What was queued on the way leaves before this returns: a frame waits for
/// those of its batch that had come with it, and for no other.
#[inline]
fn burst<F: NetworkFunction, R: Receive, T: Transmit>(
    function: &mut F,
    ports: &mut Ports<R, T>,
    rule: usize,
    batch: u32,
) -> bool {
    let Ports { receive, transmit, counts, scratch } = ports;
    let (receive, count) = (&mut receive[rule], &mut counts[rule]);
    for taken in 0..batch {
        if F::LOOKS_AHEAD && (taken as usize).is_multiple_of(AHEAD) {
            function.look_ahead(receive.waiting().take(AHEAD), rule);
        }
        let frame = receive.receive(|Incoming { bytes, truncated, .. }| {
            count.received += 1;
            let buffer = match (truncated, F::ROOM) {
                (true, _) => None,
                (false, 0) => Some(Buffer::whole(bytes)),
                (false, room) => Buffer::copied(scratch, bytes, room),
            };
            let Some(mut frame) = buffer else { return count.drop(Reason::Malformed) };
            match function.process(&mut frame, rule) {
                Ok(exit) => {
                    let port = &mut transmit[exit];
                    match port.send(frame.bytes()) {
                        Ok(()) => count.sent += 1,
                        Err(_) => count.send_errors += 1,
                    }
                    if T::QUEUE > 0 && port.queued() >= T::QUEUE {
                        flush(port, count);
                    }
                }
                Err(reason) => count.drop(reason),
            }
        });
        if frame.is_none() {
            flush_all(transmit, count);
            return taken > 0;
        }
    }
    flush_all(transmit, count);
    true
}

#[inline]
fn flush_all<T: Transmit>(transmit: &mut [T], count: &mut RuleCount) {
    if T::QUEUE > 0 {
        transmit.iter_mut().filter(|port| port.queued() > 0).for_each(|port| flush(port, count));
    }
}

/// What was counted as sent when it was queued, and then refused, was not.
#[inline]
fn flush<T: Transmit>(port: &mut T, count: &mut RuleCount) {
    port.flush(|_, _| {
        count.sent -= 1;
        count.send_errors += 1;
    });
}

#[cfg(test)]
mod tests;
