//! The rings of an AF_XDP socket: one side writes entries and moves the producer, the other reads them and moves the consumer.
#![allow(unsafe_code)]

use std::io;
use std::mem::size_of;
use std::os::fd::AsFd;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};
use rustix::net::xdp::XdpRingOffset;

/// A ring in memory shared with the kernel. Both counters run on beyond the size; an entry's place is its number modulo the size.
#[derive(Debug)]
struct Ring<T> {
    base: NonNull<u8>,
    length: usize,
    producer: NonNull<u32>,
    consumer: NonNull<u32>,
    flags: Option<NonNull<u32>>,
    entries: NonNull<T>,
    size: u32,
}

// SAFETY: the mapping belongs to the process, not to a thread, and `Ring` is its only owner.
unsafe impl<T: Send> Send for Ring<T> {}

impl<T: Copy> Ring<T> {
    /// Maps the ring of `size` entries (a power of two) that was asked for on the socket.
    fn map(socket: impl AsFd, at: u64, offsets: &XdpRingOffset, size: u32) -> io::Result<Self> {
        let within = |offset: u64| usize::try_from(offset).map_err(io::Error::other);
        let entries = within(offsets.desc)?;
        let length = entries + size as usize * size_of::<T>();
        let flags = MapFlags::SHARED | MapFlags::POPULATE;
        // SAFETY: a new mapping at an address of the kernel's choice replaces nothing.
        let base = unsafe { mmap(std::ptr::null_mut(), length, ProtFlags::READ | ProtFlags::WRITE, flags, socket.as_fd(), at)? };
        let base = NonNull::new(base.cast::<u8>()).ok_or_else(|| io::Error::other("a ring was mapped at address zero"))?;
        // SAFETY: the kernel says where these lie; all are within the length, and the entries end with it.
        let word = |offset: u64| within(offset).map(|offset| unsafe { base.add(offset) }.cast::<u32>());
        let flags = offsets.flags.map(word).transpose()?;
        let (producer, consumer) = (word(offsets.producer)?, word(offsets.consumer)?);
        // SAFETY: as above.
        let entries = unsafe { base.add(entries) }.cast();
        Ok(Self { base, length, producer, consumer, flags, entries, size })
    }

    #[inline]
    fn producer(&self) -> &AtomicU32 {
        // SAFETY: an aligned word within the mapping that is only accessed atomically.
        unsafe { AtomicU32::from_ptr(self.producer.as_ptr()) }
    }

    #[inline]
    fn consumer(&self) -> &AtomicU32 {
        // SAFETY: an aligned word within the mapping that is only accessed atomically.
        unsafe { AtomicU32::from_ptr(self.consumer.as_ptr()) }
    }

    #[inline]
    fn entry(&self, number: u32) -> NonNull<T> {
        // SAFETY: the place is less than the size, so the entry lies within the mapping.
        unsafe { self.entries.add((number & (self.size - 1)) as usize) }
    }

    #[inline]
    fn needs_wake_up(&self) -> bool {
        // SAFETY: an aligned word within the mapping that is only accessed atomically.
        let flags = self.flags.map_or(0, |flags| unsafe { AtomicU32::from_ptr(flags.as_ptr()) }.load(Ordering::Relaxed));
        flags & libc::XDP_RING_NEED_WAKEUP != 0
    }
}

impl<T> Drop for Ring<T> {
    fn drop(&mut self) {
        // SAFETY: the mapping was made by `map` with this length, and no reference into it outlives `self`.
        let _ = unsafe { munmap(self.base.as_ptr().cast(), self.length) };
    }
}

/// A ring that we write and the kernel reads.
#[derive(Debug)]
pub(super) struct Producer<T> {
    ring: Ring<T>,
    /// The next entry to be written, and up to which the kernel has read when last looked.
    next: u32,
    read: u32,
}

impl<T: Copy> Producer<T> {
    pub(super) fn map(socket: impl AsFd, at: u64, offsets: &XdpRingOffset, size: u32) -> io::Result<Self> {
        let ring = Ring::map(socket, at, offsets, size)?;
        Ok(Self { ring, next: 0, read: 0 })
    }

    /// Writes an entry, which the kernel does not see yet; whether there was room.
    #[inline]
    pub(super) fn push(&mut self, entry: T) -> bool {
        if self.next.wrapping_sub(self.read) >= self.ring.size {
            self.read = self.read_by_kernel();
            if self.next.wrapping_sub(self.read) >= self.ring.size {
                return false;
            }
        }
        // SAFETY: the entry lies within the mapping, and the kernel does not read it before it is published.
        unsafe { self.ring.entry(self.next).write(entry) };
        self.next = self.next.wrapping_add(1);
        true
    }

    /// Shows the kernel all entries written so far.
    #[inline]
    pub(super) fn publish(&mut self) {
        // Release: the entries, and the bytes they speak of, are written before the kernel sees them.
        self.ring.producer().store(self.next, Ordering::Release);
    }

    /// Entries that the kernel has not read yet, published or not.
    #[inline]
    pub(super) fn unread(&mut self) -> u32 {
        self.read = self.read_by_kernel();
        self.next.wrapping_sub(self.read)
    }

    /// Takes the entry written last back. The kernel must not be reading: where it does so within our own calls alone.
    pub(super) fn take_back(&mut self) -> T {
        self.next = self.next.wrapping_sub(1);
        self.ring.producer().store(self.next, Ordering::Release);
        // SAFETY: the entry lies within the mapping, was written by us, and the kernel only ever reads it.
        unsafe { self.ring.entry(self.next).read() }
    }

    /// Whether the kernel must be told that there are new entries.
    #[inline]
    pub(super) fn needs_wake_up(&self) -> bool {
        self.ring.needs_wake_up()
    }

    #[inline]
    fn read_by_kernel(&self) -> u32 {
        // Acquire: the kernel is done with what it read before it moved the consumer.
        self.ring.consumer().load(Ordering::Acquire)
    }
}

/// A ring that the kernel writes and we read.
#[derive(Debug)]
pub(super) struct Consumer<T> {
    ring: Ring<T>,
    /// The next entry to be read, and up to which the kernel has written when last looked.
    next: u32,
    written: u32,
}

impl<T: Copy> Consumer<T> {
    pub(super) fn map(socket: impl AsFd, at: u64, offsets: &XdpRingOffset, size: u32) -> io::Result<Self> {
        let ring = Ring::map(socket, at, offsets, size)?;
        Ok(Self { ring, next: 0, written: 0 })
    }

    /// The next entry, if there is one. It stays until [`Self::release`].
    #[inline]
    pub(super) fn peek(&mut self) -> Option<T> {
        if self.next == self.written {
            // Acquire: the entries, and the bytes they speak of, are read after this load.
            self.written = self.ring.producer().load(Ordering::Acquire);
            if self.next == self.written {
                return None;
            }
        }
        // SAFETY: the entry lies within the mapping, and the kernel does not write it again before it is released.
        Some(unsafe { self.ring.entry(self.next).read() })
    }

    /// The entry has been read, and the kernel may use its place.
    #[inline]
    pub(super) fn release(&mut self) {
        self.next = self.next.wrapping_add(1);
        // Release: all our reads of the entry are done before the kernel sees that it may write it.
        self.ring.consumer().store(self.next, Ordering::Release);
    }
}
