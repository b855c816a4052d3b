//! What one capture shows by itself: how many packets, how far apart, how many each second.

use super::side::Stamp;
use crate::counter::Counter;

/// Width of the histograms, ns: what the method of the published measurements uses.
pub const BUCKET: u64 = 100;

const SECOND: u64 = 1_000_000_000;

/// Gaps of fewer buckets than this, 0.4 ms, are counted in an array: those of all but slow traffic.
const NEAR: usize = 4096;

/// Packets of one capture.
#[derive(Debug, Clone, Default)]
pub struct Traffic {
    /// How many packets.
    pub packets: u64,
    /// How many of them were too short to have the key.
    pub unkeyed: u64,
    /// Capture time of the first, ns.
    pub first: Option<u64>,
    /// Capture time of the last, ns.
    pub last: Option<u64>,
    /// How often each gap between neighbouring packets below [`NEAR`] buckets of [`BUCKET`] ns was seen.
    near: Vec<u64>,
    /// Wider gaps, in whole buckets.
    far: Counter,
    /// Seconds (since the clock's zero) in which there were packets, and how many; ascending.
    seconds: Vec<(u64, u64)>,
}

impl Traffic {
    /// Notes the next packets, of which so many have no key.
    pub(super) fn note(&mut self, stamps: &[Stamp], unkeyed: u64) {
        self.unkeyed += unkeyed;
        let Some(first) = stamps.first() else { return };
        self.first = self.first.or(Some(first.time));
        self.packets += stamps.len() as u64;
        let mut last = self.last;
        for stamp in stamps {
            if let Some(last) = last {
                self.note_gap((stamp.time - last) / BUCKET);
            }
            last = Some(stamp.time);
        }
        self.last = last;
        if last.is_some_and(|last| last / SECOND == first.time / SECOND) {
            return self.note_second(first.time / SECOND, stamps.len() as u64);
        }
        for second in stamps.chunk_by(|a, b| a.time / SECOND == b.time / SECOND) {
            self.note_second(second[0].time / SECOND, second.len() as u64);
        }
    }

    fn note_second(&mut self, second: u64, packets: u64) {
        match self.seconds.last_mut() {
            Some(last) if last.0 == second => last.1 += packets,
            _ => self.seconds.push((second, packets)),
        }
    }

    #[inline]
    fn note_gap(&mut self, bucket: u64) {
        match usize::try_from(bucket).ok().and_then(|bucket| self.near.get_mut(bucket)) {
            Some(count) => *count += 1,
            None if bucket < NEAR as u64 => {
                self.near.resize(NEAR, 0);
                self.note_gap(bucket);
            }
            None => self.far.record(bucket),
        }
    }

    /// Histogram of the gaps between neighbouring packets: lower bound of the bucket in ns, and count.
    pub fn gaps(&self) -> Vec<(u64, u64)> {
        let near = (0..).zip(&self.near).filter(|(_, count)| **count > 0).map(|(bucket, count)| (bucket, *count));
        near.chain(&self.far).map(|(bucket, count)| (bucket * BUCKET, count)).collect()
    }

    /// Packets in each second that had any: the second by the capture's clock, and count.
    pub fn seconds(&self) -> &[(u64, u64)] {
        &self.seconds
    }
}

/// Histogram of exact values: lower bound of each bucket of [`BUCKET`] ns that holds any, and count.
pub fn histogram(counter: &Counter) -> Vec<(u64, u64)> {
    let mut buckets: Vec<(u64, u64)> = Vec::new();
    for (value, times) in counter {
        let bucket = value / BUCKET * BUCKET;
        match buckets.last_mut() {
            Some(last) if last.0 == bucket => last.1 += times,
            _ => buckets.push((bucket, times)),
        }
    }
    buckets
}
