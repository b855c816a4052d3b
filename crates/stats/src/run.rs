//! One run: from its records to its summary, and whether it counts.

use tailbed_format::flow::FlowCounts;
use tailbed_format::message::Measured;
use tailbed_format::packet::{Arrival, Departure, PacketRecord};
use tailbed_format::stream::StreamFlows;
use tailbed_format::summary::{Counts, Distribution, ForwarderSummary, Gap, Invalid, Parameter, RunKind, RunSummary};
use tailbed_format::validity::Limits;

use crate::counter::Counter;
use crate::course::course;
use crate::interval::distribution;
use crate::matching::match_packets;
use crate::stream;
use crate::tally::Tally;

mod counters;

use counters::latencies;
pub use counters::{Kept, RunCounters};

/// Which attempt at which run this is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Name of the run's folder.
    pub run: String,
    /// Floor or measurement.
    pub kind: RunKind,
    /// Number of the cell in the campaign.
    pub cell: usize,
    /// Which repeat of the cell, from 0.
    pub repeat: u32,
    /// Which attempt, from 0.
    pub attempt: u32,
    /// When it began, seconds since 1970.
    pub began: u64,
    /// The values of the swept keys.
    pub parameters: Vec<Parameter>,
}

/// What was recorded in a run.
#[derive(Debug, Clone, Copy)]
pub struct Recorded<'a> {
    /// Every packet sent, warm-up included.
    pub departures: &'a [Departure],
    /// Every packet received, in the order of reception.
    pub arrivals: &'a [Arrival],
    /// What the measuring agent says besides.
    pub measured: &'a Measured,
    /// Packets the schedule held after the warm-up.
    pub scheduled: u64,
    /// Length of the counted part, ns.
    pub duration: u64,
    /// Which flows each stream has.
    pub streams: &'a [StreamFlows],
    /// Counters of each forwarder.
    pub forwarders: &'a [ForwarderSummary],
    /// What was asked for and not granted.
    pub downgrades: &'a [String],
}

/// A run, summarised, and what it was summarised from.
#[derive(Debug, Clone)]
pub struct SummarisedRun {
    /// What is written down.
    pub summary: RunSummary,
    /// The distributions in full.
    pub counters: RunCounters,
    /// One record per packet sent, warm-up included.
    pub records: Vec<PacketRecord>,
    /// What became of each flow, ascending.
    pub flows: Vec<FlowCounts>,
}

/// Joins what was recorded, counts it, and judges whether the run counts.
pub fn summarise_run(attempt: Attempt, recorded: &Recorded<'_>, limits: &Limits) -> SummarisedRun {
    let matched = match_packets(recorded.departures, recorded.arrivals, recorded.scheduled);
    let tally = Tally::of(&matched.records, recorded.streams);
    let before_sent = tally.before_sent;
    let counters = RunCounters::counted(tally, &matched.records);
    let invalid = faults(recorded, &matched.counts, &counters.lateness, before_sent, limits);
    let summary = RunSummary {
        counts: matched.counts,
        latency: distribution(&counters.latency),
        latency_from_due: distribution(&counters.latency_from_due),
        latency_to_user: distribution(&counters.latency_to_user),
        lateness: distribution(&counters.lateness),
        gaps: recorded.measured.gaps.clone(),
        gap_count: recorded.measured.gap_count,
        streams: stream::summaries(recorded.streams, &counters.streams, &matched.flows, &recorded.measured.misdelivered),
        course: course(&latencies(&matched.records), &counters.latency, &counters.blocks),
        clock: Some(recorded.measured.clock.clone()),
        forwarders: recorded.forwarders.to_vec(),
        downgrades: recorded.downgrades.to_vec(),
        invalid,
        ..empty(attempt)
    };
    SummarisedRun { summary, counters, records: matched.records, flows: matched.flows }
}

/// The summary of a run that failed before there was anything to count: no agent, no step, no answer.
pub fn failed_run(attempt: Attempt, error: String, downgrades: Vec<String>) -> RunSummary {
    RunSummary { downgrades, invalid: vec![Invalid::Failed { error }], ..empty(attempt) }
}

fn empty(attempt: Attempt) -> RunSummary {
    let Attempt { run, kind, cell, repeat, attempt, began, parameters } = attempt;
    let nothing: Distribution = distribution(&Counter::new());
    RunSummary {
        run,
        kind,
        cell,
        repeat,
        attempt,
        began,
        parameters,
        counts: Counts::default(),
        latency: nothing.clone(),
        latency_from_due: nothing.clone(),
        latency_to_user: nothing.clone(),
        lateness: nothing,
        gaps: Vec::new(),
        gap_count: 0,
        streams: Vec::new(),
        flows: None,
        volume: None,
        clock: None,
        forwarders: Vec::new(),
        ports: Vec::new(),
        capture: None,
        course: None,
        proof: None,
        downgrades: Vec::new(),
        knobs: None,
        programs: Vec::new(),
        invalid: Vec::new(),
    }
}

/// Every reason why the run does not count. Each blames the instrument; nothing a device under test does can appear here, except
/// that it lets nothing through at all.
fn faults(recorded: &Recorded<'_>, counts: &Counts, lateness: &Counter, before_sent: u64, limits: &Limits) -> Vec<Invalid> {
    let measured = recorded.measured;
    [
        late(lateness, limits),
        stalled(&measured.gaps, recorded.duration, limits),
        unsent(counts, measured),
        // The ring overflowed in front of our own reader, so these losses are ours and would be counted against the device. The
        // kernel does not say whether they were warm-up packets, so one is enough.
        (measured.receive_drops > 0).then_some(Invalid::ReceiverDropped { packets: measured.receive_drops }),
        // Kernel stamps are wall-clock times carried over to the monotonic clock with one offset for the whole run.
        (measured.clock.realtime_shift.unsigned_abs() > limits.clock_shift)
            .then_some(Invalid::ClockJumped { shift: measured.clock.realtime_shift }),
        // Effect before cause: the clocks are related wrongly, and every other latency of the run is wrong by as much.
        (before_sent > 0).then_some(Invalid::BeforeSent { packets: before_sent }),
        // A path that passes nothing has no latency; most often it is wired wrongly.
        (counts.sent > 0 && counts.received == 0).then_some(Invalid::NothingReceived),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// A few late packets are the price of a shared machine and show up in the latency from due time. Many mean that the offered load
/// was not the one asked for: gaps and bursts instead of a constant rate.
fn late(lateness: &Counter, limits: &Limits) -> Option<Invalid> {
    let packets = lateness.iter().filter(|(ns, _)| *ns > limits.lateness).map(|(_, times)| times).sum::<u64>();
    let of = lateness.count();
    let too_many = u128::from(packets) * 1_000_000 > u128::from(of) * u128::from(limits.late_share);
    too_many.then_some(Invalid::Late { packets, of, limit: limits.lateness })
}

/// While the generator stands still nothing is sent and nothing is read, so a tail in that time is its own. Gaps of the warm-up and
/// of the time after the last packet was due do no harm; one that reaches into the counted part does.
fn stalled(gaps: &[Gap], duration: u64, limits: &Limits) -> Option<Invalid> {
    let end = i64::try_from(duration).unwrap_or(i64::MAX);
    let within = |gap: &&Gap| gap.at < end && gap.at.saturating_add_unsigned(gap.length) > 0;
    let longest = gaps.iter().filter(within).max_by_key(|gap| gap.length)?;
    (longest.length > limits.gap).then_some(Invalid::Stalled { longest: *longest, limit: limits.gap })
}

/// Each packet of the schedule that is missing made the load lighter just when sending was hard.
fn unsent(counts: &Counts, measured: &Measured) -> Option<Invalid> {
    let packets = counts.scheduled.saturating_sub(counts.sent);
    (packets > 0).then(|| Invalid::Unsent { packets, reason: measured.last_send_error.clone() })
}

#[cfg(test)]
mod tests;
