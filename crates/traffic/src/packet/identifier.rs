//! The identifier each packet carries first in its UDP payload: 18 bytes, all fields in network order.
//!
//! | bytes | field |
//! | --- | --- |
//! | 0..2 | magic |
//! | 2..6 | tag of the run |
//! | 6..10 | flow |
//! | 10..18 | sequence number in the flow |
//!
//! In a frame with Ethernet, IPv4 and UDP headers it takes bytes 42..60, so that it lies within the bytes 12..64 by which captures
//! of such traffic are matched, and makes them different for each packet.

use std::ops::Range;

/// Length of an identifier, bytes.
pub const LENGTH: usize = 18;

/// Tells an identifier from other payloads: "tb" in ASCII.
pub const MAGIC: [u8; 2] = *b"tb";

const MAGIC_AT: Range<usize> = 0..2;
const TAG: Range<usize> = 2..6;
/// Where the flow lies.
pub const FLOW: Range<usize> = 6..10;
/// Where the sequence number lies.
pub const SEQUENCE: Range<usize> = 10..18;

/// Which packet it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identifier {
    /// The run it belongs to.
    pub tag: u32,
    /// The flow within the run.
    pub flow: u32,
    /// Its number within the flow, from 0.
    pub sequence: u64,
}

impl Identifier {
    /// Reads the identifier a payload begins with; `None` when it does not begin with one.
    #[inline]
    pub fn read(payload: &[u8]) -> Option<Self> {
        let bytes = payload.first_chunk::<LENGTH>()?;
        if bytes[MAGIC_AT] != MAGIC {
            return None;
        }
        let half = |at: usize| u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        let at = SEQUENCE.start;
        let sequence = u64::from(half(at)) << 32 | u64::from(half(at + 4));
        Some(Self { tag: half(TAG.start), flow: half(FLOW.start), sequence })
    }

    /// Writes the identifier at the beginning of a payload; `false` when the payload is too short.
    #[must_use]
    pub fn write(&self, payload: &mut [u8]) -> bool {
        let Some(bytes) = payload.first_chunk_mut::<LENGTH>() else { return false };
        bytes[MAGIC_AT].copy_from_slice(&MAGIC);
        bytes[TAG].copy_from_slice(&self.tag.to_be_bytes());
        bytes[FLOW].copy_from_slice(&self.flow.to_be_bytes());
        bytes[SEQUENCE].copy_from_slice(&self.sequence.to_be_bytes());
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_bytes_are_an_identifier_or_not(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let found = Identifier::read(&bytes);
            prop_assert_eq!(found.is_some(), bytes.len() >= LENGTH && bytes.starts_with(&MAGIC));
        }

        #[test]
        fn what_is_written_is_read(tag in any::<u32>(), flow in any::<u32>(), sequence in any::<u64>(), length in LENGTH..40) {
            let identifier = Identifier { tag, flow, sequence };
            let mut bytes = vec![0; length];
            prop_assert!(identifier.write(&mut bytes));
            prop_assert_eq!(Identifier::read(&bytes), Some(identifier));
        }
    }

    #[test]
    fn a_short_payload_is_left_alone() {
        let identifier = Identifier { tag: 1, flow: 2, sequence: 3 };
        let mut bytes = [9; LENGTH - 1];
        assert!(!identifier.write(&mut bytes));
        assert_eq!(bytes, [9; LENGTH - 1]);
    }
}
