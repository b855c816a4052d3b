//! Deadlines from the file to the exit code, over a wire whose truth is known.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use tailbed_format::order::{Measure, Order, Path as Wire};
use tailbed_format::slo::{SloVerdict, Subject};
use tailbed_format::summary::CampaignSummary;
use tailbed_traffic::port::{Fate, WireModel};

/// 20 µs at least, one packet in a thousand 500 µs later, one in two hundred lost.
const EXPERIMENT: &str = r#"
name = "deadlines"
repeats = 2

[nodes.dut.simulated]
base = "20us"
mean_extra = "2us"
spike = "500us"
spike_share = "0.1%"
loss = "0.5%"

[traffic]
rate = "100kpps"
duration = "500ms"
warm_up = "10ms"

[traffic.flows]
count = 4

[[slo]]
percentile = 99
below = "100us"

[[slo]]
percentile = "99.9%"
below = "100us"

[[slo]]
percentile = 99.9999
below = "50ms"

[[slo]]
flow = 3
percentile = 99.45
below = "100us"
"#;

fn run(folder: &Path, experiment: &str, options: &[&str]) -> Output {
    std::fs::write(folder.join("deadlines.toml"), experiment).unwrap();
    Command::new(env!("CARGO_BIN_EXE_tailbed"))
        .args(["run", "deadlines.toml"])
        .args(options)
        .env("TAILBED_STATE", folder.join("state"))
        .current_dir(folder)
        .output()
        .unwrap()
}

#[test]
fn every_late_and_lost_packet_is_counted_and_the_verdict_is_the_truth() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), EXPERIMENT, &["--json", "--fail-on-slo"]);
    assert_eq!(output.status.code(), Some(4), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("2 of 4 deadlines missed"), "{said}");
    assert!(said.contains("whether 99.9999% stay below 50ms cannot be shown here: it takes 3688878 packets"), "{said}");
    let mut results: Value = serde_json::from_slice(&output.stdout).unwrap();
    let runs = folder.path().join(results["results"].as_str().unwrap()).join("runs");
    let summary: CampaignSummary = serde_json::from_value(results["summary"].take()).unwrap();
    let verdicts: Vec<_> = summary.slos.iter().map(|result| result.verdict).collect();
    assert_eq!(verdicts, [SloVerdict::Held, SloVerdict::Missed, SloVerdict::Missed, SloVerdict::Undecided]);
    for result in &summary.slos {
        assert_eq!(result.repeats.len(), 2);
        for repeat in &result.repeats {
            let expected = truth(&runs.join(&repeat.run).join("plan.json"), &result.slo.subject, result.slo.below);
            assert_eq!((repeat.count.sent, repeat.count.late, repeat.count.lost), expected, "{} {}", result.slo, repeat.run);
            assert!(expected.2 > 20, "some are lost: {expected:?}");
        }
        let sum: u64 = result.repeats.iter().map(|repeat| repeat.count.above()).sum();
        assert_eq!(result.pooled.above(), sum);
    }
    assert_eq!(summary.extremes.len(), 1);
    assert_eq!(summary.extremes[0].packets, summary.cells.last().unwrap().latency.count);
    let report = std::fs::read_to_string(runs.parent().unwrap().join("report.html")).unwrap();
    assert!(report.contains("id=\"deadlines\"") && report.contains("id=\"extremes\""));
}

/// Sent, late and lost packets by the model itself.
fn truth(plan: &Path, subject: &Subject, below: u64) -> (u64, u64, u64) {
    let mut plan: Value = serde_json::from_slice(&std::fs::read(plan).unwrap()).unwrap();
    let measure: Measure = match serde_json::from_value(plan["agents"][0]["order"].take()).unwrap() {
        Order::Measure(measure) => measure,
        _ => panic!("the first agent does not measure"),
    };
    let Wire::Simulated(wire) = &measure.path else { panic!("the path is not simulated") };
    let schedule = &measure.schedule;
    let mut model = WireModel::new(wire.clone(), 1_000_000_000 / schedule.rate);
    let warm_up = schedule.warm_up_packets();
    let fates: Vec<Fate> = (0..warm_up + schedule.packets()).map(|_| model.fate()).collect();
    let counted = (0_u64..).zip(&fates).filter(|(number, _)| *number >= warm_up);
    let own: Vec<_> = match subject {
        Subject::Flow(flow) => counted.filter(|(number, _)| number % 4 == u64::from(*flow)).collect(),
        _ => counted.collect(),
    };
    let late = own.iter().filter(|(_, fate)| fate.delay.is_some_and(|delay| delay >= below)).count();
    let lost = own.iter().filter(|(_, fate)| fate.delay.is_none()).count();
    (own.len() as u64, late as u64, lost as u64)
}

#[test]
fn nothing_fails_unless_it_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), EXPERIMENT, &[]);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("below 100µs at 99%: held: "), "{said}");
    assert!(said.contains("below 100µs at 99.9%: missed: "), "{said}");
    let held = EXPERIMENT.split("[[slo]]\npercentile = \"99.9%\"").next().unwrap();
    assert!(run(folder.path(), held, &["--fail-on-slo=undecided"]).status.success());
    let open = format!("{held}[[slo]]\nflow = 3\npercentile = 99.45\nbelow = \"100us\"\n");
    assert!(run(folder.path(), &open, &["--fail-on-slo"]).status.success());
    let output = run(folder.path(), &open, &["--fail-on-slo=undecided"]);
    assert_eq!(output.status.code(), Some(4));
    assert!(String::from_utf8_lossy(&output.stderr).contains("1 of 2 deadlines not held"));
}

#[test]
fn to_ask_for_what_is_not_there_is_a_slip() {
    let folder = tempfile::tempdir().unwrap();
    let none = EXPERIMENT.split("[[slo]]").next().unwrap();
    let output = run(folder.path(), none, &["--fail-on-slo"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("has none"), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(!folder.path().join("results").exists(), "nothing was begun");
}
