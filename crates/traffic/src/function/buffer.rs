//! A frame in memory with room around it.

use std::ops::Range;

/// A frame that can grow and shrink at both ends, within the memory it lies in.
#[derive(Debug)]
pub struct Buffer<'a> {
    memory: &'a mut [u8],
    start: usize,
    end: usize,
}

impl<'a> Buffer<'a> {
    /// A frame that fills its memory.
    #[inline]
    pub fn whole(memory: &'a mut [u8]) -> Self {
        let end = memory.len();
        Self { memory, start: 0, end }
    }

    /// A frame that lies within memory; `None` when it does not.
    #[inline]
    pub fn within(memory: &'a mut [u8], frame: Range<usize>) -> Option<Self> {
        let fits = frame.start <= frame.end && frame.end <= memory.len();
        fits.then_some(Self { memory, start: frame.start, end: frame.end })
    }

    /// A copy of a frame with so many bytes of room before and after it; `None` when the memory is too small.
    #[inline]
    pub fn copied(memory: &'a mut [u8], frame: &[u8], room: usize) -> Option<Self> {
        let end = room.checked_add(frame.len())?;
        if memory.len().checked_sub(end)? < room {
            return None;
        }
        memory[room..end].copy_from_slice(frame);
        Some(Self { memory, start: room, end })
    }

    /// The frame.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        &self.memory[self.start..self.end]
    }

    /// The frame, for as long as its memory.
    pub fn into_bytes(self) -> &'a [u8] {
        &self.memory[self.start..self.end]
    }

    /// The frame, to be changed.
    #[inline]
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.memory[self.start..self.end]
    }

    /// Puts a header in front of a part of the frame and drops what lies around that part; what the part is shorter than `least` with
    /// its header is filled up with zeros. `None` when the part does not lie within the frame or there is no room.
    #[inline]
    pub fn wrap<const N: usize>(&mut self, part: Range<usize>, header: &[u8; N], least: usize) -> Option<()> {
        let (from, to) = (self.start.checked_add(part.start)?, self.start.checked_add(part.end)?);
        if from > to || to > self.end {
            return None;
        }
        let start = from.checked_sub(N)?;
        let end = to.max(start.checked_add(least)?);
        let padding = self.memory.get_mut(to..end)?;
        if !padding.is_empty() {
            padding.fill(0);
        }
        self.memory[start..from].copy_from_slice(header);
        (self.start, self.end) = (start, end);
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_part_gets_another_header() {
        let mut memory = [9; 20];
        let mut frame = Buffer::copied(&mut memory, &[1, 2, 3, 4, 5], 6).unwrap();
        assert_eq!(frame.bytes(), [1, 2, 3, 4, 5]);
        frame.wrap(1..4, &[7; 5], 0).unwrap();
        assert_eq!(frame.bytes(), [7, 7, 7, 7, 7, 2, 3, 4]);
        frame.wrap(5..8, &[8], 6).unwrap();
        assert_eq!(frame.bytes(), [8, 2, 3, 4, 0, 0]);
        assert!(frame.wrap(0..7, &[], 0).is_none() && frame.wrap(0..1, &[0; 17], 0).is_none());
        assert!(Buffer::copied(&mut memory, &[0; 9], 6).is_none());
    }

    proptest! {
        #[test]
        fn whatever_is_asked_for_stays_within_the_memory(
            size in 0usize..100, length in 0usize..100, room in 0usize..50, first in 0usize..100, last in 0usize..100, least in 0usize..100,
        ) {
            let mut memory = vec![0; size];
            let frame = vec![1; length];
            if let Some(mut buffer) = Buffer::copied(&mut memory, &frame, room) {
                let wrapped = buffer.wrap(first..last, &[2; 22], least);
                if wrapped.is_some() {
                    prop_assert_eq!(buffer.bytes().len(), (22 + last - first).max(least));
                    prop_assert_eq!(&buffer.bytes()[..22], &[2; 22]);
                } else {
                    prop_assert_eq!(buffer.bytes(), frame);
                }
            }
        }
    }
}
