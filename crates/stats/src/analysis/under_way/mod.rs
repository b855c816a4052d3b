//! The packets under way: those captured in front of the device that could still matter.
//!
//! A packet is remembered while it is among the last 4 096 in front of the device, and if it has not arrived by then, until the
//! window has passed since it left. The first are in a ring of fixed size that stays in the processor's second-level cache, whatever
//! the rate; the others, which are lost or very late, are in a table ([`late`]) that grows with them up to a limit.
//!
//! Packets of one bucket of the ring are chained from the newest to the oldest. A chain ends at the first packet that has left the
//! ring, since all behind it are older still; so nothing is ever deleted.

mod late;

pub use late::{GivenUp, LONGEST_WINDOW};

use late::Late;

/// State of a packet that has not arrived; any other below [`AMBIGUOUS`] is the latency of one that has, at least 1 ns.
const WAITING: u64 = 0;
/// State of a packet whose key came twice.
const AMBIGUOUS: u64 = (1 << STATE_BITS) - 1;
/// Bits of a state: latencies up to three days.
const STATE_BITS: u32 = 48;

/// Packets that are remembered whether they arrived or not. A sixteenth of what a 16-bit counter counts: packets told apart by one,
/// such as an IPv4 identification, may come again in the next round without being taken for the same. And few enough that ring and
/// chains, 128 KiB, stay in the second-level cache beside what is read.
const RECENT: usize = 1 << 12;
/// Chains, four for each packet: three in four that are looked for and are not there end at once.
const CHAIN_BITS: u32 = RECENT.trailing_zeros() + 2;
const CHAINS: usize = 1 << CHAIN_BITS;

/// What a departing packet finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Departed {
    /// No other packet of its key.
    Alone,
    /// A packet of its key that left at `time` and was not ambiguous so far; `latency` if it arrived. Both are ambiguous now.
    Second {
        /// When the first left, ns.
        time: u64,
        /// The first one's latency, ns.
        latency: Option<u64>,
    },
    /// A packet of its key that was ambiguous already, as this one is now.
    Further,
}

/// What an arriving packet finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arrived {
    /// The first arrival of a packet that was under way for so long, ns.
    First(u64),
    /// A further arrival of a packet.
    Again,
    /// The key is ambiguous.
    Ambiguous,
    /// No packet of this key that is remembered left within the window.
    Unknown,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    digest: u64,
    /// When it left, ns.
    time: u64,
    /// The state, and in the lowest 16 bits how many packets before it the next one of its chain left; 0 at the end.
    link: u64,
}

impl Entry {
    /// Stands where no packet has been yet: nobody waits for it.
    const NOTHING: Self = Self { digest: 0, time: 0, link: AMBIGUOUS << 16 };

    #[inline]
    fn state(&self) -> u64 {
        self.link >> 16
    }

    #[inline]
    fn set_state(&mut self, state: u64) {
        self.link = state << 16 | self.link & 0xffff;
    }
}

/// Packets under way. Times given to it never run backwards.
#[derive(Debug)]
pub(super) struct UnderWay {
    /// By digest: number of the newest packet of the chain, its lowest 16 bits. Numbers wrap round; one that is left over from a round
    /// before leads to a packet of another chain, which costs a look and no more.
    chains: Box<[u16; CHAINS]>,
    /// By number.
    ring: Box<[Entry; RECENT]>,
    /// How many packets the ring remembers.
    recent: u16,
    /// Number of the next packet to leave. Starts as if the ring had been filled once with nothing.
    next: u16,
    late: Late,
    window: u64,
}

impl UnderWay {
    /// Packets under way for a window in ns, at most [`LONGEST_WINDOW`]; the late ones may take `memory` bytes (at least 1 MiB).
    pub(super) fn new(window: u64, memory: usize) -> Self {
        #[allow(clippy::cast_possible_truncation, reason = "a constant that fits")]
        Self::remembering(RECENT as u16, window, memory)
    }

    /// `recent` is at most [`RECENT`].
    fn remembering(recent: u16, window: u64, memory: usize) -> Self {
        let window = window.min(LONGEST_WINDOW);
        let (ring, chains) = (boxed(Entry::NOTHING), boxed(0));
        Self { chains, ring, recent, next: recent, late: Late::new(window, memory), window }
    }

    /// Notes that a packet left at `now`.
    #[inline]
    pub(super) fn depart(&mut self, digest: u64, now: u64) -> Departed {
        let departed = match self.find(digest) {
            Some(entry) => {
                let departed = departed(entry.time, entry.state());
                entry.set_state(AMBIGUOUS);
                departed
            }
            None => self.late.conflict(digest, now).map_or(Departed::Alone, |(time, state)| departed(time, state)),
        };
        let state = if departed == Departed::Alone { WAITING } else { AMBIGUOUS };
        self.remember(digest, now, state);
        departed
    }

    /// Notes that a packet arrived at `now`, which is later than when any packet of its key left.
    #[inline]
    pub(super) fn arrive(&mut self, digest: u64, now: u64) -> Arrived {
        let window = self.window;
        match self.find(digest) {
            Some(entry) => {
                let mut state = entry.state();
                let arrived = arrived(now - entry.time, &mut state, window);
                entry.set_state(state);
                arrived
            }
            None => self.late.arrive(digest, now),
        }
    }

    /// What was given up for want of memory.
    pub(super) fn given_up(&self) -> GivenUp {
        self.late.given_up()
    }

    /// The newest packet of a key in the ring.
    #[inline]
    fn find(&mut self, digest: u64) -> Option<&mut Entry> {
        let mut number = self.chains[chain(digest)];
        while self.next.wrapping_sub(number) <= self.recent {
            let at = number as usize % RECENT;
            let entry = &self.ring[at];
            if entry.digest == digest {
                return Some(&mut self.ring[at]);
            }
            match entry.link & 0xffff {
                0 => break,
                #[allow(clippy::cast_possible_truncation, reason = "16 bits")]
                distance => number = number.wrapping_sub(distance as u16),
            }
        }
        None
    }

    #[inline]
    fn remember(&mut self, digest: u64, now: u64, state: u64) {
        // The oldest one is forgotten, unless it is still waiting.
        let oldest = &self.ring[self.next.wrapping_sub(self.recent) as usize % RECENT];
        if oldest.state() == WAITING {
            self.late.enter(oldest.digest, oldest.time, now);
        }
        let chain = &mut self.chains[chain(digest)];
        let distance = Some(self.next.wrapping_sub(*chain)).filter(|&distance| distance <= self.recent).unwrap_or(0);
        self.ring[self.next as usize % RECENT] = Entry { digest, time: now, link: state << 16 | u64::from(distance) };
        *chain = self.next;
        self.next = self.next.wrapping_add(1);
    }
}

/// An array on the heap, made there.
fn boxed<T: Clone, const N: usize>(value: T) -> Box<[T; N]> {
    match vec![value.clone(); N].into_boxed_slice().try_into() {
        Ok(array) => array,
        // Not reached: the slice has N elements.
        Err(_) => Box::new(std::array::from_fn(|_| value.clone())),
    }
}

#[inline]
fn chain(digest: u64) -> usize {
    #[allow(clippy::cast_possible_truncation, reason = "so many bits are left")]
    let chain = (digest >> (64 - CHAIN_BITS)) as usize;
    chain
}

#[inline]
fn departed(time: u64, state: u64) -> Departed {
    match state {
        AMBIGUOUS => Departed::Further,
        WAITING => Departed::Second { time, latency: None },
        latency => Departed::Second { time, latency: Some(latency) },
    }
}

/// What an arrival means for a packet of some age and state, and does to it.
#[inline]
fn arrived(age: u64, state: &mut u64, window: u64) -> Arrived {
    match *state {
        _ if age >= window => Arrived::Unknown,
        WAITING => {
            *state = age;
            Arrived::First(age)
        }
        AMBIGUOUS => Arrived::Ambiguous,
        _ => Arrived::Again,
    }
}

#[cfg(test)]
mod tests;
