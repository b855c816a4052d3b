//! Sending by an AF_PACKET socket, several frames in one system call: sendmmsg(2).

pub(super) mod queue;

use rustix::io::Errno;

use super::{AROUND, PacketSocket, PortError, Transmit, socket};
use queue::Queue;

/// Frames of a call at most: the share of the call that a frame bears is small by then, and the frames stay in the first cache.
pub(super) const FRAMES: usize = 32;

/// A socket that sends frames as they are on one interface, and keeps copies of them until told to hand them over.
///
/// It is opened as [`PacketSocket`] is. A frame that waits alone leaves by sendto(2), which takes less than sendmmsg(2) for one.
#[derive(Debug)]
pub struct PacketBatch {
    socket: PacketSocket,
    queue: Queue<FRAMES>,
}

impl PacketBatch {
    /// Opens a socket on the interface. It receives nothing. Room is made for what the interface's MTU lets through at the time.
    ///
    /// # Errors
    /// As [`PacketSocket::open`].
    pub fn open(interface: &str) -> Result<Self, PortError> {
        let socket = PacketSocket::open(interface)?;
        let mtu = socket::mtu(&socket.0.socket, interface).map_err(|source| PortError::SetUp {
            interface: interface.to_owned(),
            what: "SIOCGIFMTU",
            source,
        })?;
        Ok(Self { socket, queue: Queue::new(mtu.saturating_add(AROUND) as usize) })
    }
}

impl Transmit for PacketBatch {
    const QUEUE: usize = FRAMES;

    #[inline]
    fn send(&mut self, frame: &[u8]) -> Result<(), Errno> {
        self.queue.push(frame)
    }

    #[inline]
    fn queued(&self) -> usize {
        self.queue.len()
    }

    #[inline]
    fn flush(&mut self, refused: impl FnMut(usize, Errno)) {
        self.queue.flush(&self.socket.0.socket, refused);
    }
}
