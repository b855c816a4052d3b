//! Receiving by an AF_PACKET ring of blocks: TPACKET_V3 (kernel documentation, networking/packet_mmap).
//!
//! The kernel packs frames into blocks and hands a block over when it is full or [`RETIRE`] has passed since its first frame. So there is
//! one hand-over for some hundred frames, and frames lie close together; but at low rates a frame is seen up to that much later. Its
//! stamp is the kernel's own, from before.

mod memory;

use std::os::fd::{AsFd, BorrowedFd};

use rustix::event::{PollFd, PollFlags};
use tailbed_format::order::Wait;

use super::packet_ring::{ALL_PROTOCOLS, FanoutGroup, sleep, tag};
use super::socket::{self, Opened};
use super::{Incoming, PortError, Receive};
use crate::packet::ethernet;
use crate::stop::Stop;
use memory::{Frame, Memory, Request};

/// Bytes of a block: some 400 short frames, which are handed over together; at a million frames per second every 0.4 ms.
const BLOCK: u32 = 1 << 16;

/// Blocks of a ring: 32 MiB, as much as a [`super::PacketRing`] has, room for 200 000 short frames.
const BLOCKS: u32 = 512;

/// The longest time that a block with frames in it is kept back, ms: the shortest there is (`tp_retire_blk_tov`).
const RETIRE: u32 = 1;

/// So much time without anything to do lets a block be handed over, ns: more than [`RETIRE`].
const LONG: u64 = 3_000_000;

/// The longest frame a block holds, bytes: its header and the first frame's come off.
const LONGEST: u32 = BLOCK - 256;

/// A ring into which the kernel puts every frame that comes in by one interface, block by block. What it takes in is what
/// [`super::PacketRing`] does.
#[derive(Debug)]
pub struct PacketBlocks {
    interface: String,
    opened: Opened,
    memory: Memory,
    /// The block being read, how many frames of it are left, and where the next begins.
    block: u32,
    left: u32,
    offset: u32,
    may_echo: bool,
}

impl PacketBlocks {
    /// Opens a ring.
    ///
    /// # Errors
    /// When the interface does not exist, its frames are longer than a block, or the kernel refuses the socket, an option or the memory.
    pub fn open(interface: &str) -> Result<Self, PortError> {
        let opened = socket::open(interface)?;
        let failed = |what| move |source| PortError::SetUp { interface: interface.to_owned(), what, source };
        let version = libc::tpacket_versions::TPACKET_V3 as libc::c_int;
        socket::capture(&opened, interface, version)?;
        let mtu = socket::mtu(&opened.socket, interface).map_err(failed("SIOCGIFMTU"))?;
        if mtu.saturating_add(super::AROUND) > LONGEST {
            return Err(PortError::TooLong { interface: interface.to_owned(), mtu, most: LONGEST - super::AROUND });
        }
        let request = Request::new(BLOCK, BLOCKS, RETIRE);
        socket::set_option(&opened.socket, libc::SOL_PACKET, libc::PACKET_RX_RING, &request).map_err(failed("PACKET_RX_RING"))?;
        let memory = Memory::map(&opened.socket, BLOCK, BLOCKS).map_err(failed("mmap of the receive ring"))?;
        // Bound last: until then no frame comes in, so none is from another interface or from before.
        socket::bind(&opened, ALL_PROTOCOLS).map_err(failed("bind"))?;
        Ok(Self { interface: interface.to_owned(), opened, memory, block: 0, left: 0, offset: 0, may_echo: false })
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

    /// Begins the next block when the last one has been read; whether there is a frame.
    #[inline]
    fn begin_block(&mut self) -> bool {
        while self.left == 0 {
            let Some(filled) = self.memory.filled(self.block) else { return false };
            (self.left, self.offset) = (filled.frames, filled.first);
            if self.left == 0 {
                self.give_back();
            }
        }
        true
    }

    #[inline]
    fn give_back(&mut self) {
        self.memory.release(self.block);
        self.block = if self.block + 1 == BLOCKS { 0 } else { self.block + 1 };
    }

    /// The frame has been read.
    #[inline]
    fn advance(&mut self, by: u32) {
        self.offset += by;
        self.left -= 1;
        if self.left == 0 {
            self.give_back();
        }
    }
}

impl Receive for PacketBlocks {
    #[inline]
    fn receive<R>(&mut self, take: impl FnOnce(Incoming<'_>) -> R) -> Option<R> {
        loop {
            if !self.begin_block() {
                return None;
            }
            let Some(frame) = self.memory.frame(self.block, self.offset) else {
                // A frame outside its block: the rest of the block cannot be followed.
                self.left = 0;
                self.give_back();
                continue;
            };
            let next = frame.header.next;
            if self.may_echo && frame.is_outgoing() {
                self.advance(next);
                continue;
            }
            let result = take(incoming(frame));
            self.advance(next);
            return Some(result);
        }
    }

    /// Those of the block that is being read; where none is, of the next.
    #[inline]
    fn waiting(&self) -> impl Iterator<Item = &[u8]> {
        let begun = (self.left > 0).then_some((self.left, self.offset));
        let next = || self.memory.filled(self.block).map(|filled| (filled.frames, filled.first));
        let (mut left, mut offset) = begun.or_else(next).unwrap_or_default();
        std::iter::from_fn(move || {
            left = left.checked_sub(1)?;
            let (frame, further) = self.memory.peek(self.block, offset)?;
            offset = offset.checked_add(further)?;
            Some(frame)
        })
    }

    /// Sleeps also where the loop spins, when there is time for it: the timer that hands over a block which is not full runs in a thread of
    /// ordinary priority once the core is busy (ksoftirqd), and a loop that spins at real-time priority would keep it from running. So
    /// the last frames of a run are seen before it ends.
    #[inline]
    fn idle(&mut self, wait: Wait, ns: u64, stop: &Stop) -> bool {
        (wait == Wait::Block || ns > LONG) && sleep(&mut [PollFd::new(self, PollFlags::IN), PollFd::new(stop, PollFlags::IN)], ns)
    }

    /// `PACKET_STATISTICS`; the kernel starts anew with each reading.
    fn drops(&mut self) -> u64 {
        let statistics = socket::option::<memory::Statistics>(&self.opened.socket, libc::SOL_PACKET, libc::PACKET_STATISTICS);
        statistics.map_or(0, |statistics| u64::from(statistics.drops))
    }
}

impl AsFd for PacketBlocks {
    /// Readable while a block is handed over.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.opened.socket.as_fd()
    }
}

/// A frame as it was on the wire.
#[inline]
fn incoming(frame: Frame<'_>) -> Incoming<'_> {
    let Frame { header, bytes, first } = frame;
    let stamp = u64::from(header.seconds) * 1_000_000_000 + u64::from(header.nanoseconds);
    let start = usize::from(header.mac).saturating_sub(first).min(bytes.len());
    let end = (start + header.kept as usize).min(bytes.len());
    let start = if header.status & libc::TP_STATUS_VLAN_VALID != 0 {
        let named = header.status & libc::TP_STATUS_VLAN_TPID_VALID != 0;
        let protocol = if named { header.vlan_protocol } else { ethernet::VLAN };
        #[allow(clippy::cast_possible_truncation, reason = "a tag's control information has 16 bits")]
        tag::put_back(bytes, start, end, protocol, header.vlan_tag as u16)
    } else {
        start
    };
    Incoming { bytes: &mut bytes[start..end], stamp, truncated: header.length > header.kept }
}
