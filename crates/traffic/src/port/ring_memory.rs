//! The memory of a receive ring, shared with the kernel: pieces of equal size, slots or blocks, each of which says whom it belongs to.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::AsFd;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

/// Pieces of equal size in one mapping. A word of each says that it is the kernel's (`TP_STATUS_KERNEL`, 0) or ours (`TP_STATUS_USER` set).
#[derive(Debug)]
pub(super) struct RingMemory {
    base: NonNull<u8>,
    piece: u32,
    pieces: u32,
    /// Where that word lies in a piece, bytes; aligned to four.
    status: usize,
}

// SAFETY: the mapping belongs to the process, not to a thread, and `RingMemory` is its only owner.
unsafe impl Send for RingMemory {}

impl RingMemory {
    /// Maps the ring of a socket for which `PACKET_RX_RING` was set with these numbers.
    pub(super) fn map(socket: impl AsFd, piece: u32, pieces: u32, status: usize) -> io::Result<Self> {
        assert!(status.is_multiple_of(align_of::<AtomicU32>()) && status + size_of::<AtomicU32>() <= piece as usize);
        let length = piece as usize * pieces as usize;
        // SAFETY: a new mapping at an address of the kernel's choice replaces nothing.
        let base = unsafe {
            mmap(std::ptr::null_mut(), length, ProtFlags::READ | ProtFlags::WRITE, MapFlags::SHARED, socket.as_fd(), 0)?
        };
        let base = NonNull::new(base.cast()).ok_or_else(|| io::Error::other("the ring was mapped at address zero"))?;
        Ok(Self { base, piece, pieces, status })
    }

    /// How many pieces there are.
    #[inline]
    pub(super) fn pieces(&self) -> u32 {
        self.pieces
    }

    /// Bytes of a piece.
    #[inline]
    pub(super) fn piece(&self) -> usize {
        self.piece as usize
    }

    /// Whether a piece is ours. Acquire: what the kernel wrote into it before it set the status is seen after this load.
    #[inline]
    pub(super) fn is_ours(&self, index: u32) -> bool {
        self.status(index).load(Ordering::Acquire) & libc::TP_STATUS_USER != 0
    }

    /// Gives a piece back to the kernel. Release: all our reads and writes of it are done before the kernel sees that it may fill it.
    #[inline]
    pub(super) fn release(&mut self, index: u32) {
        self.status(index).store(libc::TP_STATUS_KERNEL, Ordering::Release);
    }

    /// Where a piece begins.
    #[inline]
    pub(super) fn start(&self, index: u32) -> NonNull<u8> {
        assert!(index < self.pieces);
        // SAFETY: the index is in range, so the offset is within the mapping.
        unsafe { self.base.add(index as usize * self.piece as usize) }
    }

    #[inline]
    fn status(&self, index: u32) -> &AtomicU32 {
        // SAFETY: the word is aligned, lies within the piece, as was checked when it was mapped, and is only accessed atomically while shared.
        unsafe { AtomicU32::from_ptr(self.start(index).add(self.status).cast().as_ptr()) }
    }
}

impl Drop for RingMemory {
    fn drop(&mut self) {
        // SAFETY: the mapping was made by `map` with this length, and no reference into it outlives `self`.
        // There is nothing to be done about a refusal, and none is possible for a whole mapping of our own.
        let _ = unsafe { munmap(self.base.as_ptr().cast(), self.piece as usize * self.pieces as usize) };
    }
}
