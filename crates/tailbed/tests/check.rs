//! The subcommand `check`, as a script sees it: exit codes, JSON, records written and read.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::{Command, Output};

const HOSTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/recorded-hosts");

fn check(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tailbed")).arg("check").args(arguments).output().unwrap()
}

fn of(host: &str, arguments: &[&str]) -> Output {
    check(&[&["--facts", &format!("{HOSTS}/{host}.toml")], arguments].concat())
}

fn complaint(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_gate_opens_for_a_host_that_is_fit_and_not_for_another() {
    assert_eq!(of("smt-off", &["--fail-on", "unknown"]).status.code(), Some(0));
    let unfit = of("vm-guest", &["--fail-on", "serious"]);
    assert_eq!(unfit.status.code(), Some(4));
    assert!(complaint(&unfit).starts_with("this host is not fit: "), "{}", complaint(&unfit));
    assert!(!unfit.stdout.is_empty(), "the advice is told all the same");
    assert_eq!(of("vm-guest", &[]).status.code(), Some(0));
    // nothing serious, and something that cannot be read
    assert_eq!(of("empty-files", &["--fail-on", "minor"]).status.code(), Some(0));
    assert_eq!(of("empty-files", &["--fail-on", "unknown"]).status.code(), Some(4));
}

#[test]
fn what_is_wrong_with_the_command_line_or_a_record_is_named() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    for (output, said) in [
        (of("no-numa", &["--cores", "1-x"]), "--cores 1-x is no list of CPUs"),
        (of("no-numa", &["--cores", "1-9"]), "the CPUs that run are 0-3"),
        (of("no-numa", &["--cores", "0-3"]), "leave one that keeps the house"),
        (of("no-such-host", &[]), "no-such-host.toml: No such file"),
        (check(&["--facts", file]), "a record is made by tailbed check --record"),
    ] {
        assert_eq!(output.status.code(), Some(2), "{}", complaint(&output));
        assert!(complaint(&output).contains(said), "{}", complaint(&output));
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn this_host_is_recorded_once_and_its_record_says_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("host.toml");
    let path = path.to_str().unwrap();
    let live = check(&["--record", path, "--json"]);
    assert_eq!(live.status.code(), Some(0), "{}", complaint(&live));
    let again = check(&["--facts", path, "--json"]);
    let (live, again): (serde_json::Value, serde_json::Value) =
        (serde_json::from_slice(&live.stdout).unwrap(), serde_json::from_slice(&again.stdout).unwrap());
    assert_eq!(live, again);
    assert!(!live["findings"].as_array().unwrap().is_empty());
    let twice = check(&["--record", path]);
    assert_eq!(twice.status.code(), Some(2));
    assert!(complaint(&twice).contains("is there already"), "{}", complaint(&twice));
}
