//! Captures of a made-up device, byte for byte the same on every run: a million packets a second, a latency of some microseconds,
//! one spike in ten thousand, loss, duplicates. Made as they are read, so that a capture of any length takes no memory.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io::{self, Read};

/// Mean time between packets, ns.
const INTERVAL: u64 = 1_000;
/// One packet in so many meets each kind of fate.
const SELDOM: u64 = 10_000;
/// Bytes of a frame, all captured, and of its record.
const FRAME: usize = 64;
const RECORD: usize = 16 + FRAME;

/// Well-mixed bits of a number (splitmix64, Steele and others 2014): both captures know a packet's fate without asking each other.
fn mixed(seed: u64, number: u64) -> u64 {
    let mut z = (number ^ seed.rotate_left(32)).wrapping_add(seed).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn departure(number: u64) -> u64 {
    5_000_000_000 + number * INTERVAL + mixed(1, number) % (INTERVAL - 200)
}

/// Latency, ns: a mode at 3 µs, a thinning tail, and a spike of a quarter of a millisecond.
fn latency(number: u64) -> u64 {
    let bits = mixed(2, number);
    let tail = u64::from((bits >> 40).leading_zeros() - 40) * 60;
    let spike = if bits.is_multiple_of(SELDOM) { 250_000 } else { 0 };
    3_000 + bits % 97 + tail + spike
}

/// One of the two captures.
pub(crate) struct Capture {
    packets: u64,
    behind: bool,
    next: u64,
    /// Behind the device: packets under way by arrival time.
    under_way: BinaryHeap<Reverse<(u64, u64)>>,
    block: Vec<u8>,
    given: usize,
}

impl Capture {
    /// The capture in front of or behind the device, of so many packets sent.
    pub(crate) fn new(packets: u64, behind: bool) -> Self {
        let header: [u32; 6] = [0xa1b2_3c4d, 0x0004_0002, 0, 0, 262_144, 1];
        let block = header.iter().flat_map(|word| word.to_le_bytes()).collect();
        Self { packets, behind, next: 0, under_way: BinaryHeap::new(), block, given: 0 }
    }

    /// The next packet: its time and number.
    fn step(&mut self) -> Option<(u64, u64)> {
        if !self.behind {
            let number = self.next;
            self.next += 1;
            return (number < self.packets).then(|| (departure(number), number));
        }
        loop {
            let leaves = (self.next < self.packets).then(|| departure(self.next));
            match (self.under_way.peek(), leaves) {
                (Some(&Reverse((arrival, _))), leaves) if leaves.is_none_or(|leaves| arrival <= leaves) => {
                    return self.under_way.pop().map(|Reverse(packet)| packet);
                }
                (_, None) => return None,
                (_, Some(leaves)) => {
                    let arrival = leaves + latency(self.next);
                    let fate = mixed(3, self.next) % SELDOM;
                    if fate != 0 {
                        self.under_way.push(Reverse((arrival, self.next)));
                    }
                    if fate == 1 {
                        self.under_way.push(Reverse((arrival + 500, self.next)));
                    }
                    self.next += 1;
                }
            }
        }
    }

    fn refill(&mut self) {
        self.given = 0;
        self.block.clear();
        while self.block.len() < 1000 * RECORD {
            let Some((time, number)) = self.step() else { break };
            let mut record = [0x55; RECORD];
            let length = 64u32.to_le_bytes();
            #[allow(clippy::cast_possible_truncation, reason = "a few minutes, and less than a second")]
            let (seconds, fraction) = ((time / 1_000_000_000) as u32, (time % 1_000_000_000) as u32);
            record[0..4].copy_from_slice(&seconds.to_le_bytes());
            record[4..8].copy_from_slice(&fraction.to_le_bytes());
            record[8..12].copy_from_slice(&length);
            record[12..16].copy_from_slice(&length);
            record[16 + 12..16 + 14].copy_from_slice(&[0x08, 0x00]);
            record[16 + 42..16 + 50].copy_from_slice(&number.to_le_bytes());
            self.block.extend_from_slice(&record);
        }
    }
}

impl Read for Capture {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.given == self.block.len() {
            self.refill();
        }
        let n = buffer.len().min(self.block.len() - self.given);
        buffer[..n].copy_from_slice(&self.block[self.given..self.given + n]);
        self.given += n;
        Ok(n)
    }
}
