//! Two captures, one in front of a device and one behind it: which packets came through, and how long they took.
//!
//! # What is matched
//! - Packets are known by a [key::Key], some bytes of the frame.
//! - A packet in front of the device is remembered while it is among the last 4 096 there, and if it has not arrived by then, until
//!   a window (5 s) has passed since it left.
//! - When another packet of its key is captured in front while it is remembered, both are *ambiguous*: they have no latency.
//! - A packet behind the device belongs to the newest remembered packet of its key in front, if that left before it and by less
//!   than the window. The first such packet makes a *pair*; the latency is the difference of both capture times, at least 1 ns.
//! - More packets behind that belong to the same one in front are *duplicates*.
//! - A packet in front that is neither ambiguous nor in a pair is *lost*.
//! - Packets too short to have the key are counted and otherwise left out.
//!
//! In captures of up to 4 096 packets these are the rules of the authors whose captures we test against: their database drops each
//! key that comes twice in front. (It gives each duplicate behind a latency, too; here the first arrival counts.) In longer ones, a
//! key that comes again much later, as when a 16-bit counter wraps round, is another packet here.
//!
//! # How
//! Both captures are read side by side in order of time, each packet is seen once, and memory is that of the packets
//! under way. A pair is counted when it is found and taken back if its key turns out to be ambiguous.

use crate::capture::{Error, Fault};
use crate::counter::Counter;

pub mod csv;
pub mod key;
mod matcher;
mod side;
mod traffic;
mod under_way;
mod worst;

pub use side::{Direct, Keyed, Side};
pub use traffic::{BUCKET, Traffic, histogram};
pub use under_way::{GivenUp, LONGEST_WINDOW};
pub use worst::Worst;

use matcher::Matcher;

/// How two captures are compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// By what packets are known, or what of them is printed where their sides know them by something else.
    pub key: key::Key,
    /// Whether the sides know packets by their identifier ([`Keyed::read_by`]).
    pub identified: bool,
    /// Packets further apart are not matched, ns; at most [`LONGEST_WINDOW`].
    pub window: u64,
    /// Leave out pairs that arrived no later than this after the first pair did, ns, and count no packet as lost that left before
    /// then. What each capture shows by itself (gaps, rates) is not trimmed.
    pub trim: Option<u64>,
    /// How many of the worst pairs are listed.
    pub worst: usize,
    /// The most memory that packets may take which are late or lost, bytes.
    pub memory: usize,
}

impl Default for Options {
    /// The key of UDP over IPv4, a window of 5 s, nothing trimmed, the worst 5 000, 160 MiB: five to ten million late packets.
    fn default() -> Self {
        Self { key: key::Key::default(), identified: false, window: 5_000_000_000, trim: None, worst: 5_000, memory: 160 << 20 }
    }
}

/// What two captures amount to.
#[derive(Debug, Clone)]
pub struct Analysis {
    /// In front of the device.
    pub pre: Traffic,
    /// Behind the device.
    pub post: Traffic,
    /// Latencies of all pairs, ns.
    pub latency: Counter,
    /// The worst pairs: longest latency first, equal ones as they left.
    pub worst: Vec<Worst>,
    /// Packets in front that never arrived.
    pub lost: u64,
    /// Packets in front left out because their key came twice.
    pub ambiguous: u64,
    /// Packets behind that belong to a packet already matched.
    pub duplicates: u64,
    /// Packets behind whose key was ambiguous.
    pub ambiguous_post: u64,
    /// Packets behind that belong to none in front.
    pub unmatched_post: u64,
    /// Pairs whose packet left before one that had arrived already (RFC 4737, Type-P-Reordered, with departure times as numbers).
    /// Judged when the pair is found, ambiguous ones included.
    pub reordered: u64,
    /// Pairs and packets behind them that fell to the trimmed lead-in.
    pub trimmed: u64,
    /// Late packets that were given up for want of memory; zero means that the result is exact.
    pub given_up: GivenUp,
}

/// Compares two captures.
///
/// # Errors
/// When a capture is damaged, or no packet of it is long enough for the key.
pub fn analyse(pre: &mut impl Side, post: &mut impl Side, options: &Options) -> Result<Analysis, Error> {
    let names = [pre.name().to_owned(), post.name().to_owned()];
    let analysis = compare(pre, post, options)?;
    for (name, traffic) in names.into_iter().zip([&analysis.pre, &analysis.post]) {
        if traffic.unkeyed > 0 && traffic.unkeyed == traffic.packets {
            let packets = traffic.packets;
            let fault = if options.identified {
                Fault::NothingIdentified { packets }
            } else {
                Fault::NothingKeyed { end: options.key.end(), packets }
            };
            return Err(Error { name, packet: None, offset: 0, fault });
        }
    }
    Ok(analysis)
}

/// Compares two captures, of which one or both may hold no packet that can be known again.
///
/// # Errors
/// When a capture is damaged.
pub fn compare(pre: &mut impl Side, post: &mut impl Side, options: &Options) -> Result<Analysis, Error> {
    let mut matcher = Matcher::new(options);
    let (mut front, mut behind) = (Cursor::new(pre), Cursor::new(post));
    loop {
        let more_in_front = front.refill(&mut matcher.pre)?;
        let more_behind = behind.refill(&mut matcher.post)?;
        if !more_in_front && !more_behind {
            break;
        }
        matcher.merge(&mut front, &mut behind);
    }
    Ok(matcher.finish())
}

/// The next packets of a side.
struct Cursor<'a, S> {
    side: &'a mut S,
    batch: Keyed,
    at: usize,
    ended: bool,
}

impl<'a, S: Side> Cursor<'a, S> {
    fn new(side: &'a mut S) -> Self {
        Self { side, batch: Keyed::default(), at: 0, ended: false }
    }

    /// Gets more packets when there are none left, and notes them; `false` at the end.
    fn refill(&mut self, traffic: &mut Traffic) -> Result<bool, Error> {
        while self.at == self.batch.stamps().len() && !self.ended {
            self.at = 0;
            let next = self.side.next(std::mem::take(&mut self.batch))?;
            self.ended = next.is_none();
            self.batch = next.unwrap_or_default();
            traffic.note(self.batch.stamps(), self.batch.unkeyed());
        }
        Ok(!self.ended)
    }
}

#[cfg(test)]
mod tests;
