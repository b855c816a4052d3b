//! Receiving by an AF_PACKET ring in shared memory: TPACKET_V2 (kernel documentation, networking/packet_mmap).
//!
//! Version 2 hands over each frame as it comes; version 3 hands over blocks and so delays frames at low rates.

mod fanout;
mod memory;
pub(super) mod tag;

use std::os::fd::{AsFd, BorrowedFd};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::time::Timespec;
use tailbed_format::order::Wait;

use super::socket::{self, Opened};
use super::{AROUND, Incoming, PortError, Receive};
use crate::packet::ethernet;
use crate::stop::Stop;
pub use fanout::{FanoutGroup, Steering};
use memory::{Memory, Slot};

/// Slots of a ring: at a million frames per second, room for a stall of 16 ms.
pub const RING_FRAMES: u32 = 16 * 1024;

/// Least bytes of a slot, headers included: the longest frame of an MTU of 1 500 fits.
const SLOT: u32 = 2048;

/// Bytes of a ring at most, as far as frames of an MTU of 1 500 do not need more: rings of longer frames have fewer slots, so that
/// they fit where those of short ones do. For 9 000 bytes there are 2 048: at 10 Gbit/s, room for a stall of 15 ms.
const LARGEST: u32 = RING_FRAMES * SLOT;

/// Bytes of the contiguous pieces the kernel makes the ring of.
const BLOCK: u32 = 1 << 20;

/// All EtherTypes.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an EtherType has 16 bits")]
pub(super) const ALL_PROTOCOLS: u16 = libc::ETH_P_ALL as u16;

/// Sleeping ends this long before the time is up, and less than [`SHORTEST_SLEEP`] is not slept: waking takes about 45 µs (median
/// of a blocking round trip), with a long tail on a shared core. Only a loop told to block sleeps at all.
pub(super) const WAKE_EARLY: u64 = 60_000;
pub(super) const SHORTEST_SLEEP: u64 = 20_000;

/// A ring into which the kernel puts every frame that comes in by one interface.
///
/// The socket takes all protocols (`ETH_P_ALL`): such sockets are served first, before the host's own IP stack sees the frame, and a
/// forwarder must move what is not IP too. Frames that leave by the interface are left out (`PACKET_IGNORE_OUTGOING`), frames for
/// other hosts are taken in (`PACKET_MR_PROMISC`, undone by the kernel when the socket closes). The kernel maps the whole ring when
/// it is made, so there are no page faults later.
#[derive(Debug)]
pub struct PacketRing {
    interface: String,
    opened: Opened,
    memory: Memory,
    next: u32,
    /// Whether frames that leave by the interface may be among those that come: kernels that do not know
    /// `PACKET_FANOUT_FLAG_IGNORE_OUTGOING` put them into the rings of a group.
    may_echo: bool,
}

impl PacketRing {
    /// Opens a ring of `frames` slots, rounded up to whole blocks of 512. Slots hold what the interface's MTU lets through at the time;
    /// where that is more than 1 500 bytes there are fewer of them.
    ///
    /// # Errors
    /// When the interface does not exist or the kernel refuses the socket, an option or the memory.
    pub fn open(interface: &str, frames: u32) -> Result<Self, PortError> {
        let opened = socket::open(interface)?;
        let failed = |what| move |source| PortError::SetUp { interface: interface.to_owned(), what, source };
        socket::capture(&opened, interface, libc::tpacket_versions::TPACKET_V2 as libc::c_int)?;
        let mtu = socket::mtu(&opened.socket, interface).map_err(failed("SIOCGIFMTU"))?;
        let (slot, blocks) = layout(mtu, frames);
        let request = libc::tpacket_req {
            tp_block_size: BLOCK,
            tp_block_nr: blocks,
            tp_frame_size: slot,
            tp_frame_nr: blocks * (BLOCK / slot),
        };
        socket::set_option(&opened.socket, libc::SOL_PACKET, libc::PACKET_RX_RING, &request).map_err(failed("PACKET_RX_RING"))?;
        let memory = Memory::map(&opened.socket, slot, request.tp_frame_nr).map_err(failed("mmap of the receive ring"))?;
        // Bound last: until then no frame comes in, so none is from another interface or from before.
        socket::bind(&opened, ALL_PROTOCOLS).map_err(failed("bind"))?;
        Ok(Self { interface: interface.to_owned(), opened, memory, next: 0, may_echo: false })
    }

    /// Shares the interface's frames with the other rings of the group from now on.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn join(&mut self, group: &mut FanoutGroup) -> Result<(), PortError> {
        self.may_echo = true;
        group.add(&self.opened).map_err(|source| PortError::SetUp {
            interface: self.interface.clone(),
            what: "PACKET_FANOUT",
            source,
        })
    }

    #[inline]
    fn advance(&mut self) {
        self.memory.release(self.next);
        self.next = if self.next + 1 == self.memory.slots() { 0 } else { self.next + 1 };
    }
}

/// Bytes of a slot and number of blocks of a ring for so many frames of an interface's MTU. No slot is longer than a block: the loopback
/// interface's MTU of 65 536 is the largest there is.
fn layout(mtu: u32, frames: u32) -> (u32, u32) {
    let slot = mtu.saturating_add(AROUND).clamp(SLOT, BLOCK).next_power_of_two();
    let blocks = frames.div_ceil(BLOCK / slot);
    (slot, if slot == SLOT { blocks } else { blocks.min(LARGEST / BLOCK) }.max(1))
}

impl Receive for PacketRing {
    #[inline]
    fn receive<R>(&mut self, take: impl FnOnce(Incoming<'_>) -> R) -> Option<R> {
        while self.may_echo && self.memory.filled(self.next)?.is_outgoing() {
            self.advance();
        }
        let slot = self.memory.filled(self.next)?;
        let result = take(incoming(slot));
        self.advance();
        Some(result)
    }

    #[inline]
    fn waiting(&self) -> impl Iterator<Item = &[u8]> {
        let slots = self.memory.slots();
        let place = move |ahead| if self.next + ahead < slots { self.next + ahead } else { self.next + ahead - slots };
        (0..slots).map_while(move |ahead| self.memory.peek(place(ahead)))
    }

    #[inline]
    fn idle(&mut self, wait: Wait, ns: u64, stop: &Stop) -> bool {
        wait == Wait::Block && sleep(&mut [PollFd::new(self, PollFlags::IN), PollFd::new(stop, PollFlags::IN)], ns)
    }

    /// `PACKET_STATISTICS`; the kernel starts anew with each reading. Its counter has 32 bits.
    fn drops(&mut self) -> u64 {
        let statistics = socket::option::<libc::tpacket_stats>(&self.opened.socket, libc::SOL_PACKET, libc::PACKET_STATISTICS);
        statistics.map_or(0, |statistics| u64::from(statistics.tp_drops))
    }
}

impl AsFd for PacketRing {
    /// Readable while a slot is filled.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.opened.socket.as_fd()
    }
}

/// Sleeps until one of the descriptors is ready or shortly before `ns` nanoseconds have passed; not at all, and says `false`, when that
/// is near.
pub(crate) fn sleep(until: &mut [PollFd<'_>], ns: u64) -> bool {
    let ns = ns.saturating_sub(WAKE_EARLY);
    if ns < SHORTEST_SLEEP {
        return false;
    }
    let seconds = i64::try_from(ns / 1_000_000_000).unwrap_or(i64::MAX);
    let timeout = Timespec { tv_sec: seconds, tv_nsec: (ns % 1_000_000_000).cast_signed() };
    // An interrupted sleep is a short one, and the caller looks again in any case.
    let _ = poll(until, Some(&timeout));
    true
}

/// The frame of a slot, as it was on the wire.
#[inline]
fn incoming(slot: Slot<'_>) -> Incoming<'_> {
    let Slot { header, bytes, first } = slot;
    let stamp = u64::from(header.tp_sec) * 1_000_000_000 + u64::from(header.tp_nsec);
    let start = usize::from(header.tp_mac).saturating_sub(first).min(bytes.len());
    let end = (start + header.tp_snaplen as usize).min(bytes.len());
    let start = if header.tp_status & libc::TP_STATUS_VLAN_VALID != 0 {
        let named = header.tp_status & libc::TP_STATUS_VLAN_TPID_VALID != 0;
        let protocol = if named { header.tp_vlan_tpid } else { ethernet::VLAN };
        tag::put_back(bytes, start, end, protocol, header.tp_vlan_tci)
    } else {
        start
    };
    Incoming { bytes: &mut bytes[start..end], stamp, truncated: header.tp_len > header.tp_snaplen }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_hold_what_the_interface_lets_through() {
        assert_eq!(layout(1500, RING_FRAMES), (2048, 32));
        assert_eq!(layout(1500, 1), (2048, 1));
        assert_eq!(layout(9000, RING_FRAMES), (16_384, 32));
        assert_eq!(layout(9000, 512), (16_384, 8));
        assert_eq!(layout(65_536, RING_FRAMES), (131_072, 32));
        assert_eq!(layout(u32::MAX, RING_FRAMES), (BLOCK, 32));
    }
}
