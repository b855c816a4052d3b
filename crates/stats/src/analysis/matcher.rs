//! Pairs of packets, and what becomes of the others.

use super::side::{Keyed, Side, Stamp};
use super::traffic::Traffic;
use super::under_way::{Arrived, Departed, UnderWay};
use super::worst::{Worst, WorstList};
use super::{Analysis, Cursor, Options};
use crate::counter::Counter;

/// The lead-in lasts until the first pair is found, at least.
const NOT_YET: u64 = u64::MAX;

/// Counts as packets of both sides go by in order of time.
pub(super) struct Matcher<'a> {
    options: &'a Options,
    under_way: UnderWay,
    pub(super) pre: Traffic,
    pub(super) post: Traffic,
    latency: Counter,
    /// Latencies counted and found ambiguous later.
    taken_back: Counter,
    worst: WorstList,
    /// Packets in front that may be lost: they have the key and are not of the lead-in.
    expected: u64,
    /// Those of them that are in a pair.
    found: u64,
    /// Those of them that are ambiguous.
    expected_ambiguous: u64,
    ambiguous: u64,
    duplicates: u64,
    ambiguous_post: u64,
    unmatched_post: u64,
    reordered: u64,
    trimmed: u64,
    /// The latest departure that has arrived.
    latest: u64,
    /// What happens from here on counts: the end of the lead-in, once the first pair is found.
    begins: u64,
}

impl<'a> Matcher<'a> {
    pub(super) fn new(options: &'a Options) -> Self {
        Self {
            options,
            under_way: UnderWay::new(options.window, options.memory),
            pre: Traffic::default(),
            post: Traffic::default(),
            latency: Counter::new(),
            taken_back: Counter::new(),
            worst: WorstList::new(options.worst),
            expected: 0,
            found: 0,
            expected_ambiguous: 0,
            ambiguous: 0,
            duplicates: 0,
            ambiguous_post: 0,
            unmatched_post: 0,
            reordered: 0,
            trimmed: 0,
            latest: 0,
            begins: if options.trim.is_some() { NOT_YET } else { 0 },
        }
    }

    /// Whether what happened at `time` is past the lead-in.
    #[inline]
    fn counts(&self, time: u64) -> bool {
        time >= self.begins
    }

    /// Sees packets of both sides in order of time, until one of them needs more or, where one has ended, all of the other.
    pub(super) fn merge<A: Side, B: Side>(&mut self, front: &mut Cursor<'_, A>, behind: &mut Cursor<'_, B>) {
        let (left, arrived) = (front.batch.stamps(), behind.batch.stamps());
        let (mut next, mut next_behind) = (front.at, behind.at);
        while next < left.len() || next_behind < arrived.len() {
            // A packet leaves later than what arrives at the same time: a pair takes at least a nanosecond.
            let departs = match (left.get(next), arrived.get(next_behind)) {
                (Some(left), Some(arrived)) => left.time < arrived.time,
                (Some(_), None) if behind.ended => true,
                (None, Some(_)) if front.ended => false,
                _ => break,
            };
            if departs {
                self.depart(left[next]);
                next += 1;
            } else {
                self.arrive(&behind.batch, next_behind);
                next_behind += 1;
            }
        }
        front.at = next;
        behind.at = next_behind;
    }

    #[allow(clippy::inline_always, reason = "once, in the innermost loop")]
    #[inline(always)]
    fn depart(&mut self, stamp: Stamp) {
        let Some(digest) = stamp.digest() else { return };
        let counts = u64::from(self.counts(stamp.time));
        self.expected += counts;
        match self.under_way.depart(digest, stamp.time) {
            Departed::Alone => return,
            Departed::Further => {}
            Departed::Second { time: first, latency } => self.make_ambiguous(first, latency),
        }
        self.ambiguous += 1;
        self.expected_ambiguous += counts;
    }

    /// The packet that left at `first` turns out to be ambiguous.
    #[cold]
    fn make_ambiguous(&mut self, first: u64, latency: Option<u64>) {
        let counts = u64::from(self.counts(first));
        self.ambiguous += 1;
        self.expected_ambiguous += counts;
        let Some(latency) = latency else { return };
        self.ambiguous_post += 1;
        self.found -= counts;
        if self.counts(first + latency) {
            self.taken_back.record(latency);
            self.worst.take_back(first, latency);
        } else {
            self.trimmed -= 1;
        }
    }

    #[allow(clippy::inline_always, reason = "once, in the innermost loop")]
    #[inline(always)]
    fn arrive(&mut self, batch: &Keyed, at: usize) {
        let stamp = batch.stamps()[at];
        let Some(digest) = stamp.digest() else { return };
        match self.under_way.arrive(digest, stamp.time) {
            Arrived::First(latency) => self.pair(batch, at, stamp.time, latency),
            Arrived::Again => self.duplicates += 1,
            Arrived::Ambiguous => self.ambiguous_post += 1,
            Arrived::Unknown => self.unmatched_post += 1,
        }
    }

    #[inline]
    fn pair(&mut self, batch: &Keyed, at: usize, time: u64, latency: u64) {
        let left = time - latency;
        self.reordered += u64::from(left < self.latest);
        self.latest = self.latest.max(left);
        if self.begins == NOT_YET {
            self.begins = time.saturating_add(self.options.trim.unwrap_or(0)).saturating_add(1);
        }
        self.found += u64::from(self.counts(left));
        if !self.counts(time) {
            self.trimmed += 1;
            return;
        }
        self.latency.record(latency);
        if self.worst.wants(latency) {
            self.worst.keep(Worst { latency, pre: left, post: time, key: self.options.key.of(batch.frame(at)) });
        }
    }

    pub(super) fn finish(self) -> Analysis {
        let latency = if self.taken_back.count() == 0 { self.latency } else { self.latency.without(&self.taken_back) };
        Analysis {
            pre: self.pre,
            post: self.post,
            latency,
            worst: self.worst.finish(),
            lost: self.expected - self.found - self.expected_ambiguous,
            ambiguous: self.ambiguous,
            duplicates: self.duplicates,
            ambiguous_post: self.ambiguous_post,
            unmatched_post: self.unmatched_post,
            reordered: self.reordered,
            trimmed: self.trimmed,
            given_up: self.under_way.given_up(),
        }
    }
}
