//! A link in memory that both of its ends share: how large it is, and what an agent is told of its end.

use serde::{Deserialize, Serialize};

/// Bytes before the first slot: what the file is, and where each ring stands.
pub const PREAMBLE: u64 = 4096;

/// Bytes of a slot that are not the frame's: its length and its stamp.
pub const SLOT_HEADER: u32 = 16;

/// Slots of a ring, unless the experiment says otherwise: as many as queues of network cards commonly have.
pub const SLOTS: u32 = 1024;

/// Fewest and most slots of a ring; a power of two in any case.
pub const FEWEST_SLOTS: u32 = 2;
/// See [`FEWEST_SLOTS`].
pub const MOST_SLOTS: u32 = 65_536;

/// Least and most bytes of a slot; a power of two in any case. The least holds the longest frame of an MTU of 1 500.
pub const LEAST_SLOT: u32 = 2048;
/// See [`LEAST_SLOT`].
pub const LARGEST_SLOT: u32 = 65_536;

/// Bytes of a huge page of the x86's smaller kind (hugetlbpage.rst in the kernel's documentation).
pub const HUGE_PAGE: u64 = 2 << 20;

/// How large the two rings of a link are, one for each direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Geometry {
    /// Slots of each ring: a power of two, [`FEWEST_SLOTS`] to [`MOST_SLOTS`].
    pub slots: u32,
    /// Bytes of a slot, its header among them: a power of two, [`LEAST_SLOT`] to [`LARGEST_SLOT`].
    pub slot: u32,
}

impl Geometry {
    /// Rings of so many slots for frames of an MTU, bytes; as for rings of the kernel's, 128 bytes are added for headers and tags that the
    /// MTU does not count.
    pub fn for_mtu(slots: u32, mtu: u32) -> Self {
        let slot = mtu.saturating_add(128).min(LARGEST_SLOT).next_power_of_two().max(LEAST_SLOT);
        Self { slots, slot }
    }

    /// Whether both numbers are in range.
    pub fn is_valid(self) -> bool {
        let within = |number: u32, least, most| number.is_power_of_two() && (least..=most).contains(&number);
        within(self.slots, FEWEST_SLOTS, MOST_SLOTS) && within(self.slot, LEAST_SLOT, LARGEST_SLOT)
    }

    /// Most bytes of a frame, without its frame check sequence.
    pub fn longest_frame(self) -> u32 {
        self.slot.saturating_sub(SLOT_HEADER)
    }

    /// Bytes of a ring's slots.
    pub fn ring(self) -> u64 {
        u64::from(self.slots) * u64::from(self.slot)
    }

    /// Bytes in use: the preamble and both rings.
    pub fn used(self) -> u64 {
        PREAMBLE + 2 * self.ring()
    }

    /// Bytes of the file: a power of two, for a virtual machine sees it as a region of a PCI device (PCI Local Bus Specification 3.0, section
    /// 6.2.5.1, sizes of base address regions).
    pub fn size(self) -> u64 {
        self.used().next_power_of_two()
    }
}

/// A port that is no interface: one end of a link in shared memory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryPort {
    /// Its name, by which paths and rules know it as they know interfaces.
    pub name: String,
    /// The file, as the agent sees it.
    pub path: String,
    /// Which end it is.
    pub side: Side,
    /// The other end is under another kernel: it can neither wake this one nor read its clock.
    pub apart: bool,
}

/// An end of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The one nearer to the generator: sends by the first ring.
    Near,
    /// The other: sends by the second.
    Far,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_hold_the_longest_frame_and_files_are_a_power_of_two() {
        let usual = Geometry::for_mtu(SLOTS, 1500);
        assert_eq!(usual, Geometry { slots: 1024, slot: 2048 });
        assert_eq!((usual.used(), usual.size()), ((4 << 20) + 4096, 8 << 20));
        assert_eq!(Geometry::for_mtu(64, 9000), Geometry { slots: 64, slot: 16_384 });
        assert!(Geometry::for_mtu(64, 9000).longest_frame() >= 9014 + 8);
        assert_eq!(Geometry::for_mtu(2, u32::MAX).slot, LARGEST_SLOT);
        for wrong in [(0, 2048), (3, 2048), (1, 2048), (131_072, 2048), (2, 0), (2, 1024), (2, 3000), (2, 131_072)] {
            assert!(!Geometry { slots: wrong.0, slot: wrong.1 }.is_valid(), "{wrong:?}");
        }
        assert!(usual.is_valid());
    }
}
