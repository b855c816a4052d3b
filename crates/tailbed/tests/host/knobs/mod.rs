//! Knobs on the kernel this runs on: each set, verified and put back; killed in the middle; refused and ignored.

mod fair_server;
mod others;
mod version_2;

use std::fs;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use rand::{RngExt, SeedableRng};
use serde_json::Value;
use tailbed_plan::check::cpus::parse_list;

use crate::interrupted::{wait_for, wait_until_as};
use crate::support::{Lab, engine, lab, results, settings, traces};

/// Every knob, with a value that differs from what kernels come up with.
const VALUES: &[(&str, &str)] = &[
    ("nohz_full", "true"),
    ("smt", "\"offline\""),
    ("replug", "true"),
    ("rt_throttling", "-1"),
    ("fair_server", "1000000"),
    ("ksoftirqd", "60"),
    ("memory_lock", "true"),
    ("energy_preference", "\"performance\""),
    ("governor", "\"performance\""),
    ("idle_latency", "3"),
    ("idle_states", "1"),
    ("thp", "\"always\""),
    ("thp_defrag", "\"defer\""),
    ("ksm", "2"),
    ("numa_balancing", "1"),
    ("swappiness", "7"),
    ("compaction", "3"),
    ("stat_interval", "77"),
    ("hugepages", "\"2 x 2MiB\""),
    ("nmi_watchdog", "0"),
    ("soft_watchdog", "0"),
    ("watchdog_cpus", "true"),
    ("timer_migration", "0"),
    ("workqueues", "true"),
    ("rcu", "true"),
    ("default_irqs", "true"),
    ("irqs", "true"),
    ("busy_poll", "11"),
    ("coalescing", "9"),
    ("queues", "2"),
    ("offloads", "\"off\""),
    ("conntrack", "true"),
    ("cpuset", "\"isolated\""),
    ("housekeeping", "true"),
];

/// Runs the experiment with one knob set by name.
fn run_with(lab: &Lab, knob: &str, value: &str) -> Output {
    lab.run(&["run", "experiment.toml", "--json", "--set", &format!("knobs.{knob}={value}")])
}

/// The record of a knob in the last run.
fn record<'a>(results: &'a Value, knob: &str) -> &'a Value {
    let runs = results["summary"]["runs"].as_array().unwrap();
    let knobs = runs.last().unwrap()["knobs"]["knobs"].as_array().unwrap();
    knobs.iter().find(|record| record["knob"] == knob).unwrap_or_else(|| panic!("{knob} is not in the results"))
}

#[test]
fn every_knob_is_set_and_verified_and_put_back_or_skipped_with_the_kernels_reason() {
    let Some(lab) = lab() else { return };
    let listed: Value = serde_json::from_slice(&lab.run(&["knobs", "--json"]).stdout).unwrap();
    let names: Vec<&str> = listed.as_array().unwrap().iter().map(|knob| knob["name"].as_str().unwrap()).collect();
    assert_eq!(names, VALUES.iter().map(|(name, _)| *name).collect::<Vec<_>>(), "every knob has a value here");
    lab.experiment("host", "50ms", "");
    let before = traces();
    // all at once, but for those that are refused: each refusal names one, and leaves the host as it was
    let mut wanted = VALUES.to_vec();
    let results = loop {
        let keys: Vec<String> = wanted.iter().map(|(knob, value)| format!("knobs.{knob}={value}")).collect();
        let arguments =
            ["run", "experiment.toml", "--json"].into_iter().chain(keys.iter().flat_map(|key| ["--set", key.as_str()]));
        let output = lab.run(&arguments.collect::<Vec<_>>());
        assert_eq!(traces(), before, "{wanted:?} are put back");
        if output.status.code() != Some(3) {
            break results(&output);
        }
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let reason = said.lines().find(|line| line.contains("cannot be") || line.contains("does not hold"));
        println!("skipped: {}", reason.unwrap_or_else(|| panic!("a knob is refused without a reason: {said}")));
        let refused = reason.and_then(|reason| reason.split('`').find(|word| wanted.iter().any(|(knob, _)| knob == word)));
        let refused = refused.unwrap_or_else(|| panic!("which knob is refused is not said: {said}"));
        wanted.retain(|(knob, _)| *knob != refused);
    };
    let mut set = 0;
    for (knob, value) in wanted {
        let record = record(&results, knob);
        assert_eq!(record["wanted"], value.trim_matches('"'), "{record}");
        let readings = record["readings"].as_array().map_or(&[][..], Vec::as_slice);
        assert!(record.get("left").is_none(), "{record}");
        set += usize::from(!readings.is_empty());
        println!("{knob}: {} readings, remarks {}", readings.len(), record["remarks"]);
    }
    assert!(set >= 15, "only {set} knobs could be set");
}

#[test]
fn killed_at_different_moments_clean_puts_every_knob_back() {
    let Some(lab) = lab() else { return };
    lab.experiment("container", "300ms", "profile = \"realtime\"");
    let text = fs::read_to_string(lab.path("experiment.toml")).unwrap();
    // a key of the file itself stands before its tables
    let text = text.replace("\nprofile = \"realtime\"\n", "").replacen("attempts = 1", "attempts = 1\nprofile = \"realtime\"", 1);
    fs::write(lab.path("experiment.toml"), text).unwrap();
    let before = traces();
    let run = || lab.tailbed().args(["run", "experiment.toml"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let clean = |when: &str| {
        let cleaned = lab.run(&["clean"]);
        assert!(cleaned.status.success(), "{when}: {}", String::from_utf8_lossy(&cleaned.stderr));
        wait_until_as(&before);
        assert_eq!(fs::read_dir(lab.path("state")).map_or(0, Iterator::count), 0, "{when}");
    };
    let mut changed = 0;
    for moment in ["cpu1/online", "transparent_hugepage/enabled", "workqueue/cpumask", "rcu", "smp_affinity_list", "start_agent"]
    {
        let mut child = run();
        wait_for(|| (lab.journal_says(moment) || child.try_wait().unwrap().is_some()).then_some(()));
        child.kill().unwrap();
        child.wait().unwrap();
        changed += usize::from(settings() != before.settings());
        clean(moment);
    }
    let mut moments = rand_chacha::ChaCha8Rng::seed_from_u64(5);
    for _ in 0..10 {
        let mut child = run();
        let moment = Duration::from_millis(moments.random_range(20..500));
        std::thread::sleep(moment);
        child.kill().unwrap();
        child.wait().unwrap();
        changed += usize::from(settings() != before.settings());
        clean(&format!("{moment:?}"));
    }
    assert!(changed >= 5, "only {changed} of 16 kills hit a changed host");
}

/// Runs the experiment in a mount namespace of its own, where these commands are done first.
fn with_mounts(lab: &Lab, mounts: &str, arguments: &str) -> Output {
    let line = format!("{mounts} && exec {} run experiment.toml {arguments}", env!("CARGO_BIN_EXE_tailbed"));
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", &line]).env("TAILBED_STATE", lab.path("state")).current_dir(lab.folder.path());
    command.output().unwrap()
}

const SWAPPINESS: &str = "/proc/sys/vm/swappiness";

#[test]
fn a_knob_that_the_kernel_refuses_is_told_before_anything_is_touched() {
    let Some(lab) = lab() else { return };
    lab.experiment("host", "50ms", "");
    let before = traces();
    let mounts = format!("mount --bind {SWAPPINESS} {SWAPPINESS} && mount -o remount,ro,bind {SWAPPINESS}");
    for arguments in ["--set knobs.swappiness=7", "--set profile=isolated"] {
        let output = with_mounts(&lab, &mounts, arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{said}");
        let wanted = if arguments.contains("knobs") { "7" } else { "1" };
        let now = fs::read_to_string(SWAPPINESS).unwrap();
        for part in [SWAPPINESS, &format!("was given {wanted}"), "Read-only file system", &format!("it says {}", now.trim())] {
            assert!(said.contains(part), "{part}: {said}");
        }
        assert!(!lab.path("results").exists(), "no run was begun");
        assert_eq!(traces(), before);
    }
}

#[test]
fn a_knob_that_the_kernel_ignores_ends_the_campaign_and_everything_is_taken_back() {
    let Some(lab) = lab() else { return };
    lab.experiment("host", "50ms", "");
    let before = traces();
    // what is written there is taken, and something else is read
    let mounts = format!("mount --bind /dev/null {SWAPPINESS}");
    let output = with_mounts(&lab, &mounts, "--set profile=isolated --set attempts=3");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains(&format!("the knob `swappiness` does not hold: {SWAPPINESS} was given 1 and says nothing")), "{said}");
    assert!(!said.contains("repeated"), "{said}");
    assert_eq!(traces(), before);
    let campaign = fs::read_dir(lab.path("results")).unwrap().next().unwrap().unwrap().path();
    assert!(!campaign.join("summary.json").exists(), "nothing is called isolated");
}

#[test]
fn a_run_under_which_somebody_changes_a_knob_does_not_count_and_theirs_is_left() {
    let Some(lab) = lab() else { return };
    let found = fs::read_to_string(SWAPPINESS).unwrap();
    lab.experiment("host", "50ms", "[knobs]\nswappiness = 7");
    let change = format!("nodes.dut.host_setup=\"#!/bin/sh\\necho 9 > {SWAPPINESS}\\n\"");
    let output = lab.run(&["run", "experiment.toml", "--set", &change]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let now = fs::read_to_string(SWAPPINESS).unwrap();
    fs::write(SWAPPINESS, &found).unwrap();
    assert!(!output.status.success(), "{said}");
    assert!(said.contains(&format!("the knob `swappiness` has not held: {SWAPPINESS} was given 7 and says 9 by now")), "{said}");
    assert!(said.contains("neither 7 (ours) nor"), "{said}");
    assert_eq!(now.trim(), "9");
}

#[test]
fn a_profile_of_ones_own_is_read_from_its_file_and_the_report_shows_it() {
    let Some(lab) = lab() else { return };
    let before = traces();
    fs::write(lab.path("mine.toml"), "about = \"two\"\n[knobs]\nrt_throttling = true\nswappiness = 7\ngovernor = true\n")
        .unwrap();
    lab.experiment("host", "50ms", "");
    let output = lab.reported(&["run", "experiment.toml", "--json", "--set", "profile=mine.toml"]);
    let results = results(&output);
    assert_eq!(record(&results, "swappiness")["readings"][0]["read"], "7");
    let campaign = fs::read_dir(lab.path("results")).unwrap().next().unwrap().unwrap().path();
    let report = fs::read_to_string(campaign.join("report.html")).unwrap();
    assert!(report.contains("Profile mine.toml") && report.contains(SWAPPINESS), "the report shows the knobs");
    assert_eq!(traces(), before);
}

/// What a run in an environment says of its knobs is what the kernel says of the same files.
#[test]
fn a_lab_keeps_its_knobs_until_it_is_taken_down() {
    let Some(lab) = lab() else { return };
    let before = traces();
    lab.experiment("host", "50ms", "[knobs]\nswappiness = 7");
    let up = lab.run(&["up", "experiment.toml"]);
    let held = fs::read_to_string(SWAPPINESS).unwrap();
    let down = lab.run(&["down"]);
    assert!(up.status.success(), "{}", String::from_utf8_lossy(&up.stderr));
    assert!(down.status.success(), "{}", String::from_utf8_lossy(&down.stderr));
    assert_eq!(held.trim(), "7");
    wait_until_as(&before);
}

/// Cpusets of others that have the last core, kept off it until this goes: version 1 gives no group a core that another beside it has.
struct OthersKeptOff(Vec<(std::path::PathBuf, String)>);

impl OthersKeptOff {
    fn new() -> Self {
        let groups = fs::read_dir("/sys/fs/cgroup/cpuset").into_iter().flatten().flatten().filter(|entry| entry.path().is_dir());
        let files = groups.map(|group| group.path().join("cpuset.cpus"));
        let found: Vec<_> = files.map(|file| (file.clone(), fs::read_to_string(file).unwrap())).collect();
        for (file, _) in found.iter().filter(|(_, cpus)| !cpus.trim().is_empty()) {
            fs::write(file, "0").unwrap();
        }
        Self(found)
    }
}

impl Drop for OthersKeptOff {
    fn drop(&mut self) {
        for (file, cpus) in self.0.iter().filter(|(_, cpus)| !cpus.trim().is_empty()) {
            fs::write(file, cpus).unwrap();
        }
    }
}

#[test]
fn with_version_1_a_nodes_cores_are_its_own_and_load_is_not_balanced_over_them() {
    let Some(lab) = lab() else { return };
    let root = "/sys/fs/cgroup/cpuset/cpuset.sched_load_balance";
    if !std::path::Path::new(root).exists() {
        println!("skipped: control groups of version 1 have no cpusets here");
        return;
    }
    let others = OthersKeptOff::new();
    let before = traces();
    for environment in ["host", "container"] {
        lab.experiment(environment, "50ms", "");
        let results = results(&run_with(&lab, "cpuset", "\"isolated\""));
        let readings = record(&results, "cpuset")["readings"].as_array().unwrap().clone();
        let says = |file: &str| {
            readings.iter().find(|reading| reading["first"].as_str().unwrap().ends_with(file)).unwrap()["read"].clone()
        };
        assert_eq!(says("/dut/cpuset.cpu_exclusive"), "1", "{readings:?}");
        assert_eq!(says("cpuset/cpuset.sched_load_balance"), "0", "{readings:?}");
        assert_eq!(traces(), before, "{environment}");
    }
    // the group is there while there is traffic, with the agent in it, and goes when tailbed is killed
    lab.experiment("host", "20s", "[knobs]\ncpuset = \"isolated\"");
    let mut child = lab.tailbed().args(["run", "experiment.toml"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let (tasks, cpu) = wait_for(|| {
        let ours = traces().groups.into_iter().find(|group| group.starts_with("/sys/fs/cgroup/cpuset/tb-"))?;
        let tasks = fs::read_to_string(format!("{ours}/dut/cgroup.procs")).ok()?;
        let cpu = fs::read_to_string(format!("{ours}/dut/cpuset.cpus")).ok()?;
        (!tasks.is_empty()).then(|| (tasks, cpu.trim().parse::<usize>().unwrap()))
    });
    // tailbed was there to start it, and nothing but itself would take it off again; none of its threads may come back
    let line = format!("grep -h Cpus_allowed_list /proc/{}/task/*/status", child.id());
    wait_for(|| {
        let said = String::from_utf8(Command::new("sh").args(["-c", &line]).output().unwrap().stdout).unwrap();
        let stays_off = |list: &str| parse_list(list).is_some_and(|cpus| !cpus.contains(&cpu));
        said.lines().all(|line| line.split_whitespace().nth(1).is_some_and(stays_off)).then_some(())
    });
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(tasks.lines().count(), 1, "the agent and nobody else: {tasks}");
    assert!(lab.run(&["clean"]).status.success());
    wait_until_as(&before);
    drop(others);
}

#[test]
fn what_runs_in_a_system_container_is_kept_on_its_first_core() {
    let Some(lab) = engine("lxc-start").then(lab).flatten() else { return };
    let cores = std::thread::available_parallelism().unwrap().get();
    if cores < 2 {
        println!("skipped: needs two cores");
        return;
    }
    let before = traces();
    // a profile's knob, which another kind of control groups may not have outside
    fs::write(lab.path("inside.toml"), "[knobs]\nrt_throttling = true\nhousekeeping = true\n").unwrap();
    let init = "nodes.dut.setup=\"#!/bin/sh\\ngrep Cpus_allowed_list /proc/1/status > $TAILBED_RESULTS/init\\n\"";
    lab.experiment("lxc", "50ms", "");
    let run = |profile: &str| {
        let profile = format!("profile={profile}");
        let arguments = ["run", "experiment.toml", "--json", "--set", &profile, "--set", "nodes.dut.cpus=2", "--set", init];
        let results = results(&lab.run(&arguments));
        let folder = lab.path(results["results"].as_str().unwrap());
        let said = Command::new("grep").args(["-rh", "Cpus_allowed_list"]).arg(folder.join("runs")).output().unwrap();
        String::from_utf8(said.stdout).unwrap().split_whitespace().last().unwrap().to_owned()
    };
    let (anywhere, first) = (run("stock"), run("inside.toml"));
    assert_ne!(anywhere, first, "the container's first process runs on one of its cores only");
    assert!(first.parse::<usize>().is_ok(), "{first}");
    assert_eq!(traces(), before);
}
