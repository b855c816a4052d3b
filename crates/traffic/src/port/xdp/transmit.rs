//! Sending: frames are written into shared memory and handed over several at a time.

use rustix::io::Errno;

use super::ring::{Consumer, Producer};
use super::umem::Chunks;
use super::{Copies, wake};
use crate::port::Transmit;

/// Frames of a call at most: as many as the kernel takes in one by itself (`TX_BATCH_SIZE`, net/xdp/xsk.c).
const FRAMES: usize = 32;

/// Calls in a row in which the kernel took nothing, after which what is left counts as refused.
const FRUITLESS: u32 = 2;

/// The way out of an AF_XDP socket.
#[derive(Debug)]
pub struct XdpTransmit {
    // Rings before what holds the socket: they are unmapped before it closes.
    ring: Producer<libc::xdp_desc>,
    done: Consumer<u64>,
    chunks: Chunks,
    /// Chunks that no frame lies in. The one used last is used next: it is in the caches.
    free: Vec<u64>,
    queued: usize,
    copies: Copies,
}

impl XdpTransmit {
    pub(super) fn new(ring: Producer<libc::xdp_desc>, done: Consumer<u64>, chunks: Chunks, copies: Copies) -> Self {
        let free = chunks.addresses().collect();
        Self { ring, done, chunks, free, queued: 0, copies }
    }

    /// Takes chunks back that the kernel is done with.
    #[inline]
    fn reap(&mut self) {
        while let Some(address) = self.done.peek() {
            self.done.release();
            // As many as there are chunks at most: the memory was taken beforehand.
            self.free.push(self.chunks.beginning(address));
        }
    }
}

impl Transmit for XdpTransmit {
    const QUEUE: usize = FRAMES;

    #[inline]
    fn send(&mut self, frame: &[u8]) -> Result<(), Errno> {
        if frame.len() > self.chunks.size() as usize {
            return Err(Errno::MSGSIZE);
        }
        if self.free.is_empty() {
            self.reap();
        }
        let address = self.free.pop().ok_or(Errno::NOBUFS)?;
        let room = self.chunks.bytes(address, frame.len()).ok_or(Errno::FAULT)?;
        room.copy_from_slice(frame);
        #[allow(clippy::cast_possible_truncation, reason = "no longer than a chunk")]
        if !self.ring.push(libc::xdp_desc { addr: address, len: frame.len() as u32, options: 0 }) {
            self.free.push(address);
            return Err(Errno::NOBUFS);
        }
        self.queued += 1;
        Ok(())
    }

    #[inline]
    fn queued(&self) -> usize {
        self.queued
    }

    /// Where copies are made the kernel takes the frames within the call: those it does not take, when the interface is down for example,
    /// are refused with its reason, and do not leave later. Without copies it is only told that there are frames.
    #[inline]
    fn flush(&mut self, refused: impl FnMut(usize, Errno)) {
        self.ring.publish();
        match self.copies {
            Copies::Made => self.push_through(refused),
            Copies::None => {
                if self.ring.needs_wake_up() {
                    // The frames stay in the ring, and the next call finds them: the reason shows in what comes through.
                    let _ = wake(&self.chunks.shared);
                }
            }
        }
        self.queued = 0;
        self.reap();
    }
}

impl XdpTransmit {
    #[inline]
    fn push_through(&mut self, mut refused: impl FnMut(usize, Errno)) {
        let (mut left, mut fruitless) = (self.ring.unread(), 0);
        while left > 0 {
            let result = wake(&self.chunks.shared);
            let before = std::mem::replace(&mut left, self.ring.unread());
            match result {
                // a frame that the driver dropped has been read from the ring: it is on no list
                Err(Errno::BUSY) if left < before => refused(self.queued.saturating_sub(left as usize + 1), Errno::BUSY),
                Err(error) if left == before => {
                    fruitless += 1;
                    self.reap();
                    if fruitless == FRUITLESS {
                        self.take_back(left, error, &mut refused);
                        return;
                    }
                }
                _ if left == before => {
                    fruitless += 1;
                    if fruitless == FRUITLESS {
                        self.take_back(left, Errno::AGAIN, &mut refused);
                        return;
                    }
                }
                _ => fruitless = 0,
            }
        }
    }

    /// What the kernel has not taken out of the ring is not left there.
    #[cold]
    fn take_back(&mut self, left: u32, error: Errno, refused: &mut impl FnMut(usize, Errno)) {
        let first = self.queued.saturating_sub(left as usize);
        for _ in 0..left {
            let entry = self.ring.take_back();
            self.free.push(entry.addr);
        }
        (first..self.queued).for_each(|place| refused(place, error));
    }
}
