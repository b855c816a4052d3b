//! The memory of a receive ring, shared with the kernel.
#![allow(unsafe_code)]

use std::io;
use std::mem::{offset_of, size_of};
use std::os::fd::AsFd;

use crate::port::ring_memory::RingMemory;

/// Where the frame's bytes may begin at the earliest: after the header.
const FIRST: usize = size_of::<libc::tpacket2_hdr>();

/// Slots of equal size in one mapping, each with a header.
#[derive(Debug)]
pub(super) struct Memory(RingMemory);

/// A slot that the kernel has filled.
#[derive(Debug)]
pub(super) struct Slot<'a> {
    /// A copy of its header.
    pub(super) header: libc::tpacket2_hdr,
    /// All bytes after the header, the frame among them.
    pub(super) bytes: &'a mut [u8],
    /// Offset of `bytes` within the slot: what `tp_mac` counts from lies this far before them.
    pub(super) first: usize,
}

impl Slot<'_> {
    /// Whether the frame leaves by the interface: the address after the header says so (`struct sockaddr_ll`, packet(7)).
    #[inline]
    pub(super) fn is_outgoing(&self) -> bool {
        const TYPE: usize = std::mem::offset_of!(libc::sockaddr_ll, sll_pkttype);
        self.bytes.get(TYPE) == Some(&libc::PACKET_OUTGOING)
    }
}

impl Memory {
    /// Maps the ring of a socket for which `PACKET_RX_RING` was set with these numbers.
    pub(super) fn map(socket: impl AsFd, slot: u32, slots: u32) -> io::Result<Self> {
        RingMemory::map(socket, slot, slots, offset_of!(libc::tpacket2_hdr, tp_status)).map(Self)
    }

    /// Number of slots.
    #[inline]
    pub(super) fn slots(&self) -> u32 {
        self.0.pieces()
    }

    /// The slot, where the kernel has filled it.
    #[inline]
    pub(super) fn filled(&mut self, index: u32) -> Option<Slot<'_>> {
        if !self.0.is_ours(index) {
            return None;
        }
        let start = self.0.start(index);
        // SAFETY: `start` is within the mapping, aligned to the slot size (a power of two over 16), and a slot begins with this
        // header, all integers. The slot is ours: the kernel does not write to it until it is released.
        let header = unsafe { start.cast::<libc::tpacket2_hdr>().read() };
        // SAFETY: the bytes from FIRST to the end of the slot lie within the mapping; the exclusive borrow of `self` means there is
        // no other reference to them, and the kernel leaves a slot of ours alone.
        let bytes = unsafe { std::slice::from_raw_parts_mut(start.add(FIRST).as_ptr(), self.0.piece() - FIRST) };
        Some(Slot { header, bytes, first: FIRST })
    }

    /// The frame of a slot that the kernel has filled, as it lies there: without the VLAN tag that the kernel may have taken out.
    #[inline]
    pub(super) fn peek(&self, index: u32) -> Option<&[u8]> {
        if !self.0.is_ours(index) {
            return None;
        }
        let start = self.0.start(index);
        // SAFETY: as in `filled`; only integers are read, and nothing of ours writes to the slot while `self` is borrowed.
        let header = unsafe { start.cast::<libc::tpacket2_hdr>().read() };
        let slot = self.0.piece();
        let first = usize::from(header.tp_mac).clamp(FIRST, slot);
        let length = (header.tp_snaplen as usize).min(slot - first);
        // SAFETY: `first` and `length` keep the bytes within the slot, behind its header; the kernel leaves a slot of ours alone, and the
        // borrow of `self` means that there is no exclusive reference to them.
        Some(unsafe { std::slice::from_raw_parts(start.add(first).as_ptr(), length) })
    }

    /// Gives the slot back to the kernel.
    #[inline]
    pub(super) fn release(&mut self, index: u32) {
        self.0.release(index);
    }
}
