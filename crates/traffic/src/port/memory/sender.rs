//! The end of a ring that puts frames in.

use std::sync::atomic::{Ordering, fence};

use rustix::io::Errno;
use rustix::time::{ClockId, clock_gettime};
use tailbed_format::memory::{MemoryPort, Side};

use super::layout::{Pair, Ring, offset};
use super::mapping::WORD;
use super::{MemoryError, attach, sleep};
use crate::port::Transmit;

/// Sends frames by one ring of a link in shared memory.
///
/// How many were sent is read from the file for each, so several of these on one thread may send by the same ring in turn.
#[derive(Debug)]
pub struct MemorySender {
    pair: Pair,
    ring: Ring,
    /// How many frames the receiver had taken when it was last looked at.
    taken: u64,
}

impl MemorySender {
    /// Opens the ring by which this end sends.
    ///
    /// # Errors
    /// When the file cannot be opened, or does not hold a pair of rings.
    pub fn open(port: &MemoryPort) -> Result<Self, MemoryError> {
        Ok(Self::new(attach(port)?, port.side))
    }

    pub(super) fn new(pair: Pair, side: Side) -> Self {
        let ring = pair.sent_by(side);
        let taken = pair.mapping.word(ring.at(offset::TAKEN)).load(Ordering::Acquire);
        Self { pair, ring, taken }
    }
}

/// The time, ns since 1970 (`CLOCK_REALTIME`); read without a system call (vdso(7)).
#[inline]
pub(super) fn now() -> u64 {
    let now = clock_gettime(ClockId::Realtime);
    now.tv_sec.cast_unsigned().wrapping_mul(1_000_000_000).wrapping_add(now.tv_nsec.cast_unsigned())
}

impl Transmit for MemorySender {
    /// A frame for which there is no room is counted as dropped and is no error: on a wire its sender would not know either.
    #[inline]
    fn send(&mut self, frame: &[u8]) -> Result<(), Errno> {
        let Self { pair: Pair { mapping, geometry }, ring, taken } = self;
        let length =
            u32::try_from(frame.len()).ok().filter(|length| *length <= geometry.longest_frame()).ok_or(Errno::MSGSIZE)?;
        let counter = mapping.word(ring.at(offset::SENT));
        let sent = counter.load(Ordering::Relaxed);
        if sent.wrapping_sub(*taken) >= ring.length() {
            // Acquire: what the receiver read from a slot it did before it gave the slot back.
            *taken = mapping.word(ring.at(offset::TAKEN)).load(Ordering::Acquire);
            if sent.wrapping_sub(*taken) >= ring.length() {
                let dropped = mapping.word(ring.at(offset::DROPPED));
                dropped.store(dropped.load(Ordering::Relaxed).wrapping_add(1), Ordering::Release);
                return Ok(());
            }
        }
        let (at, words) = ring.slot_of(sent);
        let slot = mapping.words(at, words);
        slot[0].store(u64::from(length), Ordering::Relaxed);
        let (whole, rest) = frame.as_chunks::<WORD>();
        for (place, bytes) in slot[2..].iter().zip(whole) {
            place.store(u64::from_ne_bytes(*bytes), Ordering::Relaxed);
        }
        if !rest.is_empty() {
            let mut last = [0; WORD];
            last[..rest.len()].copy_from_slice(rest);
            slot[2 + whole.len()].store(u64::from_ne_bytes(last), Ordering::Relaxed);
        }
        // last, when there is nothing left to do but to say so: the copy is the sender's work, not the link's
        slot[1].store(now(), Ordering::Relaxed);
        // Release: whoever sees the frame counted sees the slot as it was written.
        counter.store(sent.wrapping_add(1), Ordering::Release);
        // The receiver rings in the other order (it sets the bell, then looks at the count): with a full fence on both sides, one of the two
        // sees the other.
        fence(Ordering::SeqCst);
        sleep::ring(mapping.half(ring.at(offset::BELL)));
        Ok(())
    }
}
