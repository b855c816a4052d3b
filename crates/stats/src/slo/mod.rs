//! Deadlines: held, missed, or not to be decided, with the figures.
//!
//! A deadline says what share of the packets sent may come too late. A lost packet did not come in time. The share that was late is given
//! with its exact interval (`share`); the deadline is held when the whole interval lies at or below what is allowed, missed when it lies
//! above. Packets are judged pooled and repeat by repeat: where a repeat by itself says the opposite, repeats are not alike, and nothing is
//! decided however many packets there are.

mod observe;
mod share;
mod words;

use tailbed_format::extremes::Extremes;
use tailbed_format::slo::{Slo, SloCount, SloRepeat, SloResult, SloVerdict, Subject};
use tailbed_format::summary::{Cell, RunKind, RunSummary};

use crate::campaign::CountedRun;
use crate::compare::silent::{Through, through};

pub use observe::{Observed, observe};
pub(crate) use share::interval_of_bursts;

/// Judges each deadline in each measured cell. Of each run `counters.slos` has what [`observe()`] found, in the order of `slos`; runs that do
/// not count are left out; where there are no others and nothing came through, it is missed. `extremes` are the cells' tails, for the remark.
pub fn judge(slos: &[Slo], cells: &[Cell], runs: &[CountedRun], extremes: &[Extremes]) -> Vec<SloResult> {
    let measured = || cells.iter().enumerate().filter(|(_, cell)| cell.kind == RunKind::Measurement);
    slos.iter()
        .enumerate()
        .flat_map(|(number, slo)| {
            measured().map(move |(cell, _)| {
                let tail = extremes.iter().find(|extremes| extremes.cell == cell);
                judge_cell(number, slo, cell, runs, tail)
            })
        })
        .collect()
}

fn judge_cell(number: usize, slo: &Slo, cell: usize, runs: &[CountedRun], tail: Option<&Extremes>) -> SloResult {
    let mine: Vec<&RunSummary> = runs.iter().map(|run| &run.summary).filter(|run| run.cell == cell).collect();
    if let Through::Nothing { runs, sent } = through(&mine) {
        return dead(slo, cell, runs, sent);
    }
    let valid = runs.iter().filter(|run| run.summary.cell == cell && run.summary.is_valid());
    let observed: Vec<_> = valid.filter_map(|run| Some((run, *run.counters.slos.get(number)?))).collect();
    let repeat = |(run, observed): &(&CountedRun, Observed)| {
        let count = counted(*observed);
        SloRepeat { run: run.summary.run.clone(), repeat: run.summary.repeat, verdict: verdict(&count, slo), count }
    };
    let repeats: Vec<SloRepeat> = observed.iter().map(repeat).collect();
    let sum = observed.iter().fold(Observed::default(), |sum, (_, run)| Observed {
        sent: sum.sent + run.sent,
        late: sum.late + run.late,
        lost: sum.lost + run.lost,
        bursts: sum.bursts + run.bursts,
    });
    let pooled = counted(sum);
    let together = verdict(&pooled, slo);
    let says = |verdict: SloVerdict| repeats.iter().filter(|repeat| repeat.verdict == verdict).count();
    let against = match together {
        SloVerdict::Held => says(SloVerdict::Missed),
        SloVerdict::Missed => says(SloVerdict::Held),
        SloVerdict::Undecided => says(SloVerdict::Held).min(says(SloVerdict::Missed)),
    };
    let verdict = if against > 0 { SloVerdict::Undecided } else { together };
    let open = verdict == SloVerdict::Undecided && against == 0 && pooled.sent > 0;
    let more = if open { share::more(pooled.above(), pooled.bursts, pooled.sent, allowed(slo)) } else { None };
    SloResult {
        slo: slo.clone(),
        cell,
        verdict,
        why: words::why(slo, &pooled, &repeats, more, against > 0),
        pooled,
        repeats,
        more,
        remark: tail.and_then(|tail| words::remark(slo, tail)),
    }
}

/// Of a path through which nothing came in any run: there is no packet that was in time.
fn dead(slo: &Slo, cell: usize, runs: usize, sent: u64) -> SloResult {
    // what was sent of one stream or flow is not told apart in runs that do not count
    let all = if slo.subject == Subject::All { sent } else { 0 };
    SloResult {
        slo: slo.clone(),
        cell,
        verdict: SloVerdict::Missed,
        why: words::dead(runs, sent),
        // each run is one burst of losses, and tells no more than one lost packet would
        pooled: counted(Observed { sent: all, late: 0, lost: all, bursts: all.min(runs as u64) }),
        repeats: Vec::new(),
        more: None,
        remark: None,
    }
}

/// The share that may be late, 0 to 1.
fn allowed(slo: &Slo) -> f64 {
    f64::from(slo.allowed()) / 1e6
}

fn counted(observed: Observed) -> SloCount {
    let Observed { sent, late, lost, bursts } = observed;
    let (low, high) = share::interval_of_bursts(late + lost, bursts, sent);
    SloCount { sent, late, lost, bursts, low, high }
}

/// By the interval alone.
fn verdict(count: &SloCount, slo: &Slo) -> SloVerdict {
    match allowed(slo) {
        _ if count.sent == 0 => SloVerdict::Undecided,
        allowed if count.high <= allowed => SloVerdict::Held,
        allowed if count.low > allowed => SloVerdict::Missed,
        _ => SloVerdict::Undecided,
    }
}

#[cfg(test)]
mod tests;
