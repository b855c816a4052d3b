//! HdrHistogram's log, read back by PyPI's `hdrhistogram`, and the metadata of a results folder, judged by PyPI's `roc-validator`.
//!
//! Where no Python has them the tests count as skipped and say why: they are not packages of the system, so the test command does not
//! install them. The packages:
//! `pip install hdrhistogram rocrate roc-validator`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "a test opens files and asks a Python")]

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use tailbed_format::packet::{Departure, PacketRecord, Received};
use tailbed_stats::hlog::interval_log;
use tailbed_stats::ro_crate::{About, File, metadata};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data_out/oracle.py");

/// A Python that can import these.
fn python(modules: &str) -> Option<&'static str> {
    let can = |interpreter: &&str| {
        let mut import = Command::new(interpreter);
        import.args(["-c", &format!("import {modules}")]).stdout(Stdio::null()).stderr(Stdio::null());
        import.status().is_ok_and(|status| status.success())
    };
    let found = ["python3", "/usr/bin/python3"].into_iter().find(can);
    if found.is_none() {
        println!("skipped: no python3 has {modules}");
    }
    found
}

fn asked(interpreter: &str, arguments: &[&str]) -> Value {
    let output = Command::new(interpreter).arg(SCRIPT).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A folder of this test's, removed when it goes.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("tailbed-data-out-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// 30 000 packets over three and a half seconds, a few of them slow by a factor of a thousand, one in a hundred lost.
fn records() -> Vec<PacketRecord> {
    let mut random = ChaCha8Rng::seed_from_u64(6);
    (0..30_000_i64)
        .map(|number| {
            let sent = number * 116_000;
            let slow = if random.random_range(0..1000_u32) < 3 { 1_000 } else { 1 };
            let latency = random.random_range(3_000..9_000_i64) * slow;
            let lost = random.random_range(0..100_u32) == 0;
            PacketRecord {
                departure: Departure { flow: 0, sequence: number.unsigned_abs(), due: sent, sent },
                received: (!lost).then_some(Received { kernel: sent + latency, user: sent + latency }),
            }
        })
        .collect()
}

#[test]
fn the_log_is_read_back_by_the_reference_library() {
    let Some(interpreter) = python("hdrh.log") else { return };
    let folder = Folder::new("hlog");
    let path = folder.0.join("latency.hlog");
    let records = records();
    fs::write(&path, interval_log(&records, 1_700_000_000.25, "tailbed 0.1.0").unwrap()).unwrap();
    let found = asked(interpreter, &["hlog", path.to_str().unwrap()]);
    let mut sorted: Vec<i64> = records.iter().filter_map(PacketRecord::latency).collect();
    sorted.sort_unstable();
    assert_eq!((found["intervals"].as_u64(), found["count"].as_u64()), (Some(4), Some(sorted.len() as u64)));
    // the bucket in which the library sees a percentile holds the naive sort's value at the rank that it takes: rounded half up, where
    // ours is rounded up
    for (name, per_mille) in [("50", 500), ("90", 900), ("99", 990), ("99.9", 999)] {
        let exact = sorted[(sorted.len() * per_mille + 500) / 1_000 - 1].unsigned_abs();
        let bucket = found["buckets"][name].as_array().unwrap();
        let [low, high] = [&bucket[0], &bucket[1]].map(|bound| bound.as_u64().unwrap());
        assert!((low..=high).contains(&exact), "{name}: {exact} is not in {low} to {high}");
        assert!(high - low <= exact / 1_000 + 1, "{name}: {low} to {high} are more than three digits apart");
    }
}

#[test]
fn the_metadata_keep_the_specification() {
    let Some(interpreter) = python("rocrate, rocrate_validator") else { return };
    let folder = Folder::new("crate");
    let paths =
        ["experiment.toml", "summary.json", "plots/cdf #1.svg", "runs/0000-a/packets.parquet", "runs/0000-a/latency.hlog"];
    for path in paths {
        fs::create_dir_all(folder.0.join(path).parent().unwrap()).unwrap();
        fs::write(folder.0.join(path), path).unwrap();
    }
    let files: Vec<File> = paths.iter().map(|path| File { path: (*path).to_owned(), length: path.len() as u64 }).collect();
    let about = About {
        author: Some("A. Person".to_owned()),
        licence: Some("https://creativecommons.org/licenses/by/4.0/".to_owned()),
        ..About::of_imported("study", Some("a paper"), 1_700_000_000, "0.1.0")
    };
    let mut metadata = metadata(&files, &about);
    let judged = |metadata: &Value| {
        fs::write(folder.0.join("ro-crate-metadata.json"), metadata.to_string()).unwrap();
        asked(interpreter, &["crate", folder.0.to_str().unwrap()])["issues"].as_array().unwrap().clone()
    };
    assert_eq!(judged(&metadata), Vec::<Value>::new());
    // the judge is awake: without its date the root is refused
    let root = metadata["@graph"].as_array_mut().unwrap().iter_mut().find(|entity| entity["@id"] == "./").unwrap();
    root.as_object_mut().unwrap().remove("datePublished");
    let issues = judged(&metadata);
    assert!(json!(issues).to_string().contains("datePublished"), "{issues:?}");
}
