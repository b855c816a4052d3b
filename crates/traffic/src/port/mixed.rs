//! Ports of which some are interfaces and some are in shared memory. Which it is was settled when the port was opened; a loop asks by a
//! branch that is always taken the same way.

use std::os::fd::AsFd;

use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;
use tailbed_format::memory::MemoryPort;
use tailbed_format::order::Wait;

use super::memory::{self, MemoryReceiver, MemorySender};
use super::packet_ring::{SHORTEST_SLEEP, WAKE_EARLY};
use super::{Incoming, PacketBatch, PacketRing, PacketSocket, PortError, RING_FRAMES, Receive, Rest, Transmit};
use crate::stop::Stop;

/// A way in.
#[derive(Debug)]
pub enum AnyReceiver {
    /// An interface.
    Interface(PacketRing),
    /// Shared memory.
    Memory(MemoryReceiver),
}

impl AnyReceiver {
    /// Opens the port of that name: one of those in memory, else an interface.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open(name: &str, memory: &[MemoryPort]) -> Result<Self, PortError> {
        Ok(match memory.iter().find(|port| port.name == name) {
            Some(port) => Self::Memory(MemoryReceiver::open(port)?),
            None => Self::Interface(PacketRing::open(name, RING_FRAMES)?),
        })
    }
}

impl Receive for AnyReceiver {
    #[inline]
    fn receive<R>(&mut self, take: impl FnOnce(Incoming<'_>) -> R) -> Option<R> {
        match self {
            Self::Interface(ring) => ring.receive(take),
            Self::Memory(memory) => memory.receive(take),
        }
    }

    /// Shared memory cannot tell.
    #[inline]
    fn waiting(&self) -> impl Iterator<Item = &[u8]> {
        let ring = if let Self::Interface(ring) = self { Some(ring) } else { None };
        ring.into_iter().flat_map(Receive::waiting)
    }

    #[inline]
    fn idle(&mut self, wait: Wait, ns: u64, stop: &Stop) -> bool {
        match self {
            Self::Interface(ring) => ring.idle(wait, ns, stop),
            Self::Memory(memory) => memory.idle(wait, ns, stop),
        }
    }

    fn drops(&mut self) -> u64 {
        match self {
            Self::Interface(ring) => ring.drops(),
            Self::Memory(memory) => memory.drops(),
        }
    }
}

/// A way out.
#[derive(Debug)]
pub enum AnySender {
    /// An interface, frame by frame.
    Interface(PacketSocket),
    /// An interface, several frames at once.
    Batch(PacketBatch),
    /// Shared memory.
    Memory(MemorySender),
}

impl AnySender {
    /// Opens the port of that name: one of those in memory, else an interface, which may hand over several frames at once.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open(name: &str, memory: &[MemoryPort], batch: bool) -> Result<Self, PortError> {
        Ok(match memory.iter().find(|port| port.name == name) {
            Some(port) => Self::Memory(MemorySender::open(port)?),
            None if batch => Self::Batch(PacketBatch::open(name)?),
            None => Self::Interface(PacketSocket::open(name)?),
        })
    }
}

impl Transmit for AnySender {
    const QUEUE: usize = PacketBatch::QUEUE;

    #[inline]
    fn send(&mut self, frame: &[u8]) -> Result<(), Errno> {
        match self {
            Self::Interface(socket) => socket.send(frame),
            Self::Batch(socket) => socket.send(frame),
            Self::Memory(memory) => memory.send(frame),
        }
    }

    #[inline]
    fn queued(&self) -> usize {
        if let Self::Batch(socket) = self { socket.queued() } else { 0 }
    }

    #[inline]
    fn flush(&mut self, refused: impl FnMut(usize, Errno)) {
        if let Self::Batch(socket) = self {
            socket.flush(refused);
        }
    }
}

impl Rest for AnyReceiver {
    fn rest(receivers: &[Self], ns: u64, stop: &Stop) -> bool {
        let ns = ns.saturating_sub(WAKE_EARLY);
        if ns < SHORTEST_SLEEP {
            return false;
        }
        let mut descriptors = vec![PollFd::from_borrowed_fd(stop.as_fd(), PollFlags::IN)];
        let mut memory: Vec<&MemoryReceiver> = Vec::with_capacity(receivers.len());
        for receiver in receivers {
            match receiver {
                Self::Interface(ring) => descriptors.push(PollFd::from_borrowed_fd(ring.as_fd(), PollFlags::IN)),
                Self::Memory(receiver) => memory.push(receiver),
            }
        }
        let others = descriptors.len() > 1;
        memory::rest(&memory, &mut descriptors, others, ns);
        true
    }
}
