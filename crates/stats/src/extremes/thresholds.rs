//! From which latency on the tail is one: thresholds from low to high, each with what lies above it, and the choice among them.
//!
//! The choice is ForwardStop's (G'Sell, Wager, Chouldechova and Tibshirani 2016), as Bader, Yan and Zhang (2018, Automated threshold selection
//! for extreme value analysis via ordered goodness-of-fit tests) use it: the test of fit is made above every threshold, on the greatest of
//! each cluster, which are independent; thresholds are rejected from the lowest on as long as the mean of -ln(1 - p) is no more than 0.05, so
//! that of those rejected one in twenty at most would have done.

use tailbed_format::extremes::Threshold;

use super::cluster::Clusters;
use super::goodness;
use super::pareto::Fit;
use super::peaks::{Peak, Peaks};

/// Fewer clusters than this make no tail: with fifty the shape is known to about 0.15 on either side.
pub(super) const FEWEST: usize = 50;

/// So many clusters are as many as a fit needs; more of them come from below the tail.
const MOST: f64 = 2_000.0;

/// No more than this share of all packets is a tail.
const SHARE: u64 = 10;

/// So many thresholds are looked at.
const LOOKED_AT: usize = 12;

/// The share of false ones among those rejected, as in the paper.
const FALSE: f64 = 0.05;

/// A threshold with the latencies above it.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    pub(super) found: Threshold,
    /// Of all latencies above it, and the region of tails that they agree with.
    pub(super) fit: Fit,
    /// Shape of the tail of the greatest of each cluster, with its interval.
    pub(super) greatest: (f64, (f64, f64)),
    /// Clusters of each run.
    pub(super) clusters: Vec<usize>,
    /// How many different latencies are above it.
    pub(super) values: u64,
}

/// The thresholds, from the lowest to the highest, and how many clusters there are above the lowest that could be looked at.
pub(super) fn candidates(runs: &[Peaks]) -> (Vec<Candidate>, usize) {
    // below this some run has latencies that were not kept
    let floor = runs.iter().map(|run| run.above).max().unwrap_or(0);
    let packets: u64 = runs.iter().map(|run| run.packets).sum();
    let mut all: Vec<u64> =
        runs.iter().flat_map(|run| &run.peaks).map(|peak| peak.latency).filter(|latency| *latency > floor).collect();
    all.sort_unstable_by(|one, other| other.cmp(one));
    let most = all.len().min(usize::try_from(packets / SHARE).unwrap_or(usize::MAX));
    if most < 2 {
        return (Vec::new(), most);
    }
    let clusters_above = |exceedances: usize| threshold(&all, exceedances).map(|value| Clusters::of(&above(runs, value)));
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a positive whole number of packets")]
    let scaled = |clusters: f64, index: f64| (clusters / index).ceil() as usize;
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a positive constant")]
    let index = clusters_above(most.min(MOST as usize)).map_or(1.0, |clusters| clusters.index);
    let most = most.min(scaled(MOST, index));
    let count = clusters_above(most).map_or(0, |clusters| clusters.count());
    let fewest = scaled(FEWEST as f64, index).max(FEWEST);
    if count < FEWEST || fewest > most {
        return (Vec::new(), count);
    }
    let ratio = most as f64 / fewest as f64;
    let mut found: Vec<Candidate> = Vec::new();
    for step in 0..LOOKED_AT {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between two positive counts")]
        let exceedances = (most as f64 / ratio.powf(step as f64 / (LOOKED_AT - 1) as f64)).round() as usize;
        let Some(value) = threshold(&all, exceedances) else { continue };
        if found.last().is_some_and(|last| last.found.value >= value) {
            continue;
        }
        found.extend(candidate(runs, value));
    }
    stop(&mut found);
    (found, count)
}

/// Half way between two neighbouring latencies, so that at most so many lie above; `None` where none or all do.
fn threshold(descending: &[u64], exceedances: usize) -> Option<f64> {
    let mut count = exceedances.min(descending.len().checked_sub(1)?);
    while count > 0 && descending[count - 1] == descending[count] {
        count -= 1;
    }
    (count > 0).then(|| f64::midpoint(descending[count - 1] as f64, descending[count] as f64))
}

/// The latencies above a threshold, each run with how many packets it sent.
fn above(runs: &[Peaks], threshold: f64) -> Vec<(u64, Vec<Peak>)> {
    let exceeding = |run: &Peaks| run.peaks.iter().copied().filter(|peak| peak.latency as f64 > threshold).collect();
    runs.iter().map(|run| (run.sent, exceeding(run))).collect()
}

/// What lies above a threshold; nothing when it is too little.
fn candidate(runs: &[Peaks], value: f64) -> Option<Candidate> {
    let above = above(runs, value);
    let clusters = Clusters::of(&above);
    let count = clusters.count();
    if count < FEWEST {
        return None;
    }
    let excess = |latency: u64| latency as f64 - value;
    let all: Vec<f64> = above.iter().flat_map(|(_, peaks)| peaks).map(|peak| excess(peak.latency)).collect();
    let greatest: Vec<f64> = clusters.greatest.iter().flatten().map(|latency| excess(*latency)).collect();
    let fit = Fit::of(&all, count as f64)?;
    let of_greatest = Fit::of(&greatest, greatest.len() as f64)?;
    let statistic = goodness::statistic(&greatest, of_greatest.tail);
    let mut values: Vec<u64> = above.iter().flat_map(|(_, peaks)| peaks).map(|peak| peak.latency).collect();
    values.sort_unstable();
    values.dedup();
    let (low, high) = fit.range(|tail| tail.shape);
    let found = Threshold {
        value,
        exceedances: all.len() as u64,
        clusters: count as u64,
        index: clusters.index,
        mean_excess: all.iter().sum::<f64>() / all.len() as f64,
        shape: fit.tail.shape,
        shape_interval: [low, high],
        modified_scale: fit.tail.scale - fit.tail.shape * value,
        statistic,
        chance: goodness::chance(statistic, of_greatest.tail.shape),
        stop: 0.0,
    };
    Some(Candidate {
        found,
        fit,
        greatest: (of_greatest.tail.shape, of_greatest.range(|tail| tail.shape)),
        clusters: clusters.greatest.iter().map(Vec::len).collect(),
        values: values.len() as u64,
    })
}

/// ForwardStop's means.
fn stop(candidates: &mut [Candidate]) {
    let mut sum = 0.0;
    for (place, candidate) in candidates.iter_mut().enumerate() {
        // a chance of one would end all further comparison
        sum -= (-candidate.found.chance.min(1.0 - 1e-9)).ln_1p();
        candidate.found.stop = sum / (place + 1) as f64;
    }
}

/// The place of the threshold that is chosen, and whether any was left to choose: where all are rejected it is the last. `None` without any.
pub(super) fn choose(candidates: &[Candidate]) -> Option<(usize, bool)> {
    let rejected = candidates.iter().rposition(|candidate| candidate.found.stop <= FALSE).map_or(0, |last| last + 1);
    let last = candidates.len().checked_sub(1)?;
    Some((rejected.min(last), rejected <= last))
}
