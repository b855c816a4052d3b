//! The subcommand as it is called, on captures made here.

use std::fs;
use std::path::Path;

use clap::Parser;

use super::*;

#[derive(Parser)]
struct Called {
    #[command(flatten)]
    arguments: AnalyzeArguments,
}

fn call(arguments: &[&str]) -> Result<(), Failure> {
    let called = Called::try_parse_from([&["analyze"], arguments].concat()).map_err(|error| Failure::File(error.to_string()))?;
    analyze(&called.arguments)
}

/// Packets of 64 bytes by number and time in ns.
fn capture(path: &Path, packets: impl Iterator<Item = (u32, u32)>) -> String {
    let mut file = Vec::new();
    let mut words = |words: &[u32]| words.iter().for_each(|word| file.extend_from_slice(&word.to_le_bytes()));
    words(&[0xa1b2_3c4d, 0x0004_0002, 0, 0, 1500, 1]);
    for (number, time) in packets {
        words(&[7, time, 64, 64]);
        words(&[0; 11]);
        words(&[number, 0, 0, 0, 0]);
    }
    fs::write(path, file).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_folder_holds_everything_and_is_not_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let pre = capture(&folder.path().join("a.pre.pcap"), (0..2_000).map(|n| (n, n * 10_000)));
    let post = capture(&folder.path().join("a.post.pcap"), (0..1_999).map(|n| (n, n * 10_000 + 3_000 + n % 300)));
    let out = folder.path().join("out");
    let arguments = [&pre, &post, "--out", out.to_str().unwrap(), "--json"];
    call(&arguments).unwrap();
    let read = |name: &str| fs::read_to_string(out.join(name)).unwrap();
    assert_eq!(read("percentiles.csv").lines().nth(1), Some("3142,3266,3296,3299,3299,3299,3299,3299"));
    assert_eq!(read("transferrate.csv").lines().nth(1), Some("2000,1999,0.99950000000000000000"));
    assert_eq!(read("rates.csv"), "second,pre,post\n7,2000,1999\n");
    assert_eq!(read("hist.csv").lines().next(), Some("latency_bucket,count"));
    assert_eq!(read("jitterpre.csv"), "bucket,count\n10000,1999\n");
    assert_eq!(read("worst.csv").lines().count(), 2_000);
    assert!(read("latency.hgrm").contains("Total count    =         1999"));
    assert!(read("report.html").contains("a.pre.pcap"));
    let summary: serde_json::Value = serde_json::from_str(&read("summary.json")).unwrap();
    assert_eq!((&summary["packets"]["matched"], &summary["packets"]["lost"]), (&1999.into(), &1.into()));
    assert!(out.join("plots/percentiles.svg").exists());
    let again = call(&arguments).unwrap_err();
    assert_eq!(again.exit_code(), 2);
}

#[test]
fn what_cannot_be_is_refused_with_code_2_and_no_folder() {
    let folder = tempfile::tempdir().unwrap();
    let pre = capture(&folder.path().join("pre.pcap"), (0..10).map(|n| (n, n * 1_000)));
    let damaged = folder.path().join("damaged.pcap");
    fs::write(&damaged, &fs::read(&pre).unwrap()[..100]).unwrap();
    let out = folder.path().join("out");
    let (damaged, out) = (damaged.to_str().unwrap(), out.to_str().unwrap());
    for arguments in [
        vec![pre.as_str(), damaged],
        vec!["-", "-"],
        vec![&pre, &pre, "--window", "2min"],
        vec![&pre, &pre, "--window", "0s"],
        vec![&pre, &pre, "--key", "12"],
        vec![&pre, &pre, "--key", "60:10"],
        vec!["/nowhere/pre.pcap", &pre],
    ] {
        let error = call(&[arguments.as_slice(), &["--out", out]].concat()).unwrap_err();
        assert_eq!(error.exit_code(), 2, "{arguments:?}: {error}");
        assert!(!Path::new(out).exists(), "{arguments:?}");
    }
}

#[test]
fn the_command_line_can_be_pasted() {
    let called = Called::try_parse_from(["analyze", "a b.pcap", "-", "--key", "42:8", "--trim", "1s"]).unwrap();
    assert_eq!(
        command_line(&called.arguments),
        "tailbed analyze 'a b.pcap' - --key 42:8 --window 5s --trim 1s --worst 5000 --memory 160MiB"
    );
}
