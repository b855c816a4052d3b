//! Deadlines of made-up runs.

use super::*;
use crate::run::{Attempt, RunCounters, failed_run};
use tailbed_format::percentile::Percentile;
use tailbed_format::slo::Subject;
use tailbed_format::summary::{Counts, Invalid, RunSummary};

fn slo(ppm: u32) -> Slo {
    Slo { subject: Subject::All, percentile: Percentile::from_ppm(ppm).unwrap(), below: 500_000 }
}

fn run(cell: usize, repeat: u32, observed: Observed) -> CountedRun {
    let kind = RunKind::Measurement;
    let attempt = Attempt { run: format!("{cell}-r{repeat}"), kind, cell, repeat, attempt: 0, began: 0, parameters: Vec::new() };
    let summary = RunSummary { invalid: Vec::new(), ..failed_run(attempt, String::new(), Vec::new()) };
    CountedRun { summary, counters: RunCounters { slos: vec![observed], ..RunCounters::default() } }
}

fn observed(sent: u64, late: u64, lost: u64) -> Observed {
    Observed { sent, late, lost, bursts: late + lost }
}

/// Of a percentile (ppm) and what each repeat showed.
fn judged(ppm: u32, repeats: &[Observed]) -> SloResult {
    let cells = [Cell { kind: RunKind::Measurement, parameters: Vec::new(), floor: None, simulated: false }];
    let runs: Vec<_> = (0..).zip(repeats).map(|(repeat, seen)| run(0, repeat, *seen)).collect();
    let mut results = judge(&[slo(ppm)], &cells, &runs, &[]);
    assert_eq!(results.len(), 1);
    results.remove(0)
}

fn said(result: &SloResult) -> String {
    result.why.replace(['\u{a0}', '\u{202f}'], " ")
}

#[test]
fn few_late_ones_hold_it_and_many_miss_it() {
    let held = judged(999_000, &[observed(100_000, 30, 20); 3]);
    assert_eq!((held.verdict, held.more), (SloVerdict::Held, None));
    assert_eq!(
        said(&held),
        "150 of 300 000 packets came too late or were lost: 500 in a million (423 in a million to 587 in a million with 95 % confidence), and \
         0.1 % is allowed"
    );
    let missed = judged(999_000, &[observed(100_000, 0, 200); 3]);
    assert_eq!(missed.verdict, SloVerdict::Missed);
    assert!(said(&missed).starts_with("600 of 300 000 packets were lost: 0.2 %"), "{}", said(&missed));
    assert!(missed.repeats.iter().all(|repeat| repeat.verdict == SloVerdict::Missed && repeat.count.lost == 200));
}

#[test]
fn a_lost_packet_did_not_come_in_time() {
    assert_eq!(judged(990_000, &[observed(10_000, 0, 300)]).verdict, SloVerdict::Missed);
    assert_eq!(judged(990_000, &[observed(10_000, 0, 0)]).verdict, SloVerdict::Held);
}

#[test]
fn too_few_packets_say_how_many_more() {
    let open = judged(999_999, &[observed(1_000_000, 0, 0); 3]);
    assert_eq!((open.verdict, open.more), (SloVerdict::Undecided, Some(688_878)));
    assert!(said(&open).ends_with("688 878 more packets would decide it if as many of them are late"), "{}", said(&open));
    let more = open.more.unwrap();
    assert_eq!(judged(999_999, &[observed(3_000_000 + more, 0, 0)]).verdict, SloVerdict::Held);
    let exactly = judged(999_000, &[observed(100_000, 100, 0)]);
    assert_eq!((exactly.verdict, exactly.more), (SloVerdict::Undecided, None));
    assert!(said(&exactly).ends_with("no number of packets decides it"), "{}", said(&exactly));
}

#[test]
fn bursts_count_as_one() {
    let alone = judged(990_000, &[observed(10_000, 130, 0)]);
    assert_eq!(alone.verdict, SloVerdict::Missed);
    let burst = judged(990_000, &[Observed { bursts: 2, ..observed(10_000, 130, 0) }]);
    assert_eq!(burst.verdict, SloVerdict::Undecided);
    assert!(said(&burst).contains("they came in 2 bursts, which count as one each"), "{}", said(&burst));
    assert!(burst.pooled.low < alone.pooled.low && burst.pooled.high > alone.pooled.high);
}

#[test]
fn repeats_that_disagree_decide_nothing() {
    let mut repeats = vec![observed(100_000, 10, 0); 4];
    repeats.push(observed(100_000, 2_000, 0));
    let result = judged(999_000, &repeats);
    assert_eq!((result.verdict, result.more), (SloVerdict::Undecided, None));
    assert!(said(&result).contains("of 5 repeats 4 held it and 1 missed it, each by itself"), "{}", said(&result));
    // as few as this do not make the others wrong when they are all that there are
    assert_eq!(judged(999_000, &repeats[4..]).verdict, SloVerdict::Missed);
}

#[test]
fn what_does_not_count_is_left_out() {
    let cells = [
        Cell { kind: RunKind::Floor, parameters: Vec::new(), floor: None, simulated: false },
        Cell { kind: RunKind::Measurement, parameters: Vec::new(), floor: Some(0), simulated: false },
    ];
    let mut runs = vec![run(0, 0, observed(1_000, 0, 0)), run(1, 0, observed(1_000, 900, 0)), run(1, 0, observed(1_000, 0, 0))];
    runs[1].summary.invalid.push(Invalid::NothingReceived);
    let results = judge(&[slo(900_000)], &cells, &runs, &[]);
    assert_eq!(results.iter().map(|result| (result.cell, result.verdict)).collect::<Vec<_>>(), [(1, SloVerdict::Held)]);
    let none = judge(&[slo(900_000)], &cells, &[], &[]);
    assert_eq!((none[0].verdict, none[0].why.as_str()), (SloVerdict::Undecided, "no packet of a run that counts was sent"));
}

#[test]
fn a_path_through_which_nothing_comes_misses_it() {
    let cells = [Cell { kind: RunKind::Measurement, parameters: Vec::new(), floor: None, simulated: false }];
    let dead = |repeat: u32| {
        let mut run = run(0, repeat, Observed::default());
        run.summary.counts = Counts { sent: 1_000, lost: 1_000, ..Counts::default() };
        run.summary.invalid.push(Invalid::NothingReceived);
        run
    };
    let mut runs: Vec<CountedRun> = (0..3).map(dead).collect();
    let judged = |runs: &[CountedRun]| judge(&[slo(999_000)], &cells, runs, &[]).remove(0);
    let missed = judged(&runs);
    assert_eq!((missed.verdict, missed.pooled.lost, missed.pooled.bursts), (SloVerdict::Missed, 3_000, 3));
    assert_eq!(said(&missed), "nothing came through in 3 runs, of 3 000 packets sent: no packet was in time");
    // of a sink that had no room it is not known
    for run in &mut runs {
        run.summary.invalid.push(Invalid::ReceiverDropped { packets: 1_000 });
    }
    assert_eq!(judged(&runs).verdict, SloVerdict::Undecided);
}
