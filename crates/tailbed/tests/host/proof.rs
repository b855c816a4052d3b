//! What the host did on the packet cores: a deliberate intruder is named, counters are those of the kernel, and watching can be switched off.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::Value;

use crate::interrupted::wait_for;
use crate::support::{Lab, allowed_cpus, engine, lab, results, traces};

/// The core that a node by itself is given; `None` where it shares the only one.
fn core_of_the_device() -> Option<usize> {
    let all = allowed_cpus();
    (all.len() > 1).then(|| all[2.min(all.len() - 1)])
}

/// A program that runs for a millisecond or so, sleeps, and runs again, on a core and before packet loops. Ended with all it starts.
struct Intruder(Child);

impl Intruder {
    fn on(cpu: usize, lab: &Lab) -> Self {
        let script = lab.path("intruder");
        fs::write(&script, "#!/bin/sh\nwhile :; do i=0; while [ $i -lt 3000 ]; do i=$((i+1)); done; sleep 0.05; done\n").unwrap();
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
        let mut command = Command::new("taskset");
        command.args(["-c", &cpu.to_string(), "chrt", "-f", "60"]).arg(&script);
        Self(command.stdin(Stdio::null()).process_group(0).spawn().unwrap())
    }

    fn tid(&self) -> u64 {
        u64::from(self.0.id())
    }
}

impl Drop for Intruder {
    fn drop(&mut self) {
        // it leads a group of its own
        if let Some(group) = Pid::from_raw(i32::try_from(self.0.id()).unwrap()) {
            kill_process_group(group, Signal::KILL).unwrap();
        }
        self.0.wait().unwrap();
    }
}

/// The proof of the device's core in the measurement's run, which comes after the floor's.
fn device(summary: &Value) -> &Value {
    let cores = summary["runs"][1]["proof"]["cores"].as_array().unwrap();
    cores.iter().find(|core| core["nodes"] == serde_json::json!(["dut"])).unwrap()
}

fn culprit<'a>(core: &'a Value, intruder: &Intruder) -> &'a Value {
    let culprits = core["culprits"].as_array().unwrap();
    let is = |culprit: &&Value| culprit["what"]["task"]["tid"] == intruder.tid();
    culprits.iter().find(is).unwrap_or_else(|| panic!("the intruder is not among {culprits:#?}"))
}

#[test]
fn a_task_that_does_not_belong_on_the_devices_core_is_named() {
    let (Some(lab), true, Some(cpu)) = (lab(), engine("chrt"), core_of_the_device()) else { return };
    let before = traces();
    lab.experiment("host", "1s", "[proof]\nrate = 0");
    let intruder = Intruder::on(cpu, &lab);
    let output = lab.reported(&["run", "experiment.toml", "--out", "results"]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && said.contains(" not quiet: "), "{said}{}", String::from_utf8_lossy(&output.stderr));
    let folder = fs::read_dir(lab.path("results")).unwrap().next().unwrap().unwrap().path();
    let summary: Value = serde_json::from_str(&fs::read_to_string(folder.join("summary.json")).unwrap()).unwrap();
    let core = device(&summary);
    assert_eq!(core["cpu"], cpu, "{core}");
    let found = culprit(core, &intruder);
    assert_eq!(found["what"]["task"]["name"], "intruder");
    assert!(found["times"].as_u64().unwrap() > 1 && found["took"].as_u64().unwrap() > 0, "{found}");
    // the device's own loop belongs there, and had to make way
    assert!(core["preemptions"].as_u64().unwrap() > 0, "{core}");
    let own = |task: &&Value| task["node"] == "dut" && task["expected"] == true && task["name"] == "packets";
    assert!(core["tasks"].as_array().unwrap().iter().any(|task| own(&task)), "{core}");
    let cores = summary["runs"][1]["proof"]["cores"].as_array().unwrap();
    let generator = cores.iter().find(|core| core["nodes"][0] == "generator").unwrap();
    let stranger = |task: &Value| task["name"] == "packets" && task["expected"] == false;
    assert!(!generator["tasks"].as_array().unwrap().iter().any(stranger), "{generator}");
    let loops = summary["runs"][1]["proof"]["loops"].as_array().unwrap();
    let device_loop = loops.iter().find(|one| one["node"] == "dut").unwrap();
    assert!(device_loop["involuntary"].as_u64().unwrap() > 0, "{loops:?}");

    let runs = summary["runs"].as_array().unwrap();
    let turns = fs::read_to_string(folder.join("runs").join(runs[1]["run"].as_str().unwrap()).join("foreign-tasks.csv")).unwrap();
    assert!(turns.lines().filter(|line| line.contains(",intruder,")).count() > 1, "{turns}");
    let report = fs::read_to_string(folder.join("report.html")).unwrap();
    assert!(report.contains("What the host did") && report.contains("intruder ("), "the report names nobody");
    let drawn = fs::read_to_string(folder.join("plots/host.svg")).unwrap();
    assert!(drawn.contains(&format!("core {cpu}: intruder, ")), "{drawn}");
    drop(intruder);
    assert_eq!(traces(), before);
}

#[test]
fn without_the_kernels_record_all_tasks_are_looked_at_before_and_after() {
    let (Some(lab), true, Some(cpu)) = (lab(), engine("chrt"), core_of_the_device()) else { return };
    lab.experiment("host", "1s", "[proof]\nrate = 0\nswitches = false");
    let intruder = Intruder::on(cpu, &lab);
    let all = results(&lab.run(&["run", "experiment.toml", "--json"]));
    assert_eq!(all["summary"]["runs"][1]["proof"]["tasks"], serde_json::json!({ "scan": { "reason": null } }));
    let core = device(&all["summary"]);
    let found = culprit(core, &intruder);
    assert!(found["took"].as_u64().unwrap() > 0 && found["times"].is_null(), "{found}");
}

/// Interrupts of each core since the host was started, lines of the whole host left out.
fn interrupts() -> BTreeMap<usize, u64> {
    let text = fs::read_to_string("/proc/interrupts").unwrap();
    let mut lines = text.lines();
    let cpus: Vec<usize> = lines.next().unwrap().split_whitespace().map(|cpu| cpu[3..].parse().unwrap()).collect();
    let mut sums = BTreeMap::new();
    for line in lines.filter(|line| !line.starts_with("ERR") && !line.starts_with("MIS")) {
        for (cpu, count) in cpus.iter().zip(line.split_whitespace().skip(1)) {
            *sums.entry(*cpu).or_default() += count.parse::<u64>().unwrap();
        }
    }
    sums
}

#[test]
fn interrupts_are_no_more_than_the_kernel_counts_and_parts_add_up() {
    let Some(lab) = lab() else { return };
    lab.experiment("host", "500ms", "[proof]\nrate = 20");
    let before = interrupts();
    let output = lab.run(&["run", "experiment.toml", "--json"]);
    let after = interrupts();
    let all = results(&output);
    let folder = Path::new(all["results"].as_str().unwrap());
    for run in all["summary"]["runs"].as_array().unwrap() {
        let proof = &run["proof"];
        assert!(proof["readings"].as_u64().unwrap() > 0, "{proof}");
        let table =
            fs::read_to_string(lab.path("").join(folder).join("runs").join(run["run"].as_str().unwrap()).join("interrupts.csv"))
                .unwrap();
        for core in proof["cores"].as_array().unwrap() {
            let cpu = core["cpu"].as_u64().unwrap();
            let seen: u64 = core["interrupts"].as_array().unwrap().iter().map(|one| one["count"].as_u64().unwrap()).sum();
            let kernel = after[&usize::try_from(cpu).unwrap()] - before[&usize::try_from(cpu).unwrap()];
            assert!(seen > 0 && seen <= kernel, "core {cpu}: {seen} of {kernel}");
            let rows = table.lines().filter(|row| row.split(',').nth(2) == Some(&cpu.to_string()) && row.contains(",hard,"));
            let parts: u64 = rows.map(|row| row.rsplit(',').next().unwrap().parse::<u64>().unwrap()).sum();
            assert_eq!(parts, seen, "core {cpu}: {table}");
        }
    }
}

/// Names of a process's threads.
fn threads(pid: u32) -> Vec<String> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    tasks.filter_map(|task| fs::read_to_string(task.path().join("comm")).ok()).map(|name| name.trim().to_owned()).collect()
}

#[test]
fn a_thread_reads_the_counters_only_when_it_is_asked_for() {
    let Some(lab) = lab() else { return };
    lab.experiment("host", "1s", "");
    for (rate, reads) in [("0", false), ("50", true)] {
        let rate = format!("proof.rate={rate}");
        let mut command = lab.tailbed();
        command.args(["run", "experiment.toml", "--json", "--set", &rate]).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.spawn().unwrap();
        let (pid, mut seen) = (child.id(), false);
        if reads {
            seen = wait_for(|| threads(pid).contains(&"tailbed-proof".to_owned()).then_some(true));
        }
        let waiting = std::thread::spawn(move || child.wait_with_output().unwrap());
        while !waiting.is_finished() {
            seen |= threads(pid).contains(&"tailbed-proof".to_owned());
        }
        let all = results(&waiting.join().unwrap());
        let readings = all["summary"]["runs"][1]["proof"]["readings"].as_u64().unwrap();
        assert_eq!((seen, readings > 0), (reads, reads), "{rate}: {readings} readings");
    }
}
