//! By what packets are known again: bytes at a place, or the identifier that the load generator writes, wherever headers have moved it.

use std::fmt;
use std::io::Read;
use std::str::FromStr;

use tailbed_stats::analysis::Keyed;
use tailbed_stats::analysis::key::{Key, KeyError};
use tailbed_stats::capture::{Error, Reader};
use tailbed_traffic::packet::identifier::Identifier;
use tailbed_traffic::packet::identify;

/// How `--key` calls the identifier.
const IDENTIFIER: &str = "identifier";

/// By what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Known {
    /// Bytes of the frame.
    Bytes(Key),
    /// The identifier, found through tags, tunnels and labels.
    Identifier,
}

impl Default for Known {
    fn default() -> Self {
        Self::Bytes(Key::default())
    }
}

impl Known {
    /// The bytes that are printed beside the worst packets; those of the identifier where it lies when nothing was put before it.
    pub(crate) fn printed(&self) -> Key {
        match self {
            Self::Bytes(key) => key.clone(),
            Self::Identifier => Key::masked(42, vec![0xff; 18]),
        }
    }

    /// Reads the next packets of a capture in place of these; `false` at its end.
    pub(crate) fn read(&self, batch: &mut Keyed, reader: &mut Reader<impl Read>) -> Result<bool, Error> {
        match self {
            Self::Bytes(key) => batch.read(reader, key),
            Self::Identifier => {
                let mut whole = Vec::new();
                batch.read_by(reader, |frame, original| identified(frame, original, &mut whole))
            }
        }
    }
}

/// A frame that was cut off says of lengths what it had: its end is put back for as long as headers are read.
fn identified(frame: &[u8], original: u32, whole: &mut Vec<u8>) -> Option<u64> {
    if frame.len() == original as usize {
        return identify(frame).map(digest);
    }
    whole.clear();
    whole.extend_from_slice(frame);
    whole.resize(original as usize, 0);
    identify(whole).map(digest)
}

/// Different for packets that are (of one run, up to a million million of each of 16 million flows): a place in 64 bits, then a bijection that
/// mixes them (the finalizer of SplitMix64: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014).
fn digest(Identifier { tag, flow, sequence }: Identifier) -> u64 {
    let place = sequence ^ u64::from(flow) << 40 ^ u64::from(tag).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (place ^ place >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ mixed >> 31
}

impl FromStr for Known {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        if text == IDENTIFIER { Ok(Self::Identifier) } else { text.parse().map(Self::Bytes) }
    }
}

impl fmt::Display for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(key) => key.fmt(f),
            Self::Identifier => f.write_str(IDENTIFIER),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn packets_of_a_run_have_different_digests() {
        let of = |flow: u32| (0..10_000u64).map(move |sequence| digest(Identifier { tag: 7, flow, sequence }));
        let all: HashSet<u64> = [0, 1, 999].into_iter().flat_map(of).collect();
        assert_eq!(all.len(), 30_000);
    }

    #[test]
    fn a_key_is_read_as_it_is_written() {
        for text in ["identifier", "42:8"] {
            assert_eq!(text.parse::<Known>().unwrap().to_string(), text);
        }
        assert!("identifiers".parse::<Known>().is_err());
    }
}
