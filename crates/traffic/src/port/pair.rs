//! Both directions of a measuring agent: out by one port, in by another.

use rustix::io::Errno;
use tailbed_format::order::Wait;

use super::{Incoming, PacketRing, PacketSocket, PortError, RING_FRAMES, Receive, Transmit};
use crate::stop::Stop;

/// A port to send by and one to receive from.
#[derive(Debug)]
pub struct Pair<R, T> {
    /// Receives.
    pub receive: R,
    /// Sends.
    pub transmit: T,
}

impl Pair<PacketRing, PacketSocket> {
    /// The ports of least latency; they may be on the same interface.
    ///
    /// # Errors
    /// As [`PacketSocket::open`] and [`PacketRing::open`].
    pub fn open(transmit: &str, receive: &str) -> Result<Self, PortError> {
        Ok(Self { transmit: PacketSocket::open(transmit)?, receive: PacketRing::open(receive, RING_FRAMES)? })
    }
}

impl<R, T: Transmit> Transmit for Pair<R, T> {
    const QUEUE: usize = T::QUEUE;

    #[inline]
    fn send(&mut self, frame: &[u8]) -> Result<(), Errno> {
        self.transmit.send(frame)
    }

    #[inline]
    fn queued(&self) -> usize {
        self.transmit.queued()
    }

    #[inline]
    fn flush(&mut self, refused: impl FnMut(usize, Errno)) {
        self.transmit.flush(refused);
    }
}

impl<R: Receive, T> Receive for Pair<R, T> {
    #[inline]
    fn receive<V>(&mut self, take: impl FnOnce(Incoming<'_>) -> V) -> Option<V> {
        self.receive.receive(take)
    }

    #[inline]
    fn idle(&mut self, wait: Wait, ns: u64, stop: &Stop) -> bool {
        self.receive.idle(wait, ns, stop)
    }

    fn drops(&mut self) -> u64 {
        self.receive.drops()
    }
}
