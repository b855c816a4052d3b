//! Noise tests on the host, in a container and in a virtual machine: whole records, and what was done to a core is seen.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::container::children;
use crate::docker::Engine;
use crate::interrupted::wait_for;
use crate::support::{Lab, engine, lab, results, traces};
use crate::unprivileged::as_nobody;
use crate::vm::machines;

/// How long a test's process is stopped.
const STALL: Duration = Duration::from_millis(500);

/// Short tests, with further lines.
fn experiment(lab: &Lab, node: &str, more: &str) {
    let text = format!(
        "name = \"noise\"\nrepeats = 1\n\n[nodes.dut.{node}\n\n\
         [noise]\ncpus = [0]\nduration = \"100ms\"\nthreshold = \"1us\"\ninterval = \"1ms\"\ncycles = 100\n{more}\n"
    );
    fs::write(lab.path("noise.toml"), text).unwrap();
}

/// The only run of the experiment, and its folder.
fn made(lab: &Lab, output: &std::process::Output) -> (Value, PathBuf) {
    let all = results(output);
    let campaign = Path::new(all["results"].as_str().unwrap()).to_owned();
    assert!(fs::read_to_string(lab.path(campaign.join("report.html").to_str().unwrap())).unwrap().contains("id=\"timer\""));
    assert!(lab.path(campaign.join("plots/gaps-over-time.csv").to_str().unwrap()).exists());
    let run = all["summary"]["runs"][0].clone();
    let folder = campaign.join("runs").join(run["run"].as_str().unwrap());
    (run, lab.path(folder.to_str().unwrap()))
}

/// Every cycle and every gap of each of so many cores is in the record, and the summary says the same.
fn is_whole(run: &Value, records: &Value, cores: usize) {
    assert_eq!(run["invalid"], Value::Array(Vec::new()), "{run}");
    let tests = records.as_array().unwrap();
    assert_eq!(tests.len(), 2, "{records}");
    for (record, found) in tests.iter().zip(run["tests"].as_array().unwrap()) {
        let all = record["cores"].as_array().unwrap();
        assert_eq!((all.len(), found["cores"].as_array().unwrap().len()), (cores, cores));
        for (core, summary) in all.iter().zip(found["cores"].as_array().unwrap()) {
            let values = core["values"].as_array().unwrap();
            let count: u64 = values.iter().map(|entry| entry[1].as_u64().unwrap()).sum();
            assert_eq!(summary["distribution"]["count"], count);
            assert_eq!(summary["cpu"], core["cpu"]);
            assert_eq!(core["unlisted"], 0);
            if record["test"]["timer"].is_object() {
                assert_eq!((count, core["turns"].as_u64()), (100, Some(100)));
            } else {
                assert!(core["span"].as_u64().unwrap() >= 99_000_000 && core["turns"].as_u64().unwrap() > 0, "{core}");
                assert_eq!(core["worst"].as_array().unwrap().len() as u64, count.min(1_000));
            }
        }
    }
}

fn records(folder: &Path) -> Value {
    serde_json::from_slice(&fs::read(folder.join("noise.json")).unwrap()).unwrap()
}

#[test]
fn the_host_and_a_container_give_whole_records_and_nothing_is_left() {
    let Some(lab) = lab() else { return };
    let before = traces();
    for node in ["host]", "container]"] {
        experiment(&lab, node, "");
        let (run, folder) = made(&lab, &lab.reported(&["run", "noise.toml", "--json"]));
        is_whole(&run, &records(&folder), 1);
        assert_eq!((&run["load"], &run["tests"][0]["cores"][0]["cpu"]), (&Value::Null, &Value::from(0)));
        assert_eq!(run["downgrades"], Value::Array(Vec::new()), "{run}");
    }
    assert_eq!(traces(), before);
}

#[test]
fn a_system_container_gives_whole_records() {
    let Some(lab) = lab().filter(|_| engine("lxc-start")) else { return };
    let before = traces();
    experiment(&lab, "lxc]", "");
    let (run, folder) = made(&lab, &lab.reported(&["run", "noise.toml", "--json"]));
    is_whole(&run, &records(&folder), 1);
    assert_eq!(traces(), before);
}

#[test]
fn a_container_of_dockers_gives_whole_records() {
    let Some(engine) = Engine::start() else { return };
    let before = traces();
    experiment(&engine.lab, "docker]", "");
    let output = engine.tailbed().args(["run", "noise.toml", "--json"]).output().unwrap();
    let (run, folder) = made(&engine.lab, &output);
    is_whole(&run, &records(&folder), 1);
    assert_eq!(traces(), before);
}

#[test]
fn each_virtual_cpu_of_a_machine_gives_a_whole_record() {
    let Some(lab) = machines() else { return };
    let before = traces();
    experiment(&lab, "vm]\naccel = \"tcg\"\nvcpus = 2", "");
    let (run, folder) = made(&lab, &lab.reported(&["run", "noise.toml", "--json"]));
    is_whole(&run, &records(&folder), 2);
    assert!(run["parameters"].to_string().contains("vm (TCG)"), "{run}");
    assert_eq!(traces(), before);
}

#[test]
fn a_neighbour_is_named_in_the_record_with_what_it_did() {
    let Some(lab) = lab() else { return };
    let before = traces();
    experiment(&lab, "host]", "load = \"same\"\nload_work = [\"calls\", \"memory\"]");
    let (run, folder) = made(&lab, &lab.reported(&["run", "noise.toml", "--json"]));
    is_whole(&run, &records(&folder), 1);
    let threads = run["load"]["threads"].as_array().unwrap();
    let work: Vec<_> = threads.iter().map(|thread| (thread["cpu"].as_u64(), thread["work"].as_str().unwrap())).collect();
    assert_eq!(work, [(Some(0), "memory"), (Some(0), "calls")]);
    assert!(threads.iter().all(|thread| thread["turns"].as_u64().unwrap() > 0), "{threads:?}");
    assert_eq!(traces(), before);
}

/// Starts a long test of gaps, waits until the loop on core 0 has used a fifth of a second of it, and gives its process.
fn under_way(lab: &Lab) -> (Child, Pid) {
    experiment(lab, "host]", "tests = [\"gaps\"]");
    let child = lab
        .tailbed()
        .args(["run", "noise.toml", "--json", "--set", "noise.duration=5s"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let agent = wait_for(|| {
        children(&child.id().to_string()).into_iter().find(|pid| ticks_of_the_loop(pid).is_some_and(|ticks| ticks >= 20))
    });
    let process = Pid::from_raw(agent.parse().unwrap()).unwrap();
    (child, process)
}

/// The processor time that a process's thread for core 0 has used in user mode, hundredths of a second (the fourteenth field of
/// proc_pid_stat(5)).
fn ticks_of_the_loop(pid: &str) -> Option<u64> {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).ok()?.flatten();
    let stats = threads.filter_map(|thread| fs::read_to_string(thread.path().join("stat")).ok());
    let own = stats.into_iter().find(|stat| stat.contains("(core-0)"))?;
    own.rsplit_once(')')?.1.split_whitespace().nth(11)?.parse().ok()
}

#[test]
fn a_test_that_was_stopped_for_a_while_has_seen_a_gap_as_long() {
    let Some(lab) = lab() else { return };
    let before = traces();
    let (child, process) = under_way(&lab);
    kill_process(process, Signal::STOP).unwrap();
    wait_for(|| is_stopped(process).then_some(()));
    sleep(STALL);
    kill_process(process, Signal::CONT).unwrap();
    let all = results(&child.wait_with_output().unwrap());
    let run = &all["summary"]["runs"][0];
    let longest = run["tests"][0]["cores"][0]["distribution"]["maximum"].as_u64().unwrap();
    assert!(Duration::from_nanos(longest) >= STALL, "{run}");
    assert_eq!(run["invalid"], Value::Array(Vec::new()), "a core that is taken away is what is measured");
    assert_eq!(traces(), before);
}

/// Whether all threads of a process stand still by a signal (`T` in proc_pid_stat(5)).
fn is_stopped(process: Pid) -> bool {
    let threads = fs::read_dir(format!("/proc/{}/task", process.as_raw_pid())).into_iter().flatten().flatten();
    let mut states = threads.filter_map(|thread| {
        let stat = fs::read_to_string(thread.path().join("stat")).ok()?;
        stat.rsplit_once(')')?.1.split_whitespace().next().map(str::to_owned)
    });
    states.all(|state| state == "T")
}

#[test]
fn a_test_whose_agent_is_killed_does_not_count_and_everything_is_taken_back() {
    let Some(lab) = lab() else { return };
    let before = traces();
    let (child, process) = under_way(&lab);
    kill_process(process, Signal::KILL).unwrap();
    let all = results(&child.wait_with_output().unwrap());
    let run = &all["summary"]["runs"][0];
    assert!(run["invalid"][0].as_str().unwrap().contains("the agent of dut is gone"), "{run}");
    assert_eq!(all["summary"]["answer"], "Nothing can be said: no run counts.");
    assert_eq!(traces(), before);
}

#[test]
fn the_subcommand_tests_the_host_with_and_without_root() {
    let Some(lab) = lab() else { return };
    let before = traces();
    let asked = ["noise", "--cpus", "0", "--duration", "100ms", "--interval", "1ms", "--cycles", "100"];
    let whole = |output: &std::process::Output| {
        let all = results(output);
        is_whole(&all["run"], &all["records"], 1);
        all["run"]["downgrades"].to_string() + &String::from_utf8_lossy(&output.stderr)
    };
    let json = [&asked[..], &["--json", "--load"]].concat();
    // first, for the state folder is theirs who make it
    let said = whole(&as_nobody(&lab, &json));
    assert!(said.contains("no real-time priority") && !said.contains("user namespace"), "{said}");
    whole(&lab.run(&json));
    let table = lab.run(&asked);
    let text = String::from_utf8_lossy(&table.stdout).into_owned();
    assert!(table.status.success() && text.contains("Gaps of 1µs and more") && text.contains("Wake-ups every 1ms"), "{text}");
    let wrong = lab.run(&["noise", "--cpus", "4000"]);
    assert_eq!(wrong.status.code(), Some(3), "{}", String::from_utf8_lossy(&wrong.stderr));
    assert_eq!(lab.run(&["noise", "--cpus", "one"]).status.code(), Some(2));
    assert_eq!(traces(), before);
}

#[test]
fn a_check_that_measures_adds_what_it_measured() {
    let Some(lab) = lab() else { return };
    let before = traces();
    let output = lab.run(&["check", "--measure", "--json"]);
    let advice = results(&output);
    let findings = advice["findings"].as_array().unwrap();
    let of = |topic: &str| findings.iter().filter(|finding| finding["topic"] == topic).count();
    assert!(of("measured gaps") >= 1 && of("measured gaps") == of("measured wake-ups"), "{advice}");
    assert_eq!(traces(), before);
}
