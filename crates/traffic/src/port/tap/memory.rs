//! The memory of a ring of blocks, shared with the kernel.
#![allow(unsafe_code)]

use std::io;
use std::mem::offset_of;
use std::os::fd::AsFd;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

/// Where a block says whom it belongs to: the kernel (`TP_STATUS_KERNEL`, 0) or us (`TP_STATUS_USER` set).
const STATUS: usize = offset_of!(libc::tpacket_block_desc, hdr) + offset_of!(libc::tpacket_hdr_v1, block_status);

/// Blocks of equal size in one mapping.
#[derive(Debug)]
pub(super) struct Memory {
    base: NonNull<u8>,
    block: u32,
    blocks: u32,
}

// SAFETY: the mapping belongs to the process, not to a thread, and `Memory` is its only owner.
unsafe impl Send for Memory {}

impl Memory {
    /// Maps the ring of a socket for which `PACKET_RX_RING` was set with these numbers.
    pub(super) fn map(socket: impl AsFd, block: u32, blocks: u32) -> io::Result<Self> {
        let length = block as usize * blocks as usize;
        // SAFETY: a new mapping at an address of the kernel's choice replaces nothing.
        let base = unsafe {
            mmap(std::ptr::null_mut(), length, ProtFlags::READ | ProtFlags::WRITE, MapFlags::SHARED, socket.as_fd(), 0)?
        };
        let base = NonNull::new(base.cast()).ok_or_else(|| io::Error::other("the ring was mapped at address zero"))?;
        Ok(Self { base, block, blocks })
    }

    /// Number of blocks.
    pub(super) fn blocks(&self) -> u32 {
        self.blocks
    }

    /// The bytes of a block, where the kernel has handed it over.
    pub(super) fn handed_over(&mut self, index: u32) -> Option<&[u8]> {
        // Acquire: what the kernel wrote into the block before it set the status is seen after this load.
        if self.status(index).load(Ordering::Acquire) & libc::TP_STATUS_USER == 0 {
            return None;
        }
        // SAFETY: the bytes lie within the mapping; the exclusive borrow of `self` means that the block is not released meanwhile, and the
        // kernel leaves a block of ours alone.
        Some(unsafe { std::slice::from_raw_parts(self.start(index).as_ptr(), self.block as usize) })
    }

    /// Gives the block back to the kernel.
    pub(super) fn release(&mut self, index: u32) {
        // Release: all our reads of the block are done before the kernel sees that it may fill it.
        self.status(index).store(libc::TP_STATUS_KERNEL, Ordering::Release);
    }

    fn status(&self, index: u32) -> &AtomicU32 {
        // SAFETY: the word is aligned, lies within the mapping and is only accessed atomically while shared.
        unsafe { AtomicU32::from_ptr(self.start(index).add(STATUS).cast().as_ptr()) }
    }

    fn start(&self, index: u32) -> NonNull<u8> {
        assert!(index < self.blocks);
        // SAFETY: the index is in range, so the offset is within the mapping.
        unsafe { self.base.add(index as usize * self.block as usize) }
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: the mapping was made by `map` with this length, and no reference into it outlives `self`.
        // There is nothing to be done about a refusal, and none is possible for a whole mapping of our own.
        let _ = unsafe { munmap(self.base.as_ptr().cast(), self.block as usize * self.blocks as usize) };
    }
}
