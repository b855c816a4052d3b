//! The memory of a ring of blocks, shared with the kernel: linux/if_packet.h.
#![allow(unsafe_code)]

use std::io;
use std::mem::size_of;
use std::os::fd::AsFd;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

use crate::port::socket::Plain;

/// What asks for a ring: `struct tpacket_req3`.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub(super) struct Request {
    block_size: libc::c_uint,
    blocks: libc::c_uint,
    frame_size: libc::c_uint,
    frames: libc::c_uint,
    retire: libc::c_uint,
    private: libc::c_uint,
    features: libc::c_uint,
}

// SAFETY: repr(C), integers only.
unsafe impl Plain for Request {}

impl Request {
    /// So many blocks of a size, each kept back for at most `retire` ms. The frame size is only checked by the kernel, not used: frames
    /// are packed.
    pub(super) fn new(block_size: u32, blocks: u32, retire: u32) -> Self {
        let frame_size = 2048;
        let frames = blocks * (block_size / frame_size);
        Self { block_size, blocks, frame_size, frames, retire, private: 0, features: 0 }
    }
}

/// `struct tpacket_stats_v3`.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub(super) struct Statistics {
    packets: libc::c_uint,
    pub(super) drops: libc::c_uint,
    freezes: libc::c_uint,
}

// SAFETY: repr(C), integers only.
unsafe impl Plain for Statistics {}

/// `struct tpacket_block_desc` as far as it is read: version, offset of private data, then `struct tpacket_hdr_v1`.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
struct Block {
    version: u32,
    private: u32,
    status: u32,
    frames: u32,
    first: u32,
    length: u32,
}

/// `struct tpacket3_hdr`, before each frame.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub(super) struct Header {
    /// From this header to the next, bytes; 0 in a block's last.
    pub(super) next: u32,
    pub(super) seconds: u32,
    pub(super) nanoseconds: u32,
    /// Bytes of the frame that are here.
    pub(super) kept: u32,
    /// Bytes it had.
    pub(super) length: u32,
    pub(super) status: u32,
    /// Where the frame begins, counted from the header.
    pub(super) mac: u16,
    net: u16,
    hash: u32,
    pub(super) vlan_tag: u32,
    pub(super) vlan_protocol: u16,
    padding: [u8; 10],
}

/// Blocks of equal size in one mapping. Each says whom it belongs to: the kernel (`TP_STATUS_KERNEL`, 0) or us (`TP_STATUS_USER` set).
#[derive(Debug)]
pub(super) struct Memory {
    base: NonNull<u8>,
    block: u32,
    blocks: u32,
}

// SAFETY: the mapping belongs to the process, not to a thread, and `Memory` is its only owner.
unsafe impl Send for Memory {}

/// A block that the kernel has handed over.
#[derive(Debug, Clone, Copy)]
pub(super) struct Filled {
    /// Frames in it.
    pub(super) frames: u32,
    /// Where the first one's header begins, counted from the block's beginning.
    pub(super) first: u32,
}

/// A frame in a block of ours.
#[derive(Debug)]
pub(super) struct Frame<'a> {
    /// A copy of its header.
    pub(super) header: Header,
    /// All bytes from behind the header to the end of the frame, the frame among them.
    pub(super) bytes: &'a mut [u8],
    /// Offset of `bytes` from the header: what `mac` counts from lies this far before them.
    pub(super) first: usize,
}

impl Frame<'_> {
    /// Whether the frame leaves by the interface: the address after the header says so (`struct sockaddr_ll`, packet(7)).
    #[inline]
    pub(super) fn is_outgoing(&self) -> bool {
        const TYPE: usize = std::mem::offset_of!(libc::sockaddr_ll, sll_pkttype);
        self.bytes.get(TYPE) == Some(&libc::PACKET_OUTGOING)
    }
}

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

    /// What is in the block, where the kernel has handed it over.
    #[inline]
    pub(super) fn filled(&self, index: u32) -> Option<Filled> {
        // Acquire: what the kernel wrote into the block before it set the status is seen after this load.
        if self.status(index).load(Ordering::Acquire) & libc::TP_STATUS_USER == 0 {
            return None;
        }
        // SAFETY: a block begins with this header, all integers, aligned as the block is (to a page). The block is ours: the kernel does
        // not write to it until it is released.
        let Block { frames, first, .. } = unsafe { self.start(index).cast::<Block>().read() };
        Some(Filled { frames, first })
    }

    /// The frame whose header begins at an offset of a block of ours; `None` when it does not lie in the block.
    #[inline]
    pub(super) fn frame(&mut self, index: u32, offset: u32) -> Option<Frame<'_>> {
        const HEADER: usize = size_of::<Header>();
        let (offset, block) = (offset as usize, self.block as usize);
        if !offset.is_multiple_of(align_of::<Header>()) || offset.checked_add(HEADER)? > block {
            return None;
        }
        // SAFETY: the header lies within the block, aligned, all integers, and the block is ours.
        let header = unsafe { self.start(index).add(offset).cast::<Header>().read() };
        let length = (usize::from(header.mac) + header.kept as usize).checked_sub(HEADER)?;
        if offset + HEADER + length > block {
            return None;
        }
        // SAFETY: the bytes lie within the block, which is ours; the exclusive borrow of `self` means there is no other reference to
        // them, and the kernel leaves a block of ours alone.
        let bytes = unsafe { std::slice::from_raw_parts_mut(self.start(index).add(offset + HEADER).as_ptr(), length) };
        Some(Frame { header, bytes, first: HEADER })
    }

    /// Gives the block back to the kernel.
    #[inline]
    pub(super) fn release(&mut self, index: u32) {
        // Release: all our reads and writes of the block are done before the kernel sees that it may fill it.
        self.status(index).store(libc::TP_STATUS_KERNEL, Ordering::Release);
    }

    #[inline]
    fn status(&self, index: u32) -> &AtomicU32 {
        const STATUS: usize = std::mem::offset_of!(Block, status);
        // SAFETY: the word is aligned, lies within the mapping and is only accessed atomically while shared.
        unsafe { AtomicU32::from_ptr(self.start(index).add(STATUS).cast().as_ptr()) }
    }

    #[inline]
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
