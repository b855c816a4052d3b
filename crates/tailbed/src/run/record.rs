//! What is written into a run's folder, before and after it.

use std::cmp::Reverse;
use std::fmt::Write as _;
use std::path::Path;

use tailbed_format::facts::Facts;
use tailbed_format::flow::FlowSummary;
use tailbed_format::order::Measure;
use tailbed_format::packet::PacketRecord;
use tailbed_format::results;
use tailbed_format::summary::Gap;
use tailbed_plan::plan::Run;
use tailbed_stats::flow;
use tailbed_stats::hgrm;
use tailbed_stats::plot::worst::WorstPoint;
use tailbed_stats::run::SummarisedRun;

use crate::results::campaign::{json, write_new};
use crate::results::packets;

/// So many of the worst packets are drawn per cell.
pub(super) const WORST: usize = 5_000;

/// The plan: what is about to be done.
pub(super) fn before(folder: &Path, run: &Run, facts: &Facts) -> anyhow::Result<()> {
    write_new(&folder.join(results::PLAN), &json(run)?)?;
    write_new(&folder.join(results::STEPS), tailbed_plan::steps_text(run, facts).as_bytes())
}

/// What came of it; `length` gives a packet's bytes without check sequence, by flow and sequence number. The summary comes last: a folder that has one is whole.
pub(super) fn after(
    folder: &Path,
    run: &SummarisedRun,
    summaries: &[FlowSummary],
    order: &Measure,
    length: &dyn Fn(u32, u64) -> u32,
) -> anyhow::Result<()> {
    packets::write(&folder.join(results::PACKETS), &run.records, length)?;
    if run.summary.flows.is_some() {
        write_new(&folder.join(results::FLOWS), flow::csv(summaries, order).as_bytes())?;
    }
    write_new(&folder.join(results::HGRM), hgrm::percentile_table(&run.counters.latency)?.as_bytes())?;
    write_new(&folder.join(results::GAPS), gaps(&run.summary.gaps).as_bytes())?;
    write_new(&folder.join(results::SUMMARY), &json(&run.summary)?)
}

/// In the order of time.
fn gaps(gaps: &[Gap]) -> String {
    let mut gaps = gaps.to_vec();
    gaps.sort_by_key(|gap| gap.at);
    gaps.iter().fold("at_ns,length_ns\n".to_owned(), |mut csv, gap| {
        let _ = writeln!(csv, "{},{}", gap.at, gap.length);
        csv
    })
}

/// The packets with the greatest latencies, warm-up left out, greatest first.
pub(super) fn worst(records: &[PacketRecord]) -> Vec<WorstPoint> {
    let counted = records.iter().filter(|record| record.departure.due >= 0);
    let mut points: Vec<_> = counted
        .filter_map(|record| Some(WorstPoint { at: record.departure.sent, latency: u64::try_from(record.latency()?).ok()? }))
        .collect();
    greatest(&mut points);
    points
}

/// Keeps the [`WORST`] greatest, greatest first.
pub(super) fn greatest(points: &mut Vec<WorstPoint>) {
    if points.len() > WORST {
        points.select_nth_unstable_by_key(WORST, |point| Reverse(point.latency));
        points.truncate(WORST);
    }
    points.sort_unstable_by_key(|point| (Reverse(point.latency), point.at));
}

#[cfg(test)]
mod tests {
    use super::*;
    use tailbed_format::packet::{Departure, Received};

    #[test]
    fn the_worst_leave_out_the_warm_up_and_the_lost() {
        let record = |due: i64, latency: Option<i64>| PacketRecord {
            departure: Departure { flow: 0, sequence: 0, due, sent: due },
            received: latency.map(|latency| Received { kernel: due + latency, user: due + latency }),
        };
        let points = worst(&[record(-1, Some(900)), record(0, Some(5)), record(1, None), record(2, Some(8))]);
        assert_eq!(points, [WorstPoint { at: 2, latency: 8 }, WorstPoint { at: 0, latency: 5 }]);
    }

    #[test]
    fn gaps_are_written_in_the_order_of_time() {
        let gap = |at, length| Gap { at, length };
        assert_eq!(gaps(&[gap(50, 9), gap(-3, 4)]), "at_ns,length_ns\n-3,4\n50,9\n");
    }
}
