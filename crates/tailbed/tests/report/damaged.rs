//! Folders that are damaged: a clear word on each thing, and the rest is reported.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::LazyLock;

use serde_json::Value;

use crate::support::{PACKETS, SEARCH, campaign, copy, files, tailbed, text};

/// A campaign of packets and one of searches, of few runs.
fn whole() -> &'static [PathBuf; 2] {
    static MADE: LazyLock<(tempfile::TempDir, [PathBuf; 2])> = LazyLock::new(|| {
        let folder = tempfile::tempdir().unwrap();
        let packets = PACKETS.replace("[\"50kpps\", \"100kpps\"]", "[\"50kpps\"]");
        let made = [campaign(folder.path(), &packets, &[]), campaign(folder.path(), SEARCH, &[])];
        (folder, made)
    });
    &MADE.1
}

/// A copy that may be damaged.
fn copied(whole: &Path) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let copied = folder.path().join("damaged");
    copy(whole, &copied);
    (folder, copied)
}

/// Reports; whatever the folder is like, the program ends by itself, with a report or a word.
fn report(folder: &Path) -> Output {
    let output = tailbed(folder.parent().unwrap(), &["report", "damaged", "--format", "md"]);
    let told = text(&output.stderr);
    assert!(matches!(output.status.code(), Some(0 | 1)) && !told.contains("panicked"), "{:?}: {told}", output.status);
    output
}

/// Files that the report is not made of, and that have no sums: they are made again, or say how far the campaign was.
fn is_derived(file: &str) -> bool {
    matches!(file, "report.html" | "ro-crate-metadata.json" | "progress.json") || file.starts_with("plots/")
}

/// What a damaged file holds: cut off at several lengths, or with a bit turned over at several places.
fn damages(content: &[u8]) -> Vec<(String, Vec<u8>)> {
    let length = content.len();
    let cut = [0, 1, length / 2, length.saturating_sub(9), length.saturating_sub(1)].into_iter().filter(|at| *at < length);
    let turned = [length / 7, length / 3, length * 2 / 3, length.saturating_sub(5)].into_iter().filter(|at| *at < length);
    let cut = cut.map(|at| (format!("cut off at {at}"), content[..at].to_vec()));
    let turned = turned.map(|at| {
        let mut bytes = content.to_vec();
        bytes[at] ^= 1 << (at % 7);
        (format!("bit turned at {at}"), bytes)
    });
    let mut damages: Vec<_> = cut.chain(turned).collect();
    damages.dedup();
    damages
}

#[test]
fn every_damaged_file_is_named() {
    for whole in whole() {
        let (_folder, damaged) = copied(whole);
        for file in files(whole).iter().filter(|file| !is_derived(file) && *file != "SHA256SUMS") {
            let content = fs::read(whole.join(file)).unwrap();
            for (how, bytes) in damages(&content) {
                fs::write(damaged.join(file), bytes).unwrap();
                let output = report(&damaged);
                let told = text(&output.stderr);
                assert!(output.status.code() == Some(1) && told.contains(&format!("warning: {file}: ")), "{file} {how}: {told}");
                assert!(!output.stdout.is_empty(), "{file} {how}: nothing is reported");
            }
            fs::remove_file(damaged.join(file)).unwrap();
            let told = text(&report(&damaged).stderr);
            assert!(told.contains(&format!("warning: {file}: it is missing")), "{file} removed: {told}");
            fs::write(damaged.join(file), content).unwrap();
        }
        assert_eq!(report(&damaged).status.code(), Some(0), "put back, all is whole");
    }
}

/// Without sums nothing but the contents themselves can tell, and no content makes the report fail.
#[test]
fn no_content_is_taken_on_trust() {
    for whole in whole() {
        let (_folder, damaged) = copied(whole);
        for file in files(whole).iter().filter(|file| file.ends_with("SHA256SUMS")) {
            fs::remove_file(damaged.join(file)).unwrap();
        }
        let read =
            ["campaign.json", "summary.json", "facts.json", "experiment.toml", "packets.parquet", "kept.json", "interrupts.csv"];
        for file in files(whole).iter().filter(|file| read.iter().any(|name| file.ends_with(name))) {
            let is_toml = Path::new(file).extension().is_some_and(|extension| extension == "toml");
            let content = fs::read(whole.join(file)).unwrap();
            for (how, bytes) in damages(&content) {
                let cut = how.starts_with("cut") && !is_toml && bytes.len() + 1 < content.len();
                fs::write(damaged.join(file), bytes).unwrap();
                let output = report(&damaged);
                let told = text(&output.stderr);
                assert!(!cut || told.contains(&format!("warning: {file}: ")), "{file} {how}: {told}");
            }
            fs::write(damaged.join(file), content).unwrap();
        }
    }
}

/// A packet that is another than it was is seen by what the run's summary says of all of them.
#[test]
fn a_run_whose_packets_are_not_those_of_its_summary_is_left_out() {
    let (_folder, damaged) = copied(&whole()[0]);
    for file in files(&damaged).iter().filter(|file| file.ends_with("SHA256SUMS")) {
        fs::remove_file(damaged.join(file)).unwrap();
    }
    let packets: Vec<String> = files(&damaged).into_iter().filter(|file| file.ends_with("packets.parquet")).collect();
    fs::copy(damaged.join(&packets[0]), damaged.join(&packets[1])).unwrap();
    let output = report(&damaged);
    let told = text(&output.stderr);
    assert!(
        told.contains(&format!("{}: its latencies", packets[1])) || told.contains(&format!("{}: it holds", packets[1])),
        "{told}"
    );
    assert!(told.contains("the run is left out") && text(&output.stdout).contains("1 of 1"), "{}", text(&output.stdout));
}

#[test]
fn versions_of_the_future_are_told() {
    for whole in whole() {
        let (_folder, damaged) = copied(whole);
        for file in ["summary.json", "campaign.json"] {
            let content = fs::read(whole.join(file)).unwrap();
            let mut value: Value = serde_json::from_slice(&content).unwrap();
            value["version"] = 99.into();
            fs::write(damaged.join(file), value.to_string()).unwrap();
            fs::remove_file(damaged.join("SHA256SUMS")).ok();
            let output = report(&damaged);
            let told = text(&output.stderr);
            assert!(told.contains(&format!("{file}: it has version 99 of its layout, and this is version 1")), "{told}");
            assert!(output.status.code() == Some(1) && text(&output.stdout).contains("| "), "{}", text(&output.stdout));
            fs::write(damaged.join(file), content).unwrap();
        }
    }
}

/// Numbers that no run comes to would overflow sums, and no cell has such a number.
#[test]
fn numbers_beyond_measure_are_damage() {
    let (_folder, damaged) = copied(&whole()[0]);
    for file in files(&damaged).iter().filter(|file| file.ends_with("SHA256SUMS")) {
        fs::remove_file(damaged.join(file)).unwrap();
    }
    let summary = files(&damaged).into_iter().find(|file| file.starts_with("runs/") && file.ends_with("summary.json")).unwrap();
    let content = fs::read(damaged.join(&summary)).unwrap();
    let own: Value = serde_json::from_slice(&content).unwrap();
    for (field, value, said) in [
        ("cell", serde_json::json!(4_000_000_000_u64), "it is of cell 4000000000, and there are"),
        ("repeat", serde_json::json!(u32::MAX), "it is of repeat 4294967295"),
        ("began", serde_json::json!(u64::MAX), "it holds the number 18446744073709551615"),
        ("run", serde_json::json!("../../elsewhere"), "it is of a run called"),
        ("latency", serde_json::json!(null), "it does not hold what it should"),
    ] {
        let mut damage = own.clone();
        damage[field] = value;
        fs::write(damaged.join(&summary), damage.to_string()).unwrap();
        let told = text(&report(&damaged).stderr);
        assert!(told.contains(&format!("warning: {summary}: {said}")), "{field}: {told}");
    }
}
