//! One simulated campaign: two cells of the same law, summarised as every campaign is.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use tailbed_format::percentile::Percentile;
use tailbed_format::summary::{CampaignSummary, Cell, Counts, Estimate, Parameter, PercentileRow, RunKind, RunSummary};
use tailbed_stats::campaign::{CountedRun, summarise_campaign};
use tailbed_stats::counter::Counter;
use tailbed_stats::course::{Blocks, course};
use tailbed_stats::interval::{distribution, estimates};
use tailbed_stats::run::{Attempt, RunCounters, failed_run};

use super::shape::Shape;

/// Cells of a campaign: any difference that is claimed is a false one.
pub(super) const CELLS: usize = 2;

/// How large campaigns are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Size {
    /// Runs of each cell.
    pub(super) repeats: u32,
    /// Packets of each run.
    pub(super) packets: usize,
}

/// A campaign and, for each cell, the intervals as order statistics of all its packets would make them.
pub(super) struct Simulated {
    pub(super) summary: CampaignSummary,
    pub(super) order_statistics: Vec<Vec<PercentileRow>>,
}

/// The campaign of a number; the same again for the same number and seed.
pub(super) fn simulate(shape: Shape, size: Size, seed: u64, number: u64) -> Simulated {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(number);
    let parameters = |cell: usize| vec![Parameter { key: "cell".to_owned(), value: cell.to_string() }];
    let cells: Vec<Cell> = (0..CELLS)
        .map(|cell| Cell { kind: RunKind::Measurement, parameters: parameters(cell), floor: None, simulated: true })
        .collect();
    let mut runs = Vec::new();
    let mut pooled = vec![Counter::new(); CELLS];
    for repeat in 0..size.repeats {
        let from = f64::from(repeat) / f64::from(size.repeats);
        let to = f64::from(repeat + 1) / f64::from(size.repeats);
        for (cell, pool) in pooled.iter_mut().enumerate() {
            let latencies = shape.run(size.packets, from, to, &mut random);
            let attempt = Attempt {
                run: format!("{cell}-r{}", repeat + 1),
                kind: RunKind::Measurement,
                cell,
                repeat,
                attempt: 0,
                began: 0,
                parameters: parameters(cell),
            };
            runs.push(counted(attempt, &latencies));
            pool.extend(latencies);
        }
    }
    let summary = summarise_campaign("simulated", None, &cells, &runs);
    let order_statistics = pooled.iter().map(|counter| estimates(counter, &Percentile::REPORTED)).collect();
    Simulated { summary, order_statistics }
}

fn counted(attempt: Attempt, latencies: &[u64]) -> CountedRun {
    let latency: Counter = latencies.iter().copied().collect();
    let blocks = Blocks::of(latencies.iter().copied(), &latency);
    // packets that are due 10 µs apart
    let packets = (0_i64..).map(|number| number * 10_000).zip(latencies.iter().copied());
    let received = latency.count();
    let summary = RunSummary {
        latency: distribution(&latency),
        counts: Counts { scheduled: received, sent: received, received, ..Counts::default() },
        course: course(&packets, &latency, &blocks),
        invalid: Vec::new(),
        ..failed_run(attempt, String::new(), Vec::new())
    };
    CountedRun { summary, counters: RunCounters { latency, blocks, ..RunCounters::default() } }
}

/// Whether an interval holds the truth, and whether both its ends are known; `None` where there is no value.
pub(super) fn holds(estimate: &Estimate, truth: f64) -> Option<(bool, bool)> {
    match *estimate {
        Estimate::NotEnough { .. } => None,
        Estimate::Value { low, high, .. } => {
            let above = low.is_none_or(|low| low as f64 <= truth);
            let below = high.is_none_or(|high| truth <= high as f64);
            Some((above && below, low.is_some() && high.is_some()))
        }
    }
}
