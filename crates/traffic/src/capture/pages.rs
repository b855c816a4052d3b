//! Packets on their way into a file: in the order of their stamps, whatever order they came in.

use super::pcapng;
use crate::port::BlockFrame;

/// Packets held back for others that may yet come with an earlier stamp. Frames that several cores hand to one ring come out of order by
/// some microseconds, a handful of frames at any rate.
const HELD_BACK: usize = 256;

/// Bytes at which packets are given out.
const FULL: usize = 1 << 20;

/// Blocks of packets in memory that was taken before the first, each known by its stamp.
#[derive(Debug)]
pub(super) struct Pages {
    bytes: Vec<u8>,
    /// Stamp and where the block begins.
    packets: Vec<(u64, usize)>,
    /// Room to put them in order.
    spare: Vec<u8>,
    in_order: bool,
    /// The greatest stamp so far.
    latest: u64,
    snap: usize,
}

impl Pages {
    /// Room for `FULL` bytes and a frame; all of it is written to, so that no page has to be found later.
    pub(super) fn new(snap: u32) -> Self {
        let snap = snap as usize;
        let room = FULL + pcapng::packet_length(snap + 4);
        let touched = || {
            let mut memory = vec![1; room];
            memory.clear();
            memory
        };
        let packets = Vec::with_capacity(FULL / pcapng::packet_length(0) + 1);
        Self { bytes: touched(), packets, spare: touched(), in_order: true, latest: 0, snap }
    }

    /// Adds a packet, with the tag back where it was on the wire.
    #[inline]
    pub(super) fn add(&mut self, frame: &BlockFrame<'_>) {
        const ADDRESSES: usize = 12;
        self.packets.push((frame.stamp, self.bytes.len()));
        self.in_order &= frame.stamp >= self.latest;
        self.latest = self.latest.max(frame.stamp);
        match &frame.tag {
            Some(tag) if frame.bytes.len() >= ADDRESSES => {
                let (addresses, rest) = frame.bytes.split_at(ADDRESSES);
                let rest = &rest[..rest.len().min(self.snap.saturating_sub(ADDRESSES + tag.len()))];
                pcapng::packet(&mut self.bytes, frame.stamp, [addresses, tag, rest], frame.original + 4);
            }
            _ => pcapng::packet(&mut self.bytes, frame.stamp, [frame.bytes, &[], &[]], frame.original),
        }
    }

    /// Bytes of the packets that were not given out yet.
    pub(super) fn length(&self) -> usize {
        self.bytes.len()
    }

    /// Whether it is time to [`Self::give_out`].
    pub(super) fn is_full(&self) -> bool {
        self.bytes.len() >= FULL
    }

    /// Gives out packets in order: all of them, or all but those that others may yet come before.
    pub(super) fn give_out<E>(&mut self, all: bool, write: impl FnOnce(&[u8]) -> Result<(), E>) -> Result<(), E> {
        if !self.in_order {
            self.put_in_order();
        }
        let count = if all { self.packets.len() } else { self.packets.len().saturating_sub(HELD_BACK) };
        let cut = self.packets.get(count).map_or(self.bytes.len(), |&(_, start)| start);
        let written = write(&self.bytes[..cut]);
        self.bytes.drain(..cut);
        self.packets.drain(..count);
        self.packets.iter_mut().for_each(|(_, start)| *start -= cut);
        written
    }

    #[cold]
    fn put_in_order(&mut self) {
        let end_of = |number: usize, packets: &[(u64, usize)], all: usize| packets.get(number + 1).map_or(all, |&(_, next)| next);
        let all = self.bytes.len();
        let mut places: Vec<_> = self
            .packets
            .iter()
            .enumerate()
            .map(|(number, &(stamp, start))| (stamp, start, end_of(number, &self.packets, all)))
            .collect();
        // stable: equal stamps stay as they came
        places.sort_by_key(|&(stamp, ..)| stamp);
        self.spare.clear();
        self.packets.clear();
        for (stamp, start, end) in places {
            self.packets.push((stamp, self.spare.len()));
            self.spare.extend_from_slice(&self.bytes[start..end]);
        }
        std::mem::swap(&mut self.bytes, &mut self.spare);
        self.in_order = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(stamp: u64, bytes: &[u8], tag: Option<[u8; 4]>) -> BlockFrame<'_> {
        BlockFrame { bytes, original: 100, tag, stamp, as_asked: true }
    }

    /// Time and bytes of each block.
    fn blocks(mut bytes: &[u8]) -> Vec<(u64, Vec<u8>)> {
        let mut found = Vec::new();
        while !bytes.is_empty() {
            let word = |at: usize| u32::from_ne_bytes(bytes[at..at + 4].try_into().unwrap());
            let kept = word(20) as usize;
            found.push((u64::from(word(12)) << 32 | u64::from(word(16)), bytes[28..28 + kept].to_vec()));
            assert_eq!(word(24), if bytes[28 + 12..].starts_with(&[0x81, 0]) { 104 } else { 100 });
            bytes = &bytes[word(4) as usize..];
        }
        found
    }

    #[test]
    fn packets_are_given_out_in_the_order_of_their_stamps() {
        let mut pages = Pages::new(64);
        let mut out = Vec::new();
        for number in 0..2_000u64 {
            // every seventh comes three too late
            let stamp = (1 << 33) + number * 10 - if number.is_multiple_of(7) { 35 } else { 0 };
            pages.add(&frame(stamp, &number.to_be_bytes(), None));
            if number % 500 == 499 {
                pages
                    .give_out(false, |bytes| {
                        out.extend_from_slice(bytes);
                        Ok::<_, ()>(())
                    })
                    .unwrap();
                assert_eq!(blocks(&out).len() as u64, number + 1 - 256);
            }
        }
        pages
            .give_out(true, |bytes| {
                out.extend_from_slice(bytes);
                Ok::<_, ()>(())
            })
            .unwrap();
        let found = blocks(&out);
        assert_eq!(found.len(), 2_000);
        assert!(found.is_sorted_by_key(|(stamp, _)| *stamp));
        let mut numbers: Vec<_> = found.into_iter().map(|(_, bytes)| bytes).collect();
        numbers.sort();
        assert!(numbers.iter().zip(0u64..).all(|(found, number)| *found == number.to_be_bytes()));
    }

    #[test]
    fn a_tag_is_put_back_and_nothing_is_longer_than_it_may_be() {
        let mut pages = Pages::new(20);
        let bytes: Vec<u8> = (0..20).collect();
        pages.add(&frame(1, &bytes, Some([0x81, 0, 1, 2])));
        pages.add(&frame(2, &bytes[..13], Some([0x81, 0, 1, 2])));
        let mut out = Vec::new();
        pages
            .give_out(true, |bytes| {
                out = bytes.to_vec();
                Ok::<_, ()>(())
            })
            .unwrap();
        let tagged = |rest: &[u8]| [&bytes[..12], &[0x81, 0, 1, 2], rest].concat();
        assert_eq!(blocks(&out), [(1, tagged(&[12, 13, 14, 15])), (2, tagged(&[12]))]);
    }
}
