//! An exact counter of times: every value that was ever recorded, with how often.
//!
//! Memory is bounded by the number of distinct values, never by how many were recorded. Where values crowd, a page of 512
//! neighbouring ones is an array of 32-bit counts; elsewhere each distinct value is one entry of a sorted list, 16 bytes. A page
//! becomes an array (2 048 bytes) once it costs no more than its entries would, or once it is hit so often that sorting its values
//! into the list would be the larger cost. Besides there are a directory of pages (at most 8 MiB) and a small buffer.

use tailbed_format::percentile::Percentile;

mod ascending;

pub use ascending::Ascending;

const PAGE_BITS: u32 = 9;
const PAGE: usize = 1 << PAGE_BITS;
/// Pages the directory may name: values up to 2^30 ns, about a second. Beyond, a value is always a list entry.
const DIRECTORY: usize = 1 << 21;
/// Distinct values from which a page (2 048 bytes) is no larger than its entries (16 bytes each).
const CROWDED: usize = PAGE * size_of::<u32>() / size_of::<Entry>();
/// Of the values that wait, so many in one page make it an array however few are distinct: a sixteenth of the least number.
const BUSY: usize = LEAST_PENDING / 16;
/// The least number of values that wait before they are sorted into the list.
const LEAST_PENDING: usize = 4096;
/// In the directory: this page is not an array.
const SPARSE: u32 = u32::MAX;

/// A value and how often it was recorded.
type Entry = (u64, u64);

/// An exact counter of non-negative integers, in this project nanoseconds.
#[derive(Debug, Clone, Default)]
pub struct Counter {
    /// By page number: index into `pages`, or [`SPARSE`].
    directory: Vec<u32>,
    pages: Vec<[u32; PAGE]>,
    /// Ascending by value, one entry per value. Holds values of array pages too, as carries of their 32-bit counts.
    sparse: Vec<Entry>,
    /// Not yet in `sparse`, in no order.
    pending: Vec<Entry>,
    count: u64,
    sum: u128,
    /// The complement of the least value, so that zero stands for none.
    least: u64,
    greatest: u64,
}

impl Counter {
    /// A counter of nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Counts one more `value`.
    #[inline]
    pub fn record(&mut self, value: u64) {
        self.record_many(value, 1);
    }

    /// Counts `value` another `times`.
    #[inline]
    pub fn record_many(&mut self, value: u64, times: u64) {
        if times == 0 {
            return;
        }
        self.count += times;
        self.sum += u128::from(value) * u128::from(times);
        self.least = self.least.max(!value);
        self.greatest = self.greatest.max(value);
        match self.slot(value) {
            Some(slot) => match u64::from(*slot).checked_add(times).and_then(|sum| u32::try_from(sum).ok()) {
                Some(sum) => *slot = sum,
                None => self.carry(value, times),
            },
            None => self.postpone((value, times)),
        }
    }

    /// How many values were recorded.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The least value.
    pub fn minimum(&self) -> Option<u64> {
        (self.count > 0).then_some(!self.least)
    }

    /// The greatest value.
    pub fn maximum(&self) -> Option<u64> {
        (self.count > 0).then_some(self.greatest)
    }

    /// The sum of all values.
    pub fn sum(&self) -> u128 {
        self.sum
    }

    /// The arithmetic mean, from the exact sum.
    #[allow(clippy::cast_precision_loss, reason = "a mean is rounded to a float once, at the end")]
    pub fn mean(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum as f64 / self.count as f64)
    }

    /// The value at the nearest rank of a percentile (Hyndman and Fan 1996, definition 1); `None` when nothing was recorded.
    pub fn quantile(&self, percentile: Percentile) -> Option<u64> {
        self.at_rank(percentile.rank(self.count))
    }

    /// The `rank`-th least value, counted from 1; `None` outside 1 to [`Self::count`].
    pub fn at_rank(&self, rank: u64) -> Option<u64> {
        self.at_ranks(&[rank])[0]
    }

    /// The values at several ranks in one pass over the counter, in the order of `ranks`; `None` for those outside 1 to
    /// [`Self::count`].
    pub fn at_ranks(&self, ranks: &[u64]) -> Vec<Option<u64>> {
        let mut order: Vec<usize> = (0..ranks.len()).filter(|&at| (1..=self.count).contains(&ranks[at])).collect();
        order.sort_unstable_by_key(|&at| ranks[at]);
        let mut found = vec![None; ranks.len()];
        let mut wanted = order.into_iter().peekable();
        let mut below = 0;
        for (value, times) in self {
            below += times;
            while let Some(at) = wanted.next_if(|&at| ranks[at] <= below) {
                found[at] = Some(value);
            }
            if wanted.peek().is_none() {
                break;
            }
        }
        found
    }

    /// How many values are at most each of `values`, which ascend, in one pass over the counter.
    pub fn at_or_below(&self, values: &[u64]) -> Vec<u64> {
        let mut all = self.iter().peekable();
        let mut below = 0;
        let mut up_to = |limit: u64| {
            while let Some((_, times)) = all.next_if(|(value, _)| *value <= limit) {
                below += times;
            }
            below
        };
        values.iter().map(|limit| up_to(*limit)).collect()
    }

    /// Adds everything another counter holds.
    pub fn merge(&mut self, other: &Self) {
        for (value, times) in other {
            self.record_many(value, times);
        }
    }

    /// This counter without what `other` holds; counts never fall below zero.
    #[must_use]
    pub fn without(&self, other: &Self) -> Self {
        let mut removed = other.iter().peekable();
        let mut rest = Self::new();
        for (value, times) in self {
            while removed.next_if(|&(less, _)| less < value).is_some() {}
            let gone = removed.peek().filter(|(same, _)| *same == value).map_or(0, |&(_, gone)| gone);
            rest.record_many(value, times.saturating_sub(gone));
        }
        rest
    }

    /// Values and how often each was recorded, by ascending value.
    pub fn iter(&self) -> Ascending<'_> {
        Ascending::new(self)
    }

    /// Bytes of memory held, for those who check the bound.
    pub fn memory(&self) -> usize {
        self.directory.capacity() * size_of::<u32>()
            + self.pages.capacity() * size_of::<[u32; PAGE]>()
            + (self.sparse.capacity() + self.pending.capacity()) * size_of::<Entry>()
    }

    #[inline]
    fn slot(&mut self, value: u64) -> Option<&mut u32> {
        let page = usize::try_from(value >> PAGE_BITS).ok()?;
        let index = *self.directory.get(page)?;
        let page = self.pages.get_mut(index as usize)?;
        Some(&mut page[within(value)])
    }

    /// Adds to a value whose 32-bit count is full: the list carries what does not fit.
    #[cold]
    fn carry(&mut self, value: u64, times: u64) {
        match self.sparse.binary_search_by_key(&value, |entry| entry.0) {
            Ok(at) => self.sparse[at].1 += times,
            Err(at) => self.sparse.insert(at, (value, times)),
        }
    }

    fn postpone(&mut self, entry: Entry) {
        self.pending.push(entry);
        // In proportion to the list, so that merging costs each value the same however long the list grows.
        if self.pending.len() >= LEAST_PENDING.max(self.sparse.len() / 2) {
            self.settle();
        }
    }

    #[cold]
    fn settle(&mut self) {
        self.pending.sort_unstable_by_key(|entry| entry.0);
        let hits = self.pending.chunk_by(|a, b| a.0 >> PAGE_BITS == b.0 >> PAGE_BITS);
        let busy: Vec<u64> = hits.filter(|hits| hits.len() >= BUSY).map(|hits| hits[0].0 >> PAGE_BITS).collect();
        let listed = ascending::merged(&self.sparse, &self.pending);
        self.pending.clear();
        self.sparse.clear();
        for crowd in listed.chunk_by(|a, b| a.0 >> PAGE_BITS == b.0 >> PAGE_BITS) {
            let number = crowd[0].0 >> PAGE_BITS;
            let page = usize::try_from(number).unwrap_or(usize::MAX);
            let already = self.directory.get(page).is_some_and(|&index| index != SPARSE);
            let worth = crowd.len() >= CROWDED || busy.binary_search(&number).is_ok();
            if !worth || page >= DIRECTORY || already {
                self.sparse.extend_from_slice(crowd);
                continue;
            }
            if self.directory.len() <= page {
                self.directory.resize((page + 1).next_power_of_two(), SPARSE);
            }
            self.directory[page] = u32::try_from(self.pages.len()).unwrap_or(SPARSE);
            let mut counts = [0; PAGE];
            for &(value, times) in crowd {
                match u32::try_from(times) {
                    Ok(times) => counts[within(value)] = times,
                    Err(_) => self.sparse.push((value, times)),
                }
            }
            self.pages.push(counts);
        }
    }
}

/// Place of a value in its page.
#[inline]
fn within(value: u64) -> usize {
    #[allow(clippy::cast_possible_truncation, reason = "below the size of a page")]
    let within = (value & (PAGE as u64 - 1)) as usize;
    within
}

impl<'a> IntoIterator for &'a Counter {
    type Item = Entry;
    type IntoIter = Ascending<'a>;

    fn into_iter(self) -> Ascending<'a> {
        self.iter()
    }
}

impl Extend<u64> for Counter {
    fn extend<I: IntoIterator<Item = u64>>(&mut self, values: I) {
        values.into_iter().for_each(|value| self.record(value));
    }
}

impl FromIterator<u64> for Counter {
    fn from_iter<I: IntoIterator<Item = u64>>(values: I) -> Self {
        let mut counter = Self::new();
        counter.extend(values);
        counter
    }
}

#[cfg(test)]
mod tests;
