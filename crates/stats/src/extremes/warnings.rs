//! Why a fitted tail may not be believed beyond the data.

use tailbed_format::extremes::TailWarning;

use super::peaks::Peaks;
use super::thresholds::Candidate;

/// The 99 % point of the normal distribution: what one campaign in a hundred has by chance.
const RARE: f64 = 2.326_348;

/// Warnings of the candidate that was chosen; `fits` is whether it was not rejected itself.
pub(super) fn of(candidates: &[Candidate], chosen: usize, fits: bool, runs: &[Peaks]) -> Vec<TailWarning> {
    let Some(candidate) = candidates.get(chosen) else { return Vec::new() };
    [
        (!fits).then_some(TailWarning::BadFit { chance: candidate.found.chance }),
        (candidate.fit.tail.shape >= 1.0).then_some(TailWarning::InfiniteMean { shape: candidate.fit.tail.shape }),
        unstable(candidates, chosen),
        bounded(candidate, runs),
        coarse(candidate),
        disagree(candidate, runs),
        clusters_differ(candidate),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// A higher threshold whose interval of the shape leaves the chosen one's out altogether.
fn unstable(candidates: &[Candidate], chosen: usize) -> Option<TailWarning> {
    let own = &candidates[chosen].found;
    let apart = |other: &&Candidate| {
        let [low, high] = other.found.shape_interval;
        low > own.shape_interval[1] || high < own.shape_interval[0]
    };
    let other = candidates[chosen + 1..].iter().find(apart)?;
    Some(TailWarning::Unstable { shape: own.shape, other: other.found.shape, threshold: other.found.value })
}

/// Latencies that pile up at the greatest: a tenth of the exceedances, and ten at least, within a thousandth of it.
fn bounded(candidate: &Candidate, runs: &[Peaks]) -> Option<TailWarning> {
    let greatest = runs.iter().flat_map(|run| &run.peaks).map(|peak| peak.latency).max()?;
    let near = greatest - greatest / 1_000;
    let packets = runs.iter().flat_map(|run| &run.peaks).filter(|peak| peak.latency >= near).count() as u64;
    // a narrow tail lies within a thousandth of its end by itself
    let narrow = candidate.found.value >= near as f64;
    (!narrow && packets >= 10.max(candidate.found.exceedances / 10)).then_some(TailWarning::Bounded { greatest, packets })
}

/// Fewer different values than a fifth of the exceedances.
fn coarse(candidate: &Candidate) -> Option<TailWarning> {
    let (exceedances, values) = (candidate.found.exceedances, candidate.values);
    (values < exceedances / 5).then_some(TailWarning::Coarse { exceedances, values })
}

/// Whether clusters are spread over the runs more unevenly than chance has it: the dispersion test of Poisson counts, its chi-square by Wilson
/// and Hilferty (1931).
fn disagree(candidate: &Candidate, runs: &[Peaks]) -> Option<TailWarning> {
    let packets: u64 = runs.iter().map(|run| run.packets).sum();
    let all: usize = candidate.clusters.iter().sum();
    let sampled: Vec<(f64, f64)> = runs
        .iter()
        .zip(&candidate.clusters)
        .filter(|(run, _)| run.packets > 0)
        .map(|(run, clusters)| (*clusters as f64, all as f64 * run.packets as f64 / packets as f64))
        .collect();
    let free = sampled.len().checked_sub(1).filter(|free| *free > 0)? as f64;
    let square: f64 = sampled.iter().map(|(clusters, expected)| (clusters - expected).powi(2) / expected).sum();
    let spread = 2.0 / (9.0 * free);
    let normal = ((square / free).cbrt() - (1.0 - spread)) / spread.sqrt();
    let by_rate = |one: &(f64, f64), other: &(f64, f64)| (one.0 / one.1).total_cmp(&(other.0 / other.1));
    let (fewest, most) = (sampled.iter().copied().min_by(by_rate)?.0, sampled.iter().copied().max_by(by_rate)?.0);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counts that were made floats")]
    (normal > RARE).then_some(TailWarning::RunsDisagree { fewest: fewest as u64, most: most as u64, runs: sampled.len() as u64 })
}

/// Where exceedances come in clusters, the two shapes further apart than both intervals together let expect.
fn clusters_differ(candidate: &Candidate) -> Option<TailWarning> {
    let [low, high] = candidate.found.shape_interval;
    let (greatest, (least, most)) = candidate.greatest;
    let apart = (candidate.found.shape - greatest).abs();
    let expected = f64::midpoint(high, -low).hypot(f64::midpoint(most, -least));
    let clustered = candidate.found.index < 0.8;
    (clustered && apart > expected).then_some(TailWarning::ClustersDiffer { shape: candidate.found.shape, greatest })
}
