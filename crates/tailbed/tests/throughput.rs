//! Searches from the experiment file to the report, over simulated wires of known capacity.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tailbed_format::percentile::Percentile;
use tailbed_format::throughput::{Bounds, End, Purpose, SearchCampaign, Status, Trial};

/// Runs an experiment of one simulated node; gives its results folder and summary.
fn run(folder: &Path, wire: &str, throughput: &str) -> (PathBuf, SearchCampaign) {
    let text = format!("name = \"t\"\nrepeats = 1\n[nodes.dut.simulated]\n{wire}\n[throughput]\n{throughput}\n");
    std::fs::write(folder.join("t.toml"), text).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_tailbed"))
        .args(["run", "t.toml", "--json"])
        .env("TAILBED_STATE", folder.join("state"))
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut results: Value = serde_json::from_slice(&output.stdout).unwrap();
    (folder.join(results["results"].as_str().unwrap()), serde_json::from_value(results["summary"].take()).unwrap())
}

/// Two goals of short trials.
const GOALS: &str = "
[[throughput.goals]]
name = \"NDR\"
loss = \"0%\"
width = \"1%\"
trial = \"100ms\"
sum = \"500ms\"
[[throughput.goals]]
name = \"PDR\"
loss = \"2%\"
width = \"1%\"
trial = \"100ms\"
sum = \"500ms\"
";

/// 40 000 packets a second and room for 20: in 200 ms with the warm-up, 40 100 go in without loss. Of a counted tenth of a second 2 % may
/// be lost: between 40 816, where the queue is full when counting begins, and 41 000.
#[test]
fn the_bounds_enclose_the_capacity() {
    let folder = tempfile::tempdir().unwrap();
    let search = format!("max = \"200kpps\"\nlatency_trial = \"500ms\"\n{GOALS}");
    let (results, campaign) = run(folder.path(), "capacity = \"40kpps\"\nqueue = 20", &search);
    assert!(
        campaign.simulated && campaign.answer.starts_with("Simulated, not measured: NDR lies between"),
        "{}",
        campaign.answer
    );
    let run = &campaign.runs[0];
    assert_eq!(run.end, End::Reached);
    let bounds: Vec<(u64, u64)> =
        run.goals.iter().map(|found| (found.bounds.lower.unwrap(), found.bounds.upper.unwrap())).collect();
    assert!(run.goals.iter().all(|found| found.status == Status::Found));
    assert!(bounds[0].0 <= 40_106 && 40_099 <= bounds[0].1 && bounds[0].1 - bounds[0].0 <= 410, "{bounds:?}");
    assert!(bounds[1].0 <= 41_000 && 40_800 <= bounds[1].1 && bounds[1].1 - bounds[1].0 <= 420, "{bounds:?}");
    let conditional = run.goals[1].conditional.unwrap();
    assert!((39_900.0..=40_300.0).contains(&conditional), "{conditional}");
    check_log(&results.join("runs").join(&run.run), &run.log);
    check_latency(&campaign, bounds[1].0);
    let report = std::fs::read_to_string(results.join("report.html")).unwrap();
    assert!(report.contains("id=\"throughput\"") && report.contains("imulated"));
    assert!(results.join("plots").join(format!("search-{}.svg", run.run)).exists());
}

/// The log on disk is the one in the summary, and its bounds only ever come of the trials before.
fn check_log(folder: &Path, log: &[Trial]) {
    let text = std::fs::read_to_string(folder.join("trials.jsonl")).unwrap();
    let lines: Vec<Trial> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines, log);
    for (index, trial) in log.iter().enumerate() {
        assert_eq!(trial.number as usize, index + 1);
        let made = |rate: u64| log[..=index].iter().any(|earlier| earlier.rate == rate);
        for Bounds { lower, upper } in &trial.bounds {
            assert!(lower.is_none_or(made) && upper.is_none_or(made), "{trial:?}");
            assert!(lower.zip(*upper).is_none_or(|(lower, upper)| lower < upper), "{trial:?}");
        }
    }
    assert!(folder.join("latency-50.hgrm").exists() && folder.join("packets-90.parquet").exists());
}

/// Below the limit every packet takes the base delay of 10 µs and 25 µs in the bottleneck.
fn check_latency(campaign: &SearchCampaign, base: u64) {
    let latency = &campaign.runs[0].latency;
    let rates: Vec<u64> = latency.iter().map(|found| found.rate).collect();
    assert_eq!(rates, [base / 10, base / 2, base * 9 / 10]);
    for found in latency {
        let median = found.latency.as_ref().unwrap().at(Percentile::REPORTED[0]).unwrap().value();
        assert_eq!((found.counts.lost, median), (0, Some(35_000)));
    }
}

#[test]
fn the_throughput_of_rfc_2544_is_bisected() {
    let folder = tempfile::tempdir().unwrap();
    let search = "mode = \"rfc2544\"\nmax = \"100kpps\"\ntrial = \"300ms\"\nwidth = \"1%\"\nlatency = []";
    let (_, campaign) = run(folder.path(), "capacity = \"30kpps\"\nqueue = 0", search);
    let run = &campaign.runs[0];
    let found = &run.goals[0];
    assert_eq!((run.end.clone(), found.status), (End::Reached, Status::Found));
    assert!(found.bounds.lower.unwrap() <= 30_000 && 30_000 < found.bounds.upper.unwrap(), "{found:?}");
    // 200 kpps, then halves of what is left down to 1 %
    assert!(run.trials <= 10 && run.log.iter().all(|trial| trial.duration == 300_000_000), "{}", run.trials);
}

/// 300 packets wait and one passes; at 100 000 a second half of them come too fast: bursts of up to 602 get through, and 3 ms at the rate
/// of the burst are the buffer's own.
#[test]
fn the_longest_burst_tells_the_buffer() {
    let folder = tempfile::tempdir().unwrap();
    let search =
        "mode = \"back_to_back\"\nmax = \"100kpps\"\ntrial = \"1s\"\nwarm_up = \"0s\"\nlatency = []\nlongest_burst = \"500ms\"";
    let (_, campaign) = run(folder.path(), "capacity = \"50kpps\"\nqueue = 300", search);
    let run = &campaign.runs[0];
    let burst = run.burst.as_ref().unwrap();
    assert_eq!((run.end.clone(), burst.status), (End::Reached, Status::Found));
    let Bounds { lower: Some(lower), upper: Some(upper) } = burst.bounds else { panic!("{burst:?}") };
    assert!((600..=602).contains(&lower) && upper == lower + 1, "{burst:?}");
    assert!((2_950_000..=3_020_000).contains(&burst.corrected.unwrap()), "{burst:?}");
    assert!(run.log.iter().any(|trial| trial.purpose == Purpose::Burst));
    assert_eq!(campaign.cells[0].burst.as_ref().unwrap().length.median, lower);
}

/// A wire that always loses one packet in a hundred has no rate without loss; one that is too fast has its limit beyond what is allowed.
#[test]
fn what_lies_outside_is_said_to_lie_outside() {
    let folder = tempfile::tempdir().unwrap();
    let (_, campaign) = run(folder.path(), "loss = \"1%\"", &format!("min = \"5kpps\"\nmax = \"20kpps\"\n{GOALS}"));
    let run = &campaign.runs[0];
    let statuses: Vec<_> = run.goals.iter().map(|found| found.status).collect();
    assert_eq!((run.end.clone(), statuses), (End::Reached, vec![Status::BelowMinimum, Status::AtMaximum]));
    assert_eq!((run.goals[0].bounds.lower, run.goals[1].bounds.lower), (None, Some(20_000)));
    assert!(campaign.cells[0].goals.iter().all(|goal| goal.lower.is_none()), "what was not found is in no table");
}

/// Every packet comes in twice, for which the instrument has no room: no trial counts.
#[test]
fn an_instrument_that_fails_ends_the_search_without_a_number() {
    let folder = tempfile::tempdir().unwrap();
    let search = format!("max = \"200kpps\"\nattempts = 4\n{GOALS}");
    let (_, campaign) = run(folder.path(), "capacity = \"1Mpps\"\nduplicates = \"100%\"", &search);
    let run = &campaign.runs[0];
    assert!(matches!(&run.end, End::Invalid { rate: 200_000, attempts: 4, reasons } if !reasons.is_empty()), "{:?}", run.end);
    assert_eq!((run.trials, run.invalid_trials, run.latency.len()), (0, 4, 0));
    assert!(run.goals.iter().all(|found| found.status == Status::Unfinished && found.bounds == Bounds::default()));
    assert!(campaign.cells[0].goals.iter().all(|goal| goal.lower.is_none() && goal.unfinished == 1));
    assert!(campaign.answer.contains("the instrument failed 4 times in a row at 200.0"), "{}", campaign.answer);
}

#[test]
fn a_search_whose_time_is_over_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let search = format!("max = \"200kpps\"\nmax_time = \"1s\"\n{GOALS}");
    let (_, campaign) = run(folder.path(), "capacity = \"40kpps\"\nqueue = 0", &search);
    let run = &campaign.runs[0];
    assert_eq!(run.end, End::Time);
    // 100 ms of warm-up, 100 ms of trial, 100 ms of drain; on a busy host each takes longer
    assert!((1..=4).contains(&run.trials), "{}", run.trials);
    assert!(campaign.cells[0].broken == [run.run.clone()]);
}
