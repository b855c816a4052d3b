//! The whole path from an experiment file to its report in a real browser. The report itself is tested so in `crates/stats/tests/browser`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(dead_code, reason = "the browser is that of the report's own tests, which need more of it")]

#[path = "../../stats/tests/browser/chromium.rs"]
mod chromium;

use std::path::{Path, PathBuf};
use std::process::Command;

use chromium::Chromium;
use serde_json::Value;

/// Runs an experiment in a folder; its report.
fn report_of(folder: &Path, arguments: &[&str]) -> PathBuf {
    let output = Command::new(env!("CARGO_BIN_EXE_tailbed"))
        .args(["run", "--json"])
        .args(arguments)
        .env("TAILBED_STATE", folder.join("state"))
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let results: Value = serde_json::from_slice(&output.stdout).unwrap();
    folder.join(results["report"].as_str().unwrap())
}

#[test]
fn the_report_of_a_campaign_that_was_run_works() {
    let Some(mut browser) = Chromium::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/self-test.toml");
    let options = ["--set", "traffic.duration=200ms", "--sweep", "traffic.rate=50kpps,100kpps"];
    let report = report_of(folder.path(), &[&[example], &options[..]].concat());
    browser.resize(1280, 900);
    browser.open(&report);
    assert_eq!(browser.complaints(), Vec::<String>::new());
    assert!(browser.text("document.querySelector('.answer').textContent").starts_with("Simulated"));
    assert!(browser.is(
        "cells.length === 2 && cells.every(cell => cell.runs.length === 3 && cell.runs.every(run => run.packets.length > 10))"
    ));
    assert!(browser.text("document.getElementById('pair-answer').textContent").contains('%'));
    browser.click("#filter > summary");
    browser.click("input[data-value='50kpps']");
    assert!(browser.is("hiddenCells.size === 1"));
}

/// Of a screen as people have it: what does not fit is read by nobody, and paper does not scroll at all.
#[test]
fn reasons_wrap_and_no_table_of_verdicts_is_wider_than_its_place() {
    let Some(mut browser) = Chromium::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let experiment = r#"
name = "wire"
repeats = 3
[nodes.dut.simulated]
base = "10us"
mean_extra = "2us"
loss = "0.1%"
[traffic]
rate = "100kpps"
duration = "200ms"
[sweep]
"nodes.dut.simulated.mean_extra" = ["2us", "4us"]
[[slo]]
percentile = 99.9
below = "40us"
[[slo]]
percentile = 99.9999
below = "1ms"
"#;
    std::fs::write(folder.path().join("wire.toml"), experiment).unwrap();
    let report = report_of(folder.path(), &["wire.toml"]);
    browser.resize(1200, 900);
    browser.open(&report);
    for section in ["deadlines", "extremes"] {
        let tables = format!("[...document.querySelectorAll('#{section} > .scroll')]");
        assert!(browser.is(&format!("{tables}.length > 0")), "{section} has no table");
        assert!(
            browser.is(&format!("{tables}.every(place => place.scrollWidth <= place.clientWidth)")),
            "{section}: {}",
            browser.value(&format!("{tables}.map(place => [place.scrollWidth, place.clientWidth])"))
        );
    }
}
