//! The memory that frames lie in: the kernel's word for it is UMEM.
#![allow(unsafe_code)]

use std::io;
use std::ptr::NonNull;
use std::sync::Arc;

use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous, munmap};
use rustix::net::xdp::{XdpUmemReg, XdpUmemRegFlags};

use super::Shared;

/// Chunks of equal size in one mapping.
#[derive(Debug)]
pub(super) struct Umem {
    base: NonNull<u8>,
    chunk: u32,
    chunks: u32,
}

// SAFETY: the mapping belongs to the process, not to a thread. Its bytes are reached through `Chunks` alone, and no two of these have
// a chunk in common.
unsafe impl Send for Umem {}
// SAFETY: see above; `Umem` itself gives out numbers only.
unsafe impl Sync for Umem {}

impl Umem {
    /// Takes and touches the memory.
    pub(super) fn new(chunk: u32, chunks: u32) -> io::Result<Self> {
        let length = chunk as usize * chunks as usize;
        let flags = MapFlags::PRIVATE | MapFlags::POPULATE;
        // SAFETY: a new mapping at an address of the kernel's choice replaces nothing.
        let base = unsafe { mmap_anonymous(std::ptr::null_mut(), length, ProtFlags::READ | ProtFlags::WRITE, flags)? };
        let base = NonNull::new(base.cast()).ok_or_else(|| io::Error::other("the memory was mapped at address zero"))?;
        Ok(Self { base, chunk, chunks })
    }

    /// What the kernel is told of it.
    pub(super) fn registration(&self) -> XdpUmemReg {
        XdpUmemReg {
            addr: self.base.as_ptr() as u64,
            len: u64::from(self.chunk) * u64::from(self.chunks),
            chunk_size: self.chunk,
            headroom: 0,
            flags: XdpUmemRegFlags::empty(),
            tx_metadata_len: 0,
        }
    }
}

impl Drop for Umem {
    fn drop(&mut self) {
        // SAFETY: the mapping was made by `new` with this length, and every `Chunks` holds what holds this. The kernel has pinned the
        // pages for as long as it needs them.
        let _ = unsafe { munmap(self.base.as_ptr().cast(), self.chunk as usize * self.chunks as usize) };
    }
}

/// A row of chunks that belongs to one direction alone.
#[derive(Debug)]
pub(super) struct Chunks {
    pub(super) shared: Arc<Shared>,
    first: u64,
    end: u64,
}

impl Chunks {
    /// `count` chunks from the one of that number on. No two directions have a chunk in common.
    pub(super) fn new(shared: &Arc<Shared>, first: u32, count: u32) -> Self {
        let at = |number: u32| u64::from(number) * u64::from(shared.umem.chunk);
        Self { shared: Arc::clone(shared), first: at(first), end: at(first + count) }
    }

    /// Bytes of a chunk.
    #[inline]
    pub(super) fn size(&self) -> u32 {
        self.shared.umem.chunk
    }

    /// Where each chunk begins.
    pub(super) fn addresses(&self) -> impl Iterator<Item = u64> + use<> {
        (self.first..self.end).step_by(self.size() as usize)
    }

    /// Where the chunk begins that an address lies in.
    #[inline]
    pub(super) fn beginning(&self, address: u64) -> u64 {
        address & !(u64::from(self.size()) - 1)
    }

    /// Bytes of ours; `None` when they do not lie in these chunks.
    #[inline]
    pub(super) fn bytes(&mut self, address: u64, length: usize) -> Option<&mut [u8]> {
        if address < self.first || address.checked_add(length as u64)? > self.end {
            return None;
        }
        let start = usize::try_from(address).ok()?;
        // SAFETY: the bytes lie within the mapping and within our own chunks. The caller has the chunk from the kernel and has not given
        // it back, so that the kernel leaves it alone; the exclusive borrow of `self` means there is no other reference.
        Some(unsafe { std::slice::from_raw_parts_mut(self.shared.umem.base.add(start).as_ptr(), length) })
    }
}
