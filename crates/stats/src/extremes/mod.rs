//! The tail beyond the data: peaks over a threshold.
//!
//! ```text
//! records -> peaks -> clusters -> thresholds: fit, test -> choice -> levels, warnings
//! ```
//!
//! Above a high threshold latencies follow a generalised Pareto distribution (`pareto`), if they are of one kind: one cause, or causes that
//! blend. Whether they are is tested (`goodness`, `thresholds`), and when they are not it is said, for what is drawn beyond the data then
//! means nothing (`warnings`). All latencies above the threshold are fitted, with the likelihood's fall divided by how many come together:
//! fitting the greatest of each cluster alone is biased (Fawcett and Walshaw 2007, Improved estimation for temporally clustered extremes).

mod cluster;
mod goodness;
mod levels;
mod pareto;
mod peaks;
mod points;
mod thresholds;
mod warnings;

use tailbed_format::extremes::{Extremes, TailFit, TailMethod, TailWarning};
use tailbed_format::summary::{Cell, RunKind};

use crate::campaign::CountedRun;
use crate::plot::number::whole;
use levels::Base;
use pareto::Tail;
use thresholds::FEWEST;

pub(crate) use cluster::Gaps;
pub use peaks::{Peak, Peaks};

/// The tails of the measured cells, each of its valid runs.
pub fn of_campaign(cells: &[Cell], runs: &[CountedRun]) -> Vec<Extremes> {
    let measured = cells.iter().enumerate().filter(|(_, cell)| cell.kind == RunKind::Measurement);
    let of = |(cell, _): (usize, &Cell)| {
        let valid = || runs.iter().filter(|run| run.summary.cell == cell && run.summary.is_valid());
        let peaks: Vec<Peaks> = valid().map(|run| run.counters.peaks.clone()).collect();
        let duration = valid().map(|run| run.summary.volume.map(|volume| volume.duration)).sum::<Option<u64>>();
        analyse(cell, &peaks, duration)
    };
    measured.map(of).collect()
}

/// The tail of some runs; `duration` is that of their counted parts together, ns, where it is known.
pub fn analyse(cell: usize, runs: &[Peaks], duration: Option<u64>) -> Extremes {
    let packets: u64 = runs.iter().map(|run| run.packets).sum();
    let (candidates, clusters) = thresholds::candidates(runs);
    let thresholds = candidates.iter().map(|candidate| candidate.found).collect();
    let empty = Extremes { cell, packets, thresholds, fit: None, levels: Vec::new(), curve: Vec::new(), warnings: Vec::new() };
    let Some((chosen, fits)) = thresholds::choose(&candidates) else {
        let too_few = TailWarning::TooFew { clusters: clusters as u64, needed: FEWEST as u64 };
        return Extremes { warnings: vec![too_few], ..empty };
    };
    let candidate = &candidates[chosen];
    let found = candidate.found;
    let base = Base {
        fit: &candidate.fit,
        threshold: found.value,
        packets,
        exceedances: found.exceedances,
        clusters: found.clusters,
        rate: duration.filter(|duration| *duration > 0).map(|duration| packets as f64 / (duration as f64 / 1e9)),
    };
    let Tail { shape, scale } = candidate.fit.tail;
    Extremes {
        fit: Some(TailFit {
            threshold: chosen,
            method: candidate.fit.method,
            shape,
            shape_interval: found.shape_interval,
            scale,
            end: (shape < 0.0).then(|| whole(found.value - scale / shape)),
        }),
        levels: base.levels(),
        curve: base.curve(),
        warnings: warnings::of(&candidates, chosen, fits, runs),
        ..empty
    }
}

/// The share of latencies at or above one, by the fitted tail, 0 to 1; `None` without a fit, and below the threshold, where the data say it.
pub(crate) fn share_above(tail: &Extremes, latency: f64) -> Option<f64> {
    let fit = tail.fit.as_ref()?;
    let threshold = tail.thresholds.get(fit.threshold)?;
    let excess = latency - threshold.value;
    let share = threshold.exceedances as f64 / tail.packets as f64;
    (excess >= 0.0).then(|| share * Tail { shape: fit.shape, scale: fit.scale }.above(excess))
}

/// How it is said.
pub(crate) fn method(method: TailMethod) -> &'static str {
    match method {
        TailMethod::Likelihood => "maximum likelihood",
        TailMethod::Moments => "probability-weighted moments, for the likelihood has no greatest value",
    }
}

#[cfg(test)]
mod tests;
