//! What a campaign leaves, read by programs that know nothing of tailbed: Parquet by DuckDB or pyarrow, HdrHistogram's log by PyPI's
//! `hdrhistogram`, the archive by Python's own zipfile, its metadata by PyPI's `roc-validator`.
//!
//! Where a Python or one of its packages is missing the test counts as skipped and says why. They are not packages of the system, so the
//! test command does not install them: `pip install hdrhistogram duckdb pyarrow rocrate roc-validator`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod import;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::LazyLock;

use serde_json::Value;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data_out/oracle.py");

/// Asked for HdrHistogram's log and the metadata.
const READERS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../stats/tests/data_out/oracle.py");

const EXPERIMENT: &str = r#"
name = "wire"
question = "How long is the wire?"
repeats = 2
[nodes.dut.simulated]
base = "10us"
mean_extra = "20us"
loss = "0.1%"
[traffic]
rate = "20kpps"
duration = "2500ms"
warm_up = "100ms"
[sweep]
"traffic.frame" = [64, 1518]
"#;

fn tailbed(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tailbed"))
        .args(arguments)
        .env("TAILBED_STATE", folder.join("state"))
        .current_dir(folder)
        .output()
        .unwrap()
}

fn done(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A campaign that every test may read.
fn campaign() -> &'static Path {
    static MADE: LazyLock<(tempfile::TempDir, PathBuf)> = LazyLock::new(|| {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("wire.toml"), EXPERIMENT).unwrap();
        let printed = done(&tailbed(folder.path(), &["run", "wire.toml", "--json"]));
        let results: Value = serde_json::from_str(&printed).unwrap();
        let path = folder.path().join(results["results"].as_str().unwrap());
        (folder, path)
    });
    &MADE.1
}

fn summary() -> Value {
    serde_json::from_slice(&fs::read(campaign().join("summary.json")).unwrap()).unwrap()
}

/// A Python that can import one of these.
fn python(modules: &[&'static str]) -> Option<(&'static str, &'static str)> {
    for interpreter in ["python3", "/usr/bin/python3"] {
        for module in modules {
            let mut import = Command::new(interpreter);
            import.args(["-c", &format!("import {module}")]).stdout(Stdio::null()).stderr(Stdio::null());
            if import.status().is_ok_and(|status| status.success()) {
                return Some((interpreter, *module));
            }
        }
    }
    println!("skipped: no python3 has {}", modules.join(" or "));
    None
}

/// What a script says of a file, as JSON.
fn asked(interpreter: &str, arguments: &[&str]) -> Value {
    let script = if matches!(arguments[0], "hlog" | "crate") { READERS } else { SCRIPT };
    let output = Command::new(interpreter).arg(script).args(arguments).output().unwrap();
    serde_json::from_str(&done(&output)).unwrap()
}

fn at(run: &Value, percentile: usize) -> Option<u64> {
    run["latency"]["percentiles"][percentile]["estimate"]["value"]["value"].as_u64()
}

#[test]
fn packets_are_read_by_others_as_documented() {
    let Some((interpreter, module)) = python(&["duckdb", "pyarrow"]) else { return };
    for run in summary()["runs"].as_array().unwrap() {
        let path = campaign().join("runs").join(run["run"].as_str().unwrap()).join("packets.parquet");
        let found = asked(interpreter, &["parquet", module, path.to_str().unwrap()]);
        assert_eq!(found["sent"], run["counts"]["sent"]);
        assert_eq!(found["lost"], run["counts"]["lost"]);
        assert_eq!(found["maximum"], run["latency"]["maximum"]);
        assert_eq!((found["p50"].as_u64(), found["p99.9"].as_u64()), (at(run, 0), at(run, 3)), "{module}");
        assert_eq!(found["metadata"]["tailbed.layout"], "1");
        assert!(found["metadata"]["tailbed.columns"].as_str().unwrap().contains("\"unit\":\"ns\""));
    }
}

#[test]
fn one_file_of_all_packets_says_which_run_each_is_of() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("all.parquet");
    let arguments = ["export", campaign().to_str().unwrap(), "--format", "parquet", "--out", out.to_str().unwrap()];
    let told = done(&tailbed(folder.path(), &arguments));
    assert!(told.contains("runs written to"), "{told}");
    let again = tailbed(folder.path(), &arguments);
    assert_eq!((again.status.code(), String::from_utf8_lossy(&again.stderr).contains("exists already")), (Some(2), true));
    let Some((interpreter, module)) = python(&["duckdb", "pyarrow"]) else { return };
    let found = asked(interpreter, &["all", module, out.to_str().unwrap()]);
    let mut expected = serde_json::Map::new();
    for run in summary()["runs"].as_array().unwrap() {
        let frame = run["parameters"][0]["value"].clone();
        expected.insert(run["run"].as_str().unwrap().to_owned(), serde_json::json!([frame, run["counts"]["sent"]]));
    }
    assert_eq!(found, Value::Object(expected));
}

#[test]
fn the_log_is_read_back_by_the_reference_library() {
    let Some((interpreter, _)) = python(&["hdrh.log"]) else { return };
    for run in summary()["runs"].as_array().unwrap() {
        let path = campaign().join("runs").join(run["run"].as_str().unwrap()).join("latency.hlog");
        let found = asked(interpreter, &["hlog", path.to_str().unwrap()]);
        assert_eq!(found["intervals"], 3, "a second each, and the half one");
        assert_eq!(found["count"], run["latency"]["count"]);
        // the values themselves are compared in the tests of `tailbed-stats`
    }
}

#[test]
fn the_archive_is_whole_and_its_metadata_keep_the_specification() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("wire.zip");
    let options = ["--author", "A. Person", "--licence", "https://creativecommons.org/licenses/by/4.0/"];
    let base = ["export", campaign().to_str().unwrap(), "--format", "ro-crate-zip", "--out", out.to_str().unwrap()];
    done(&tailbed(folder.path(), &[&base[..], &options[..]].concat()));
    let Some((interpreter, _)) = python(&["zipfile"]) else { return };
    let unpacked = folder.path().join("unpacked");
    let found = asked(interpreter, &["zip", out.to_str().unwrap(), unpacked.to_str().unwrap()]);
    assert_eq!(found["damaged"], Value::Null);
    let root = unpacked.join(campaign().file_name().unwrap());
    let same = |name: &str| assert_eq!(fs::read(root.join(name)).unwrap(), fs::read(campaign().join(name)).unwrap(), "{name}");
    ["experiment.toml", "summary.json", "report.html", "facts.json"].into_iter().for_each(same);
    let metadata = fs::read_to_string(root.join("ro-crate-metadata.json")).unwrap();
    assert!(metadata.contains("A. Person") && metadata.contains("licenses/by/4.0"), "{metadata}");
    // the campaign's own metadata say nobody's name
    let own = fs::read_to_string(campaign().join("ro-crate-metadata.json")).unwrap();
    assert!(!own.contains("A. Person") && own.contains("\"CreateAction\""), "{own}");
    let Some((interpreter, _)) = python(&["rocrate, rocrate_validator"]) else { return };
    for crate_folder in [root.as_path(), campaign()] {
        let found = asked(interpreter, &["crate", crate_folder.to_str().unwrap()]);
        assert_eq!(found["issues"], serde_json::json!([]), "{}", crate_folder.display());
    }
}

#[test]
fn tables_of_percentiles_and_of_histograms_are_written() {
    let folder = tempfile::tempdir().unwrap();
    let csv = folder.path().join("all.csv");
    done(&tailbed(folder.path(), &["export", campaign().to_str().unwrap(), "--format", "csv", "--out", csv.to_str().unwrap()]));
    let text = fs::read_to_string(&csv).unwrap();
    let first = text.lines().next().unwrap();
    assert_eq!(first, "run,kind,repeat,attempt,valid,traffic.frame,packets,percentile,value_ns,low_ns,high_ns");
    let runs = summary()["runs"].as_array().unwrap().len();
    assert_eq!(text.lines().count(), 1 + runs * 9);
    for (form, ending) in [("hgrm", "hgrm"), ("hlog", "hlog")] {
        let out = folder.path().join(form);
        done(&tailbed(
            folder.path(),
            &["export", campaign().to_str().unwrap(), "--format", form, "--out", out.to_str().unwrap()],
        ));
        for run in summary()["runs"].as_array().unwrap() {
            let name = run["run"].as_str().unwrap();
            let exported = fs::read(out.join(format!("{name}.{ending}"))).unwrap();
            // made from the packets again, byte for byte what the run itself left
            assert_eq!(exported, fs::read(campaign().join("runs").join(name).join(format!("latency.{ending}"))).unwrap());
        }
    }
    let nothing = tailbed(folder.path(), &["export", "nowhere", "--format", "csv", "--out", "x.csv"]);
    assert_eq!(nothing.status.code(), Some(2), "{}", String::from_utf8_lossy(&nothing.stderr));
}

/// What is exported can be imported again, and is what it was.
#[test]
fn an_exported_table_can_be_imported() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("tables");
    done(&tailbed(folder.path(), &["export", campaign().to_str().unwrap(), "--format", "hgrm", "--out", out.to_str().unwrap()]));
    let printed = done(&tailbed(folder.path(), &["import", "tables", "--name", "again", "--json"]));
    let imported: Value = serde_json::from_str(&printed).unwrap();
    let runs = imported["imported"]["cells"][0]["runs"].as_array().unwrap();
    let summary = summary();
    assert_eq!(runs.len(), summary["runs"].as_array().unwrap().len());
    for (run, there) in summary["runs"].as_array().unwrap().iter().zip(runs) {
        assert_eq!((&there["count"], &there["format"]), (&run["latency"]["count"], &Value::from("hgrm")));
        assert_eq!(there["maximum"], run["latency"]["maximum"]);
    }
    let metadata =
        fs::read_to_string(folder.path().join(imported["results"].as_str().unwrap()).join("ro-crate-metadata.json")).unwrap();
    assert!(metadata.contains("\"imported.json\""), "{metadata}");
}
