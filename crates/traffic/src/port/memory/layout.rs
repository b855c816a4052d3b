//! Where things lie in the file.

use std::sync::atomic::Ordering;

use tailbed_format::memory::{Geometry, PREAMBLE, Side};

use super::mapping::{Mapping, WORD};
use super::needed;

/// The first eight bytes.
pub(super) const MAGIC: [u8; 8] = *b"tbmemory";

/// The layout described here.
pub(super) const VERSION: u32 = 1;

/// Offsets in the file.
pub(super) mod offset {
    pub(in super::super) const MAGIC: usize = 0;
    /// Version in the lower half of the word, slots in the upper (the machine is little-endian).
    pub(in super::super) const VERSION_SLOTS: usize = 8;
    pub(in super::super) const SLOT: usize = 16;
    pub(in super::super) const SIZE: usize = 24;
    /// Where the first ring stands; the second's follows as far behind.
    pub(in super::super) const RING: usize = 1024;
    pub(in super::super) const SENT: usize = 0;
    pub(in super::super) const DROPPED: usize = 8;
    pub(in super::super) const TAKEN: usize = 128;
    pub(in super::super) const BELL: usize = 256;
}

/// Both rings, mapped; the geometry is in range and fits the file.
#[derive(Debug)]
pub(super) struct Pair {
    pub(super) mapping: Mapping,
    pub(super) geometry: Geometry,
}

impl Pair {
    /// Reads what the file says of itself, once; the reason when that is not so. What it says later is not asked.
    pub(super) fn read(mapping: Mapping) -> Result<Self, String> {
        let preamble = usize::try_from(PREAMBLE).map_err(|error| error.to_string())?;
        if mapping.length() < preamble {
            return Err(format!("it has {} bytes, fewer than the {PREAMBLE} before the first slot", mapping.length()));
        }
        let word = |offset| mapping.word(offset).load(Ordering::Acquire);
        let magic = word(offset::MAGIC).to_ne_bytes();
        if magic != MAGIC {
            return Err(format!("it begins with {magic:02x?}"));
        }
        let (version, slots) = halves(word(offset::VERSION_SLOTS));
        if version != VERSION {
            return Err(format!("its layout has version {version}, and version {VERSION} is known here"));
        }
        let geometry = Geometry { slots, slot: halves(word(offset::SLOT)).0 };
        if !geometry.is_valid() {
            return Err(format!("{} slots of {} bytes", geometry.slots, geometry.slot));
        }
        let (size, length) = (word(offset::SIZE), mapping.length() as u64);
        if length < needed(geometry) || size > length {
            return Err(format!("it has {length} bytes, says {size}, and its rings take {}", needed(geometry)));
        }
        Ok(Self { mapping, geometry })
    }

    /// Writes what the file says of itself; the first word last, so that nobody takes a file for one that is not finished.
    pub(super) fn write(mapping: &Mapping, geometry: Geometry) {
        let store = |offset, value| mapping.word(offset).store(value, Ordering::Release);
        store(offset::VERSION_SLOTS, u64::from(VERSION) | u64::from(geometry.slots) << 32);
        store(offset::SLOT, u64::from(geometry.slot));
        store(offset::SIZE, mapping.length() as u64);
        store(offset::MAGIC, u64::from_ne_bytes(MAGIC));
    }

    /// The ring by which an end sends.
    pub(super) fn sent_by(&self, side: Side) -> Ring {
        let number = match side {
            Side::Near => 0,
            Side::Far => 1,
        };
        let Geometry { slots, slot } = self.geometry;
        let (slots, slot) = (slots as usize, slot as usize);
        #[allow(clippy::cast_possible_truncation, reason = "one page")]
        let preamble = PREAMBLE as usize;
        Ring { stands: offset::RING * (1 + number), slots: preamble + number * slots * slot, mask: slots as u64 - 1, slot }
    }
}

/// The lower and the upper half of a word.
#[allow(clippy::cast_possible_truncation, reason = "that is what halves are")]
pub(super) fn halves(word: u64) -> (u32, u32) {
    (word as u32, (word >> 32) as u32)
}

/// Where a ring lies; within the file, whatever number a frame has.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ring {
    stands: usize,
    slots: usize,
    mask: u64,
    slot: usize,
}

impl Ring {
    /// Offset of one of the numbers that tell where it stands.
    #[inline]
    pub(super) fn at(self, offset: usize) -> usize {
        self.stands + offset
    }

    /// Number of slots.
    #[inline]
    pub(super) fn length(self) -> u64 {
        self.mask + 1
    }

    /// Offset of the slot of a frame, and its words.
    #[inline]
    #[allow(clippy::cast_possible_truncation, reason = "masked to the number of slots")]
    pub(super) fn slot_of(self, frame: u64) -> (usize, usize) {
        (self.slots + (frame & self.mask) as usize * self.slot, self.slot / WORD)
    }
}
