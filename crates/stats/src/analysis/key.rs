//! The bytes by which a packet is known again, and their digest.

use std::fmt;
use std::str::FromStr;

/// Bytes of the frame that are compared, some of them masked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    offset: usize,
    /// One byte per compared byte; bits that are zero here are not compared.
    mask: Vec<u8>,
    /// The mask as little-endian words, padded with zeros.
    words: Vec<u64>,
}

/// The longest key: a whole frame of 9 000 bytes and more.
const LONGEST: usize = 16_384;

/// The words of the default key's mask.
const USUAL: [u64; 7] = [!0, 0xffff_0000_ffff_ffff, !0, 0xffff_0000_ffff_ffff, !0, !0, 0xffff_ffff];

impl Default for Key {
    /// Bytes 12 to 64 without the IPv4 and UDP checksums: what a layer-2 forwarder leaves alone of a UDP packet over IPv4 over
    /// Ethernet. Checksums are left out because a network card may fill them in between the two taps.
    fn default() -> Self {
        let mut mask = vec![0xff; 64 - 12];
        for checksum in [24, 25, 40, 41] {
            mask[checksum - 12] = 0;
        }
        Self::masked(12, mask)
    }
}

impl Key {
    /// The bytes from `offset` on, as many as the mask has.
    pub fn masked(offset: usize, mask: Vec<u8>) -> Self {
        let words = mask
            .chunks(8)
            .map(|chunk| {
                let mut word = [0; 8];
                word[..chunk.len()].copy_from_slice(chunk);
                u64::from_le_bytes(word)
            })
            .collect();
        Self { offset, mask, words }
    }

    /// Where the key ends within a frame: the least number of captured bytes, too.
    pub fn end(&self) -> usize {
        self.offset + self.mask.len()
    }

    /// The compared bytes of a frame, masked: as they are printed beside the worst packets.
    pub fn of(&self, frame: &[u8]) -> Box<[u8]> {
        frame.iter().skip(self.offset).zip(&self.mask).map(|(byte, mask)| byte & mask).collect()
    }

    /// A 64-bit digest of the compared bytes of the frame that begins at `start`; never zero. Bytes behind the frame may be looked
    /// at but do not matter. `bytes` must hold the frame up to [`Self::end`].
    ///
    /// Packets are told apart by digest alone. Of two different keys one in 2^64 pairs have the same: among 10^8 packets, of which
    /// each is compared with what shares a part of the table with it, a confusion has a chance of some 10^-4.
    pub fn digest(&self, bytes: &[u8], start: usize) -> u64 {
        digest(bytes, start + self.offset, &self.words)
    }

    /// Whether this is the default mask: then [`Self::usual_digest`] is the same as [`Self::digest`].
    pub(super) fn is_usual(&self) -> bool {
        self.words == USUAL
    }

    /// The digest by the default mask, which the compiler knows.
    #[inline]
    pub(super) fn usual_digest(&self, bytes: &[u8], start: usize) -> u64 {
        digest(bytes, start + self.offset, &USUAL)
    }
}

#[allow(clippy::inline_always, reason = "the masks must be known where the loop is unrolled")]
#[inline(always)]
fn digest(bytes: &[u8], from: usize, masks: &[u64]) -> u64 {
    match bytes.get(from..from + 8 * masks.len()) {
        Some(window) => fold(window, masks).max(1),
        None => digest_at_the_end(bytes, from, masks),
    }
}

/// Where fewer bytes follow than whole words take.
#[cold]
fn digest_at_the_end(bytes: &[u8], from: usize, masks: &[u64]) -> u64 {
    let mut padded = bytes[from.min(bytes.len())..].to_vec();
    padded.resize(8 * masks.len(), 0);
    fold(&padded, masks).max(1)
}

/// Constants with evenly mixed bits: the fractional digits of pi.
const PI: [u64; 3] = [0x243f_6a88_85a3_08d3, 0x1319_8a2e_0370_7344, 0xa409_3822_299f_31d0];

/// Multiplies to 128 bits and folds both halves together, as wyhash and foldhash do.
#[inline]
fn multiply(a: u64, b: u64) -> u64 {
    let (low, high) = halves(u128::from(a) * u128::from(b));
    low ^ high
}

#[inline]
#[allow(clippy::cast_possible_truncation, reason = "the two halves of 128 bits")]
fn halves(number: u128) -> (u64, u64) {
    (number as u64, (number >> 64) as u64)
}

#[allow(clippy::inline_always, reason = "as for `digest`")]
#[inline(always)]
fn fold(window: &[u8], masks: &[u64]) -> u64 {
    let (words, _) = window.as_chunks::<8>();
    let mut secret = PI[0];
    let mut state = masks.len() as u64;
    // The products do not wait for each other.
    for (word, mask) in words.chunks(2).zip(masks.chunks(2)) {
        let low = u64::from_le_bytes(word[0]) & mask[0];
        let high = if let (Some(word), Some(mask)) = (word.get(1), mask.get(1)) { u64::from_le_bytes(*word) & mask } else { 0 };
        state = state.rotate_left(29) ^ multiply(low ^ secret, high ^ secret ^ PI[1]);
        secret = secret.wrapping_add(PI[2]);
    }
    state
}

/// A key that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not of the shape offset:length or offset:length,mask.
    #[error("`{0}` is not a key; write OFFSET:LENGTH or OFFSET:LENGTH,MASK, for example 42:8 or 14:4,ffff00ff")]
    Shape(String),
    /// No byte, or too many.
    #[error("a key of {0} bytes cannot be; compare 1 to {LONGEST} bytes within the first {LONGEST}")]
    Length(usize),
    /// The mask is not as long as the key.
    #[error("the mask has {found} hexadecimal digits, and {length} bytes take {}", length * 2)]
    MaskLength {
        /// Digits found.
        found: usize,
        /// Bytes of the key.
        length: usize,
    },
    /// Not a bit is compared.
    #[error("the mask leaves no bit to compare; set the bits that tell packets apart")]
    Blind,
}

impl FromStr for Key {
    type Err = KeyError;

    /// `offset:length`, or `offset:length,mask` with the mask in hexadecimal, two digits a byte.
    fn from_str(text: &str) -> Result<Self, KeyError> {
        let shape = || KeyError::Shape(text.to_owned());
        let (range, mask) = text.split_once(',').map_or((text, None), |(range, mask)| (range, Some(mask)));
        let (offset, length) = range.split_once(':').ok_or_else(shape)?;
        let number = |text: &str| text.trim().parse::<usize>().map_err(|_| shape());
        let (offset, length) = (number(offset)?, number(length)?);
        if length == 0 || length > LONGEST || offset > LONGEST - length {
            return Err(KeyError::Length(length));
        }
        let Some(mask) = mask else { return Ok(Self::masked(offset, vec![0xff; length])) };
        let digits = mask.trim().as_bytes();
        if digits.len() != 2 * length {
            return Err(KeyError::MaskLength { found: digits.len(), length });
        }
        let digit = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok()).ok_or_else(shape);
        let (pairs, _) = digits.as_chunks::<2>();
        let mask = pairs.iter().map(|pair| Ok(digit(pair[0])? << 4 | digit(pair[1])?)).collect::<Result<Vec<u8>, _>>()?;
        if mask.iter().all(|byte| *byte == 0) {
            return Err(KeyError::Blind);
        }
        Ok(Self::masked(offset, mask))
    }
}

impl fmt::Display for Key {
    /// As [`FromStr`] reads it; the mask only where it hides something.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.offset, self.mask.len())?;
        if self.mask.iter().all(|byte| *byte == 0xff) {
            return Ok(());
        }
        f.write_str(",")?;
        self.mask.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashSet;

    #[test]
    fn keys_round_trip_as_text() {
        for text in ["42:8", "14:4,ffff00ff", "0:1,01"] {
            assert_eq!(text.parse::<Key>().unwrap().to_string(), text);
        }
        assert_eq!(Key::default().to_string().parse(), Ok(Key::default()));
        assert_eq!(Key::default().end(), 64);
        assert_eq!(Key::default().words, USUAL);
    }

    #[test]
    fn wrong_keys_say_what_would_do() {
        let errors: Vec<_> = ["", "12", "12:0", "12:99999", "a:4", "12:4,ff", "12:1,zz", "12:2,0000"]
            .iter()
            .map(|text| format!("{text:?}: {}", text.parse::<Key>().unwrap_err()))
            .collect();
        insta::assert_snapshot!(errors.join("\n"));
    }

    proptest! {
        /// Frames have the same digest exactly if their masked bytes are the same, wherever they lie.
        #[test]
        fn the_digest_sees_what_is_compared_and_nothing_else(
            frame in proptest::collection::vec(any::<u8>(), 80),
            mask in proptest::collection::vec(prop_oneof![Just(0xffu8), Just(0), any::<u8>()], 1..60),
            flip in (0usize..80, 0u32..8),
            before in 0usize..9,
            behind in proptest::collection::vec(any::<u8>(), 0..9),
        ) {
            let key = Key::masked(12, mask);
            let mut other = frame.clone();
            other[flip.0] ^= 1 << flip.1;
            let moved: Vec<u8> = std::iter::repeat_n(7, before).chain(other.iter().copied()).chain(behind).collect();
            let same_digest = key.digest(&frame, 0) == key.digest(&moved, before);
            prop_assert_eq!(same_digest, key.of(&frame) == key.of(&other));
        }
    }

    /// Counters in a packet differ in few bits; their digests must differ all over, the highest bits (which choose the place in the
    /// table) included.
    #[test]
    fn counting_packets_spread_evenly() {
        let key = Key::default();
        let mut frame = [0x55; 64];
        let mut seen = HashSet::new();
        let mut places = vec![0u32; 1024];
        for n in 0..200_000u32 {
            frame[42..46].copy_from_slice(&n.to_le_bytes());
            let digest = key.digest(&frame, 0);
            seen.insert(digest);
            places[usize::try_from(digest >> 54).unwrap()] += 1;
        }
        assert_eq!(seen.len(), 200_000);
        // Mean 195, standard deviation 14.
        assert!(places.iter().all(|&count| (110..290).contains(&count)));
    }
}
