//! Ways to the wire. Loops are generic over the traits here and are compiled for each port by itself.

mod interfaces;
mod packet_blocks;
mod packet_ring;
mod packet_socket;
mod simulated;
mod socket;

use rustix::io::Errno;
use tailbed_format::order::Wait;

pub use interfaces::Interfaces;
pub use packet_blocks::{Block, BlockFrame, BlockRing, PacketBlocks, Passing};
pub(crate) use packet_ring::sleep;
pub use packet_ring::{FanoutGroup, PacketRing, RING_FRAMES, Steering};
pub use packet_socket::PacketSocket;
pub use simulated::{Bottleneck, Fate, SimulatedClock, SimulatedPort, WireModel};

use crate::stop::Stop;

/// Sends frames.
pub trait Transmit {
    /// Sends one frame without waiting.
    ///
    /// # Errors
    /// When the kernel refuses the frame: no room (`EAGAIN`, `ENOBUFS`), interface down (`ENETDOWN`), too long (`EMSGSIZE`).
    fn send(&mut self, frame: &[u8]) -> Result<(), Errno>;
}

/// Receives frames.
pub trait Receive {
    /// Takes the next frame, if there is one, and gives its memory back afterwards.
    fn receive<R>(&mut self, take: impl FnOnce(Incoming<'_>) -> R) -> Option<R>;

    /// Passes the time while there is nothing to do, for at most `ns` nanoseconds; may return at once, and then says `false`. Sleeps
    /// only when told to [`Wait::Block`], and then wakes when a frame comes or the flag is raised.
    fn idle(&mut self, wait: Wait, ns: u64, stop: &Stop) -> bool;

    /// Frames that found no room since the last call.
    fn drops(&mut self) -> u64;
}

/// A frame just received.
#[derive(Debug)]
pub struct Incoming<'a> {
    /// Its bytes, which may be changed in place.
    pub bytes: &'a mut [u8],
    /// The kernel's receive stamp: `CLOCK_REALTIME`, ns since 1970.
    pub stamp: u64,
    /// The frame was longer than the ring's slots: bytes are missing at its end.
    pub truncated: bool,
}

/// A port could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum PortError {
    /// The kernel does not let this process open packet sockets.
    #[error(
        "interface `{interface}`: opening a packet socket was refused ({source}); it needs CAP_NET_RAW: run as root, or in a user \
         namespace of its own"
    )]
    NotPermitted {
        /// The interface.
        interface: String,
        /// The kernel's reason.
        source: std::io::Error,
    },
    /// There is no interface of this name in the network namespace.
    #[error("interface `{interface}` does not exist in this network namespace ({source}); `ip link` lists those that do")]
    NoInterface {
        /// The interface.
        interface: String,
        /// The kernel's reason.
        source: std::io::Error,
    },
    /// A step of setting the socket up failed.
    #[error("interface `{interface}`: {what} failed: {source}")]
    SetUp {
        /// The interface.
        interface: String,
        /// What was being done, with the name of the option or call.
        what: &'static str,
        /// The kernel's reason.
        source: std::io::Error,
    },
}
