//! `tailbed import`, as a script sees it: real output of other programs (the corpus of the fuzz target `results`), and pairs of captures.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::{done, tailbed};

const CORPUS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus/results");
const CAPTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/captures");

fn imported(folder: &Path, arguments: &[&str]) -> Value {
    let printed = done(&tailbed(folder, &[&["import", "--json"], arguments].concat()));
    serde_json::from_str::<Value>(&printed).unwrap()["imported"].take()
}

fn refused(folder: &Path, arguments: &[&str]) -> String {
    let output = tailbed(folder, &[&["import"], arguments].concat());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(!folder.join("results").exists(), "something was written: {said}");
    said
}

#[test]
fn each_format_is_seen_from_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| format!("{CORPUS}/{name}");
    let files = ["cyclictest-histogram.txt", "sockperf-ping-pong.txt", "own.hgrm", "percentiles.csv", "histogram.csv"].map(file);
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    let all = imported(folder.path(), &[&["--name", "mixed", "--parameter", "machine=theirs"], &files[..]].concat());
    let cells = all["cells"].as_array().unwrap();
    // cyclictest's two threads are cells of their own, the four others repeats of one
    let runs: Vec<(usize, usize)> =
        cells.iter().map(|cell| (cell["parameters"].as_array().unwrap().len(), cell["runs"].as_array().unwrap().len())).collect();
    assert_eq!(runs, [(2, 1), (2, 1), (1, 4)]);
    assert_eq!(cells[1]["parameters"][1]["key"], "thread");
    let formats: Vec<&str> = cells[2]["runs"].as_array().unwrap().iter().map(|run| run["format"].as_str().unwrap()).collect();
    assert_eq!(formats, ["sockperf", "hgrm", "percentiles", "histogram"]);
    assert_eq!(cells[2]["runs"][0]["maximum"], 2_706_119);
    assert!(cells[2]["runs"][0]["note"].as_str().unwrap().starts_with("half of each round trip"));
}

#[test]
fn what_cannot_be_imported_is_told_with_file_line_and_way_out() {
    // its name is that of what is imported, which a leading dot cannot begin
    let folder = tempfile::Builder::new().prefix("others").tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("wrong.csv", "percentile,value\n0.5,10\n99.9,11\n");
    write("strange.txt", "hello\n");
    write("lost.csv", "percentile,value\n0.5,\n");
    write("rate1-repeat0.csv", "percentile,value\n0.5,10\n");
    fs::create_dir(folder.path().join("again")).unwrap();
    write("again/rate1-repeat0.csv", "percentile,value\n0.5,11\n");
    let refused = |arguments: &[&str]| refused(folder.path(), arguments);
    let said = refused(&["wrong.csv"]);
    assert_eq!(said, "error: wrong.csv: line 3: `99.9` is no percentile from 0 to 1; 99.9 % is written 0.999\n");
    assert!(refused(&["strange.txt"]).contains("looks like nothing that is known\n  = help: name its --format: hgrm"));
    assert!(refused(&["lost.csv"]).contains("no file holds a value"));
    assert!(refused(&["nowhere.csv"]).contains("nowhere.csv: there is no such file"));
    assert!(refused(&["wrong.csv", "--parameters-from-name", "rate{rate}"]).contains("does not fit the pattern `rate{rate}`"));
    let pattern = ["--parameters-from-name", "rate{rate}-repeat{repeat}"];
    let said = refused(&[&["rate1-repeat0.csv", "again/rate1-repeat0.csv"], &pattern[..]].concat());
    assert!(said.contains("it is repeat 0 of the same parameters as rate1-repeat0.csv"), "{said}");
    let said = refused(&[&["rate1-repeat0.csv", "--parameter", "rate=2"], &pattern[..]].concat());
    assert!(said.contains("its parameter `rate` is given twice"), "{said}");
    assert!(refused(&["rate1-repeat0.csv", "--parameter", "rate"]).contains("not of the form KEY=VALUE"));
    assert!(refused(&["rate1-repeat0.csv", "--name", "../x"]).contains("cannot name a results folder"));
    assert!(refused(&["rate1-repeat0.csv", "--unit", "min"]).contains("ns, us, ms or s"));
    assert!(refused(&["rate1-repeat0.csv", "--format", "pcap-pairs"]).contains("has no partner"));
}

/// The captures of gallenmu/low-latency; without them beside the repository this is skipped, and says so.
#[test]
fn pairs_of_captures_are_compared_as_analyze_does() {
    if !Path::new(CAPTURES).exists() {
        println!("skipped: {CAPTURES} is not there");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let files =
        ["l2fwd-host.pre", "l2fwd-host.post", "l2fwd-vm.pre", "l2fwd-vm.post"].map(|name| format!("{CAPTURES}/{name}.pcap.zst"));
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    let pattern = ["--parameters-from-name", "l2fwd-{environment}.{side:pre|post}", "--name", "optical"];
    // the side would make a pair's halves differ, but it is the first file's name that counts
    let all = imported(folder.path(), &[&files[..], &pattern[..]].concat());
    let cells = all["cells"].as_array().unwrap();
    assert_eq!(cells.len(), 2);
    assert_eq!(cells[1]["parameters"][0]["value"], "vm");
    let reference: Value = serde_json::from_slice(&fs::read(format!("{CAPTURES}/reference.json")).unwrap()).unwrap();
    for (cell, name) in cells.iter().zip(["l2fwd-host", "l2fwd-vm"]) {
        let run = &cell["runs"][0];
        assert_eq!((&run["count"], &run["maximum"]), (&reference[name]["matched"], &reference[name]["max"]));
        let p999 = run["percentiles"].as_array().unwrap().iter().find(|point| point[0] == 0.999).unwrap();
        assert_eq!(p999[1], reference[name]["p99.9"]);
    }
}
