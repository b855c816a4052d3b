//! MPLS label stack entries (RFC 3032, section 2.1).

/// Length of an entry, bytes.
pub const ENTRY: usize = 4;

/// Labels from 0 to this are reserved (RFC 3032, section 2.1).
pub const LAST_RESERVED: u32 = 15;

/// An entry of a label stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// The label, 20 bits.
    pub label: u32,
    /// Whether no entry follows.
    pub bottom: bool,
    /// How many more hops it may take.
    pub time_to_live: u8,
}

impl Entry {
    /// Reads the entry that bytes begin with; its traffic class is left out.
    #[inline]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let entry = u32::from_be_bytes(*bytes.first_chunk::<ENTRY>()?);
        let [.., time_to_live] = entry.to_be_bytes();
        Some(Self { label: entry >> 12, bottom: entry >> 8 & 1 == 1, time_to_live })
    }

    /// The entry as it is sent, with traffic class 0.
    #[inline]
    pub fn bytes(&self) -> [u8; ENTRY] {
        (self.label << 12 | u32::from(self.bottom) << 8 | u32::from(self.time_to_live)).to_be_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_written_is_read(label in 0u32..1 << 20, bottom in any::<bool>(), time_to_live in any::<u8>()) {
            let entry = Entry { label, bottom, time_to_live };
            prop_assert_eq!(Entry::read(&entry.bytes()), Some(entry));
        }

        #[test]
        fn any_bytes_are_an_entry_or_too_few(bytes in proptest::collection::vec(any::<u8>(), 0..8)) {
            prop_assert_eq!(Entry::read(&bytes).is_some(), bytes.len() >= ENTRY);
        }
    }
}
