//! Both directions of a measuring agent: out by one interface, in by another.

use rustix::io::Errno;
use tailbed_format::order::Wait;

use super::{Incoming, PacketRing, PacketSocket, PortError, RING_FRAMES, Receive, Transmit};
use crate::stop::Stop;

/// A socket to send by and a ring to receive from.
#[derive(Debug)]
pub struct Interfaces {
    socket: PacketSocket,
    ring: PacketRing,
}

impl Interfaces {
    /// Opens both; they may be the same interface.
    ///
    /// # Errors
    /// As [`PacketSocket::open`] and [`PacketRing::open`].
    pub fn open(transmit: &str, receive: &str) -> Result<Self, PortError> {
        Ok(Self { socket: PacketSocket::open(transmit)?, ring: PacketRing::open(receive, RING_FRAMES)? })
    }

    /// Opens both; packet sockets see the frames leave ([`PacketSocket::open_shown`]).
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_shown(transmit: &str, receive: &str) -> Result<Self, PortError> {
        Ok(Self { socket: PacketSocket::open_shown(transmit)?, ring: PacketRing::open(receive, RING_FRAMES)? })
    }
}

impl Transmit for Interfaces {
    #[inline]
    fn send(&mut self, frame: &[u8]) -> Result<(), Errno> {
        self.socket.send(frame)
    }
}

impl Receive for Interfaces {
    #[inline]
    fn receive<R>(&mut self, take: impl FnOnce(Incoming<'_>) -> R) -> Option<R> {
        self.ring.receive(take)
    }

    #[inline]
    fn idle(&mut self, wait: Wait, ns: u64, stop: &Stop) -> bool {
        self.ring.idle(wait, ns, stop)
    }

    fn drops(&mut self) -> u64 {
        self.ring.drops()
    }
}
