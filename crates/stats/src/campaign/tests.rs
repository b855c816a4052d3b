//! Campaigns made of a few runs with known latencies.

use super::*;
use crate::counter::Counter;
use crate::interval::distribution;
use crate::run::{Attempt, failed_run};
use tailbed_format::summary::{Invalid, Parameter, RunKind, Verdict};

fn cell(kind: RunKind, environment: Option<&str>, floor: Option<usize>) -> Cell {
    let parameters =
        environment.map(|value| Parameter { key: "nodes.dut.environment".into(), value: value.into() }).into_iter().collect();
    Cell { kind, parameters, floor, simulated: false }
}

/// A run of 1 000 packets, 1 000 ns at the fastest and one nanosecond more each, all shifted by `shift`.
fn run(cell: usize, repeat: u32, shift: u64) -> CountedRun {
    let attempt = Attempt {
        run: format!("{cell:04}-r{repeat}"),
        kind: RunKind::Measurement,
        cell,
        repeat,
        attempt: 0,
        began: 0,
        parameters: Vec::new(),
    };
    let latency: Counter = (1..=1000).map(|n| 1_000 + n + shift).collect();
    let counts = Counts { scheduled: 1000, sent: 1000, received: 1000, ..Counts::default() };
    let summary = RunSummary {
        latency: distribution(&latency),
        counts,
        invalid: Vec::new(),
        ..failed_run(attempt, String::new(), Vec::new())
    };
    CountedRun { summary, counters: RunCounters { latency, ..RunCounters::default() } }
}

fn floor_and_two() -> Vec<Cell> {
    vec![
        cell(RunKind::Floor, None, None),
        cell(RunKind::Measurement, Some("host"), Some(0)),
        cell(RunKind::Measurement, Some("container"), Some(0)),
    ]
}

fn campaign(shifts: &[u64]) -> CampaignSummary {
    let mut runs: Vec<_> = (0..2).map(|repeat| run(0, repeat, 0)).collect();
    for (repeat, &shift) in (0..).zip(shifts) {
        runs.push(run(1, repeat, 2_000));
        runs.push(run(2, repeat, 2_000 + shift));
    }
    summarise_campaign("test", None, &floor_and_two(), &runs)
}

fn verdicts(campaign: &CampaignSummary) -> Vec<Verdict> {
    campaign.contrasts.iter().map(|contrast| contrast.verdict).collect()
}

#[test]
fn a_difference_above_the_floor_is_claimed() {
    let campaign = campaign(&[3_000, 2_400, 5_100, 2_900, 4_000]);
    assert_eq!(verdicts(&campaign), [Verdict::Slower; 3]);
    let p99 = &campaign.contrasts[2];
    assert_eq!((p99.base, p99.other, p99.pairs), (1, 2, 5));
    assert_eq!((p99.difference, p99.low, p99.high), (3_000, 2_400, 5_100));
    assert!((p99.confidence - 0.9375).abs() < 1e-12);
    insta::assert_snapshot!(campaign.answer);
}

#[test]
fn a_difference_below_the_floor_is_not_claimed() {
    let campaign = campaign(&[300, 240, 510, 290, 400]);
    assert_eq!(verdicts(&campaign), [Verdict::BelowFloor; 3]);
    insta::assert_snapshot!(campaign.answer);
}

#[test]
fn an_interval_that_holds_zero_shows_nothing() {
    let mut runs = Vec::new();
    for (repeat, (host, container)) in (0..).zip([(9_000, 0), (0, 9_000), (0, 9_000), (0, 9_000), (0, 9_000)]) {
        runs.push(run(1, repeat, host));
        runs.push(run(2, repeat, container));
    }
    let campaign = summarise_campaign("test", None, &floor_and_two(), &runs);
    assert_eq!(verdicts(&campaign), [Verdict::NotShown; 3]);
    insta::assert_snapshot!(campaign.answer);
}

#[test]
fn faster_is_said_with_positive_figures() {
    let runs: Vec<_> = (0..6).flat_map(|repeat| [run(1, repeat, 40_000), run(2, repeat, 10_000 + u64::from(repeat))]).collect();
    let campaign = summarise_campaign("test", None, &floor_and_two(), &runs);
    assert_eq!(verdicts(&campaign), [Verdict::Faster; 3]);
    insta::assert_snapshot!(campaign.answer);
}

#[test]
fn few_pairs_say_nothing() {
    let campaign = campaign(&[3_000, 2_400]);
    assert_eq!(verdicts(&campaign), [Verdict::NotEnough; 3]);
    insta::assert_snapshot!(campaign.answer);
}

#[test]
fn invalid_runs_count_for_nothing() {
    let mut runs: Vec<_> = (0..5).flat_map(|repeat| [run(1, repeat, 2_000), run(2, repeat, 8_000)]).collect();
    for run in runs.iter_mut().filter(|run| run.summary.cell == 2) {
        run.summary.invalid.push(Invalid::NothingReceived);
    }
    let campaign = summarise_campaign("test", None, &floor_and_two(), &runs);
    assert_eq!(campaign.cells[2].latency.count, 0);
    assert_eq!(campaign.cells[2].invalid.len(), 5);
    assert_eq!(campaign.contrasts, []);
    insta::assert_snapshot!(campaign.answer);
}

#[test]
fn an_attempt_that_was_repeated_is_paired_by_its_repeat() {
    let mut runs: Vec<_> = (0..5).flat_map(|repeat| [run(1, repeat, 2_000), run(2, repeat, 8_000)]).collect();
    let mut failed = run(2, 0, 900_000);
    failed.summary.invalid.push(Invalid::NothingReceived);
    runs.insert(0, failed);
    let campaign = summarise_campaign("test", None, &floor_and_two(), &runs);
    assert_eq!(campaign.contrasts[0].pairs, 5);
    assert_eq!(campaign.contrasts[0].high, 6_000);
}

#[test]
fn one_cell_states_its_percentile_and_spread() {
    let cells = [Cell { simulated: true, ..cell(RunKind::Measurement, None, None) }];
    let runs: Vec<_> = (0..4).map(|repeat| run(0, repeat, u64::from(repeat) * 100)).collect();
    let campaign = summarise_campaign("test", None, &cells, &runs);
    let median = &campaign.cells[0].spread[0];
    assert_eq!((median.runs, median.minimum, median.median, median.maximum), (4, 1_500, 1_600, 1_800));
    assert_eq!(campaign.cells[0].counts.received, 4_000);
    insta::assert_snapshot!(campaign.answer);
}

#[test]
fn cells_that_differ_twice_are_not_compared() {
    let mut cells = floor_and_two();
    for (cell, rate) in cells.iter_mut().zip(["1kpps", "1kpps", "2kpps"]) {
        cell.parameters.push(Parameter { key: "traffic.rate".into(), value: rate.into() });
    }
    let runs: Vec<_> = (0..5).flat_map(|repeat| [run(1, repeat, 2_000), run(2, repeat, 8_000)]).collect();
    assert_eq!(summarise_campaign("test", None, &cells, &runs).contrasts, []);
}

#[test]
fn nothing_measured_is_said_so() {
    let campaign = summarise_campaign("test", Some("why?"), &[], &[]);
    assert_eq!(campaign.answer, "Nothing can be said: nothing was measured.");
}
