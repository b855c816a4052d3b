//! The worst latencies, with the packets they belong to.

use std::cmp::Reverse;

/// A pair of packets with a long latency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Worst {
    /// Latency, ns.
    pub latency: u64,
    /// Capture time in front of the device, ns.
    pub pre: u64,
    /// Capture time behind the device, ns.
    pub post: u64,
    /// The key, masked.
    pub key: Box<[u8]>,
}

impl Worst {
    /// Longest latency first, then as they left.
    fn order(&self) -> (Reverse<u64>, u64, u64) {
        (Reverse(self.latency), self.pre, self.post)
    }
}

/// Keeps the worst of a stream. A packet may be taken back later, when its key turns out to be ambiguous: to fill the gap, twice as
/// many are kept as are asked for.
#[derive(Debug)]
pub(super) struct WorstList {
    asked: usize,
    /// In no order; cut back to `2 * asked` when it holds twice that.
    kept: Vec<Worst>,
    /// Latencies must be above this to be kept.
    threshold: Option<u64>,
    taken_back: usize,
}

impl WorstList {
    /// A list for the `asked` worst.
    pub(super) fn new(asked: usize) -> Self {
        Self { asked, kept: Vec::new(), threshold: None, taken_back: 0 }
    }

    /// Whether a latency is worth an entry. Of equal latencies the earlier is worse, so a later one never replaces it.
    #[inline]
    pub(super) fn wants(&self, latency: u64) -> bool {
        self.asked > 0 && self.threshold.is_none_or(|threshold| latency > threshold)
    }

    /// Keeps a pair, which must be later than those before.
    pub(super) fn keep(&mut self, worst: Worst) {
        self.kept.push(worst);
        if self.kept.len() >= 4 * self.asked {
            let most = 2 * self.asked;
            self.kept.select_nth_unstable_by_key(most - 1, Worst::order);
            self.kept.truncate(most);
            self.threshold = self.kept.last().map(|worst| worst.latency);
        }
    }

    /// Forgets a pair by its departure and latency.
    pub(super) fn take_back(&mut self, pre: u64, latency: u64) {
        if let Some(at) = self.kept.iter().position(|worst| worst.pre == pre && worst.latency == latency) {
            self.kept.swap_remove(at);
            self.taken_back += 1;
        }
    }

    /// The worst, longest first, then as they left: as many as were asked for, or fewer when there are no more. Also fewer when so
    /// many were taken back (more than were asked for) that nobody knows who would have followed.
    pub(super) fn finish(mut self) -> Vec<Worst> {
        self.kept.sort_unstable_by_key(Worst::order);
        let certain = match self.threshold {
            Some(_) => (2 * self.asked).saturating_sub(self.taken_back).min(self.asked),
            None => self.asked,
        };
        self.kept.truncate(certain);
        self.kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn equals_sorting_everything(
            latencies in proptest::collection::vec(0u64..30, 0..300),
            asked in 0usize..12,
            back in proptest::collection::vec(any::<proptest::sample::Index>(), 0..10),
        ) {
            let mut all: Vec<Worst> = (0..)
                .zip(&latencies)
                .map(|(pre, &latency)| Worst { latency, pre, post: pre + latency, key: Box::default() })
                .collect();
            let mut list = WorstList::new(asked);
            for worst in &all {
                if list.wants(worst.latency) {
                    list.keep(worst.clone());
                }
            }
            if !all.is_empty() {
                for at in back {
                    let gone = at.get(&latencies);
                    let at = latencies.iter().position(|latency| latency == gone).unwrap();
                    let (pre, latency) = (at as u64, latencies[at]);
                    list.take_back(pre, latency);
                    all.retain(|worst| worst.pre != pre);
                }
            }
            all.sort_by_key(Worst::order);
            all.truncate(asked);
            let found = list.finish();
            prop_assert!(found.len() == all.len() || found.len() < asked);
            prop_assert_eq!(&found[..], &all[..found.len()]);
        }
    }
}
