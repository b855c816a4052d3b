//! Whether the greatest latencies of two samples of runs may be compared.
//!
//! The greatest of m values lies above the greatest of n more of the same population with probability m / (m + n), for each of them is as
//! likely the greatest of all: runs of ten times the packets have the greater maximum ten times in eleven, and nothing is slower.

use tailbed_format::summary::RunSummary;

use crate::plot::number::count;

/// Numbers of packets that differ by more than this share are not alike. At this one the odds are 21 to 20, which no ranks of repeats tell
/// from even.
const MOST: f64 = 0.05;

/// The packets received in a run: the median over the runs of the base and of the other; `None` where they are alike, or it is not known of
/// a side, as of results of others that are a table of percentiles.
pub(crate) fn unlike(base: &[&RunSummary], other: &[&RunSummary]) -> Option<[u64; 2]> {
    let [base, other] = [median(base)?, median(other)?];
    (base.max(other) as f64 > base.min(other) as f64 * (1.0 + MOST)).then_some([base, other])
}

fn median(runs: &[&RunSummary]) -> Option<u64> {
    let mut packets: Vec<u64> = runs.iter().map(|run| run.counts.received).filter(|received| *received > 0).collect();
    packets.sort_unstable();
    packets.get(packets.len().checked_sub(1)? / 2).copied()
}

/// Why there is no verdict.
pub(crate) fn words([base, other]: [u64; 2]) -> String {
    format!("not comparable: a maximum grows with the packets, {} a run here and {} in the base", count(other), count(base))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::{Attempt, failed_run};
    use tailbed_format::summary::{Counts, RunKind};

    fn run(received: u64) -> RunSummary {
        let (kind, parameters) = (RunKind::Measurement, Vec::new());
        let attempt = Attempt { run: String::new(), kind, cell: 0, repeat: 0, attempt: 0, began: 0, parameters };
        RunSummary { counts: Counts { received, ..Counts::default() }, ..failed_run(attempt, String::new(), Vec::new()) }
    }

    #[test]
    fn a_twentieth_more_is_alike_and_no_more_than_that() {
        let runs: Vec<RunSummary> = [1000, 1050, 1051, 0].map(run).to_vec();
        assert_eq!(unlike(&[&runs[0]], &[&runs[1]]), None);
        assert_eq!(unlike(&[&runs[0]], &[&runs[2]]), Some([1000, 1051]));
        assert_eq!(unlike(&[&runs[2]], &[&runs[0]]), Some([1051, 1000]));
        // one of several does not matter, and of one it may not be known
        assert_eq!(unlike(&[&runs[0], &runs[2], &runs[1]], &[&runs[1], &runs[3]]), None);
        assert_eq!(unlike(&[&runs[3]], &[&runs[0]]), None);
    }
}
