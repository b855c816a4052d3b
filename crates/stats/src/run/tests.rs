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
        no_room: 0,
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
    let median =
        |distribution: &Distribution| distribution.at(Percentile::REPORTED[0]).and_then(tailbed_format::summary::Estimate::value);
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
