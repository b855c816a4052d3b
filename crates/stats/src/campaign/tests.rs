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
    // two of 252 ways to deal out ten ranks on each side (Mann and Whitney 1947), and one of them besides
    assert!((p99.confidence - (1.0 - 2.0 * 4.0 / 252.0)).abs() < 1e-12);
    assert_eq!((p99.slower, p99.needed), (Some(1.0), None));
    assert!((p99.chance.unwrap() - 3.0 * 2.0 / 252.0).abs() < 1e-12, "three percentiles, Holm: {:?}", p99.chance);
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
fn an_attempt_that_failed_is_no_value() {
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

/// Two environments at two rates: four pairs differ in one factor, two in both.
#[test]
fn cells_that_differ_twice_come_last_and_have_an_error_of_their_own() {
    let mut cells = vec![cell(RunKind::Floor, None, None)];
    for (environment, rate) in [("host", "1kpps"), ("host", "2kpps"), ("container", "1kpps"), ("container", "2kpps")] {
        let mut cell = cell(RunKind::Measurement, Some(environment), Some(0));
        cell.parameters.push(Parameter { key: "traffic.rate".into(), value: rate.into() });
        cells.push(cell);
    }
    let runs: Vec<_> = (0..6).flat_map(|repeat| (1..5).map(move |cell| run(cell, repeat, 3_000 * cell as u64))).collect();
    let campaign = summarise_campaign("test", None, &cells, &runs);
    let pairs: Vec<_> = campaign
        .contrasts
        .chunk_by(|a, b| (a.base, a.other) == (b.base, b.other))
        .map(|pair| (pair[0].base, pair[0].other))
        .collect();
    assert_eq!(pairs, [(1, 2), (1, 3), (2, 4), (3, 4), (1, 4), (2, 3)]);
    // twelve comparisons share 4 %, six 1 %: six repeats a side, of 924 deals, are enough for the former and not for the latter
    assert_eq!(verdicts(&campaign), [[Verdict::Slower; 12].as_slice(), &[Verdict::NotEnough; 6]].concat());
    assert_eq!(campaign.contrasts[17].needed, Some(7));
    for cell in &mut cells {
        cell.parameters.push(Parameter { key: "topology.seed".into(), value: cell.parameters.len().to_string() });
    }
    cells[2].parameters[2].value = "another".into();
    let compared = summarise_campaign("test", None, &cells, &runs).contrasts;
    assert!(compared.iter().all(|contrast| contrast.base != 2 && contrast.other != 2), "seeds are a sample, not treatments");
}

#[test]
fn nothing_measured_is_said_so() {
    let campaign = summarise_campaign("test", Some("why?"), &[], &[]);
    assert_eq!(campaign.answer, "Nothing can be said: nothing was measured.");
}

#[test]
fn runs_of_two_kinds_are_named_with_their_runs() {
    let cells = [cell(RunKind::Measurement, None, None)];
    let of = |shifts: &[u64]| {
        let runs: Vec<_> = (0..).zip(shifts).map(|(repeat, shift)| run(0, repeat, *shift)).collect();
        summarise_campaign("test", None, &cells, &runs)
    };
    let campaign = of(&[0, 5, 2_003, 3, 2_001, 8]);
    let modes = campaign.cells[0].repeats.as_ref().unwrap().modes.as_ref().unwrap();
    assert_eq!(modes.slow.runs, ["0000-r2", "0000-r4"]);
    assert_eq!(modes.fast.runs.len(), 4);
    assert_eq!(modes.slow.values[0], (Percentile::REPORTED[0], 3_501));
    let sentence = crate::repeats::words::sentence(&campaign).unwrap().replace('\u{a0}', " ");
    assert_eq!(sentence, "not steady: test: 2 of 6 runs are of another kind, with p50 at 3.50 µs instead of 1.50 µs (+133 %)");
    for alike in [[0, 5, 2, 3, 1, 8].as_slice(), &[0, 400, 800, 1_200, 1_600, 2_000], &[0, 2_000]] {
        let campaign = of(alike);
        assert_eq!(campaign.cells[0].repeats.as_ref().unwrap().modes, None, "{alike:?}");
    }
}

#[test]
fn a_campaign_that_drifts_says_so() {
    let of = |shifts: [u64; 8]| {
        let both = |(repeat, shift): (u32, u64)| [run(1, repeat, shift), run(2, repeat, 3_000 + shift)];
        summarise_campaign("test", None, &floor_and_two(), &(0..).zip(shifts).flat_map(both).collect::<Vec<_>>())
    };
    let drifting = of([0, 100, 200, 300, 400, 500, 600, 700]).drift;
    assert_eq!(drifting.len(), 2, "p50 and p99: {drifting:?}");
    assert_eq!((drifting[0].cells, drifting[0].repeats), (2, 8));
    // 700 of 1 800 and of 4 800 ns: of two cells the lesser
    assert!((drifting[0].change - 700.0 / 4_800.0).abs() < 1e-9, "{drifting:?}");
    assert_eq!(of([300, 100, 600, 0, 700, 200, 500, 400]).drift, []);
}
