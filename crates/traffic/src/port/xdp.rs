//! AF_XDP: frames in memory that the kernel and this process share (kernel documentation, networking/af_xdp).
//!
//! What is sent goes past the protocol layers and queues to the driver. What comes in is redirected by a program of ours (`program.rs`)
//! before the host's network stack sees it: none of it reaches the kernel's own protocols, or a packet socket, while the port is open.

mod program;
mod receive;
mod ring;
mod transmit;
mod umem;

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::net::sockopt;
use rustix::net::xdp::{
    SocketAddrXdp, SocketAddrXdpFlags, XDP_PGOFF_RX_RING, XDP_PGOFF_TX_RING, XDP_UMEM_PGOFF_COMPLETION_RING,
    XDP_UMEM_PGOFF_FILL_RING, XdpMmapOffsets,
};
use rustix::net::{AddressFamily, SocketFlags, SocketType};

use super::{AROUND, PortError, channels};
pub use receive::XdpReceive;
use ring::{Consumer, Producer};
pub use transmit::XdpTransmit;
use umem::{Chunks, Umem};

/// Frames on their way out at most, and entries of the rings that hold them.
const OUTWARD: u32 = 2048;

/// Frames that came in and wait to be read at most: room for a stall of 8 ms at a million a second.
const INWARD: u32 = 8192;

/// Bytes the kernel keeps free before each frame that comes in (`XDP_PACKET_HEADROOM`, linux/bpf.h).
const HEADROOM: u32 = 256;

/// Sizes of chunks: powers of two from 2 KiB to a page (af_xdp, "UMEM"). Smaller ones keep more frames in the caches.
const CHUNKS: [u32; 2] = [2048, 4096];

/// How frames get between shared memory and the driver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Copies {
    /// The kernel copies each (`XDP_COPY`): any interface.
    Made,
    /// The hardware works on the shared memory itself (`XDP_ZEROCOPY`): where the driver can.
    None,
}

impl Copies {
    fn flag(self) -> SocketAddrXdpFlags {
        match self {
            Self::Made => SocketAddrXdpFlags::XDP_COPY,
            Self::None => SocketAddrXdpFlags::XDP_ZEROCOPY,
        }
    }

    fn what(self) -> &'static str {
        match self {
            Self::Made => "bind(AF_XDP) with XDP_COPY",
            Self::None => "bind(AF_XDP) with XDP_ZEROCOPY (the driver must be able to; virtual interfaces are not)",
        }
    }
}

/// What both directions of an interface share. The socket closes with the last of them, after their rings were unmapped: as long as one
/// of its rings is mapped, the kernel keeps the socket.
#[derive(Debug)]
struct Shared {
    umem: Umem,
    socket: OwnedFd,
    /// Holds the program on the interface; the kernel takes it off when this closes, however the process ends.
    _link: Option<OwnedFd>,
}

/// Both directions of an interface, as far as asked for.
#[derive(Debug, Default)]
pub struct Directions {
    /// The way out.
    pub transmit: Option<XdpTransmit>,
    /// The way in.
    pub receive: Option<XdpReceive>,
}

/// Opens one socket for the directions of an interface that are wanted, on its first queue.
///
/// # Errors
/// When the interface does not exist, its frames do not fit into a chunk, it receives on several queues, or the kernel refuses a step; also
/// the kind of copies, which never is another than the one asked for.
pub fn open(interface: &str, copies: Copies, transmit: bool, receive: bool) -> Result<Directions, PortError> {
    let failed = |what| move |error: Errno| PortError::SetUp { interface: interface.to_owned(), what, source: error.into() };
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(AddressFamily::XDP, SocketType::RAW, flags, None).map_err(|error| {
        let (interface, source) = (interface.to_owned(), error.into());
        match error {
            Errno::PERM | Errno::ACCESS => PortError::NotPermitted { interface, source },
            _ => PortError::SetUp { interface, what: "socket(AF_XDP), which needs a kernel with CONFIG_XDP_SOCKETS,", source },
        }
    })?;
    let (index, mtu) = channels::interface(interface)?;
    let queues = channels::receive_queues(interface).map_err(|source| PortError::SetUp {
        interface: interface.to_owned(),
        what: "ETHTOOL_GCHANNELS",
        source,
    })?;
    if receive && queues > 1 {
        return Err(PortError::Queues { interface: interface.to_owned(), queues });
    }
    let chunk = chunk(interface, mtu, receive)?;
    let (outward, inward) = (if transmit { OUTWARD } else { 0 }, if receive { INWARD } else { 0 });
    let umem = Umem::new(chunk, outward + inward).map_err(|source| PortError::SetUp {
        interface: interface.to_owned(),
        what: "mmap of shared memory",
        source,
    })?;
    sockopt::set_xdp_umem_reg(&socket, umem.registration()).map_err(failed("XDP_UMEM_REG"))?;
    // The kernel wants both of these whatever the direction.
    sockopt::set_xdp_umem_fill_ring_size(&socket, INWARD).map_err(failed("XDP_UMEM_FILL_RING"))?;
    sockopt::set_xdp_umem_completion_ring_size(&socket, OUTWARD).map_err(failed("XDP_UMEM_COMPLETION_RING"))?;
    if transmit {
        sockopt::set_xdp_tx_ring_size(&socket, OUTWARD).map_err(failed("XDP_TX_RING"))?;
    }
    if receive {
        sockopt::set_xdp_rx_ring_size(&socket, INWARD).map_err(failed("XDP_RX_RING"))?;
    }
    let offsets = sockopt::xdp_mmap_offsets(&socket).map_err(failed("XDP_MMAP_OFFSETS"))?;
    let rings = Rings::map(&socket, &offsets, transmit, receive).map_err(|source| PortError::SetUp {
        interface: interface.to_owned(),
        what: "mmap of the rings",
        source,
    })?;
    let address = SocketAddrXdp::new(copies.flag() | SocketAddrXdpFlags::XDP_USE_NEED_WAKEUP, index, 0);
    bind(&socket, &address).map_err(failed(copies.what()))?;
    let link = receive
        .then(|| program::redirect(&socket, index))
        .transpose()
        .map_err(|program::Refused { what, source }| PortError::SetUp { interface: interface.to_owned(), what, source })?;
    let shared = Arc::new(Shared { umem, socket, _link: link });
    let transmit = rings.outward.map(|(ring, done)| XdpTransmit::new(ring, done, Chunks::new(&shared, 0, outward), copies));
    let receive = rings.inward.map(|(ring, fill)| XdpReceive::new(ring, fill, Chunks::new(&shared, outward, inward)));
    Ok(Directions { transmit, receive })
}

/// How long a queue is waited for that the kernel is still taking from a socket that was closed, and how often it is tried.
const RELEASED: Duration = Duration::from_millis(500);
const LOOK_AGAIN: Duration = Duration::from_millis(1);

/// Binds the socket to its queue. The kernel takes a queue from a closed socket in the background (`xp_release_deferred`,
/// net/xdp/xsk_buff_pool.c), so a port that is opened right after another may find it busy; one that somebody else has stays so.
fn bind(socket: &OwnedFd, address: &SocketAddrXdp) -> Result<(), Errno> {
    let begun = Instant::now();
    loop {
        match rustix::net::bind(socket, address) {
            Err(Errno::BUSY) if begun.elapsed() < RELEASED => std::thread::sleep(LOOK_AGAIN),
            bound => return bound,
        }
    }
}

/// The smallest chunk that a frame of the MTU fits into.
fn chunk(interface: &str, mtu: u32, receive: bool) -> Result<u32, PortError> {
    let around = AROUND + if receive { HEADROOM } else { 0 };
    let fits = |chunk: &u32| mtu.saturating_add(around) <= *chunk;
    let most = CHUNKS[CHUNKS.len() - 1] - around;
    CHUNKS.into_iter().find(fits).ok_or_else(|| PortError::TooLong { interface: interface.to_owned(), mtu, most })
}

/// The rings of the directions.
struct Rings {
    outward: Option<(Producer<libc::xdp_desc>, Consumer<u64>)>,
    inward: Option<(Consumer<libc::xdp_desc>, Producer<u64>)>,
}

impl Rings {
    fn map(socket: &OwnedFd, offsets: &XdpMmapOffsets, transmit: bool, receive: bool) -> std::io::Result<Self> {
        let outward = || {
            let ring = Producer::map(socket, XDP_PGOFF_TX_RING, &offsets.tx, OUTWARD)?;
            let done = Consumer::map(socket, XDP_UMEM_PGOFF_COMPLETION_RING, &offsets.cr, OUTWARD)?;
            Ok::<_, std::io::Error>((ring, done))
        };
        let inward = || {
            let ring = Consumer::map(socket, XDP_PGOFF_RX_RING, &offsets.rx, INWARD)?;
            let fill = Producer::map(socket, XDP_UMEM_PGOFF_FILL_RING, &offsets.fr, INWARD)?;
            Ok::<_, std::io::Error>((ring, fill))
        };
        Ok(Self { outward: transmit.then(outward).transpose()?, inward: receive.then(inward).transpose()? })
    }
}

/// Tells the kernel to look at a ring.
#[inline]
fn wake(shared: &Shared) -> Result<(), Errno> {
    // Sends nothing itself: the frames are in the ring.
    rustix::net::send(&shared.socket, &[], rustix::net::SendFlags::DONTWAIT).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_hold_what_the_interface_lets_through() {
        assert_eq!(chunk("a", 1500, true).unwrap(), 2048);
        assert_eq!(chunk("a", 1900, false).unwrap(), 2048);
        assert_eq!(chunk("a", 1900, true).unwrap(), 4096);
        assert_eq!(chunk("a", 3712, true).unwrap(), 4096);
        let refused = chunk("a", 9000, false).unwrap_err().to_string();
        assert!(refused.starts_with("interface `a` lets packets of 9000 bytes through"), "{refused}");
        assert!(refused.contains("3968"), "{refused}");
    }
}
