//! The percentiles published with "Containing Low Tail-Latencies in Packet Processing Using Lightweight Virtualization": imported as
//! one results folder, of which a factor is asked.
//!
//! The data are not part of this repository; without them beside it (`../shared/data/published`) these tests are skipped, and say so.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

use serde_json::Value;

const PUBLISHED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/published");

const PATTERN: &str =
    "{environment:bare-metal|container|vm}-{kernel:vanilla|nohz|rt}-{tuning:optimized|non-optimized}/rate{rate}-repeat{repeat}";

fn tailbed(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tailbed")).args(arguments).current_dir(folder).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The results folder; `None`, said aloud, where the data are not there.
fn imported() -> Option<&'static PathBuf> {
    static MADE: LazyLock<Option<(tempfile::TempDir, PathBuf)>> = LazyLock::new(|| {
        if !Path::new(PUBLISHED).exists() {
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let source = "Containing Low Tail-Latencies in Packet Processing Using Lightweight Virtualization (WiednerF/containerized-low-latency, MIT)";
        let options = ["--parameters-from-name", PATTERN, "--name", "published", "--source", source, "--json"];
        let output = tailbed(folder.path(), &[&["import", PUBLISHED], &options[..]].concat());
        assert!(output.status.success(), "{}", text(&output.stderr));
        // one of the 108 files has no value in any row: it is said, and nothing takes its place
        let said = text(&output.stderr);
        assert_eq!(
            said,
            "note: bare-metal-nohz-optimized/rate1000000-repeat1.percentiles.csv is left out: none of its percentiles has a value\n"
        );
        let printed: Value = serde_json::from_slice(&output.stdout).unwrap();
        let results = folder.path().join(printed["results"].as_str().unwrap());
        Some((folder, results))
    });
    let made = MADE.as_ref().map(|(_, results)| results);
    if made.is_none() {
        println!("skipped: {PUBLISHED} is not there");
    }
    made
}

/// What `compare` says of the folder, with the exit code.
fn asked(results: &Path, question: &[&str]) -> (String, Option<i32>) {
    let output = tailbed(results.parent().unwrap(), &[&["compare", results.to_str().unwrap()], question].concat());
    (text(&output.stdout), output.status.code())
}

fn json(results: &Path, question: &[&str]) -> Value {
    let (printed, _) = asked(results, &[question, &["--json"]].concat());
    serde_json::from_str::<Value>(&printed).unwrap()["factors"].take()
}

#[test]
fn all_of_it_is_one_results_folder() {
    let Some(results) = imported() else { return };
    let imported: Value = serde_json::from_slice(&fs::read(results.join("imported.json")).unwrap()).unwrap();
    let cells = imported["cells"].as_array().unwrap();
    assert_eq!(cells.len(), 36);
    let runs: Vec<usize> = cells.iter().map(|cell| cell["runs"].as_array().unwrap().len()).collect();
    assert_eq!((runs.iter().sum::<usize>(), runs.iter().filter(|runs| **runs == 3).count()), (107, 35));
    let first = &cells[0]["parameters"];
    let named: Vec<String> = first
        .as_array()
        .unwrap()
        .iter()
        .map(|parameter| format!("{} = {}", parameter["key"].as_str().unwrap(), parameter["value"].as_str().unwrap()))
        .collect();
    assert_eq!(named, ["environment = bare-metal", "kernel = nohz", "tuning = optimized", "rate = 10000"]);
    // the first line and the last of one file, read by eye
    let run = &cells[0]["runs"][0];
    assert_eq!((run["minimum"].as_u64(), run["maximum"].as_u64()), (Some(14_868), Some(614_122)));
    assert_eq!(run["sha256"].as_str().unwrap().len(), 64);
}

/// The findings themselves are asked of the data in the tests of `tailbed-stats`; here, what the command line makes of one question.
#[test]
fn a_factor_is_compared_and_its_limit_kept_or_not() {
    let Some(results) = imported() else { return };
    let question = ["--by", "kernel", "--against", "rt", "--where", "tuning=optimized", "--measure", "p99.9,max"];
    let limit = ["--fail-if", "max > 0.2ms"];
    let files = ["--markdown", "kernel.md", "--junit", "kernel.xml"];
    let (told, code) = asked(results, &[&question[..], &limit[..], &files[..]].concat());
    // the other kernels do not keep the limit, which is what the gate is for
    assert_eq!(code, Some(4), "{told}");
    assert!(told.contains("They come from: Containing Low Tail-Latencies"), "{told}");
    assert!(told.contains("rate1000000-repeat1.percentiles.csv was left out: none of its percentiles has a value"), "{told}");
    assert!(told.contains("- rt: holds: `max > 200us`") || told.contains("- rt: holds: `max > 0.2ms`"), "{told}");
    let written = results.parent().unwrap();
    assert_eq!(fs::read_to_string(written.join("kernel.md")).unwrap(), told);
    let junit = fs::read_to_string(written.join("kernel.xml")).unwrap();
    assert!(junit.contains("tests=\"3\"") && junit.contains("failures=\"2\""), "{junit}");
    let answer = json(results, &question);
    assert_eq!(answer["groups"][0]["levels"].as_array().unwrap().len(), 3);
    assert_eq!(answer["against"], "rt");
}

/// A folder of imported results against itself: nothing differs, and nobody knows the machine.
#[test]
fn imported_folders_are_compared_like_campaigns() {
    let Some(results) = imported() else { return };
    let both = ["compare", results.to_str().unwrap(), results.to_str().unwrap()];
    let refused = tailbed(results.parent().unwrap(), &both);
    assert_eq!((refused.status.code(), text(&refused.stderr).contains("results were imported")), (Some(2), true));
    let output = tailbed(results.parent().unwrap(), &[&both[..], &["--different-machines"]].concat());
    let told = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(told.matches("## environment = ").count(), 36);
    assert!(!told.contains("**slower**") && !told.contains("**faster**"), "{told}");
}

#[test]
fn a_pattern_that_does_not_fit_and_a_factor_that_is_none_are_told() {
    let Some(results) = imported() else { return };
    let (_, code) = asked(results, &["--by", "kernle"]);
    assert_eq!(code, Some(2));
    let output = tailbed(results, &["import", PUBLISHED, "--parameters-from-name", "{a}/{b}/speed{rate}"]);
    assert_eq!((output.status.code(), text(&output.stderr).contains("no file below it fits")), (Some(2), true));
}
