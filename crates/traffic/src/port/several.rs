//! All ways to the wire of a measuring agent: out by an interface of its own for each stream, in by as many as the streams end at.

use std::os::fd::AsFd;

use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;
use tailbed_format::order::Wait;
use tailbed_format::stream::MOST_STREAMS;

use super::{Incoming, PacketRing, PacketSocket, PortError, RING_FRAMES, Receive, Transmit, packet_ring};
use crate::stop::Stop;

/// So many rings have all their slots; more of them share the memory of these, 32 MiB each at the usual MTU.
const WHOLE_RINGS: u32 = 4;

/// What a measuring loop sends by and receives from. Streams and receiving ends are numbered; a port that is but one way out and one way
/// in carries every stream, and all of them come in by its end 0.
pub trait Wires {
    /// Sends a frame of a stream without waiting.
    ///
    /// # Errors
    /// As [`Transmit::send`].
    fn send_of(&mut self, stream: usize, frame: &[u8]) -> Result<(), Errno>;

    /// Takes the next frame from one of the ends, if there is one, and gives its memory back afterwards. The number is that of the end.
    fn take<R>(&mut self, take: impl FnOnce(usize, Incoming<'_>) -> R) -> Option<R>;

    /// As [`Receive::idle`]; a frame at any end wakes.
    fn rest(&mut self, wait: Wait, ns: u64, stop: &Stop) -> bool;

    /// Frames that found no room at any end since the last call.
    fn dropped(&mut self) -> u64;
}

impl<P: Transmit + Receive> Wires for P {
    #[inline]
    fn send_of(&mut self, _: usize, frame: &[u8]) -> Result<(), Errno> {
        self.send(frame)
    }

    #[inline]
    fn take<R>(&mut self, take: impl FnOnce(usize, Incoming<'_>) -> R) -> Option<R> {
        self.receive(|incoming| take(0, incoming))
    }

    #[inline]
    fn rest(&mut self, wait: Wait, ns: u64, stop: &Stop) -> bool {
        self.idle(wait, ns, stop)
    }

    fn dropped(&mut self) -> u64 {
        self.drops()
    }
}

/// A way out for each stream, and the ends that they come in by.
#[derive(Debug)]
pub struct Several<T, R> {
    transmit: Vec<T>,
    receive: Vec<R>,
    /// The end that is looked at first next time: each has its turn, so that a busy one cannot hold up the others.
    turn: usize,
}

impl<T, R> Several<T, R> {
    /// Stream n leaves by the n-th of `transmit`; ends are numbered as `receive` has them. No more than [`MOST_STREAMS`] ends are slept on.
    pub fn new(transmit: Vec<T>, receive: Vec<R>) -> Self {
        Self { transmit, receive, turn: 0 }
    }
}

impl Several<PacketSocket, PacketRing> {
    /// Opens a socket on each interface to send by, and a ring on each to receive from.
    ///
    /// # Errors
    /// As [`PacketSocket::open`] and [`PacketRing::open`].
    pub fn open(transmit: &[String], receive: &[String]) -> Result<Self, PortError> {
        let sockets = transmit.iter().map(|interface| PacketSocket::open(interface)).collect::<Result<_, _>>()?;
        let frames = RING_FRAMES * WHOLE_RINGS / u32::try_from(receive.len()).unwrap_or(u32::MAX).max(WHOLE_RINGS);
        let rings = receive.iter().map(|interface| PacketRing::open(interface, frames)).collect::<Result<_, _>>()?;
        Ok(Self::new(sockets, rings))
    }
}

impl<T: Transmit, R: Receive + AsFd> Wires for Several<T, R> {
    #[inline]
    fn send_of(&mut self, stream: usize, frame: &[u8]) -> Result<(), Errno> {
        self.transmit[stream].send(frame)
    }

    #[inline]
    fn take<A>(&mut self, take: impl FnOnce(usize, Incoming<'_>) -> A) -> Option<A> {
        let mut take = Some(take);
        for step in 0..self.receive.len() {
            let end = (self.turn + step) % self.receive.len();
            let taken = self.receive[end].receive(|incoming| take.take().map(|take| take(end, incoming)));
            if taken.is_some() {
                self.turn = end + 1;
                return taken.flatten();
            }
        }
        None
    }

    /// On the stack: a loop allocates nothing.
    fn rest(&mut self, wait: Wait, ns: u64, stop: &Stop) -> bool {
        if wait != Wait::Block {
            return false;
        }
        let ends = &self.receive[..self.receive.len().min(MOST_STREAMS)];
        let descriptor = |at: usize| ends.get(at).map_or_else(|| stop.as_fd(), AsFd::as_fd);
        let mut all: [PollFd<'_>; MOST_STREAMS + 1] =
            std::array::from_fn(|at| PollFd::from_borrowed_fd(descriptor(at), PollFlags::IN));
        packet_ring::sleep(&mut all[..=ends.len()], ns)
    }

    fn dropped(&mut self) -> u64 {
        self.receive.iter_mut().map(Receive::drops).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::BorrowedFd;

    struct Sent(Vec<u8>);

    impl Transmit for Sent {
        fn send(&mut self, frame: &[u8]) -> Result<(), Errno> {
            self.0.extend(frame);
            Ok(())
        }
    }

    /// Frames that wait, and a descriptor that is ready as long as there are any, as a ring's is.
    struct Waiting {
        frames: Vec<u8>,
        ready: Stop,
    }

    impl Waiting {
        fn with(frames: &[u8]) -> Self {
            let ready = Stop::new().unwrap();
            if !frames.is_empty() {
                ready.raise();
            }
            Self { frames: frames.to_vec(), ready }
        }
    }

    impl Receive for Waiting {
        fn receive<R>(&mut self, take: impl FnOnce(Incoming<'_>) -> R) -> Option<R> {
            let mut frame = [self.frames.pop()?];
            Some(take(Incoming { bytes: &mut frame, stamp: 0, truncated: false }))
        }

        fn idle(&mut self, _: Wait, _: u64, _: &Stop) -> bool {
            false
        }

        fn drops(&mut self) -> u64 {
            3
        }
    }

    impl AsFd for Waiting {
        fn as_fd(&self) -> BorrowedFd<'_> {
            self.ready.as_fd()
        }
    }

    #[test]
    fn each_stream_has_its_way_out_and_ends_take_turns() {
        let ends = [&[1, 1, 1][..], &[], &[2, 2]].map(Waiting::with);
        let mut wires = Several::new(vec![Sent(vec![]), Sent(vec![])], ends.into());
        wires.send_of(1, &[9]).unwrap();
        wires.send_of(0, &[8]).unwrap();
        assert_eq!((&wires.transmit[0].0, &wires.transmit[1].0), (&vec![8], &vec![9]));
        let taken: Vec<_> = std::iter::from_fn(|| wires.take(|end, incoming| (end, incoming.bytes[0]))).collect();
        assert_eq!(taken, [(0, 1), (2, 2), (0, 1), (2, 2), (0, 1)]);
        assert_eq!(wires.dropped(), 9);
    }

    #[test]
    fn a_frame_at_any_end_ends_the_sleep() {
        let stop = Stop::new().unwrap();
        let mut wires = Several::new(vec![Sent(vec![])], [&[][..], &[5]].map(Waiting::with).into());
        assert!(!wires.rest(Wait::Spin, u64::MAX, &stop));
        // would not return for centuries if nothing woke it
        assert!(wires.rest(Wait::Block, u64::MAX, &stop));
        let mut idle = Several::new(vec![Sent(vec![])], [&[][..], &[]].map(Waiting::with).into());
        stop.raise();
        assert!(idle.rest(Wait::Block, u64::MAX, &stop));
    }
}
