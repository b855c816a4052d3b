//! Sending by an AF_PACKET socket, several frames in one system call: sendmmsg(2).

mod queue;

use rustix::io::Errno;
use rustix::net::{SendFlags, send};

use super::{AROUND, PacketSocket, PortError, Transmit, socket};
use queue::Queue;

/// Frames of a call at most: the share of the call that a frame bears is small by then, and the frames stay in the first cache.
const FRAMES: usize = 32;

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
    fn flush(&mut self, mut refused: impl FnMut(usize, Errno)) {
        if let Some(only) = self.queue.only() {
            send(&self.socket.0.socket, only, SendFlags::DONTWAIT).map_or_else(|error| refused(0, error), drop);
        } else {
            let mut next = 0;
            while next < self.queue.len() {
                match self.queue.send(&self.socket.0.socket, next) {
                    Ok(sent) => next += sent,
                    // The call ends at the first frame that is refused; those behind it are tried by themselves.
                    Err(error) => {
                        refused(next, error);
                        next += 1;
                    }
                }
            }
        }
        self.queue.clear();
    }
}
