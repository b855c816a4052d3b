//! The forwarder: what comes in by a rule's interface leaves as the network function decides.

mod any;

use std::os::fd::AsFd;

use rustix::event::{PollFd, PollFlags};
use tailbed_format::function::{Function, Reason};
use tailbed_format::message::{Forwarded, RuleCount};
use tailbed_format::order::{Forward, LARGEST_BATCH, MOST_WORKERS, Wait};

use crate::function::{Buffer, NetworkFunction, TableError};
use crate::port::{self, FanoutGroup, Incoming, PacketRing, PacketSocket, PortError, RING_FRAMES, Receive, Steering, Transmit};
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

/// One worker of a forwarder, ready to begin.
#[derive(Debug)]
pub struct Worker {
    function: AnyFunction,
    ports: Ports<PacketRing, PacketSocket>,
    batch: u32,
    wait: Wait,
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
    let function = AnyFunction::new(&order.function, &order.rules)?;
    let steering = |rule| if rule > 0 && matches!(order.function, Function::Bng(_)) { Steering::Label } else { Steering::Flow };
    let mut groups: Vec<_> = (0..order.rules.len()).map(|rule| FanoutGroup::new(steering(rule))).collect();
    // a slot takes 2 KiB or more, in a guest too: the rings of a node with many ports have no more room together than those of two
    let frames = RING_FRAMES * 2 / u32::try_from(order.rules.len()).unwrap_or(u32::MAX).max(2);
    let mut worker = || {
        let mut ports = Vec::new();
        for (rule, group) in order.rules.iter().zip(&mut groups) {
            let mut ring = PacketRing::open(&rule.receive, frames)?;
            if order.workers > 1 {
                ring.join(group)?;
            }
            ports.push((ring, PacketSocket::open(&rule.transmit)?));
        }
        let wait = order.scheduling.wait;
        Ok(Worker { function: function.clone(), ports: Ports::new(ports), batch: order.batch, wait })
    };
    (0..order.workers).map(|_| worker()).collect()
}

impl Worker {
    /// Forwards until the flag is raised.
    ///
    /// Each direction has a batch of frames at a time, so that none can starve the others. A frame longer than a slot of the ring counts
    /// as malformed; one that the kernel refuses to send is counted and dropped, never kept to be tried again.
    ///
    /// Told to block, the loop sleeps (without a time limit) until a frame comes by any direction or the flag is raised.
    pub fn run(mut self, stop: &Stop) -> Forwarded {
        let wait = self.wait;
        let rest = |rings: &[PacketRing]| {
            if wait == Wait::Block {
                let rings = rings.iter().map(AsFd::as_fd);
                let mut descriptors: Vec<_> =
                    rings.chain([stop.as_fd()]).map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)).collect();
                port::sleep(&mut descriptors, u64::MAX);
            }
        };
        any::run(&mut self.function, &mut self.ports, self.batch, stop, rest);
        Forwarded { rules: self.ports.counts() }
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

/// Moves what is there, within reason; whether there was anything.
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
        let frame = receive.receive(|Incoming { bytes, truncated, .. }| {
            count.received += 1;
            let buffer = match (truncated, F::ROOM) {
                (true, _) => None,
                (false, 0) => Some(Buffer::whole(bytes)),
                (false, room) => Buffer::copied(scratch, bytes, room),
            };
            let Some(mut frame) = buffer else { return count.drop(Reason::Malformed) };
            match function.process(&mut frame, rule) {
                Ok(exit) => match transmit[exit].send(frame.bytes()) {
                    Ok(()) => count.sent += 1,
                    Err(_) => count.send_errors += 1,
                },
                Err(reason) => count.drop(reason),
            }
        });
        if frame.is_none() {
            return taken > 0;
        }
    }
    true
}

#[cfg(test)]
mod tests;
