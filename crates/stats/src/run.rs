//! One run: from its records to its summary, and whether it counts.

use tailbed_format::flow::FlowCounts;
use tailbed_format::message::Measured;
use tailbed_format::packet::{Arrival, Departure, PacketRecord};
use tailbed_format::stream::StreamFlows;
use tailbed_format::summary::{Counts, Distribution, ForwarderSummary, Gap, Invalid, Parameter, RunKind, RunSummary};
use tailbed_format::validity::Limits;

use crate::counter::Counter;
use crate::interval::distribution;
use crate::matching::match_packets;
use crate::stream;

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

/// The exact distributions behind a run's summary, warm-up left out. They are what a cell pools.
#[derive(Debug, Clone, Default)]
pub struct RunCounters {
    /// Kernel receive stamp minus send stamp, ns.
    pub latency: Counter,
    /// Kernel receive stamp minus due time, ns.
    pub latency_from_due: Counter,
    /// User-space receive stamp minus send stamp, ns.
    pub latency_to_user: Counter,
    /// Send stamp minus due time, ns, of every packet but those that are due at the same time as the one before: they leave as soon as it
    /// has. A packet that left early was not late.
    pub lateness: Counter,
    /// Of each stream, where there are several, kernel receive stamp minus send stamp, ns.
    pub streams: Vec<Counter>,
    /// Between the timestamper's taps, one for each of [`tailbed_format::capture::CaptureSummary::through`].
    pub through: Vec<Counter>,
}

impl RunCounters {
    /// The distributions of a run's records, warm-up left out; `streams` says which flows each stream has.
    pub fn of(records: &[PacketRecord], streams: &[StreamFlows]) -> Self {
        Self { streams: stream::latencies(records, streams), ..count(records).0 }
    }
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
    let (counters, before_sent) = count(&matched.records);
    let counters = RunCounters { streams: stream::latencies(&matched.records, recorded.streams), ..counters };
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
        proof: None,
        downgrades: Vec::new(),
        knobs: None,
        programs: Vec::new(),
        invalid: Vec::new(),
    }
}

/// The distributions of the counted packets, and how many of them bear a receive stamp before their send stamp. Such a packet has
/// no latency; from-due and to-user latencies that are negative are left out likewise.
fn count(records: &[PacketRecord]) -> (RunCounters, u64) {
    let mut counters = RunCounters::default();
    let mut before_sent = 0;
    let mut due_before = None;
    for record in records.iter().filter(|record| record.departure.due >= 0) {
        let due = record.departure.due;
        // in a burst, where all are due at once, only the first can be in time
        if due_before.replace(due) != Some(due) {
            let late = record.departure.sent.saturating_sub(due);
            counters.lateness.record(u64::try_from(late).unwrap_or(0));
        }
        let Some(latency) = record.latency() else { continue };
        match u64::try_from(latency) {
            Ok(latency) => counters.latency.record(latency),
            Err(_) => before_sent += 1,
        }
        record
            .latency_from_due()
            .and_then(|ns| u64::try_from(ns).ok())
            .into_iter()
            .for_each(|ns| counters.latency_from_due.record(ns));
        record
            .latency_to_user()
            .and_then(|ns| u64::try_from(ns).ok())
            .into_iter()
            .for_each(|ns| counters.latency_to_user.record(ns));
    }
    (counters, before_sent)
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
mod tests {
    use super::*;
    use tailbed_format::message::ClockRelation;
    use tailbed_format::percentile::Percentile;

    const LIMITS: Limits = Limits { lateness: 50_000, late_share: 10_000, gap: 1_000_000, clock_shift: 1_000 };

    fn attempt() -> Attempt {
        Attempt {
            run: "0001-host-r1".into(),
            kind: RunKind::Measurement,
            cell: 1,
            repeat: 0,
            attempt: 0,
            began: 0,
            parameters: Vec::new(),
        }
    }

    fn measured() -> Measured {
        Measured {
            clock: ClockRelation {
                tsc_hz: 2.5e9,
                origin_monotonic: 0,
                origin_realtime: 0,
                span: 1_000_000_000,
                realtime_shift: 0,
                bracket: 40,
            },
            send_errors: 0,
            last_send_error: None,
            receive_drops: 0,
            foreign: 0,
            misdelivered: Vec::new(),
            gaps: Vec::new(),
            gap_count: 0,
            account: None,
        }
    }

    /// 10 packets of warm-up and 100 counted ones, 10 µs apart, 10 ns late and 2 µs under way each.
    fn packets() -> (Vec<Departure>, Vec<Arrival>) {
        let departures: Vec<_> = (0..110u64)
            .map(|sequence| {
                let due = (i64::try_from(sequence).unwrap() - 10) * 10_000;
                Departure { flow: 0, sequence, due, sent: due + 10 }
            })
            .collect();
        let arrive = |d: &Departure| Arrival { flow: 0, sequence: d.sequence, kernel: d.sent + 2_000, user: d.sent + 2_150 };
        let arrivals = departures.iter().map(arrive).collect();
        (departures, arrivals)
    }

    fn summarise(departures: &[Departure], arrivals: &[Arrival], measured: &Measured) -> SummarisedRun {
        let recorded = Recorded {
            departures,
            arrivals,
            measured,
            scheduled: 100,
            duration: 1_000_000,
            streams: &[],
            forwarders: &[],
            downgrades: &[],
        };
        summarise_run(attempt(), &recorded, &LIMITS)
    }

    #[test]
    fn a_clean_run_counts() {
        let (departures, arrivals) = packets();
        let run = summarise(&departures, &arrivals, &measured());
        assert!(run.summary.is_valid(), "{:?}", run.summary.invalid);
        assert_eq!(run.records.len(), 110);
        assert_eq!(run.summary.counts.received, 100);
        let median = |distribution: &Distribution| {
            distribution.at(Percentile::REPORTED[0]).and_then(tailbed_format::summary::Estimate::value)
        };
        assert_eq!(median(&run.summary.latency), Some(2_000));
        assert_eq!(median(&run.summary.latency_from_due), Some(2_010));
        assert_eq!(median(&run.summary.latency_to_user), Some(2_150));
        assert_eq!(median(&run.summary.lateness), Some(10));
    }

    #[test]
    fn late_packets_count_against_the_generator() {
        let (mut departures, arrivals) = packets();
        departures[50].sent += 60_000;
        assert!(!summarise(&departures, &[], &measured()).summary.invalid.iter().any(|why| matches!(why, Invalid::Late { .. })));
        departures[51].sent += 60_000;
        let run = summarise(&departures, &arrivals, &measured());
        assert!(run.summary.invalid.contains(&Invalid::Late { packets: 2, of: 100, limit: 50_000 }));
        assert!(run.summary.invalid.contains(&Invalid::BeforeSent { packets: 2 }));
    }

    /// Of a burst the first packet is judged; the latency from due has the wait of the others in it.
    #[test]
    fn a_burst_is_late_when_its_first_packet_is() {
        let (mut departures, mut arrivals) = packets();
        for (departure, arrival) in departures.iter_mut().zip(&mut arrivals) {
            let in_burst = i64::try_from(departure.sequence % 10).unwrap();
            departure.due -= in_burst * 10_000;
            departure.sent = departure.due + 10 + in_burst * 20_000;
            arrival.kernel = departure.sent + 2_000;
            arrival.user = arrival.kernel + 1;
        }
        let run = summarise(&departures, &arrivals, &measured());
        assert!(run.summary.is_valid(), "{:?}", run.summary.invalid);
        assert_eq!((run.summary.lateness.count, run.summary.lateness.maximum), (10, Some(10)));
        assert_eq!((run.summary.latency.maximum, run.summary.latency_from_due.maximum), (Some(2_000), Some(182_010)));
        departures[50].sent += 60_000;
        let late = summarise(&departures, &[], &measured()).summary.invalid;
        assert!(late.contains(&Invalid::Late { packets: 1, of: 10, limit: 50_000 }), "{late:?}");
    }

    #[test]
    fn only_gaps_of_the_counted_part_matter() {
        let (departures, arrivals) = packets();
        let gap = |at, length| Gap { at, length };
        let with = |gaps: Vec<Gap>| {
            let measured = Measured { gap_count: gaps.len() as u64, gaps, ..measured() };
            summarise(&departures, &arrivals, &measured).summary.invalid
        };
        assert_eq!(with(vec![gap(-3_000_000, 2_000_000), gap(1_000_000, 9_000_000), gap(10, 1_000_000)]), []);
        let longest = gap(-1_000_000, 1_000_001);
        assert_eq!(with(vec![gap(1_000_000, 9_000_000), longest]), [Invalid::Stalled { longest, limit: 1_000_000 }]);
    }

    #[test]
    fn every_other_fault_is_named() {
        let (departures, _) = packets();
        let mut measured = measured();
        measured.receive_drops = 3;
        measured.clock.realtime_shift = -1_001;
        measured.last_send_error = Some("no buffer space".into());
        let run = summarise(&departures[..100], &[], &measured);
        assert_eq!(
            run.summary.invalid,
            [
                Invalid::Unsent { packets: 10, reason: Some("no buffer space".into()) },
                Invalid::ReceiverDropped { packets: 3 },
                Invalid::ClockJumped { shift: -1_001 },
                Invalid::NothingReceived,
            ]
        );
        let failed = failed_run(attempt(), "the agent died".into(), Vec::new());
        assert_eq!(failed.invalid, [Invalid::Failed { error: "the agent died".into() }]);
    }
}
