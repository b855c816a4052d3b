//! What a container sees and gets of the hardware: cores, PCI devices, device nodes, huge pages, memory nodes.

mod dpdk;
mod engines;
mod guest;
mod refused;

use std::fs;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tailbed_traffic::bpf::{Device, allow_devices};

use crate::interrupted::{signal, wait_for, wait_until_as};
use crate::support::{Lab, engine, lab, results, system, traces};

/// The programs of the host, without an image.
const PROGRAMS: &str = r#"volumes = ["/usr:/usr:ro", "/usr/bin:/bin:ro", "/usr/lib:/lib:ro", "/usr/lib64:/lib64:ro"]"#;

/// Huge pages of 2 MiB that this host has set aside.
const POOL: &str = "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages";

fn pool() -> u64 {
    fs::read_to_string(POOL).unwrap().trim().parse().unwrap()
}

/// How many of them somebody has.
fn taken() -> u64 {
    let free = fs::read_to_string(Path::new(POOL).with_file_name("free_hugepages")).unwrap();
    pool() - free.trim().parse::<u64>().unwrap()
}

/// Writes an experiment whose container has these settings, and runs this script of the shell before a tenth of a second of traffic.
fn experiment(lab: &Lab, settings: &str, script: &str) {
    experiment_of(lab, "container", &format!("{PROGRAMS}\n{settings}"), script);
}

/// The same of any kind of environment, with nothing else in it.
fn experiment_of(lab: &Lab, kind: &str, settings: &str, script: &str) {
    let script = format!("#!/bin/sh\nexport PATH=/usr/sbin:/usr/bin:/usr/local/bin\n{script}\n");
    let node = format!("[environments.box.{kind}]\n{settings}\n");
    let path = lab.experiment("box", "100ms", &node);
    let text = fs::read_to_string(&path).unwrap();
    let text = text.replace("environment = \"box\"", &format!("environment = \"box\"\nsetup = '''{script}'''"));
    fs::write(path, text).unwrap();
}

/// What the script has printed.
fn printed(lab: &Lab, output: &Output) -> String {
    let results = results(output);
    let run = results["summary"]["runs"].as_array().unwrap().iter().find(|run| run["kind"] == "measurement");
    let run = run.or(results["summary"]["runs"].as_array().unwrap().last()).unwrap();
    let folder = lab.path(results["results"].as_str().unwrap()).join("runs").join(run["run"].as_str().unwrap());
    fs::read_to_string(folder.join("programs/dut-setup.log")).unwrap()
}

/// What stands behind `name:` in what the script has printed.
fn line<'a>(printed: &'a str, name: &str) -> &'a str {
    let found = printed.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    found.unwrap_or_else(|| panic!("{name}: {printed}")).trim()
}

const LOOK: &str = r"
cd /sys/devices/system/cpu
echo cores: $(ls -d cpu[0-9]*)
echo online: $(cat online)
echo possible: $(cat possible)
echo topology: $(cat cpu*/topology/core_id)
echo pci: $(ls /sys/bus/pci/devices)
echo nodes: $(ls -d /sys/devices/system/node/node*)
touch x 2>&1 | grep -o Read-only
";

#[test]
fn a_container_sees_its_own_cores_and_no_devices_unless_told_otherwise() {
    let Some(lab) = lab() else { return };
    let before = traces();
    experiment(&lab, "", LOOK);
    let output = lab.run(&["run", "experiment.toml", "--json"]);
    assert_eq!(traces(), before);
    let masked = printed(&lab, &output);
    let core = line(&masked, "online");
    assert!(core.parse::<usize>().is_ok(), "a core of its own: {masked}");
    assert_eq!(line(&masked, "cores"), format!("cpu{core}"));
    assert_eq!(line(&masked, "possible"), fs::read_to_string("/sys/devices/system/cpu/possible").unwrap().trim());
    assert!(!line(&masked, "topology").is_empty());
    assert_eq!(line(&masked, "pci"), "");
    assert_ne!(line(&masked, "nodes"), "");
    assert!(masked.contains("Read-only"), "{masked}");

    let output = lab.run(&["run", "experiment.toml", "--json", "--set", "environments.box.container.masks=false"]);
    let open = printed(&lab, &output);
    let names = |folder: &str, wanted: &str| {
        let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
        let of_kind = |name: &String| {
            name.strip_prefix(wanted).is_some_and(|rest| wanted.is_empty() || rest.bytes().all(|byte| byte.is_ascii_digit()))
        };
        let mut names: Vec<_> = entries.filter(of_kind).collect();
        names.sort();
        names.join(" ")
    };
    assert_eq!(line(&open, "cores"), names("/sys/devices/system/cpu", "cpu"));
    assert_eq!(line(&open, "pci"), names("/sys/bus/pci/devices", ""));
    assert_eq!(traces(), before);
}

#[test]
fn devices_that_are_not_passed_in_cannot_be_opened_even_by_nodes_of_ones_own() {
    let Some(lab) = lab() else { return };
    let before = traces();
    let script = "
        [ -c /dev/net/tun ] && : < /dev/net/tun && echo tun: open
        : > /dev/null && echo null: open
        mknod /dev/messages c 1 11 && echo made: yes
        (: < /dev/messages) 2>&1 | sed 's/.*: /messages: /'";
    experiment(&lab, "devices = [\"/dev/net/tun\"]\ncapabilities = [\"CAP_MKNOD\"]", script);
    let printed = printed(&lab, &lab.run(&["run", "experiment.toml", "--json"]));
    assert_eq!((line(&printed, "tun"), line(&printed, "null"), line(&printed, "made")), ("open", "open", "yes"), "{printed}");
    assert_eq!(line(&printed, "messages"), "Operation not permitted");
    assert_eq!(traces(), before);
}

/// The folder of version 2 of control groups, wherever it is mounted.
fn second_version() -> Option<PathBuf> {
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap();
    let line = mounts.lines().find(|line| line.split(' ').nth(2) == Some("cgroup2"))?;
    Some(line.split(' ').nth(1)?.into())
}

/// A group that goes with the test.
struct Group(PathBuf);

impl Drop for Group {
    fn drop(&mut self) {
        fs::remove_dir(&self.0).ok();
    }
}

/// What version 2 does by a program, as containers get it where only that is mounted.
#[test]
fn a_program_of_ours_decides_which_devices_a_group_of_version_2_may_open() {
    let Some(lab) = lab() else { return };
    let Some(mount) = second_version() else {
        println!("skipped: no control groups of version 2 are mounted");
        return;
    };
    let group = Group(mount.join(format!("tb-devices-{}", std::process::id())));
    fs::create_dir(&group.0).unwrap();
    let null = Device { block: false, major: 1, minor: Some(3) };
    allow_devices(fs::File::open(&group.0).unwrap().as_fd(), &[null]).unwrap();
    let procs = group.0.join("cgroup.procs");
    let opens = |device: &str| {
        let script = format!("echo $$ > {} && : < {device}", procs.display());
        let output = Command::new("sh").args(["-c", &script]).output().unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    assert!(opens("/dev/null").0);
    let (opened, said) = opens("/dev/zero");
    assert!(!opened && said.contains("Operation not permitted"), "{said}");
    wait_for(|| fs::read_to_string(&procs).unwrap().is_empty().then_some(()));
    drop(group);
    drop(lab);
}

/// Maps so many megabytes of huge pages without a file.
fn maps(megabytes: u64) -> String {
    format!(
        "python3 -c 'import mmap; m = mmap.mmap(-1, {megabytes} << 20, flags=0x40022); m[0] = 1; print(\"mapped: {megabytes}\")' 2>&1 \
         | tail -n 1"
    )
}

#[test]
fn no_more_huge_pages_are_to_be_had_than_the_limit_with_a_file_or_without() {
    let Some(lab) = lab() else { return };
    if !engine("python3") || !engine("fallocate") {
        return;
    }
    let (before, pages) = (traces(), pool());
    // more than the limit are there to be had, if it did not hold
    fs::write(POOL, format!("{}", pages + 8)).unwrap();
    let script = format!(
        "echo mount: $(grep /dev/hugepages /proc/self/mounts)
        fallocate -l 4M /dev/hugepages/x && echo file: 4
        rm /dev/hugepages/x
        fallocate -l 6M /dev/hugepages/y 2>&1 | sed 's/.*: /large: /'
        rm -f /dev/hugepages/y
        {}
        {}",
        maps(4),
        maps(6)
    );
    experiment(&lab, "hugepages = { \"2MiB\" = \"4MiB\" }\npreferred_node = 0", &script);
    let output = lab.run(&["run", "experiment.toml", "--json"]);
    let after = pool();
    fs::write(POOL, format!("{pages}")).unwrap();
    assert_eq!(after, pages + 8, "enough were free");
    let printed = printed(&lab, &output);
    let mount = line(&printed, "mount");
    assert!(mount.contains("hugetlbfs") && mount.contains("pagesize=2M") && mount.contains("size=4194304"), "{mount}");
    assert_eq!((line(&printed, "file"), line(&printed, "mapped")), ("4", "4"), "{printed}");
    assert_eq!(line(&printed, "large"), "No space left on device");
    assert!(printed.contains("Cannot allocate memory"), "of memory without a file: {printed}");
    assert_eq!((traces(), pool()), (before, pages));
}

#[test]
fn pages_are_set_aside_for_the_run_and_memory_comes_from_the_node_that_is_preferred() {
    let Some(lab) = lab() else { return };
    let (before, pages) = (traces(), pool());
    let script = "echo policy: $(grep -m 1 -o 'prefer[^ ]*' /proc/self/numa_maps)\ngrep HugePages_ /proc/meminfo | tr -d ' '";
    experiment(&lab, "hugepages = \"6MiB\"\npreferred_node = 0", script);
    let output = lab.run(&["run", "experiment.toml", "--json"]);
    let printed = printed(&lab, &output);
    let total: u64 = line(&printed, "HugePages_Total").parse().unwrap();
    let free: u64 = line(&printed, "HugePages_Free").parse().unwrap();
    assert!(total >= pages && free >= 3, "{printed}");
    assert!(
        line(&printed, "policy").starts_with("prefer:0") || line(&printed, "policy").starts_with("prefer=static:0"),
        "{printed}"
    );
    assert_eq!((traces(), pool()), (before, pages));
}

/// Both write the same file: what the knob keeps in reserve is there besides what the container takes.
#[test]
fn a_knob_and_a_container_write_the_pool_once_and_both_hold() {
    let Some(lab) = lab() else { return };
    if !engine("fallocate") {
        return;
    }
    let (before, pages, taken_before) = (traces(), pool(), taken());
    let script =
        "fallocate -l 4M /dev/hugepages/x && echo file: 4\ngrep HugePages_ /proc/meminfo | tr -d ' '\nrm /dev/hugepages/x";
    experiment(&lab, "hugepages = \"4MiB\"", script);
    let output = lab.run(&["run", "experiment.toml", "--json", "--set", "knobs.hugepages=3 x 2MiB"]);
    assert_eq!((traces(), pool()), (before, pages));
    if output.status.code() == Some(3) {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let reason = said.lines().find(|line| line.contains("the knob `hugepages` cannot be"));
        println!("skipped: {}", reason.unwrap_or_else(|| panic!("refused without a reason: {said}")));
        return;
    }
    let results = results(&output);
    // of pages that were there none is given away
    let wanted = (3.max(taken_before) + 2).max(pages);
    let knobs = results["summary"]["runs"].as_array().unwrap().last().unwrap()["knobs"]["knobs"].clone();
    let knob = knobs.as_array().unwrap().iter().find(|knob| knob["knob"] == "hugepages").unwrap();
    assert_eq!(knob["readings"][0]["read"], wanted.to_string(), "{knob}");
    let told = |remarks: &Vec<serde_json::Value>| remarks.iter().any(|remark| remark == "2 more of 2MiB are for dut");
    assert_eq!(knob["remarks"].as_array().is_some_and(told), wanted > pages, "{knob}");
    let printed = printed(&lab, &output);
    assert_eq!((line(&printed, "file"), line(&printed, "HugePages_Total")), ("4", wanted.to_string().as_str()), "{printed}");
}

#[test]
fn a_run_that_is_killed_gives_its_huge_pages_back() {
    let Some(lab) = lab() else { return };
    let (before, pages, second) = (traces(), pool(), second_version().map(|mount| mount.join("cgroup.subtree_control")));
    let taken_before = taken();
    let control = || second.as_ref().map(|file| fs::read_to_string(file).unwrap());
    let control_before = control();
    experiment(&lab, "hugepages = \"8MiB\"", "fallocate -l 8M /dev/hugepages/x; sleep 60");
    let mut child = lab.tailbed().args(["run", "experiment.toml"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    // set aside, and taken
    wait_for(|| (taken() >= taken_before + 4).then_some(()));
    signal(&child, rustix::process::Signal::KILL);
    child.wait().unwrap();
    let cleaned = lab.run(&["clean"]);
    assert!(cleaned.status.success(), "{}", String::from_utf8_lossy(&cleaned.stderr));
    assert_eq!((pool(), control()), (pages, control_before));
    wait_until_as(&before);
}

/// A value of a run's summary.
fn count(results: &Value, environment: &str, name: &str) -> u64 {
    let runs = results["summary"]["runs"].as_array().unwrap();
    let run = runs.iter().find(|run| run["run"].as_str().unwrap().contains(environment)).unwrap();
    run["counts"][name].as_u64().unwrap()
}
