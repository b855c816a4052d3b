//! The forwarder: what comes in by a rule's interface leaves as the rule says.

use std::os::fd::AsFd;

use rustix::event::{PollFd, PollFlags};
use tailbed_format::mac::MacAddress;
use tailbed_format::message::{Forwarded, RuleCount};
use tailbed_format::order::{Forward, ForwardRule, Function, Wait};

use crate::packet::ethernet;
use crate::port::{self, Incoming, PacketRing, PacketSocket, PortError, RING_FRAMES, Receive, Transmit};
use crate::stop::Stop;

/// Frames taken from one direction before the other has its turn.
const BURST: u32 = 32;

/// A forwarder could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum ForwardError {
    /// Nothing to forward.
    #[error("the forwarder has no rules; give it at least one direction")]
    NoRules,
    /// Two rules would each receive every frame of the interface.
    #[error("two rules of the forwarder receive on interface `{0}`; give it one rule per interface")]
    Twice(String),
    /// A port could not be opened.
    #[error(transparent)]
    Port(#[from] PortError),
}

/// One direction: its ports, what is written into the frames, and what was counted.
#[derive(Debug)]
pub struct Direction<R, T> {
    receive: R,
    transmit: T,
    source: MacAddress,
    destination: MacAddress,
    count: RuleCount,
}

impl<R: Receive, T: Transmit> Direction<R, T> {
    /// A direction from one port to another, with the addresses that its frames get.
    pub fn new(receive: R, transmit: T, source: MacAddress, destination: MacAddress) -> Self {
        Self { receive, transmit, source, destination, count: RuleCount::default() }
    }
}

/// Opens the ports of a forwarder.
///
/// # Errors
/// When the rules make no sense together, or a port cannot be opened.
pub fn open(order: &Forward) -> Result<Vec<Direction<PacketRing, PacketSocket>>, ForwardError> {
    if order.rules.is_empty() {
        return Err(ForwardError::NoRules);
    }
    for (index, rule) in order.rules.iter().enumerate() {
        if order.rules[..index].iter().any(|earlier| earlier.receive == rule.receive) {
            return Err(ForwardError::Twice(rule.receive.clone()));
        }
    }
    let open = |rule: &ForwardRule| {
        let (receive, transmit) = (PacketRing::open(&rule.receive, RING_FRAMES)?, PacketSocket::open(&rule.transmit)?);
        Ok(Direction::new(receive, transmit, rule.source, rule.destination))
    };
    order.rules.iter().map(open).collect()
}

/// Forwards until the flag is raised.
///
/// Each direction has up to 32 frames at a time, so that neither can starve the other. Frames are changed and sent where they lie
/// in the receive ring. A frame too short for an Ethernet header, or longer than a slot of the ring, counts as malformed; one that
/// the kernel refuses to send is counted and dropped, never kept to be tried again.
///
/// Told to block, the loop sleeps (without a time limit) until a frame comes by any direction or the flag is raised.
pub fn run(function: Function, directions: &mut [Direction<PacketRing, PacketSocket>], wait: Wait, stop: &Stop) -> Forwarded {
    relay(function, directions, stop, |directions| {
        if wait == Wait::Block {
            let rings = directions.iter().map(|direction| direction.receive.as_fd());
            let mut descriptors: Vec<_> =
                rings.chain([stop.as_fd()]).map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)).collect();
            port::sleep(&mut descriptors, u64::MAX);
        }
    })
}

/// The loop, over any ports; `rest` is called when no direction had anything.
fn relay<R: Receive, T: Transmit>(
    function: Function,
    directions: &mut [Direction<R, T>],
    stop: &Stop,
    mut rest: impl FnMut(&[Direction<R, T>]),
) -> Forwarded {
    while !stop.is_raised() {
        let mut moved = false;
        for direction in &mut *directions {
            moved |= match function {
                Function::L2fwd => burst(direction, l2fwd),
            };
        }
        if !moved {
            rest(directions);
        }
    }
    let rules = directions.iter_mut().map(|direction| RuleCount { receive_drops: direction.receive.drops(), ..direction.count });
    Forwarded { rules: rules.collect() }
}

/// Moves what is there, within reason; whether there was anything.
#[inline]
fn burst<R: Receive, T: Transmit>(
    direction: &mut Direction<R, T>,
    rewrite: impl Fn(&mut [u8], MacAddress, MacAddress) -> Option<()>,
) -> bool {
    let Direction { receive, transmit, source, destination, count } = direction;
    for taken in 0..BURST {
        let frame = receive.receive(|Incoming { bytes, truncated, .. }| {
            count.received += 1;
            if truncated || rewrite(bytes, *source, *destination).is_none() {
                count.malformed += 1;
                return;
            }
            match transmit.send(bytes) {
                Ok(()) => count.sent += 1,
                Err(_) => count.send_errors += 1,
            }
        });
        if frame.is_none() {
            return taken > 0;
        }
    }
    true
}

/// Layer-2 forwarding: both addresses are written anew. `None` when the frame has no room for them.
#[inline]
fn l2fwd(frame: &mut [u8], source: MacAddress, destination: MacAddress) -> Option<()> {
    let mut frame = ethernet::Frame::parse(frame)?;
    frame.set_source(source);
    frame.set_destination(destination);
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rustix::io::Errno;
    use std::collections::VecDeque;

    struct Waiting(VecDeque<(Vec<u8>, bool)>);

    impl Receive for Waiting {
        fn receive<R>(&mut self, take: impl FnOnce(Incoming<'_>) -> R) -> Option<R> {
            let (mut bytes, truncated) = self.0.pop_front()?;
            Some(take(Incoming { bytes: &mut bytes, stamp: 0, truncated }))
        }

        fn idle(&mut self, _: Wait, _: u64, _: &Stop) -> bool {
            false
        }

        fn drops(&mut self) -> u64 {
            3
        }
    }

    #[derive(Default)]
    struct Sent {
        frames: Vec<Vec<u8>>,
        room: usize,
    }

    impl Transmit for Sent {
        fn send(&mut self, frame: &[u8]) -> Result<(), Errno> {
            if self.frames.len() == self.room {
                return Err(Errno::NOBUFS);
            }
            self.frames.push(frame.to_vec());
            Ok(())
        }
    }

    fn direction(frames: Vec<(Vec<u8>, bool)>, room: usize) -> Direction<Waiting, Sent> {
        let sent = Sent { frames: Vec::new(), room };
        Direction::new(Waiting(frames.into()), sent, MacAddress([1; 6]), MacAddress([2; 6]))
    }

    /// Forwards everything there is.
    fn forward(directions: &mut [Direction<Waiting, Sent>]) -> Vec<RuleCount> {
        let stop = Stop::new().unwrap();
        relay(Function::L2fwd, directions, &stop, |_| stop.raise()).rules
    }

    #[test]
    fn addresses_are_rewritten_and_the_rest_is_left_alone() {
        let mut directions = [direction(vec![((0..60).collect(), false)], 1)];
        forward(&mut directions);
        let expected: Vec<u8> = [2; 6].into_iter().chain([1; 6]).chain(12..60).collect();
        assert_eq!(directions[0].transmit.frames, [expected]);
    }

    #[test]
    fn every_frame_is_accounted_for() {
        let frames = vec![(vec![0; 60], false), (vec![0; 13], false), (vec![0; 60], true), (vec![0; 14], false), (vec![], false)];
        let both = &mut [direction(frames.clone(), 1), direction(vec![(vec![0; 60], false); 100], 100)];
        let counts = forward(both);
        assert_eq!(counts[0], RuleCount { received: 5, sent: 1, malformed: 3, send_errors: 1, receive_drops: 3 });
        assert_eq!(counts[1], RuleCount { received: 100, sent: 100, malformed: 0, send_errors: 0, receive_drops: 3 });
    }

    proptest! {
        #[test]
        fn any_bytes_are_forwarded_or_refused(mut bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let length = bytes.len();
            let done = l2fwd(&mut bytes, MacAddress([1; 6]), MacAddress([2; 6]));
            prop_assert_eq!(done.is_some(), length >= ethernet::HEADER);
            prop_assert_eq!(bytes.len(), length);
        }
    }

    #[test]
    fn rules_that_share_an_interface_are_refused() {
        let rule = |receive: &str| ForwardRule {
            receive: receive.to_owned(),
            transmit: "lo".to_owned(),
            source: MacAddress([1; 6]),
            destination: MacAddress([2; 6]),
        };
        let scheduling =
            tailbed_format::order::Scheduling { cpus: vec![], priority: None, lock_memory: false, wait: Wait::Block };
        let order = |rules| Forward { function: Function::L2fwd, rules, scheduling: scheduling.clone() };
        assert!(matches!(open(&order(vec![])), Err(ForwardError::NoRules)));
        assert!(matches!(open(&order(vec![rule("a"), rule("a")])), Err(ForwardError::Twice(name)) if name == "a"));
    }
}
