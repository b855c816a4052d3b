//! Receiving: the kernel writes frames into chunks we have given it, and we give them back.

use std::os::fd::{AsFd, BorrowedFd};

use rustix::event::{PollFd, PollFlags};
use rustix::net::sockopt;
use tailbed_format::order::Wait;

use super::ring::{Consumer, Producer};
use super::umem::Chunks;
use crate::clock::{Clock, Tsc};
use crate::port::{Incoming, Receive, sleep};
use crate::stop::Stop;

/// Bytes of the stamp that our program writes before a frame.
const STAMP: usize = size_of::<u64>();

/// The way into an AF_XDP socket.
///
/// There is no stamp of the kernel's as packet sockets have one. In its place our program reads `CLOCK_MONOTONIC` when the driver hands
/// it the frame, which is before the network stack would have stamped it; `CLOCK_REALTIME` is made of it by the difference of both clocks
/// when the port was opened. Where the driver has no room for it, the stamp is that of user space.
#[derive(Debug)]
pub struct XdpReceive {
    // Rings before what holds the socket: they are unmapped before it closes.
    ring: Consumer<libc::xdp_desc>,
    fill: Producer<u64>,
    chunks: Chunks,
    /// `CLOCK_REALTIME` minus `CLOCK_MONOTONIC`, ns.
    ahead: i64,
    /// The kernel's counters when last read.
    dropped: u64,
}

impl XdpReceive {
    pub(super) fn new(ring: Consumer<libc::xdp_desc>, fill: Producer<u64>, chunks: Chunks) -> Self {
        let ahead = Tsc.sight_tightest(64).offset();
        let mut port = Self { ring, fill, chunks, ahead, dropped: 0 };
        for address in port.chunks.addresses() {
            port.give(address);
        }
        port
    }

    /// Gives a chunk to the kernel. There are no more chunks than entries, so there is room for each.
    #[inline]
    fn give(&mut self, address: u64) {
        self.fill.push(address);
        self.fill.publish();
    }

    /// The frame an entry speaks of.
    #[inline]
    fn incoming(&mut self, entry: libc::xdp_desc) -> Option<Incoming<'_>> {
        let ahead = self.ahead;
        let start = entry.addr.checked_sub(STAMP as u64)?;
        let (stamp, bytes) = self.chunks.bytes(start, STAMP + entry.len as usize)?.split_first_chunk_mut::<STAMP>()?;
        // Zeroed: a frame that our program could not stamp does not have an earlier one's.
        let monotonic = u64::from_ne_bytes(std::mem::take(stamp));
        let stamp = if monotonic == 0 { Tsc.sight().realtime } else { monotonic.saturating_add_signed(ahead) };
        Some(Incoming { bytes, stamp, truncated: false })
    }
}

impl Receive for XdpReceive {
    #[inline]
    fn receive<R>(&mut self, take: impl FnOnce(Incoming<'_>) -> R) -> Option<R> {
        let Some(entry) = self.ring.peek() else {
            if self.fill.needs_wake_up() {
                // Without copies the driver may have stopped for want of chunks; it looks again when it is told to.
                let _ = rustix::net::recv(&self.chunks.shared.socket, &mut [0_u8; 0][..], rustix::net::RecvFlags::DONTWAIT);
            }
            return None;
        };
        let result = self.incoming(entry).map(take);
        self.ring.release();
        self.give(self.chunks.beginning(entry.addr));
        result
    }

    #[inline]
    fn idle(&mut self, wait: Wait, ns: u64, stop: &Stop) -> bool {
        wait == Wait::Block && sleep(&mut [PollFd::new(self, PollFlags::IN), PollFd::new(stop, PollFlags::IN)], ns)
    }

    /// `XDP_STATISTICS`: frames for which there was no chunk or which were too long for one, and those for which the ring had no room.
    fn drops(&mut self) -> u64 {
        let Ok(statistics) = sockopt::xdp_statistics(&self.chunks.shared.socket) else { return 0 };
        let all = statistics.rx_dropped + statistics.rx_ring_full.unwrap_or(0);
        all.saturating_sub(std::mem::replace(&mut self.dropped, all))
    }
}

impl AsFd for XdpReceive {
    /// Readable while there is a frame.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.chunks.shared.socket.as_fd()
    }
}
