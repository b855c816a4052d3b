//! Recorded packets that are to be sent again, as they go over the stream to the agent that sends them.

/// Packets of a capture, in order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Recording {
    bytes: Vec<u8>,
    packets: Vec<Place>,
}

/// When a packet was recorded, and where it lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    /// ns after the first.
    at: u64,
    start: usize,
    length: u32,
}

/// Bytes before each packet of a block: its time, ns after the first, and its length, both little endian.
const HEAD: usize = 12;

/// A block that ends within a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a block of recorded packets ends within one")]
pub struct PartialPacket;

impl Recording {
    /// Adds a packet that was recorded `at` ns after the first.
    pub fn push(&mut self, at: u64, frame: &[u8]) {
        let length = u32::try_from(frame.len()).unwrap_or(u32::MAX);
        self.packets.push(Place { at, start: self.bytes.len(), length });
        self.bytes.extend_from_slice(&frame[..length as usize]);
    }

    /// How many packets there are.
    pub fn len(&self) -> usize {
        self.packets.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.packets.is_empty()
    }

    /// Bytes of all packets.
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// When a packet was recorded, ns after the first.
    #[inline]
    pub fn at(&self, packet: usize) -> u64 {
        self.packets[packet].at
    }

    /// When each packet was recorded, ns after the first.
    pub fn times(&self) -> Vec<u64> {
        self.packets.iter().map(|packet| packet.at).collect()
    }

    /// The bytes of a packet, without frame check sequence.
    #[inline]
    pub fn frame(&self, packet: usize) -> &[u8] {
        let Place { start, length, .. } = self.packets[packet];
        &self.bytes[start..start + length as usize]
    }

    /// The bytes of a packet, to be changed.
    #[inline]
    pub fn frame_mut(&mut self, packet: usize) -> &mut [u8] {
        let Place { start, length, .. } = self.packets[packet];
        &mut self.bytes[start..start + length as usize]
    }

    /// All packets as blocks of about `size` bytes, each of whole packets.
    pub fn blocks(&self, size: usize) -> impl Iterator<Item = Vec<u8>> + '_ {
        let mut next = 0;
        std::iter::from_fn(move || {
            let mut block = Vec::new();
            while next < self.len() && (block.is_empty() || block.len() + HEAD + self.frame(next).len() <= size) {
                block.extend(self.at(next).to_le_bytes());
                block.extend(self.packets[next].length.to_le_bytes());
                block.extend(self.frame(next));
                next += 1;
            }
            (!block.is_empty()).then_some(block)
        })
    }

    /// Adds the packets of a block.
    ///
    /// # Errors
    /// When the block ends within a packet; those before it have been added.
    pub fn extend(&mut self, mut block: &[u8]) -> Result<(), PartialPacket> {
        while !block.is_empty() {
            let (at, rest) = block.split_first_chunk::<8>().ok_or(PartialPacket)?;
            let (length, rest) = rest.split_first_chunk::<4>().ok_or(PartialPacket)?;
            let length = usize::try_from(u32::from_le_bytes(*length)).map_err(|_| PartialPacket)?;
            let (frame, rest) = rest.split_at_checked(length).ok_or(PartialPacket)?;
            self.push(u64::from_le_bytes(*at), frame);
            block = rest;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn blocks_round_trip(
            packets in proptest::collection::vec((any::<u64>(), proptest::collection::vec(any::<u8>(), 0..50)), 0..40),
            size in 1usize..300,
        ) {
            let mut recording = Recording::default();
            for (at, frame) in &packets {
                recording.push(*at, frame);
            }
            let mut back = Recording::default();
            for block in recording.blocks(size) {
                prop_assert!(block.len() <= size.max(HEAD + 50));
                back.extend(&block).unwrap();
            }
            prop_assert_eq!(&back, &recording);
            prop_assert_eq!(back.len(), packets.len());
        }

        #[test]
        fn any_bytes_are_packets_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            let _ = Recording::default().extend(&bytes);
        }
    }
}
