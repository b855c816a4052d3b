//! The same program without root.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output};

use crate::support::{Lab, lab, results, traces};

/// Runs a copy of the program as nobody.
pub(crate) fn as_nobody(lab: &Lab, arguments: &[&str]) -> Output {
    fs::set_permissions(lab.folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let binary = lab.path("tailbed");
    if !binary.exists() {
        fs::copy(env!("CARGO_BIN_EXE_tailbed"), &binary).unwrap();
    }
    fs::set_permissions(&binary, fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all", "--"]).arg(&binary).args(arguments);
    command.env("TAILBED_STATE", lab.path("state")).current_dir(lab.folder.path()).output().unwrap()
}

#[test]
fn a_host_node_is_measured_without_root_and_it_is_said() {
    let Some(lab) = lab() else { return };
    let before = traces();
    lab.experiment("host", "200ms", "");
    let output = as_nobody(&lab, &["run", "experiment.toml", "--json"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let results = results(&output);
    assert!(said.contains("not root: everything runs in an unprivileged user namespace"), "{said}");
    let runs = results["summary"]["runs"].as_array().unwrap();
    assert!(runs.iter().all(|run| run["counts"]["received"].as_u64().unwrap() > 300), "{runs:?}");
    let notes = results["summary"]["notes"].to_string();
    assert!(notes.contains("no real-time priority") && notes.contains("memory is not locked"), "{notes}");
    assert_eq!(traces(), before);
}

#[test]
fn a_container_without_root_works_or_is_refused_with_the_reason() {
    let Some(lab) = lab() else { return };
    let before = traces();
    lab.experiment("container", "200ms", "");
    let output = as_nobody(&lab, &["run", "experiment.toml", "--json"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.code() == Some(3) {
        assert!(said.contains("container"), "{said}");
    } else {
        let results = results(&output);
        assert!(results["summary"]["runs"][1]["counts"]["received"].as_u64().unwrap() > 300);
    }
    assert_eq!(traces(), before);
}

#[test]
fn planning_needs_no_root_and_touches_nothing() {
    let Some(lab) = lab() else { return };
    let before = traces();
    lab.experiment("container", "1s", "");
    let output = as_nobody(&lab, &["plan", "experiment.toml", "--steps"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(!lab.path("state").exists());
    assert_eq!(traces(), before);
}
