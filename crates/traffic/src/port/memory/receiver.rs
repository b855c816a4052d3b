//! The end of a ring that takes frames out.

use std::sync::atomic::{AtomicU32, Ordering};

use tailbed_format::memory::{MemoryPort, Side};
use tailbed_format::order::Wait;

use super::layout::{Pair, Ring, halves, offset};
use super::mapping::WORD;
use super::sender::now;
use super::{MemoryError, attach, sleep};
use crate::port::{Incoming, Receive};
use crate::stop::Stop;

/// Takes frames from one ring of a link in shared memory. A ring has one of these.
#[derive(Debug)]
pub struct MemoryReceiver {
    pair: Pair,
    ring: Ring,
    /// Frames sent, as last seen; and taken. The file has the latter for the sender, and it is never read back from there.
    sent: u64,
    taken: u64,
    /// Frames that found no room, as far as they were told.
    dropped: u64,
    /// A frame's copy.
    frame: Box<[u8]>,
    /// The sender is under another kernel.
    apart: bool,
}

impl MemoryReceiver {
    /// Opens the ring by which the other end sends. What is in it by then is left out, as by a socket that is opened on an interface.
    ///
    /// # Errors
    /// When the file cannot be opened, or does not hold a pair of rings.
    pub fn open(port: &MemoryPort) -> Result<Self, MemoryError> {
        Ok(Self::new(attach(port)?, port.side, port.apart))
    }

    pub(super) fn new(pair: Pair, side: Side, apart: bool) -> Self {
        let ring = pair.sent_by(match side {
            Side::Near => Side::Far,
            Side::Far => Side::Near,
        });
        let sent = pair.mapping.word(ring.at(offset::SENT)).load(Ordering::Acquire);
        pair.mapping.word(ring.at(offset::TAKEN)).store(sent, Ordering::Release);
        let dropped = pair.mapping.word(ring.at(offset::DROPPED)).load(Ordering::Acquire);
        let frame = vec![0; pair.geometry.longest_frame() as usize].into();
        Self { pair, ring, sent, taken: sent, dropped, frame, apart }
    }

    /// Whether there is a frame to be taken, looked up anew.
    pub(super) fn has_any(&self) -> bool {
        self.pair.mapping.word(self.ring.at(offset::SENT)).load(Ordering::Acquire) != self.taken
    }

    /// Whether the sender can ring the bell so that a sleeper here wakes.
    pub(super) fn can_be_woken(&self) -> bool {
        !self.apart
    }

    /// What a sleeper sleeps on.
    pub(super) fn bell(&self) -> &AtomicU32 {
        self.pair.mapping.half(self.ring.at(offset::BELL))
    }

    /// Counts the frames up to this one as taken.
    #[inline]
    fn give_back(&mut self, taken: u64) {
        self.taken = taken;
        // Release: the slot has been read before the sender sees that it may fill it.
        self.pair.mapping.word(self.ring.at(offset::TAKEN)).store(taken, Ordering::Release);
    }
}

impl Receive for MemoryReceiver {
    #[inline]
    fn receive<R>(&mut self, take: impl FnOnce(Incoming<'_>) -> R) -> Option<R> {
        if self.sent == self.taken {
            // Acquire: a frame that is counted has been written.
            self.sent = self.pair.mapping.word(self.ring.at(offset::SENT)).load(Ordering::Acquire);
        }
        let there = self.sent.wrapping_sub(self.taken);
        if there == 0 {
            return None;
        }
        if there > self.ring.length() {
            // No sender of ours counts so: what is in the slots is anybody's guess.
            self.give_back(self.sent);
            return None;
        }
        let (at, words) = self.ring.slot_of(self.taken);
        let slot = self.pair.mapping.words(at, words);
        let (length, _) = halves(slot[0].load(Ordering::Relaxed));
        let kept = (length as usize).min(self.frame.len());
        let mut stamp = slot[1].load(Ordering::Relaxed);
        let (whole, rest) = self.frame[..kept].as_chunks_mut::<WORD>();
        for (bytes, word) in whole.iter_mut().zip(&slot[2..]) {
            *bytes = word.load(Ordering::Relaxed).to_ne_bytes();
        }
        if !rest.is_empty() {
            let last = slot[2 + whole.len()].load(Ordering::Relaxed).to_ne_bytes();
            rest.copy_from_slice(&last[..rest.len()]);
        }
        let truncated = length as usize > kept;
        self.give_back(self.taken.wrapping_add(1));
        if self.apart {
            stamp = now();
        }
        Some(take(Incoming { bytes: &mut self.frame[..kept], stamp, truncated }))
    }

    #[inline]
    fn idle(&mut self, wait: Wait, ns: u64, stop: &Stop) -> bool {
        wait == Wait::Block && sleep::until(self, ns, stop)
    }

    /// As the sender counts them.
    fn drops(&mut self) -> u64 {
        let now = self.pair.mapping.word(self.ring.at(offset::DROPPED)).load(Ordering::Acquire);
        let more = now.wrapping_sub(self.dropped);
        self.dropped = now;
        more
    }
}
