//! The subcommand `compare` on campaigns over simulated wires, as a script sees it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

use serde_json::Value;

const EXPERIMENT: &str = r#"
name = "wire"
repeats = 6
[nodes.dut.simulated]
base = "10us"
mean_extra = "2us"
[traffic]
rate = "100kpps"
duration = "50ms"
"#;

fn tailbed(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tailbed"))
        .args(arguments)
        .env("TAILBED_STATE", folder.join("state"))
        .current_dir(folder)
        .output()
        .unwrap()
}

/// Two campaigns that every test may read, the second over a wire that takes half as long again, and a folder to work in.
fn campaigns() -> (tempfile::TempDir, PathBuf, PathBuf) {
    static MADE: LazyLock<(tempfile::TempDir, PathBuf, PathBuf)> = LazyLock::new(|| {
        let folder = tempfile::tempdir().unwrap();
        let (base, slower) = (campaign(folder.path(), 1, "10us"), campaign(folder.path(), 2, "15us"));
        (folder, base, slower)
    });
    (tempfile::tempdir().unwrap(), MADE.1.clone(), MADE.2.clone())
}

/// Runs the experiment with another seed and base latency, and names its results folder.
fn campaign(folder: &Path, seed: u32, base: &str) -> PathBuf {
    fs::write(folder.join("wire.toml"), EXPERIMENT).unwrap();
    let (seed, base) = (format!("seed={seed}"), format!("nodes.dut.simulated.base={base}"));
    let output = tailbed(folder, &["run", "wire.toml", "--json", "--set", &seed, "--set", &base]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let results: Value = serde_json::from_slice(&output.stdout).unwrap();
    folder.join(results["results"].as_str().unwrap())
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_slower_wire_is_found_and_fails_its_gate() {
    let (folder, one, slower) = campaigns();
    let (one, slower) = (one.to_str().unwrap(), slower.to_str().unwrap());
    let conditions = ["--fail-if", "p50 > +10%", "--fail-if", "loss > 1%", "--fail-if", "max > 1s"];
    let files = ["--junit", "gate.xml", "--markdown", "gate.md"];
    let output = tailbed(folder.path(), &[&["compare", one, slower], &conditions[..], &files[..]].concat());
    assert_eq!(output.status.code(), Some(4), "{}", text(&output.stderr));
    assert!(text(&output.stderr).starts_with("`p50 > +10%` fails: +4"), "{}", text(&output.stderr));
    let told = text(&output.stdout);
    assert!(told.contains("**slower**") && told.contains("| p99 "), "{told}");
    // the seed differs as well, and is nothing that a packet meets
    assert!(told.contains("\n\n- nodes.dut.simulated.base differs: 15us here, 10us in the base\n\n"), "{told}");
    assert!(told.contains("Both are simulated: nothing of this was measured."), "{told}");
    assert_eq!(fs::read_to_string(folder.path().join("gate.md")).unwrap(), told);
    let junit = fs::read_to_string(folder.path().join("gate.xml")).unwrap();
    assert!(junit.contains("tests=\"3\"") && junit.contains("failures=\"1\""), "{junit}");
    // the other way round it is faster, and nothing fails
    let output = tailbed(folder.path(), &[&["compare", slower, one, "--json"], &conditions[..]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    let cell = &json["comparison"]["cells"][0];
    assert_eq!(cell["rows"][0]["verdict"], "faster");
    assert!(cell["slower"].as_f64().unwrap() < 0.2, "{}", cell["slower"]);
}

#[test]
fn what_cannot_be_decided_fails_only_when_told_to() {
    let (folder, one, slower) = campaigns();
    let undecided = ["compare", one.to_str().unwrap(), slower.to_str().unwrap(), "--fail-if", "loss > 0.001%"];
    assert_eq!(tailbed(folder.path(), &undecided).status.code(), Some(0));
    let strict = tailbed(folder.path(), &[&undecided[..], &["--strict"]].concat());
    assert_eq!(strict.status.code(), Some(4), "{}", text(&strict.stderr));
}

#[test]
fn other_machines_and_broken_folders_are_refused_by_name() {
    let (folder, one, slower) = campaigns();
    let other = folder.path().join("moved");
    fs::create_dir(&other).unwrap();
    for file in ["summary.json", "campaign.json"] {
        fs::copy(slower.join(file), other.join(file)).unwrap();
    }
    let facts = fs::read_to_string(slower.join("facts.json")).unwrap();
    let mut moved: Value = serde_json::from_str(&facts).unwrap();
    moved["hostname"] = "elsewhere".into();
    fs::write(other.join("facts.json"), moved.to_string()).unwrap();
    let (one, other_name) = (one.to_str().unwrap(), other.to_str().unwrap());
    let refused = |arguments: &[&str], code: i32, said: &str| {
        let output = tailbed(folder.path(), &[&["compare"], arguments].concat());
        assert_eq!(output.status.code(), Some(code), "{}", text(&output.stderr));
        assert!(text(&output.stderr).contains(said), "{}", text(&output.stderr));
    };
    refused(&[one, other_name], 2, "elsewhere in the other");
    let output = tailbed(folder.path(), &["compare", one, other_name, "--different-machines"]);
    let told = text(&output.stdout);
    let rows: Vec<&str> = told.lines().filter(|line| line.starts_with("| p") && !line.starts_with("| percentile")).collect();
    let gate = ["--different-machines", "--fail-if", "p50 > +1%", "--junit", "moved.xml"];
    let output = tailbed(folder.path(), &[&["compare", one, other_name], &gate[..]].concat());
    let junit = fs::read_to_string(folder.path().join("moved.xml")).unwrap();
    for said in [text(&output.stderr), junit] {
        assert!(said.contains("% confidence) (different machines)"), "{said}");
    }
    assert!(rows.len() > 2 && rows.iter().all(|row| row.contains("(different machines)")), "{told}");
    refused(&[one, one, "--fail-if", "p98 > 1us"], 2, "`p98` is none of");
    refused(&[one, "nowhere"], 2, "nowhere is no finished campaign");
    fs::write(other.join("summary.json"), "{ \"version\": 1, \"runs\": [] }").unwrap();
    refused(&[one, other_name], 2, "is of searches, lives or noise tests");
    fs::write(other.join("summary.json"), "{").unwrap();
    refused(&[one, other_name], 1, "summary.json is damaged");
    fs::remove_file(other.join("summary.json")).unwrap();
    refused(&[one, other_name], 2, "did not come to its end");
}

#[test]
fn sweeps_in_another_order_are_the_same_combinations() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("wire.toml"), EXPERIMENT).unwrap();
    let (rates, bases) = ("traffic.rate=10kpps,20kpps", "nodes.dut.simulated.base=10us,12us");
    let run = |sweeps: [&str; 2], frame: &str| {
        let sweeps = ["--sweep", sweeps[0], "--sweep", sweeps[1], "--set", frame];
        let short = ["run", "wire.toml", "--json", "--no-report", "--set", "repeats=1", "--set", "traffic.duration=10ms"];
        let output = tailbed(folder.path(), &[&short[..], &sweeps[..]].concat());
        let results: Value = serde_json::from_slice(&output.stdout).unwrap();
        results["results"].as_str().unwrap().to_owned()
    };
    let (one, other) = (run([rates, bases], "traffic.frame=64"), run([bases, rates], "traffic.frame=128"));
    let output = tailbed(folder.path(), &["compare", &one, &other, "--json"]);
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json["comparison"]["cells"].as_array().unwrap().len(), 4, "{}", text(&output.stderr));
    let frame = serde_json::json!([{ "what": "traffic.frame", "base": "64", "other": "128", "machine": false }]);
    assert_eq!(json["settings"], frame);
}

#[test]
fn a_dead_device_and_a_vanished_combination_do_not_pass() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("wire.toml"), EXPERIMENT).unwrap();
    let run = |more: &[&str]| {
        let short = ["run", "wire.toml", "--json", "--no-report", "--set", "repeats=5", "--set", "traffic.duration=10ms"];
        let output = tailbed(folder.path(), &[&short[..], more].concat());
        let results: Value = serde_json::from_slice(&output.stdout).unwrap();
        results["results"].as_str().unwrap().to_owned()
    };
    let bases = "nodes.dut.simulated.base=10us,12us";
    let (good, dead) = (run(&["--sweep", bases]), run(&["--sweep", bases, "--set", "nodes.dut.simulated.loss=100%"]));
    let conditions = ["--fail-if", "p50 > +50%", "--fail-if", "loss > 1%"];
    let gate = |other: &str, more: &[&str]| tailbed(folder.path(), &[&["compare", &good, other], &conditions[..], more].concat());
    let output = gate(&dead, &[]);
    assert_eq!(output.status.code(), Some(4), "{}", text(&output.stderr));
    assert_eq!(text(&output.stderr).matches("fails: nothing came through in ").count(), 4, "{}", text(&output.stderr));
    let fewer = run(&["--sweep", "nodes.dut.simulated.base=10us"]);
    assert_eq!(gate(&fewer, &[]).status.code(), Some(0));
    let output = gate(&fewer, &["--strict", "--junit", "gate.xml"]);
    assert_eq!(output.status.code(), Some(4), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("only the base has this combination"), "{}", text(&output.stderr));
    let junit = fs::read_to_string(folder.path().join("gate.xml")).unwrap();
    assert!(junit.contains("tests=\"4\"") && junit.contains("failures=\"2\""), "{junit}");
    let vanished = "nodes.dut.simulated.base = 12us: ";
    assert!(text(&output.stderr).contains(&format!("{vanished}`p50 > +50%` cannot be decided: ")), "{}", text(&output.stderr));
    assert!(junit.contains(&format!("<testcase name=\"{vanished}not p50 &gt; +50%\" classname=\"wire\">")), "{junit}");
    assert!(
        junit.contains("<testsuite name=\"wire\"") && junit.contains("message=\"cannot be decided: only the base"),
        "{junit}"
    );
}
