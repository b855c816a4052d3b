//! The memory of a ring of blocks, shared with the kernel: linux/if_packet.h.
#![allow(unsafe_code)]

use std::io;
use std::mem::size_of;
use std::os::fd::AsFd;

use crate::port::ring_memory::RingMemory;
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

const HEADER: usize = size_of::<Header>();

/// Blocks of equal size in one mapping, each with a header.
#[derive(Debug)]
pub(super) struct Memory(RingMemory);

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
        RingMemory::map(socket, block, blocks, std::mem::offset_of!(Block, status)).map(Self)
    }

    /// What is in the block, where the kernel has handed it over.
    #[inline]
    pub(super) fn filled(&self, index: u32) -> Option<Filled> {
        if !self.0.is_ours(index) {
            return None;
        }
        // SAFETY: a block begins with this header, all integers, aligned as the block is (to a page). The block is ours: the kernel does
        // not write to it until it is released.
        let Block { frames, first, .. } = unsafe { self.0.start(index).cast::<Block>().read() };
        Some(Filled { frames, first })
    }

    /// The header at an offset of a block of ours, and the bytes from behind it to the end of its frame; `None` when they do not lie in the block.
    #[inline]
    fn header(&self, index: u32, offset: usize) -> Option<(Header, usize)> {
        let block = self.0.piece();
        if !offset.is_multiple_of(align_of::<Header>()) || offset.checked_add(HEADER)? > block {
            return None;
        }
        // SAFETY: the header lies within the block, aligned, all integers, and the block is ours.
        let header = unsafe { self.0.start(index).add(offset).cast::<Header>().read() };
        let length = (usize::from(header.mac) + header.kept as usize).checked_sub(HEADER)?;
        (offset + HEADER + length <= block).then_some((header, length))
    }

    /// The frame whose header begins at an offset of a block of ours; `None` when it does not lie in the block.
    #[inline]
    pub(super) fn frame(&mut self, index: u32, offset: u32) -> Option<Frame<'_>> {
        let offset = offset as usize;
        let (header, length) = self.header(index, offset)?;
        // SAFETY: the bytes lie within the block, which is ours; the exclusive borrow of `self` means there is no other reference to
        // them, and the kernel leaves a block of ours alone.
        let bytes = unsafe { std::slice::from_raw_parts_mut(self.0.start(index).add(offset + HEADER).as_ptr(), length) };
        Some(Frame { header, bytes, first: HEADER })
    }

    /// The same frame as it lies there, without the VLAN tag that the kernel may have taken out, and how far the next header is from its own.
    #[inline]
    pub(super) fn peek(&self, index: u32, offset: u32) -> Option<(&[u8], u32)> {
        let offset = offset as usize;
        let (header, length) = self.header(index, offset)?;
        let before = usize::from(header.mac).saturating_sub(HEADER).min(length);
        // SAFETY: the bytes lie within the block, which is ours; the kernel leaves it alone, and the borrow of `self` means that there is no
        // exclusive reference to them.
        let bytes =
            unsafe { std::slice::from_raw_parts(self.0.start(index).add(offset + HEADER + before).as_ptr(), length - before) };
        Some((bytes, header.next))
    }

    /// Gives the block back to the kernel.
    #[inline]
    pub(super) fn release(&mut self, index: u32) {
        self.0.release(index);
    }
}
