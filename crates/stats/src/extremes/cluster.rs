//! Clusters: packets close in time are late together, so that a hundred late packets may be one event.
//!
//! The extremal index is the share of events among them, estimated from the intervals between exceedances (Ferro and Segers 2003, Inference
//! for clusters of extreme values, equation 5). It needs no choice of a run length. Clusters are then told apart by the longest intervals, as
//! many as the index says (their section 4). A run is taken as a circle: the stretches before the first and behind the last exceedance
//! make one more interval, without which a single cluster has none between clusters.

use super::peaks::Peak;

/// The intervals between exceedances of one run, as they come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Gaps {
    first: u64,
    last: u64,
    moments: Moments,
}

/// Sums over intervals, of one run or of several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Moments {
    count: u64,
    sum: u128,
    squares: u128,
    longest: u64,
}

impl Gaps {
    /// There is an exceedance at this place, greater than all before.
    pub(crate) fn at(&mut self, place: u64) {
        if self.moments.count == 0 {
            // counts the exceedance; its interval is the one that closes the circle
            (self.first, self.moments.count) = (place, 1);
        } else {
            self.moments.count += 1;
            self.moments.add(place - self.last);
        }
        self.last = place;
    }

    /// The intervals of all, in a run of so many packets.
    pub(super) fn closed(self, length: u64) -> Moments {
        let mut moments = self.moments;
        if moments.count > 0 {
            moments.add((length + self.first).saturating_sub(self.last).max(1));
        }
        moments
    }

    /// How many clusters the exceedances come in, in a run of so many packets: at least one if there is any.
    pub(crate) fn clusters(self, length: u64) -> u64 {
        let moments = self.closed(length);
        clusters(moments.count, moments.index())
    }
}

impl Moments {
    fn add(&mut self, interval: u64) {
        self.sum += u128::from(interval);
        self.squares += u128::from(interval) * u128::from(interval);
        self.longest = self.longest.max(interval);
    }

    /// Those of several runs together.
    pub(super) fn and(self, other: Self) -> Self {
        Self {
            count: self.count + other.count,
            sum: self.sum + other.sum,
            squares: self.squares + other.squares,
            longest: self.longest.max(other.longest),
        }
    }

    /// The extremal index, above 0 and at most 1; 1 without any interval.
    pub(super) fn index(self) -> f64 {
        let (count, sum, squares) = (self.count as f64, self.sum as f64, self.squares as f64);
        if self.count == 0 {
            return 1.0;
        }
        let index = if self.longest <= 2 {
            2.0 * sum * sum / (count * squares)
        } else {
            // sums of T - 1 and of (T - 1)(T - 2)
            let less = sum - count;
            let both = squares - 3.0 * sum + 2.0 * count;
            2.0 * less * less / (count * both)
        };
        if index.is_finite() && index > 0.0 { index.min(1.0) } else { 1.0 }
    }
}

/// How many clusters so many exceedances come in.
fn clusters(exceedances: u64, index: f64) -> u64 {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a count")]
    let clusters = (exceedances as f64 * index).ceil() as u64;
    clusters.clamp(exceedances.min(1), exceedances)
}

/// The exceedances of several runs, told apart by clusters.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Clusters {
    /// The extremal index.
    pub(super) index: f64,
    /// The greatest latency of each, ns, by run.
    pub(super) greatest: Vec<Vec<u64>>,
}

impl Clusters {
    /// Of the latencies above a threshold, in the order of sending, each run with how many packets it sent.
    pub(super) fn of(runs: &[(u64, Vec<Peak>)]) -> Self {
        let gaps = runs.iter().map(|(sent, peaks)| {
            let mut gaps = Gaps::default();
            for peak in peaks {
                gaps.at(peak.at);
            }
            gaps.closed(*sent)
        });
        let moments = gaps.fold(Moments::default(), Moments::and);
        let index = moments.index();
        let wanted = usize::try_from(clusters(moments.count, index)).unwrap_or(usize::MAX);
        let between = |peaks: &Vec<Peak>| peaks.windows(2).map(|pair| pair[1].at - pair[0].at).collect::<Vec<_>>();
        let mut intervals: Vec<u64> = runs.iter().flat_map(|(_, peaks)| between(peaks)).collect();
        intervals.sort_unstable_by(|one, other| other.cmp(one));
        // each run begins a cluster by itself; of equal intervals all are within clusters or all between them
        let begun = runs.iter().filter(|(_, peaks)| !peaks.is_empty()).count();
        let longest_within = intervals.get(wanted.saturating_sub(begun)).copied().unwrap_or(0);
        let greatest = |(_, peaks): &(u64, Vec<Peak>)| {
            let mut found: Vec<u64> = Vec::new();
            let mut before = None;
            for peak in peaks {
                match (before, found.last_mut()) {
                    (Some(before), Some(greatest)) if peak.at - before <= longest_within => {
                        *greatest = (*greatest).max(peak.latency);
                    }
                    _ => found.push(peak.latency),
                }
                before = Some(peak.at);
            }
            found
        };
        Self { index, greatest: runs.iter().map(greatest).collect() }
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.greatest.iter().map(Vec::len).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    fn peaks(places: &[u64]) -> Vec<Peak> {
        places.iter().map(|at| Peak { at: *at, latency: 1_000 + at % 7 }).collect()
    }

    /// By hand from equation 5: intervals 1, 1, 97, 1 and, round the circle, 900 - 100 = 800.
    #[test]
    fn the_index_is_that_of_the_paper() {
        let mut gaps = Gaps::default();
        for place in [0, 1, 2, 99, 100] {
            gaps.at(place);
        }
        let intervals = [1.0, 1.0, 97.0, 1.0, 800.0_f64];
        let less: f64 = intervals.iter().map(|t| t - 1.0).sum();
        let both: f64 = intervals.iter().map(|t| (t - 1.0) * (t - 2.0)).sum();
        let expected = 2.0 * less * less / (5.0 * both);
        assert!((gaps.closed(900).index() - expected).abs() < 1e-12, "{}", gaps.closed(900).index());
        assert_eq!(gaps.clusters(900), 3);
        let clusters = Clusters::of(&[(900, peaks(&[0, 1, 2, 99, 100]))]);
        assert_eq!(clusters.greatest, [vec![1_002, 1_002]]);
    }

    #[test]
    fn a_stall_is_few_bursts_and_nothing_is_none() {
        let mut gaps = Gaps::default();
        (500..700).for_each(|place| gaps.at(place));
        assert!(gaps.clusters(50_000) <= 3, "{}", gaps.clusters(50_000));
        assert_eq!(Gaps::default().clusters(50_000), 0);
        let mut one = Gaps::default();
        one.at(7);
        assert_eq!((one.clusters(10), one.clusters(8)), (1, 1));
    }

    /// Independent exceedances have an index near 1, and those of a maximum of two neighbours one of a half (Ferro and Segers, section 5: the
    /// moving maximum).
    #[test]
    fn independence_and_pairs_are_told_apart() {
        let mut random = ChaCha8Rng::seed_from_u64(5);
        let values: Vec<f64> = (0..200_000).map(|_| random.random::<f64>()).collect();
        let index = |exceeds: &dyn Fn(usize) -> bool| {
            let mut gaps = Gaps::default();
            (1..values.len()).filter(|place| exceeds(*place)).for_each(|place| gaps.at(place as u64));
            gaps.closed(values.len() as u64).index()
        };
        let alone = index(&|place| values[place] > 0.99);
        let pairs = index(&|place| values[place].max(values[place - 1]) > 0.995);
        assert!(alone > 0.95, "{alone}");
        assert!((pairs - 0.5).abs() < 0.05, "{pairs}");
    }

    proptest! {
        #[test]
        fn every_exceedance_is_in_a_cluster(places in proptest::collection::btree_set(0u64..5_000, 0..200), cut in 0u64..5_000) {
            let (left, right): (Vec<u64>, Vec<u64>) = places.into_iter().partition(|place| *place < cut);
            let count = left.len() + right.len();
            let clusters = Clusters::of(&[(5_000, peaks(&left)), (5_000, peaks(&right))]);
            prop_assert!(clusters.count() <= count && (clusters.count() > 0) == (count > 0));
            prop_assert!(clusters.index > 0.0 && clusters.index <= 1.0);
        }
    }
}
