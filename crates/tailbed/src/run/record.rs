//! What is written into a run's folder, before and after it.

use std::fmt::Write as _;
use std::path::Path;

use tailbed_format::facts::Facts;
use tailbed_format::flow::FlowSummary;
use tailbed_format::order::Measure;
use tailbed_format::results;
use tailbed_format::summary::Gap;
use tailbed_plan::plan::Run;
use tailbed_stats::flow;
use tailbed_stats::hgrm;
use tailbed_stats::run::SummarisedRun;

use crate::export;
use crate::results::campaign::{json, write_new};
use crate::results::{packets, sums};

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
    write_new(&folder.join(results::HLOG), export::log_of(&run.summary, &run.records)?.as_bytes())?;
    // some hundred thousand numbers, which nobody reads line by line
    let kept = serde_json::to_string(&run.counters.kept())? + "\n";
    write_new(&folder.join(results::KEPT), kept.as_bytes())?;
    write_new(&folder.join(results::GAPS), gaps(&run.summary.gaps).as_bytes())?;
    sums::seal(folder, &run.summary)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_written_in_the_order_of_time() {
        let gap = |at, length| Gap { at, length };
        assert_eq!(gaps(&[gap(50, 9), gap(-3, 4)]), "at_ns,length_ns\n-3,4\n50,9\n");
    }
}
