//! Formats, and several folders in one report.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use serde_json::{Value, json};

use crate::support::{PACKETS, SEARCH, campaign, copy, tailbed, text};

/// Two campaigns of packets, the second over a slower wire, a search, results of others, and one from elsewhere.
fn made() -> &'static [PathBuf; 5] {
    static MADE: LazyLock<(tempfile::TempDir, [PathBuf; 5])> = LazyLock::new(|| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        let experiment = PACKETS.replace("repeats = 2", "repeats = 6");
        let monday = campaign(path, &experiment, &[]);
        let tuesday = campaign(path, &experiment, &["nodes.dut.simulated.base=20us", "name=slower"]);
        let search = campaign(path, SEARCH, &[]);
        let others = path.join("paper");
        fs::create_dir(&others).unwrap();
        let run = |count: u64| {
            json!({ "file": "a.hgrm", "format": "hgrm", "count": count, "minimum": 9_000, "maximum": 40_000,
                "percentiles": [[0.5, 11_000], [0.99, 20_000], [1.0, 40_000]], "counts": [] })
        };
        let imported = json!({ "version": 1, "name": "published", "source": "Somebody 2020", "cells": [
            { "parameters": [{ "key": "traffic.rate", "value": "50kpps" }], "runs": [run(100_000), run(90_000)] }] });
        fs::write(others.join("imported.json"), imported.to_string()).unwrap();
        let moved = path.join("moved");
        copy(&tuesday, &moved);
        let mut facts: Value = serde_json::from_slice(&fs::read(moved.join("facts.json")).unwrap()).unwrap();
        facts["hostname"] = "elsewhere".into();
        fs::write(moved.join("facts.json"), facts.to_string()).unwrap();
        // as if it had been made there
        let sums = fs::read_to_string(moved.join("SHA256SUMS")).unwrap();
        let kept: Vec<&str> = sums.lines().filter(|line| !line.ends_with("  facts.json")).collect();
        fs::write(moved.join("SHA256SUMS"), kept.join("\n") + "\n").unwrap();
        (folder, [monday, tuesday, search, others, moved])
    });
    &MADE.1
}

fn report(folder: &Path, sides: &[&Path], more: &[&str]) -> String {
    let mut arguments = vec!["report"];
    arguments.extend(sides.iter().map(|side| side.to_str().unwrap()));
    arguments.extend(more);
    let output = tailbed(folder, &arguments);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    text(&output.stdout)
}

#[test]
fn several_stand_side_by_side_and_later_ones_are_judged_by_the_first() {
    let [monday, tuesday, search, others, moved] = made();
    let folder = tempfile::tempdir().unwrap();
    report(folder.path(), &[monday, tuesday, others, search, moved], &["--out", "all.html"]);
    let page = fs::read_to_string(folder.path().join("all.html")).unwrap();
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    for told in [
        format!("{}: 50kpps", name(monday)),
        format!("{}: 100kpps", name(tuesday)),
        "paper: 50kpps (not measured here)".to_owned(),
        "Somebody 2020".to_owned(),
        format!("{} against {}", name(tuesday), name(monday)),
        format!("moved against {} (different machines)", name(monday)),
        "slower".to_owned(),
        "Throughput: medians".to_owned(),
    ] {
        assert!(page.contains(&told), "{told}");
    }
    for sign in ["http://", "https://", "src=", "@import", "url("] {
        assert!(!page.contains(sign), "{sign}");
    }
    let told = report(folder.path(), &[monday, tuesday], &["--format", "md"]);
    assert!(told.contains("## Is a loaded wire \\| slower?") && told.contains("| **slower**"), "{told}");
}

#[test]
fn one_campaign_in_every_format() {
    let [monday, _, search, others, _] = made();
    let folder = tempfile::tempdir().unwrap();
    let told = report(folder.path(), &[monday], &["--format", "md"]);
    assert!(told.starts_with("# Is a loaded wire \\| slower?\n") && told.contains("simulated, not measured"), "{told}");
    let csv = report(folder.path(), &[monday, others, search], &["--format", "csv"]);
    let rows: Vec<Vec<&str>> = csv.lines().map(|line| line.split(',').collect()).collect();
    assert_eq!(
        rows[0],
        "campaign,origin,kind,traffic.rate,run,quantity,percentile,value,low,high,n,unit".split(',').collect::<Vec<_>>()
    );
    assert!(rows.iter().all(|row| row.len() == rows[0].len()), "{csv}");
    // the file says what the summary says
    let summary: Value = serde_json::from_slice(&fs::read(monday.join("summary.json")).unwrap()).unwrap();
    for cell in summary["cells"].as_array().unwrap() {
        let rate = cell["parameters"][0]["value"].as_str().unwrap();
        let own = |percentile: &str| {
            rows.iter()
                .find(|row| row[3] == rate && row[5] == "latency" && row[6] == percentile && row[1] == "simulated")
                .unwrap()
        };
        let value = &cell["latency"]["percentiles"][2]["estimate"]["value"];
        // of so few packets and repeats some have no bound
        let told = |bound: &str| if value[bound].is_null() { String::new() } else { value[bound].to_string() };
        assert_eq!(own("p99")[7..10], ["value", "low", "high"].map(told));
        assert_eq!(own("max")[7], cell["latency"]["maximum"].to_string());
        assert_eq!(own("max")[10], cell["latency"]["count"].to_string());
        assert_eq!(own("p99.9999")[7], "", "too few packets for it");
    }
    assert!(rows.iter().any(|row| row[5] == "NDR lower bound" && row[11] == "pps"));
    report(folder.path(), &[monday, others], &["--format", "png", "--out", "images"]);
    let image = fs::read(folder.path().join("images/percentiles.png")).unwrap();
    assert!(image.starts_with(b"\x89PNG\r\n\x1a\n") && image.len() > 10_000, "{}", image.len());
    let table = report(folder.path(), &[monday], &["--format", "latex-table", "--out", "t.tex"]);
    assert_eq!(table, "");
    let table = fs::read_to_string(folder.path().join("t.tex")).unwrap();
    assert!(table.contains("\\toprule") && table.contains("\\midrule") && table.contains("\\textmu{}s"), "{table}");
}

#[test]
fn what_cannot_be_is_refused_by_name() {
    let [monday, tuesday, _, others, _] = made();
    let folder = tempfile::tempdir().unwrap();
    let refused = |arguments: &[&str], code: i32, said: &str| {
        let output = tailbed(folder.path(), &[&["report"], arguments].concat());
        assert_eq!(output.status.code(), Some(code), "{}", text(&output.stderr));
        assert!(text(&output.stderr).contains(said), "{}", text(&output.stderr));
    };
    let (monday, tuesday) = (monday.to_str().unwrap(), tuesday.to_str().unwrap());
    refused(&[], 2, "<FOLDER>");
    refused(&["nowhere"], 2, "nowhere is no results folder");
    refused(&[monday, tuesday], 2, "--out report.html");
    refused(&[monday, "--format", "png"], 2, "--out images");
    fs::write(folder.path().join("there.md"), "mine").unwrap();
    refused(&[monday, "--format", "md", "--out", "there.md"], 2, "there.md exists already");
    let later = folder.path().join("later");
    copy(others, &later);
    let imported = fs::read_to_string(later.join("imported.json")).unwrap();
    fs::write(later.join("imported.json"), imported.replace("\"version\":1", "\"version\":7")).unwrap();
    refused(&["later", "--format", "md"], 2, "version 7");
    fs::write(later.join("imported.json"), imported.replace("11000", "99000")).unwrap();
    refused(&["later", "--format", "md"], 2, "do not ascend");
    fs::write(later.join("imported.json"), &imported[..imported.len() / 2]).unwrap();
    refused(&["later", "--format", "md"], 2, "it is no JSON");
}
