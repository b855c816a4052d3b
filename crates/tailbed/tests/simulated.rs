//! The whole path from an experiment file to its report, over a wire whose truth is known.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tailbed_format::order::{Measure, Order, Path as Wire, SimulatedWire};
use tailbed_format::percentile::Percentile;
use tailbed_format::summary::{CampaignSummary, Counts, Estimate, RunSummary};
use tailbed_traffic::port::{Fate, WireModel};

/// Runs the example that tests the instrument and returns its results folder and summary.
fn self_test(folder: &Path) -> (PathBuf, CampaignSummary) {
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/self-test.toml");
    let output = Command::new(env!("CARGO_BIN_EXE_tailbed"))
        .args(["run", example, "--json"])
        .env("TAILBED_STATE", folder.join("state"))
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut results: Value = serde_json::from_slice(&output.stdout).unwrap();
    (folder.join(results["results"].as_str().unwrap()), serde_json::from_value(results["summary"].take()).unwrap())
}

#[test]
fn every_count_and_percentile_is_the_truth_that_was_put_in() {
    let folder = tempfile::tempdir().unwrap();
    let (results, summary) = self_test(folder.path());
    assert_eq!(summary.runs.len(), 3);
    assert!(summary.simulated && summary.answer.starts_with("Simulated, not measured"), "{}", summary.answer);
    let mut intervals = Vec::new();
    for run in &summary.runs {
        assert!(run.is_valid(), "{:?}", run.invalid);
        intervals.extend(check(run, &order(&results.join("runs").join(&run.run).join("plan.json"))));
    }
    // of eighteen 95 % intervals one is expected to miss the percentile of the distribution itself; four or more would be 1 in 100
    let missed: Vec<_> = intervals.iter().filter(|(_, covered)| !covered).collect();
    assert!(intervals.len() >= 15 && missed.len() <= 3, "{missed:?} of {}", intervals.len());
    let report = std::fs::read_to_string(results.join("report.html")).unwrap();
    assert!(report.contains("imulated"), "the report says that nothing was measured");
}

/// The generator's order, from the plan that the run wrote down.
fn order(plan: &Path) -> Measure {
    let mut plan: Value = serde_json::from_slice(&std::fs::read(plan).unwrap()).unwrap();
    match serde_json::from_value(plan["agents"][0]["order"].take()).unwrap() {
        Order::Measure(measure) => measure,
        Order::Forward(_) | Order::Capture(_) | Order::Noise(_) | Order::Load(_) => panic!("the first agent does not measure"),
    }
}

/// The model is asked for the fate of each packet; what the run found must be the same to the nanosecond. Returns for each percentile
/// whether its interval covers that of the model's distribution.
fn check(run: &RunSummary, measure: &Measure) -> Vec<(Percentile, bool)> {
    let Wire::Simulated(wire) = &measure.path else { panic!("the path is not simulated") };
    let schedule = &measure.schedule;
    let mut model = WireModel::new(wire.clone(), 1_000_000_000 / schedule.rate);
    let fates: Vec<Fate> = (0..schedule.warm_up_packets() + schedule.packets()).map(|_| model.fate()).collect();
    let counted = &fates[usize::try_from(schedule.warm_up_packets()).unwrap()..];

    let mut delays: Vec<u64> = counted.iter().filter_map(|fate| fate.delay).collect();
    let sent = u64::try_from(counted.len()).unwrap();
    let received = u64::try_from(delays.len()).unwrap();
    let duplicates = counted.iter().filter(|fate| fate.again.is_some()).count();
    let expected = Counts {
        scheduled: sent,
        sent,
        received,
        lost: sent - received,
        duplicates: u64::try_from(duplicates).unwrap(),
        reordered: reordered(counted, measure),
    };
    assert_eq!(run.counts, expected);
    assert!(expected.lost > 200 && expected.duplicates > 100 && expected.reordered > 50, "{expected:?}");

    delays.sort_unstable();
    assert_eq!(run.latency.count, received);
    assert_eq!((run.latency.minimum, run.latency.maximum), (delays.first().copied(), delays.last().copied()));
    let mut intervals = Vec::new();
    for row in &run.latency.percentiles {
        let rank = usize::try_from(row.percentile.rank(received)).unwrap();
        match row.estimate {
            Estimate::Value { value, low, high } => {
                assert_eq!(value, delays[rank - 1], "{}", row.percentile);
                intervals.push((row.percentile, covers(wire, measure, row.percentile, low, high)));
            }
            Estimate::NotEnough { .. } => assert!(delays.len() - rank < 10, "{}", row.percentile),
        }
    }
    intervals
}

/// Packets that come in after a later one (RFC 4737): in the order of coming in, those whose number is less than one seen before.
fn reordered(fates: &[Fate], measure: &Measure) -> u64 {
    let sent = |number: usize| u64::try_from(measure.schedule.due(measure.schedule.warm_up_packets() + number as u64)).unwrap();
    let mut arrivals: Vec<(u64, usize)> =
        fates.iter().enumerate().filter_map(|(number, fate)| Some((sent(number) + fate.delay?, number))).collect();
    arrivals.sort_unstable();
    let mut next = 0;
    let mut late = 0;
    for (_, number) in arrivals {
        if number < next {
            late += 1;
        } else {
            next = number + 1;
        }
    }
    late
}

/// Whether the interval holds the percentile of the distribution itself, not of the sample.
fn covers(wire: &SimulatedWire, measure: &Measure, percentile: Percentile, low: Option<u64>, high: Option<u64>) -> bool {
    let share = |ppm: u32| f64::from(ppm) / 1e6;
    let (spike, held_back) = (share(wire.spike_share), share(wire.reordered));
    let behind = 3.0 * 1e9 / measure.schedule.rate as f64;
    let exponential = |ns: f64| if ns <= 0.0 { 0.0 } else { 1.0 - (-ns / wire.mean_extra as f64).exp() };
    // share of packets that take no longer than this
    let distribution = |ns: u64| {
        let over = ns as f64 - wire.base as f64;
        let slow = wire.spike as f64;
        (1.0 - spike) * ((1.0 - held_back) * exponential(over) + held_back * exponential(over - behind))
            + spike * ((1.0 - held_back) * exponential(over - slow) + held_back * exponential(over - slow - behind))
    };
    // delays are cut to whole nanoseconds
    low.is_none_or(|low| distribution(low) <= percentile.fraction())
        && high.is_none_or(|high| distribution(high + 1) >= percentile.fraction())
}
