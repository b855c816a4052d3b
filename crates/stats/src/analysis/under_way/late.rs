//! Packets that are late: not arrived, and too many have left since for the ring.
//!
//! Entries lie in buckets of eight, two cache lines each, chosen by the digest. An entry older than the window is room for the next,
//! so nothing is deleted and no list is walked. What finds its bucket full goes to a small hash map; when that fills, the table
//! doubles, in place: the bucket is the digest scaled to the number of buckets, so entries keep their order when the table grows
//! and only move upwards. A bitmap in front tells in one look that a digest is not here, which is so for almost all that are asked.
//!
//! An entry is 16 bytes: 51 bits of digest (the other 13 follow from the bucket), 39 bits of time and 36 bits of state. Times are
//! kept modulo 2^39 ns, nine minutes; what is older than half of that is cleared away in between.
//!
//! The table never outgrows its limit. When it is full, the oldest packet of a bucket is given up for a new one: first one that
//! has arrived meanwhile, for which nothing is lost but the sight of a duplicate, then one that is waiting. Both are counted.

use std::collections::HashMap;

use super::{Arrived, WAITING, arrived};

/// Entries in a bucket: 8 digests and 8 times, a cache line each.
const WAYS: usize = 8;
/// Buckets in a segment. Segments are allocated one by one, so that growing never holds two tables. A power of two: so many of the
/// highest bits of a digest follow from its bucket.
const SEGMENT: usize = 1 << SEGMENT_BITS;
const SEGMENT_BITS: u32 = 13;
const SEGMENT_BYTES: usize = SEGMENT * size_of::<Bucket>();

const TAG_SHIFT: u32 = SEGMENT_BITS;
const PRESENT_BIT: u32 = 12;
const PRESENT: u64 = 1 << PRESENT_BIT;
/// In the first word of a bucket: something of this bucket is in the spill.
const SPILLED: u64 = 1 << 11;
const HIGH_BITS: u32 = 11;
const LOW_BITS: u32 = 25;
const TIME_BITS: u32 = 64 - LOW_BITS;
const TIME_MASK: u64 = (1 << TIME_BITS) - 1;
/// How long a time may stay before it is cleared away, so that it is never taken for a younger one.
const CLEARING: u64 = 1 << (TIME_BITS - 1);
/// The greatest state an entry holds; stands for an ambiguous packet.
const GREATEST: u64 = (1 << (HIGH_BITS + LOW_BITS)) - 1;

/// Bits of the bitmap: 8 KiB, a part of the first-level cache.
const FILTER_BITS: u32 = 16;

/// The longest window that entries can tell from the next, ns: a minute.
pub const LONGEST_WINDOW: u64 = 60_000_000_000;

#[derive(Debug, Clone, Copy, Default)]
#[repr(align(128))]
struct Bucket {
    /// Digest from bit 13 up, [`PRESENT`], [`SPILLED`] and the high bits of the state.
    tags: [u64; WAYS],
    /// Time from bit 25 up, and the low bits of the state.
    times: [u64; WAYS],
}

impl Bucket {
    fn state(&self, way: usize) -> u64 {
        let state = (self.tags[way] & ((1 << HIGH_BITS) - 1)) << LOW_BITS | self.times[way] & ((1 << LOW_BITS) - 1);
        if state == GREATEST { super::AMBIGUOUS } else { state }
    }

    fn put(&mut self, way: usize, digest: u64, time: u64, state: u64) {
        let state = state.min(GREATEST);
        self.tags[way] = digest << TAG_SHIFT | PRESENT | self.tags[way] & SPILLED | state >> LOW_BITS;
        self.times[way] = (time & TIME_MASK) << LOW_BITS | state & ((1 << LOW_BITS) - 1);
    }

    /// How old an entry is at `now`, ns.
    fn age(&self, way: usize, now: u64) -> u64 {
        now.wrapping_sub(self.times[way] >> LOW_BITS) & TIME_MASK
    }

    fn find(&self, digest: u64) -> Option<usize> {
        let wanted = (digest << TAG_SHIFT | PRESENT) >> PRESENT_BIT;
        self.tags.iter().position(|tag| tag >> PRESENT_BIT == wanted)
    }

    /// A way that is empty or older than the window.
    fn free(&self, now: u64, window: u64) -> Option<usize> {
        (0..WAYS).find(|&way| self.tags[way] & PRESENT == 0 || self.age(way, now) >= window)
    }

    fn spilled(&self) -> bool {
        self.tags[0] & SPILLED != 0
    }
}

/// Packets given up because memory was full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct GivenUp {
    /// Packets that could still have arrived; if they did, they are counted as lost and as unmatched.
    pub waiting: u64,
    /// Packets that had arrived late: a duplicate of them is not noticed.
    pub settled: u64,
}

/// Late packets. Times given to it never run backwards.
#[derive(Debug)]
pub(super) struct Late {
    segments: Vec<Box<[Bucket]>>,
    spill: HashMap<u64, (u64, u64)>,
    filter: Vec<u64>,
    window: u64,
    most_segments: usize,
    /// Packets entered since the last sweep.
    entered: usize,
    swept: u64,
    /// The last time given.
    latest: u64,
    given_up: GivenUp,
}

impl Late {
    /// A table for a window in ns that takes at most `memory` bytes, and at least one segment, a mebibyte.
    pub(super) fn new(window: u64, memory: usize) -> Self {
        Self {
            segments: vec![segment()],
            spill: HashMap::new(),
            filter: vec![0; 1 << (FILTER_BITS - 6)],
            window,
            most_segments: (memory / SEGMENT_BYTES).max(1),
            entered: 0,
            swept: 0,
            latest: 0,
            given_up: GivenUp::default(),
        }
    }

    /// Takes over a packet that left at `time` and has not arrived at `now`.
    #[cold]
    pub(super) fn enter(&mut self, digest: u64, time: u64, now: u64) {
        self.advance(now);
        if now - time >= self.window {
            return;
        }
        self.entered += 1;
        self.mark(digest);
        let window = self.window;
        let bucket = self.bucket(digest);
        // An entry of the same key can only be one that the window has passed over, else they had met.
        match bucket.find(digest).or_else(|| bucket.free(now, window)) {
            Some(way) => bucket.put(way, digest, time, WAITING),
            None => self.make_room(digest, time, now),
        }
    }

    /// Another packet of this key leaves at `now`: when the late one left, and the state it had. It is ambiguous from now on.
    #[inline]
    pub(super) fn conflict(&mut self, digest: u64, now: u64) -> Option<(u64, u64)> {
        if !self.marked(digest) {
            return None;
        }
        self.look(digest, now, |_, state| std::mem::replace(state, super::AMBIGUOUS))
    }

    /// A packet of this key arrives at `now`.
    #[inline]
    pub(super) fn arrive(&mut self, digest: u64, now: u64) -> Arrived {
        if !self.marked(digest) {
            return Arrived::Unknown;
        }
        let window = self.window;
        self.look(digest, now, |age, state| arrived(age, state, window)).map_or(Arrived::Unknown, |(_, arrived)| arrived)
    }

    pub(super) fn given_up(&self) -> GivenUp {
        self.given_up
    }

    /// Finds an entry within the window, and lets its state be changed, given its age; also says when it left.
    #[cold]
    fn look<T>(&mut self, digest: u64, now: u64, change: impl FnOnce(u64, &mut u64) -> T) -> Option<(u64, T)> {
        self.advance(now);
        let window = self.window;
        let bucket = self.bucket(digest);
        if let Some(way) = bucket.find(digest) {
            let age = bucket.age(way, now);
            let mut state = bucket.state(way);
            return (age < window).then(|| {
                let changed = change(age, &mut state);
                bucket.put(way, digest, now - age, state);
                (now - age, changed)
            });
        }
        if !bucket.spilled() {
            return None;
        }
        let (time, state) = self.spill.get_mut(&digest)?;
        (now - *time < window).then(|| (*time, change(now - *time, state)))
    }

    #[inline]
    fn marked(&self, digest: u64) -> bool {
        let bit = digest >> (64 - FILTER_BITS);
        self.filter[(bit >> 6) as usize] >> (bit & 63) & 1 != 0
    }

    fn mark(&mut self, digest: u64) {
        let bit = digest >> (64 - FILTER_BITS);
        self.filter[(bit >> 6) as usize] |= 1 << (bit & 63);
    }

    /// Clears away old times before they could be taken for young ones.
    fn advance(&mut self, now: u64) {
        if now.wrapping_sub(self.swept) >= CLEARING {
            if now - self.latest >= self.window {
                self.segments.iter_mut().for_each(|segment| segment.fill(Bucket::default()));
                self.spill.clear();
            }
            self.sweep(now, self.segments.len());
        }
        self.latest = now;
    }

    fn place(&self, digest: u64) -> usize {
        let buckets = (self.segments.len() * SEGMENT) as u128;
        #[allow(clippy::cast_possible_truncation, reason = "below the number of buckets")]
        let place = ((u128::from(digest) * buckets) >> 64) as usize;
        place
    }

    fn bucket(&mut self, digest: u64) -> &mut Bucket {
        let place = self.place(digest);
        &mut self.segments[place >> SEGMENT_BITS][place & (SEGMENT - 1)]
    }

    /// The bucket is full of packets within the window.
    fn make_room(&mut self, digest: u64, time: u64, now: u64) {
        let slots = self.segments.len() * SEGMENT * WAYS;
        if self.spill.len() < slots / 32 {
            return self.spill(digest, time, WAITING);
        }
        let larger = (self.segments.len() * 2).min(self.most_segments);
        // Sweeping costs a walk over the table: it must have been earned by as many packets as make it worth while.
        if larger > self.segments.len() || self.entered >= slots / 4 {
            self.sweep(now, larger);
            return self.insert(digest, time, WAITING, now);
        }
        self.evict(digest, time, now);
    }

    fn spill(&mut self, digest: u64, time: u64, state: u64) {
        self.bucket(digest).tags[0] |= SPILLED;
        self.spill.insert(digest, (time, state));
    }

    /// Takes the place of the oldest entry of the bucket that is not waiting, or of the oldest of all.
    fn evict(&mut self, digest: u64, time: u64, now: u64) {
        let bucket = self.bucket(digest);
        let settled = (0..WAYS).filter(|&way| bucket.state(way) != WAITING).max_by_key(|&way| bucket.age(way, now));
        let oldest = (0..WAYS).max_by_key(|&way| bucket.age(way, now)).unwrap_or(0);
        bucket.put(settled.unwrap_or(oldest), digest, time, WAITING);
        match settled {
            Some(_) => self.given_up.settled += 1,
            None => self.given_up.waiting += 1,
        }
    }

    fn insert(&mut self, digest: u64, time: u64, state: u64, now: u64) {
        self.mark(digest);
        let window = self.window;
        let bucket = self.bucket(digest);
        match bucket.free(now, window) {
            Some(way) => bucket.put(way, digest, time, state),
            None => self.spill(digest, time, state),
        }
    }

    /// Drops what is older than the window, and spreads the rest over `segments`, which are no fewer than now. From the last bucket
    /// to the first: entries move upwards only, into buckets that were emptied before.
    fn sweep(&mut self, now: u64, segments: usize) {
        let before = self.segments.len();
        self.segments.resize_with(segments.max(before), segment);
        self.filter.fill(0);
        for place in (0..before * SEGMENT).rev() {
            let bucket = std::mem::take(&mut self.segments[place >> SEGMENT_BITS][place & (SEGMENT - 1)]);
            let high = (place / before) as u64;
            for way in (0..WAYS).filter(|&way| bucket.tags[way] & PRESENT != 0) {
                let age = bucket.age(way, now);
                if age < self.window {
                    let digest = high << (64 - SEGMENT_BITS) | bucket.tags[way] >> TAG_SHIFT;
                    self.insert(digest, now - age, bucket.state(way), now);
                }
            }
        }
        for (digest, (time, state)) in std::mem::take(&mut self.spill) {
            if now - time < self.window {
                self.insert(digest, time, state, now);
            }
        }
        self.entered = 0;
        self.swept = now;
    }
}

fn segment() -> Box<[Bucket]> {
    vec![Bucket::default(); SEGMENT].into_boxed_slice()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    fn memory(late: &Late) -> usize {
        late.segments.len() * SEGMENT_BYTES
    }

    /// Enough packets to double the table several times, with arrivals long after.
    #[test]
    fn growing_loses_nothing() {
        let mut random = ChaCha8Rng::seed_from_u64(3);
        let mut late = Late::new(5_000_000_000, 64 << 20);
        let digests: Vec<u64> = (0..400_000).map(|_| random.random()).collect();
        for (now, digest) in (1_000..).zip(&digests) {
            late.enter(*digest, now - 7, now);
        }
        assert!(memory(&late) > 8 << 20 && memory(&late) <= 16 << 20, "{}", memory(&late));
        for (now, digest) in (1_000..).zip(&digests) {
            assert_eq!(late.arrive(*digest, 1_000_000 + now), Arrived::First(1_000_007));
        }
        assert_eq!(late.given_up(), GivenUp::default());
    }

    /// Packets that never arrive, a million in a window, of which the table can hold an eighth.
    #[test]
    fn a_full_table_keeps_its_size_and_says_what_it_gave_up() {
        let mut random = ChaCha8Rng::seed_from_u64(4);
        let mut late = Late::new(1_000_000, 2 << 20);
        for now in 0..1_000_000u64 {
            late.enter(random.random(), now, now);
        }
        assert_eq!(memory(&late), 2 << 20);
        let given_up = late.given_up();
        assert_eq!(given_up.settled, 0);
        assert!((860_000..880_000).contains(&given_up.waiting), "{given_up:?}");
        // The newest are kept.
        let digest = random.random();
        late.enter(digest, 1_000_000, 1_000_000);
        assert_eq!(late.arrive(digest, 1_000_010), Arrived::First(10));
    }

    /// Those that arrived meanwhile make room for those that wait.
    #[test]
    fn what_has_arrived_is_given_up_first() {
        let mut random = ChaCha8Rng::seed_from_u64(5);
        let mut late = Late::new(1_000_000, 2 << 20);
        for now in 0..1_000_000u64 {
            let digest = random.random();
            late.enter(digest, now, now);
            if now % 20 != 0 {
                late.arrive(digest, now + 1);
            }
        }
        // 50 000 wait, and there is room for 131 072.
        let given_up = late.given_up();
        assert!(given_up.settled > 800_000, "{given_up:?}");
        assert!(given_up.waiting < 500, "{given_up:?}");
    }
}
