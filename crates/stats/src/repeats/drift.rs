//! Whether latencies rise or fall over a campaign, from repeat to repeat.
//!
//! Each cell is ranked by itself, and the scores of all are added: the seasonal test of R. M. Hirsch, J. R. Slack and R. A. Smith (Techniques
//! of trend analysis for monthly water quality data, Water Resources Research 18, 1982). Cells are measured in turns, so a disturbance of one
//! moment meets the same repeat of several; what their scores have in common for that reason is in the variance (R. M. Hirsch and J. R.
//! Slack, A nonparametric trend test for seasonal data with serial dependence, Water Resources Research 20, 1984, equation 14).

use tailbed_format::course::CampaignDrift;
use tailbed_format::percentile::Percentile;
use tailbed_format::summary::RunSummary;

use crate::course::trend::{deviations, ranks, score, slope, variance};
use crate::course::{FALSE_ALARM, WATCHED};
use crate::interval::normal::two_sided;

/// Repeats below which no order of them is rare enough to mean anything.
const LEAST_REPEATS: usize = 4;

/// The drifts of a campaign, at each percentile that is watched and has one. `cells` are the runs of each cell that count, in the order they were
/// made. Of a campaign without a drift one is said to be there with 1 % probability.
pub fn drift(cells: &[Vec<&RunSummary>]) -> Vec<CampaignDrift> {
    WATCHED.into_iter().filter_map(|percentile| at(percentile, cells)).collect()
}

fn at(percentile: Percentile, cells: &[Vec<&RunSummary>]) -> Option<CampaignDrift> {
    let of = |runs: &Vec<&RunSummary>| -> Vec<(u32, f64)> {
        let value = |run: &&RunSummary| Some((run.repeat, run.latency.at(percentile)?.value()? as f64));
        runs.iter().filter_map(value).collect()
    };
    let known: Vec<Vec<(u32, f64)>> = cells.iter().map(of).filter(|values| values.len() >= LEAST_REPEATS).collect();
    // cells stand beside each other repeat by repeat, so it takes the repeats that all of them have
    let all_have = |repeat: &u32| known.iter().all(|values| values.iter().any(|(of, _)| of == repeat));
    let repeats: Vec<u32> = known.first()?.iter().map(|(repeat, _)| *repeat).filter(all_have).collect();
    if repeats.len() < LEAST_REPEATS {
        return None;
    }
    let series: Vec<Vec<f64>> = known
        .iter()
        .map(|values| repeats.iter().filter_map(|repeat| values.iter().find(|(of, _)| of == repeat)).map(|(_, ns)| *ns).collect())
        .collect();
    let total: f64 = series.iter().map(|values| score(values)).sum();
    let chance = two_sided(deviations(total, joint_variance(&series)));
    let mut changes: Vec<f64> = series.iter().map(|values| change(values)).collect();
    changes.sort_by(f64::total_cmp);
    let middle = changes[(changes.len() - 1) / 2];
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let found = CampaignDrift { percentile, change: middle, cells: count(series.len()), repeats: count(repeats.len()), chance };
    (chance <= FALSE_ALARM && middle != 0.0).then_some(found)
}

/// From the first value to the last along the median slope, as a share of the median.
fn change(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let median = sorted[(sorted.len() - 1) / 2];
    if median > 0.0 { slope(values) * (values.len() as f64 - 1.0) / median } else { 0.0 }
}

/// Variance of the sum of the scores; never less than that of cells which have nothing in common.
fn joint_variance(series: &[Vec<f64>]) -> f64 {
    let alone: f64 = series.iter().map(|values| variance(values)).sum();
    let ranked: Vec<Vec<f64>> = series.iter().map(|values| ranks(values)).collect();
    let mut both = 0.0;
    for (at, one) in series.iter().enumerate() {
        for (other_at, other) in series.iter().enumerate().skip(at + 1) {
            both += 2.0 * covariance((one, &ranked[at]), (other, &ranked[other_at]));
        }
    }
    alone + both.max(0.0)
}

/// Covariance of two cells' scores: (K + 4 sum of rank products − n (n + 1)²) / 3, K the pairs of repeats that both order alike less
/// those they order otherwise.
fn covariance(one: (&[f64], &[f64]), other: (&[f64], &[f64])) -> f64 {
    let n = one.0.len();
    let signed = |values: &[f64], early: usize, late: usize| crate::course::trend::sign(values[late] - values[early]);
    let alike: f64 = (0..n)
        .flat_map(|early| (early + 1..n).map(move |late| (early, late)))
        .map(|(early, late)| signed(one.0, early, late) * signed(other.0, early, late))
        .sum();
    let products: f64 = one.1.iter().zip(other.1).map(|(a, b)| a * b).sum();
    let size = n as f64;
    (alike + 4.0 * products - size * (size + 1.0).powi(2)) / 3.0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A cell beside itself varies with itself as it varies.
    #[test]
    fn covariance_with_oneself_is_variance() {
        let values = [3.0, 1.0, 4.0, 1.5, 9.0, 2.0];
        let ranked = ranks(&values);
        let expected = variance(&values);
        assert!((covariance((&values, &ranked), (&values, &ranked)) - expected).abs() < 1e-9);
        assert!((joint_variance(&[values.to_vec(), values.to_vec()]) - 4.0 * expected).abs() < 1e-9);
    }

    #[test]
    fn change_is_along_the_slope() {
        assert!((change(&[100.0, 110.0, 120.0]) - 20.0 / 110.0).abs() < 1e-12);
    }
}
