//! How long `tailbed report` takes for many records, and how much memory: `cargo bench -p tailbed --bench report -- 10000000 100000000`.
//!
//! For each number of records a results folder of that many packets in four runs is made (some 12 bytes a record, said beforehand), reported
//! by the binary, and removed again. The time and the memory of each are printed; both numbers of a line that grows linearly are the same
//! multiple of the line before, and memory is not to grow at all.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a benchmark fails by panicking")]

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow_array::{ArrayRef, Int64Array, RecordBatch, UInt32Array, UInt64Array};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding};
use parquet::file::properties::WriterProperties;
use serde_json::Value;
use tailbed_format::packet::{Departure, PacketRecord, Received};
use tailbed_format::summary::{Counts, RunSummary};
use tailbed_stats::interval::distribution;
use tailbed_stats::run::RunCounters;

/// Runs of the campaign.
const RUNS: u64 = 4;

/// Records that are written at once.
const BATCH: u64 = 1 << 16;

const EXPERIMENT: &str = r#"
name = "scale"
repeats = 4
[nodes.dut.simulated]
base = "10us"
mean_extra = "2us"
[traffic]
rate = "100kpps"
duration = "20ms"
warm_up = "0s"
"#;

fn main() {
    let asked: Vec<u64> =
        std::env::args().skip(1).filter(|word| !word.starts_with("--")).map(|word| word.parse().unwrap()).collect();
    let sizes = if asked.is_empty() { vec![1_000_000, 10_000_000] } else { asked };
    for records in sizes {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        eprintln!("{records} records take some {} MiB in {} for a moment", (records * 12) >> 20, folder.path().display());
        let made = campaign(folder.path(), records);
        let bytes: u64 = runs(&made).iter().map(|run| fs::metadata(run.join("packets.parquet")).unwrap().len()).sum();
        let (took, peak) = reported(&made);
        println!(
            "{records:>11} records, {:>6} MiB: {:>7.2} s, {:>5.1} million records a second, at most {peak} MiB of memory",
            bytes >> 20,
            took.as_secs_f64(),
            records as f64 / took.as_secs_f64() / 1e6
        );
    }
}

/// A simulated campaign whose packets are replaced by many more.
fn campaign(folder: &Path, records: u64) -> PathBuf {
    fs::write(folder.join("scale.toml"), EXPERIMENT).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_tailbed"))
        .args(["run", "scale.toml", "--json"])
        .env("TAILBED_STATE", folder.join("state"))
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let results: Value = serde_json::from_slice(&output.stdout).unwrap();
    let made = folder.join(results["results"].as_str().unwrap());
    // the campaign's summary is of other packets than there are now
    for file in ["summary.json", "SHA256SUMS", "report.html"] {
        fs::remove_file(made.join(file)).unwrap();
    }
    for (number, run) in (0..).zip(runs(&made)) {
        replace(&run, records / RUNS, number);
    }
    made
}

fn runs(campaign: &Path) -> Vec<PathBuf> {
    let mut runs: Vec<PathBuf> = fs::read_dir(campaign.join("runs")).unwrap().map(|run| run.unwrap().path()).collect();
    runs.sort();
    runs
}

/// Writes so many packets into a run's folder, with the summary and what else is kept of them, and the sums.
fn replace(run: &Path, records: u64, seed: u64) {
    let mut all: Vec<PacketRecord> = Vec::with_capacity(usize::try_from(records).unwrap());
    let properties = WriterProperties::builder()
        .set_dictionary_enabled(false)
        .set_encoding(Encoding::DELTA_BINARY_PACKED)
        .set_compression(Compression::UNCOMPRESSED)
        .set_max_row_group_row_count(Some(1 << 20))
        .build();
    let file = File::create(run.join("packets.parquet")).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch(&[]).schema(), Some(properties)).unwrap();
    let mut model = Model { state: seed, next: 0 };
    while model.next < records {
        let rows: Vec<PacketRecord> = (0..BATCH.min(records - model.next)).map(|_| model.packet()).collect();
        writer.write(&batch(&rows)).unwrap();
        all.extend(rows);
    }
    writer.close().unwrap();
    let counters = RunCounters::of(&all, &[]);
    let received = counters.latency.count();
    fs::write(run.join("kept.json"), serde_json::to_vec(&counters.kept()).unwrap()).unwrap();
    let mut summary: RunSummary = serde_json::from_slice(&fs::read(run.join("summary.json")).unwrap()).unwrap();
    summary.counts = Counts { scheduled: records, sent: records, received, lost: records - received, ..Counts::default() };
    summary.latency = distribution(&counters.latency);
    summary.latency_from_due = distribution(&counters.latency_from_due);
    summary.latency_to_user = distribution(&counters.latency_to_user);
    summary.lateness = distribution(&counters.lateness);
    fs::write(run.join("summary.json"), serde_json::to_vec_pretty(&summary).unwrap()).unwrap();
    let sums = Command::new("sha256sum").args(["packets.parquet", "kept.json"]).current_dir(run).output().unwrap();
    fs::write(run.join("SHA256SUMS"), sums.stdout).unwrap();
}

/// A wire with an exponential tail and, one packet in ten thousand, a spike.
struct Model {
    state: u64,
    next: u64,
}

impl Model {
    /// SplitMix64 (Steele, Lea and Flood 2014).
    fn random(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 to `below`, exponentially distributed with a mean of a tenth of it and cut off there, ns.
    #[allow(clippy::cast_possible_truncation, reason = "times far below 2^63")]
    fn tail(&mut self, below: f64) -> i64 {
        let uniform = (self.random() >> 11) as f64 / (1_u64 << 53) as f64;
        (-(1.0 - uniform).ln() * below / 10.0).min(below) as i64
    }

    fn packet(&mut self) -> PacketRecord {
        let sequence = self.next;
        self.next += 1;
        let due = i64::try_from(sequence).unwrap() * 10_000;
        let sent = due + 20 + self.tail(400.0);
        let spike = if self.random().is_multiple_of(10_000) { self.tail(3_000_000.0) } else { 0 };
        let kernel = sent + 10_000 + self.tail(20_000.0) + spike;
        let user = kernel + 150 + self.tail(500.0);
        let received = (!self.random().is_multiple_of(100_000)).then_some(Received { kernel, user });
        PacketRecord { departure: Departure { flow: 0, sequence, due, sent }, received }
    }
}

fn batch(rows: &[PacketRecord]) -> RecordBatch {
    let column = |array: ArrayRef| array;
    let times = |time: fn(&PacketRecord) -> i64| column(Arc::new(rows.iter().map(time).collect::<Int64Array>()));
    let received =
        |time: fn(Received) -> i64| column(Arc::new(rows.iter().map(|row| row.received.map(time)).collect::<Int64Array>()));
    RecordBatch::try_from_iter_with_nullable([
        ("flow", column(Arc::new(rows.iter().map(|row| row.departure.flow).collect::<UInt32Array>())), false),
        ("sequence", column(Arc::new(rows.iter().map(|row| row.departure.sequence).collect::<UInt64Array>())), false),
        ("frame", column(Arc::new(rows.iter().map(|_| 64).collect::<UInt32Array>())), false),
        ("due", times(|row| row.departure.due), false),
        ("sent", times(|row| row.departure.sent), false),
        ("kernel", received(|at| at.kernel), true),
        ("user", received(|at| at.user), true),
    ])
    .unwrap()
}

/// How long a report takes, and the most memory that was resident (`VmHWM` in proc_pid_status(5)), MiB.
fn reported(folder: &Path) -> (Duration, u64) {
    let began = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_tailbed"))
        .arg("report")
        .arg(folder)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    while child.try_wait().unwrap().is_none() {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse::<u64>().ok());
        peak = peak.max(line.unwrap_or(0));
        std::thread::sleep(Duration::from_millis(5));
    }
    let took = began.elapsed();
    let output = child.wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    // nothing but that the campaign has no summary
    assert!(told.matches("warning: ").count() == 1 && told.contains("warning: summary.json: it is missing"), "{told}");
    assert!(fs::metadata(folder.join("report.html")).unwrap().len() > 10_000);
    (took, peak >> 10)
}
