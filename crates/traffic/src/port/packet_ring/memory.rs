//! The memory of a receive ring, shared with the kernel.
#![allow(unsafe_code)]

use std::io;
use std::mem::size_of;
use std::os::fd::AsFd;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

/// Where the frame's bytes may begin at the earliest: after the header.
const FIRST: usize = size_of::<libc::tpacket2_hdr>();

/// Slots of equal size in one mapping. Each begins with a header whose first word says whom the slot belongs to: the kernel
/// (`TP_STATUS_KERNEL`, 0) or us (`TP_STATUS_USER` set).
#[derive(Debug)]
pub(super) struct Memory {
    base: NonNull<u8>,
    slot: u32,
    slots: u32,
}

// SAFETY: the mapping belongs to the process, not to a thread, and `Memory` is its only owner.
unsafe impl Send for Memory {}

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
        let length = slot as usize * slots as usize;
        // SAFETY: a new mapping at an address of the kernel's choice replaces nothing.
        let base = unsafe {
            mmap(std::ptr::null_mut(), length, ProtFlags::READ | ProtFlags::WRITE, MapFlags::SHARED, socket.as_fd(), 0)?
        };
        let base = NonNull::new(base.cast()).ok_or_else(|| io::Error::other("the ring was mapped at address zero"))?;
        Ok(Self { base, slot, slots })
    }

    /// Number of slots.
    #[inline]
    pub(super) fn slots(&self) -> u32 {
        self.slots
    }

    /// The slot, where the kernel has filled it.
    #[inline]
    pub(super) fn filled(&mut self, index: u32) -> Option<Slot<'_>> {
        // Acquire: what the kernel wrote into the slot before it set the status is seen after this load.
        if self.status(index).load(Ordering::Acquire) & libc::TP_STATUS_USER == 0 {
            return None;
        }
        let start = self.start(index);
        // SAFETY: `start` is within the mapping, aligned to the slot size (a power of two over 16), and a slot begins with this
        // header, all integers. The slot is ours: the kernel does not write to it until it is released.
        let header = unsafe { start.cast::<libc::tpacket2_hdr>().read() };
        // SAFETY: the bytes from FIRST to the end of the slot lie within the mapping; the exclusive borrow of `self` means there is
        // no other reference to them, and the kernel leaves a slot of ours alone.
        let bytes = unsafe { std::slice::from_raw_parts_mut(start.add(FIRST).as_ptr(), self.slot as usize - FIRST) };
        Some(Slot { header, bytes, first: FIRST })
    }

    /// The frame of a slot that the kernel has filled, as it lies there: without the VLAN tag that the kernel may have taken out.
    #[inline]
    pub(super) fn peek(&self, index: u32) -> Option<&[u8]> {
        // Acquire, as in `filled`.
        if self.status(index).load(Ordering::Acquire) & libc::TP_STATUS_USER == 0 {
            return None;
        }
        let start = self.start(index);
        // SAFETY: as in `filled`; only integers are read, and nothing of ours writes to the slot while `self` is borrowed.
        let header = unsafe { start.cast::<libc::tpacket2_hdr>().read() };
        let slot = self.slot as usize;
        let first = usize::from(header.tp_mac).clamp(FIRST, slot);
        let length = (header.tp_snaplen as usize).min(slot - first);
        // SAFETY: `first` and `length` keep the bytes within the slot, behind its header; the kernel leaves a slot of ours alone, and the
        // borrow of `self` means that there is no exclusive reference to them.
        Some(unsafe { std::slice::from_raw_parts(start.add(first).as_ptr(), length) })
    }

    /// Gives the slot back to the kernel.
    #[inline]
    pub(super) fn release(&mut self, index: u32) {
        // Release: all our reads and writes of the slot are done before the kernel sees that it may fill it.
        self.status(index).store(libc::TP_STATUS_KERNEL, Ordering::Release);
    }

    #[inline]
    fn status(&self, index: u32) -> &AtomicU32 {
        // SAFETY: the first word of a slot is aligned, lies within the mapping and is only accessed atomically while shared.
        unsafe { AtomicU32::from_ptr(self.start(index).cast().as_ptr()) }
    }

    #[inline]
    fn start(&self, index: u32) -> NonNull<u8> {
        assert!(index < self.slots);
        // SAFETY: the index is in range, so the offset is within the mapping.
        unsafe { self.base.add(index as usize * self.slot as usize) }
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: the mapping was made by `map` with this length, and no reference into it outlives `self`.
        // There is nothing to be done about a refusal, and none is possible for a whole mapping of our own.
        let _ = unsafe { munmap(self.base.as_ptr().cast(), self.slot as usize * self.slots as usize) };
    }
}
