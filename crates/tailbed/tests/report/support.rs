//! Campaigns over simulated wires, and copies of their folders to be damaged.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// Two configurations, two repeats.
pub(crate) const PACKETS: &str = r#"
name = "wire"
question = "Is a loaded wire | slower?"
repeats = 2
[nodes.dut.simulated]
base = "10us"
mean_extra = "2us"
loss = "0.1%"
[traffic]
rate = "100kpps"
duration = "20ms"
[sweep]
"traffic.rate" = ["50kpps", "100kpps"]
"#;

/// One search.
pub(crate) const SEARCH: &str = r#"
name = "search"
repeats = 1
[nodes.dut.simulated]
capacity = "40kpps"
queue = 20
[throughput]
max = "100kpps"
latency_trial = "100ms"
[[throughput.goals]]
name = "NDR"
loss = "0%"
width = "5%"
trial = "50ms"
sum = "100ms"
"#;

/// Runs the binary in a folder.
pub(crate) fn tailbed(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tailbed"))
        .args(arguments)
        .env("TAILBED_STATE", folder.join("state"))
        .current_dir(folder)
        .output()
        .unwrap()
}

/// Carries out an experiment; gives its results folder.
pub(crate) fn campaign(folder: &Path, experiment: &str, set: &[&str]) -> PathBuf {
    fs::write(folder.join("x.toml"), experiment).unwrap();
    let mut arguments = vec!["run", "x.toml", "--json"];
    for set in set {
        arguments.extend(["--set", set]);
    }
    let output = tailbed(folder, &arguments);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let results: Value = serde_json::from_slice(&output.stdout).unwrap();
    folder.join(results["results"].as_str().unwrap())
}

/// As text.
pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Copies a folder with all that is in it.
pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

/// Every file below a folder, by its path from it, sorted.
pub(crate) fn files(folder: &Path) -> Vec<String> {
    fn walk(folder: &Path, above: &str, found: &mut Vec<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let name = format!("{above}{}", entry.file_name().to_str().unwrap());
            if entry.file_type().unwrap().is_dir() { walk(&entry.path(), &format!("{name}/"), found) } else { found.push(name) }
        }
    }
    let mut found = Vec::new();
    walk(folder, "", &mut found);
    found.sort();
    found
}
