//! Ways to the wire. Loops are generic over the traits here and are compiled for each port by itself.

mod channels;
pub mod memory;
mod mixed;
mod open;
mod packet_batch;
mod packet_blocks;
mod packet_ring;
mod packet_socket;
mod pair;
mod ring_memory;
mod several;
mod simulated;
mod socket;
mod tap;
mod udp;
pub mod xdp;

use std::os::fd::AsFd;

use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;
use tailbed_format::order::Wait;
use tailbed_format::port::Ports;
use tailbed_format::stream::MOST_STREAMS;

pub use mixed::{AnyReceiver, AnySender};
pub use open::{Opened, Use, Wired, open};
pub use packet_batch::PacketBatch;
pub use packet_blocks::PacketBlocks;
pub(crate) use packet_ring::sleep;
pub use packet_ring::{FanoutGroup, PacketRing, RING_FRAMES, Steering};
pub use packet_socket::PacketSocket;
pub use pair::Pair;
pub use several::{Several, Wires};
pub use simulated::{Bottleneck, Fate, SimulatedClock, SimulatedPort, WireModel};
pub(crate) use socket::request;
pub use tap::{Block, BlockFrame, BlockRing, Passing, TapRing};
pub use udp::{UdpReceiver, UdpSender};

use crate::stop::Stop;

/// Bytes around a frame of an interface's MTU that have to be there too: the ring's header and the room before the frame (packet_mmap,
/// "Ring Buffer": some 70), the Ethernet header, and VLAN tags that the sender's interface did not count.
const AROUND: u32 = 128;

/// Sends frames.
///
/// A port may keep frames back to hand over several at once. Whoever sends then calls [`Transmit::flush`] when the queue is full or
/// nothing more is to be sent at this moment, so that no frame waits for one that has not come yet.
pub trait Transmit {
    /// Most frames that wait to be flushed; 0 where each leaves with its call.
    const QUEUE: usize = 0;

    /// Sends one frame without waiting, or queues a copy of it.
    ///
    /// # Errors
    /// When the kernel refuses the frame: no room (`EAGAIN`, `ENOBUFS`), interface down (`ENETDOWN`), too long (`EMSGSIZE`).
    fn send(&mut self, frame: &[u8]) -> Result<(), Errno>;

    /// Frames that wait to be flushed.
    #[inline]
    fn queued(&self) -> usize {
        0
    }

    /// Sends what waits, in order, and waits for nothing. `refused` is called with each frame that the kernel did not take, by its place in
    /// the queue counted from 0, and the kernel's reason; it is not tried again.
    #[inline]
    fn flush(&mut self, refused: impl FnMut(usize, Errno)) {
        let _ = refused;
    }
}

/// Receives frames.
pub trait Receive {
    /// Takes the next frame, if there is one, and gives its memory back afterwards.
    fn receive<R>(&mut self, take: impl FnOnce(Incoming<'_>) -> R) -> Option<R>;

    /// The frames that wait, in order, as far as the port can tell without taking them; a VLAN tag may be missing. What becomes of a frame
    /// must not depend on it.
    #[inline]
    fn waiting(&self) -> impl Iterator<Item = &[u8]> {
        std::iter::empty()
    }

    /// Passes the time while there is nothing to do, for at most `ns` nanoseconds; may return at once, and then says `false`. Sleeps
    /// only when told to [`Wait::Block`], and then wakes when a frame comes or the flag is raised.
    fn idle(&mut self, wait: Wait, ns: u64, stop: &Stop) -> bool;

    /// Frames that found no room since the last call.
    fn drops(&mut self) -> u64;
}

/// Receivers that can be waited for together.
pub trait Rest: Sized {
    /// Sleeps until a frame comes by any of them, the flag is raised or shortly before `ns` nanoseconds have passed; may come back early. Not
    /// at all, and says `false`, when that is near.
    fn rest(receivers: &[Self], ns: u64, stop: &Stop) -> bool;
}

impl<R: Receive + AsFd> Rest for R {
    /// On the stack, for a loop allocates nothing: no more than [`MOST_STREAMS`] receivers are slept on.
    fn rest(receivers: &[Self], ns: u64, stop: &Stop) -> bool {
        let receivers = &receivers[..receivers.len().min(MOST_STREAMS)];
        let descriptor = |at: usize| receivers.get(at).map_or_else(|| stop.as_fd(), AsFd::as_fd);
        let mut all: [PollFd<'_>; MOST_STREAMS + 1] =
            std::array::from_fn(|at| PollFd::from_borrowed_fd(descriptor(at), PollFlags::IN));
        sleep(&mut all[..=receivers.len()], ns)
    }
}

/// A frame just received.
#[derive(Debug)]
pub struct Incoming<'a> {
    /// Its bytes, which may be changed in place.
    pub bytes: &'a mut [u8],
    /// The kernel's receive stamp: `CLOCK_REALTIME`, ns since 1970. Of a link in shared memory, the sender's when it had written the frame,
    /// or the receiver's when it took it, where the sender is under another kernel.
    pub stamp: u64,
    /// The frame was longer than the ring's slots: bytes are missing at its end.
    pub truncated: bool,
}

/// A port could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum PortError {
    /// A port in shared memory.
    #[error(transparent)]
    Memory(#[from] memory::MemoryError),
    /// The kernel does not let this process open packet sockets.
    #[error(
        "interface `{interface}`: opening a packet socket was refused ({source}); it needs CAP_NET_RAW: run as root, or in a user \
         namespace of its own, or without packet sockets: port = {{ send = \"udp\", receive = \"udp\" }}"
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
    /// Frames of the interface do not fit into the memory of this kind of port.
    #[error(
        "interface `{interface}` lets packets of {mtu} bytes through, and this kind of port has room for {most} at most; give the interface \
         a lower MTU, or use the port `packet`"
    )]
    TooLong {
        /// The interface.
        interface: String,
        /// Its MTU, bytes.
        mtu: u32,
        /// The highest MTU there is room for, bytes.
        most: u32,
    },
    /// An AF_XDP socket belongs to one queue.
    #[error(
        "interface `{interface}` receives on {queues} queues, and an AF_XDP port on one; give it one \
         (ethtool -L {interface} combined 1), or receive by the port `packet`"
    )]
    Queues {
        /// The interface.
        interface: String,
        /// How many.
        queues: u32,
    },
    /// Several workers would need a queue each.
    #[error(
        "several workers cannot share an interface by AF_XDP ({0}), which has one socket for each queue; give the node one worker, \
         or the ports `packet-batch` and `packet`"
    )]
    Several(Ports),
    /// Both ends of a link know a datagram by its socket.
    #[error("UDP sockets send only to UDP sockets, and {0} was asked for; write port = {{ send = \"udp\", receive = \"udp\" }}")]
    OnlyUdp(Ports),
    /// One flow cannot be dealt out.
    #[error("several workers cannot share the one flow that a link of UDP sockets has; give the node one worker")]
    SeveralUdp,
    /// An order without the addresses of the sockets.
    #[error("interface `{0}` is to have a UDP socket, and the order names no addresses for it, which is an error in tailbed")]
    NoAddress(String),
    /// Beside a link in memory there are only packet sockets.
    #[error(
        "beside a link in shared memory an interface can have the ports `packet` and `packet-batch`, and {0} was asked for; leave `port` out, \
         or make all links of one kind"
    )]
    BesideMemory(Ports),
    /// What goes past an interface's queue is shown to nobody.
    #[error(
        "a capture has to see frames leave, and only what is sent by the port `packet` is seen; {0} was asked for: leave `port` out"
    )]
    NotShown(Ports),
    /// An AF_XDP socket has one user.
    #[error("interface `{0}` is used twice in one direction, and an AF_XDP port has one user; use the port `packet`")]
    Twice(String),
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
