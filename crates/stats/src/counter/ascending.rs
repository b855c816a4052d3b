//! Walking a counter by ascending value.

use std::borrow::Cow;

use super::{Counter, Entry, PAGE, PAGE_BITS, SPARSE};

/// Iterator over the values of a [`Counter`] and how often each was recorded, by ascending value.
#[derive(Debug)]
pub struct Ascending<'a> {
    counter: &'a Counter,
    /// The list with what is still pending.
    listed: Cow<'a, [Entry]>,
    next_listed: usize,
    /// The next value to look at among the array pages.
    cursor: usize,
    dense: Option<Entry>,
}

impl<'a> Ascending<'a> {
    pub(super) fn new(counter: &'a Counter) -> Self {
        let listed = if counter.pending.is_empty() {
            Cow::Borrowed(counter.sparse.as_slice())
        } else {
            Cow::Owned(merged(&counter.sparse, &counter.pending))
        };
        let mut ascending = Self { counter, listed, next_listed: 0, cursor: 0, dense: None };
        ascending.dense = ascending.next_dense();
        ascending
    }

    /// The next value with a count among the array pages.
    fn next_dense(&mut self) -> Option<Entry> {
        loop {
            let page = self.cursor >> PAGE_BITS;
            let index = *self.counter.directory.get(page)?;
            if index == SPARSE {
                self.cursor = (page + 1) << PAGE_BITS;
                continue;
            }
            let from = self.cursor & (PAGE - 1);
            let counts = &self.counter.pages[index as usize];
            match counts[from..].iter().position(|&times| times > 0) {
                Some(step) => {
                    let at = from + step;
                    let value = (page << PAGE_BITS) | at;
                    self.cursor = value + 1;
                    return Some((value as u64, u64::from(counts[at])));
                }
                None => self.cursor = (page + 1) << PAGE_BITS,
            }
        }
    }
}

impl Iterator for Ascending<'_> {
    type Item = Entry;

    fn next(&mut self) -> Option<Entry> {
        let listed = self.listed.get(self.next_listed).copied();
        let (dense_value, listed_value) = (self.dense.map(|entry| entry.0), listed.map(|entry| entry.0));
        let take_dense = dense_value.is_some() && (listed_value.is_none() || dense_value <= listed_value);
        let take_listed = listed_value.is_some() && (dense_value.is_none() || listed_value <= dense_value);
        let mut entry: Option<Entry> = None;
        if take_dense {
            entry = self.dense;
            self.dense = self.next_dense();
        }
        if take_listed {
            self.next_listed += 1;
            let carried = entry.map_or(0, |entry| entry.1);
            entry = listed.map(|(value, times)| (value, times + carried));
        }
        entry
    }
}

/// The list with the pending entries sorted in, one entry per value.
pub(super) fn merged(sparse: &[Entry], pending: &[Entry]) -> Vec<Entry> {
    let mut pending = pending.to_vec();
    if !pending.is_sorted_by_key(|entry| entry.0) {
        pending.sort_unstable_by_key(|entry| entry.0);
    }
    let mut merged: Vec<Entry> = Vec::with_capacity(sparse.len() + pending.len());
    let mut listed = sparse.iter().copied().peekable();
    let mut new = pending.into_iter().peekable();
    loop {
        let next = match (listed.peek(), new.peek()) {
            (Some(old), Some(fresh)) if old.0 <= fresh.0 => listed.next(),
            (_, Some(_)) => new.next(),
            (_, None) => listed.next(),
        };
        let Some((value, times)) = next else { break };
        match merged.last_mut() {
            Some(last) if last.0 == value => last.1 += times,
            _ => merged.push((value, times)),
        }
    }
    merged
}
