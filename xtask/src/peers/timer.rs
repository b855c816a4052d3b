//! Timer wake-ups beside cyclictest: one thread on one core, the same priority, interval and number of cycles, memory locked.

use std::process::Command;

use anyhow::Context;
use serde_json::Value;

use super::round_trip::{PRIORITY, Throttle};
use super::{Gate, median, print_ratio, run, tailbed};

/// The core of both; with fewer than two the first.
const CORE: usize = 1;

/// From one wake-up to the next, µs.
const INTERVAL: u64 = 200;

/// Wake-ups of a turn.
const CYCLES: u64 = 50_000;

/// Lateness that cyclictest keeps a bucket for, ns: the most it allows.
const LONGEST: u64 = 999_999;

/// p50, p99 and the maximum, µs.
type Figures = [f64; 3];

/// Takes turns. cyclictest steals from the power management by default (it keeps /dev/cpu_dma_latency open); it is told not to, so that
/// both wake from the same states.
pub(super) fn compare(turns: usize) -> anyhow::Result<()> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let core = if cores > CORE { CORE } else { 0 };
    let throttle = Throttle::lift()?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for turn in 0..turns {
        // who goes first changes, so that a drift of the machine hits both alike
        if turn % 2 == 0 {
            ours.push(ours_once(core)?);
            theirs.push(cyclictest_once(core)?);
        } else {
            theirs.push(cyclictest_once(core)?);
            ours.push(ours_once(core)?);
        }
    }
    drop(throttle);
    println!(
        "timer wake-ups on core {core}, SCHED_FIFO {PRIORITY}, {CYCLES} every {INTERVAL} µs (cyclictest --nsecs --default-system)"
    );
    for (at, (name, gate)) in [("p50", Gate::Between(0.9, 1.1)), ("p99", Gate::None), ("max", Gate::None)].into_iter().enumerate()
    {
        let of = |rows: &[Figures]| median(rows.iter().map(|row| row[at]).collect());
        print_ratio(name, "µs", of(&ours), of(&theirs), gate);
    }
    Ok(())
}

fn ours_once(core: usize) -> anyhow::Result<Figures> {
    let (core, priority, cycles) = (core.to_string(), PRIORITY.to_string(), CYCLES.to_string());
    let interval = format!("{INTERVAL}us");
    let mut command = Command::new(tailbed());
    command.args(["noise", "--tests", "timer", "--cpus", &core, "--priority", &priority, "--interval", &interval]);
    let output = run(command.args(["--cycles", &cycles, "--json"]))?;
    let all: Value = serde_json::from_slice(&output.stdout).context("the results cannot be read")?;
    let core = &all["records"][0]["cores"][0];
    let values = core["values"].as_array().context("the record has no values")?;
    let entry = |entry: &Value| Some((entry[0].as_u64()?, entry[1].as_u64()?));
    let values: Vec<(u64, u64)> = values.iter().filter_map(entry).collect();
    let most = values.last().context("the record is empty")?.0;
    figures(&values, most)
}

fn cyclictest_once(core: usize) -> anyhow::Result<Figures> {
    let (core, priority, interval, cycles) = (core.to_string(), PRIORITY.to_string(), INTERVAL.to_string(), CYCLES.to_string());
    let longest = LONGEST.to_string();
    let mut command = Command::new("cyclictest");
    command.args(["--quiet", "--mlockall", "--nsecs", "--default-system", "--threads=1", "--affinity", &core]);
    let output =
        run(command.args(["--priority", &priority, "--interval", &interval, "--loops", &cycles, "--histogram", &longest]))?;
    let text = String::from_utf8_lossy(&output.stdout);
    // lines of `lateness count`; what is longer than any bucket is in the maximum alone
    let bucket = |line: &str| {
        let mut words = line.split_whitespace().map(str::parse);
        match (words.next(), words.next()) {
            (Some(Ok(late)), Some(Ok(times))) if times > 0 => Some((late, times)),
            _ => None,
        }
    };
    let buckets: Vec<(u64, u64)> = text.lines().filter(|line| !line.starts_with('#')).filter_map(bucket).collect();
    let most = text.lines().find_map(|line| line.strip_prefix("# Max Latencies:"));
    let most =
        most.and_then(|text| text.trim().parse().ok()).with_context(|| format!("cyclictest printed no maximum:\n{text}"))?;
    figures(&buckets, most)
}

/// The figures of values with how often each came, all in ns; those that no bucket held count as the greatest.
fn figures(values: &[(u64, u64)], most: u64) -> anyhow::Result<Figures> {
    let at = |permille: u64| {
        let rank = (CYCLES * permille).div_ceil(1000);
        let mut seen = 0;
        let found = values.iter().find(|(_, times)| {
            seen += times;
            seen >= rank
        });
        found.map_or(most, |(value, _)| *value) as f64 / 1e3
    };
    anyhow::ensure!(!values.is_empty(), "no wake-up was recorded");
    Ok([at(500), at(990), most as f64 / 1e3])
}
