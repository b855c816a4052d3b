//! A load generator that is held up makes its run invalid; it is never counted as slowness of what lies under test.

use std::fs;
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::container::children;
use crate::interrupted::wait_for;
use crate::support::{lab, results, traces};

/// Frames sent by an interface of a process's network namespace (the tenth column of proc_net_dev(5)).
fn sent(pid: &str, interface: &str) -> Option<u64> {
    let table = fs::read_to_string(format!("/proc/{pid}/net/dev")).ok()?;
    let row = table.lines().find_map(|line| line.trim().strip_prefix(interface)?.strip_prefix(':'))?;
    row.split_whitespace().nth(9)?.parse().ok()
}

/// A run of the instrument itself, whose generator is stopped for so long by a signal; `gap` is how long it may stand still.
fn stopped_for(stall: Duration, gap: &str) -> Option<Value> {
    let lab = lab()?;
    let before = traces();
    let path = lab.experiment("host", "3s", "");
    let text = fs::read_to_string(&path).unwrap().replace("gap = \"10s\"", &format!("gap = \"{gap}\""));
    fs::write(&path, text).unwrap();
    let child =
        lab.tailbed().args(["run", "experiment.toml", "--json"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // the first run is that of the instrument itself, which has no other process
    let generator =
        wait_for(|| children(&child.id().to_string()).into_iter().find(|pid| sent(pid, "tx").is_some_and(|frames| frames > 500)));
    let process = Pid::from_raw(generator.parse().unwrap()).unwrap();
    kill_process(process, Signal::STOP).unwrap();
    sleep(stall);
    kill_process(process, Signal::CONT).unwrap();
    let all = results(&child.wait_with_output().unwrap());
    assert_eq!(traces(), before);

    let floor = &all["summary"]["runs"][0];
    let invalid = floor["invalid"].as_array().unwrap();
    let longest = invalid.iter().find_map(|reason| reason["stalled"]["longest"]["length"].as_u64());
    assert!(longest.is_some_and(|length| Duration::from_nanos(length) >= stall * 9 / 10), "{invalid:?}");
    // and the schedule did not slip: all packets were sent
    assert_eq!(floor["counts"]["sent"], floor["counts"]["scheduled"], "{}", floor["counts"]);
    Some(floor.clone())
}

#[test]
fn a_generator_that_was_stopped_for_50_ms_makes_its_run_invalid() {
    // the usual limit; a shared machine may stand still for longer by itself, which is no less invalid
    stopped_for(Duration::from_millis(50), "10ms");
}

#[test]
fn a_generator_that_was_stopped_makes_its_run_invalid_not_slow() {
    // shared machines stand still by themselves for a tenth of that
    let stall = Duration::from_millis(500);
    let Some(floor) = stopped_for(stall, "300ms") else { return };
    // a sixth of the packets was due meanwhile, and waited; from when they were sent, at most the one in hand did
    let stall = u64::try_from(stall.as_nanos()).unwrap();
    let p90 = |what: &str| floor[what]["percentiles"][1]["estimate"]["value"]["value"].as_u64().unwrap();
    assert!(p90("latency_from_due") > stall / 10 && p90("latency") < stall / 10, "{floor}");
}
