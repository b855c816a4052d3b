//! Cells of which no run counts, and whether that is the device's doing.
//!
//! A run in which nothing came in is invalid, for a sink that is not listening looks the same; it is tried again. Where every try ends so, the
//! path is dead: that has no latency, and is no reason to let it pass.

use tailbed_format::summary::{Invalid, RunSummary};

/// What a cell's runs, of all attempts, say of the path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Through<'a> {
    /// A run counts.
    Counted,
    /// None counts: in so many of them, with so many packets sent, nothing came in, and in no other anything did.
    Nothing { runs: usize, sent: u64 },
    /// None of so many counts, and they say nothing of the device; why the first does not.
    Unknown { runs: usize, first: Option<&'a Invalid> },
}

/// Of the runs of one cell.
pub(crate) fn through<'a>(runs: &[&'a RunSummary]) -> Through<'a> {
    if runs.iter().any(|run| run.is_valid()) {
        return Through::Counted;
    }
    let silent = || runs.iter().filter(|run| is_silent(run));
    let something = runs.iter().any(|run| run.counts.received > 0);
    match silent().count() {
        count if count > 0 && !something => Through::Nothing { runs: count, sent: silent().map(|run| run.counts.sent).sum() },
        _ => Through::Unknown { runs: runs.len(), first: runs.iter().find_map(|run| run.invalid.first()) },
    }
}

/// Whether nothing came in, and not for want of room at the sink.
pub(crate) fn is_silent(run: &RunSummary) -> bool {
    let has = |wanted: &dyn Fn(&Invalid) -> bool| run.invalid.iter().any(wanted);
    has(&|why| *why == Invalid::NothingReceived) && !has(&|why| matches!(why, Invalid::ReceiverDropped { .. }))
}
