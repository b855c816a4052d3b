//! The memory of a ring of blocks, shared with the kernel.
#![allow(unsafe_code)]

use std::io;
use std::mem::offset_of;
use std::os::fd::AsFd;

use crate::port::ring_memory::RingMemory;

/// Where a block says whom it belongs to: the kernel (`TP_STATUS_KERNEL`, 0) or us (`TP_STATUS_USER` set).
const STATUS: usize = offset_of!(libc::tpacket_block_desc, hdr) + offset_of!(libc::tpacket_hdr_v1, block_status);

/// Blocks of equal size in one mapping.
#[derive(Debug)]
pub(super) struct Memory(RingMemory);

impl Memory {
    /// Maps the ring of a socket for which `PACKET_RX_RING` was set with these numbers.
    pub(super) fn map(socket: impl AsFd, block: u32, blocks: u32) -> io::Result<Self> {
        RingMemory::map(socket, block, blocks, STATUS).map(Self)
    }

    /// Number of blocks.
    pub(super) fn blocks(&self) -> u32 {
        self.0.pieces()
    }

    /// The bytes of a block, where the kernel has handed it over.
    pub(super) fn handed_over(&mut self, index: u32) -> Option<&[u8]> {
        if !self.0.is_ours(index) {
            return None;
        }
        // SAFETY: the bytes lie within the mapping; the exclusive borrow of `self` means that the block is not released meanwhile, and the
        // kernel leaves a block of ours alone.
        Some(unsafe { std::slice::from_raw_parts(self.0.start(index).as_ptr(), self.0.piece()) })
    }

    /// Gives the block back to the kernel.
    pub(super) fn release(&mut self, index: u32) {
        self.0.release(index);
    }
}
