//! The timestamper: every packet is in its files, others see the same, and nothing is left of a file that is not whole.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tailbed_stats::capture::{Batch, Reader};
use tailbed_traffic::packet::identifier::Identifier;
use tailbed_traffic::packet::identify;

use crate::interrupted::{signal, wait_for, wait_until_as};
use crate::support::{Lab, engine, lab, results, system, traces};
use crate::vm::can_emulate;

/// Packets of the warm-up, which are captured as well, and of the counted part.
const WARM_UP: u64 = 50;
const COUNTED: u64 = 300;

/// Beginning of a capture that its latencies leave out, ns: as long as the warm-up, which is the default.
const TRIM: u64 = 50_000_000;

/// Bytes of each frame in a file of tcpdump's: header and frame (pcap-savefile(5)); and of the file's own header.
const RECORD: u64 = 16 + 60;
const HEADER: u64 = 24;

/// tcpdump and the timestamper have the same stamp of a frame: the kernel's, taken before either of them sees it. So much may lie between
/// them where it is not (a kernel that stamps for each socket by itself), ns.
const BOUND: u64 = 1_000;

/// Where frames can be seen: role whose namespace it is, interface, direction as tcpdump calls it, and as the kernel counts it.
type Place = (&'static str, &'static str, &'static str, &'static str);

/// Scripts that have tcpdump watch two places from before the traffic, and write down what their interfaces have counted once it is over.
/// tcpdump has memory for all packets, since it may have no core meanwhile.
fn watched(lab: &Lab, places: &[Place; 2]) -> String {
    let (mut begin, mut end) = (String::new(), String::new());
    for (number, (role, interface, way, counter)) in places.iter().enumerate() {
        let file = |kind: &str| lab.path(&format!("{number}.{kind}")).display().to_string();
        let inside = format!("ip netns exec \"tb-$TAILBED_TOKEN-{role}\"");
        let (pcap, log, pid, count) = (file("pcap"), file("log"), file("pid"), file("count"));
        let _ = write!(
            begin,
            "rm -f {pcap} {log}\n{inside} tcpdump -Z root -s 128 -B 8192 -i {interface} --immediate-mode -U -Q {way} \
             --time-stamp-precision=nano -w {pcap} 2> {log} &\necho $! > {pid}\n\
             until grep -q 'listening on' {log}; do sleep 0.05; done\n"
        );
        let _ = write!(
            end,
            "count=$({inside} cat /sys/class/net/{interface}/statistics/{counter})\necho $count > {count}\n\
             until [ $(stat -c %s {pcap}) -ge $(({HEADER} + {RECORD} * count)) ]; do sleep 0.05; done\n\
             kill -INT $(cat {pid})\n"
        );
    }
    format!("host_setup = '''#!/bin/sh\n{begin}'''\nhost_teardown = '''#!/bin/sh\n{end}'''\n")
}

fn experiment(lab: &Lab, environment: &str, node: &str, capture: &str) {
    let text = format!(
        "name = \"test\"\nrepeats = 1\nattempts = 1\n# on a small machine nobody but packet loops has a core otherwise\n\
         isolation = false\n\n[nodes.dut]\nenvironment = \"{environment}\"\n{node}\n\
         [traffic]\nrate = \"1kpps\"\nduration = \"300ms\"\nwarm_up = \"50ms\"\nflows = {{ count = 5 }}\n\n\
         [capture]\n{capture}\n\n[validity]\nlateness = \"1s\"\ngap = \"10s\"\n"
    );
    fs::write(lab.path("experiment.toml"), text).unwrap();
}

/// Identifier and time of every packet of a capture, all of them ours.
fn packets(path: &Path) -> Vec<(Identifier, u64)> {
    let mut reader = Reader::new(File::open(path).unwrap(), path.display().to_string());
    let (mut batch, mut found) = (Batch::default(), Vec::new());
    while reader.next(&mut batch).unwrap() {
        found.extend(batch.packets().iter().map(|packet| (identify(batch.frame(packet)).expect("ours"), packet.time)));
    }
    found
}

/// The folder of the measured run, and its summary.
fn measured(lab: &Lab, results: &Value) -> (PathBuf, Value) {
    let run = results["summary"]["runs"][1].clone();
    let folder = lab.path(results["results"].as_str().unwrap());
    (folder.join("runs").join(run["run"].as_str().unwrap()), run)
}

/// A row of `flows.csv` by its titles.
fn flows(csv: &str) -> Vec<BTreeMap<&str, u64>> {
    let mut lines = csv.lines();
    let titles: Vec<_> = lines.next().unwrap().split(',').collect();
    let value = |text: &str| text.parse().unwrap_or(0);
    lines.map(|line| titles.iter().copied().zip(line.split(',').map(value)).collect()).collect()
}

/// Packets in front that are not behind, of those that left once the beginning was over: so long after the first one behind.
fn lost(front: &[(Identifier, u64)], behind: &[(Identifier, u64)]) -> u64 {
    let begins = behind[0].1 + TRIM;
    let arrived: BTreeSet<_> = behind.iter().map(|(packet, _)| (packet.flow, packet.sequence)).collect();
    let never = |(packet, time): &&(Identifier, u64)| *time > begins && !arrived.contains(&(packet.flow, packet.sequence));
    front.iter().filter(never).count() as u64
}

/// Everything that passes a node of an environment, counted five times: by the generator, the interfaces, tcpdump and both taps.
fn all_counts_agree(environment: &str, before_place: Place) {
    if !["tcpdump", "tshark", "capinfos"].into_iter().all(engine) {
        return;
    }
    let Some(lab) = lab() else { return };
    let before = traces();
    let emulated = environment == "vm";
    let vm = if emulated { "vm.accel = \"tcg\"\n" } else { "" };
    let places = [before_place, ("generator", "rx", "in", "rx_packets")];
    experiment(&lab, environment, &(vm.to_owned() + &watched(&lab, &places)), "");
    // an emulated processor has been seen to stand still for a third of a second, beside others that keep the cores busy
    let drain = if emulated { "traffic.drain=3s" } else { "traffic.drain=100ms" };
    let output = lab.run(&["run", "experiment.toml", "--json", "--set", drain]);
    assert_eq!(traces(), before);
    let (folder, run) = measured(&lab, &results(&output));
    assert_eq!(run["invalid"].as_array().unwrap().len(), 0, "{run}");

    let capture = &run["capture"];
    let count = |value: &Value| value.as_u64().unwrap();
    let mut seen = Vec::new();
    for (number, file) in ["1-generator-to-dut", "3-dut-to-sink"].into_iter().enumerate() {
        let tap = &capture["taps"][2 * number];
        assert_eq!(tap["file"], format!("capture/{file}.pcapng"));
        let path = folder.join(tap["file"].as_str().unwrap());
        let ours = packets(&path);
        let theirs = packets(&lab.path(&format!("{number}.pcap")));
        let counted: u64 = fs::read_to_string(lab.path(&format!("{number}.count"))).unwrap().trim().parse().unwrap();
        assert_eq!((count(&tap["count"]["written"]), count(&tap["count"]["dropped"])), (counted, 0), "{file}: {tap}");
        assert_eq!(
            (ours.len() as u64, theirs.len() as u64),
            (counted, counted),
            "{file}: the interface, the timestamper, tcpdump"
        );
        assert_eq!(count(&tap["count"]["otherwise_stamped"]), 0, "{file}: {tap}");
        for ((packet, time), (same, their_time)) in ours.iter().zip(&theirs) {
            assert_eq!(packet, same, "{file}");
            assert!(time.abs_diff(*their_time) <= BOUND, "{file}: {packet:?} at {time} and {their_time}");
        }
        readable(&path, counted);
        seen.push(ours);
    }
    assert_eq!((count(&run["counts"]["sent"]), seen[0].len() as u64), (COUNTED, WARM_UP + COUNTED));
    // by flow: what has left the node is what the sink has, for nothing is under way when the drain is over
    let csv = fs::read_to_string(folder.join("flows.csv")).unwrap();
    for row in flows(&csv) {
        let of_flow = |packets: &[(Identifier, u64)]| {
            let counted =
                packets.iter().filter(|(packet, _)| u64::from(packet.flow) == row["flow"] && packet.sequence >= WARM_UP / 5);
            counted.count() as u64
        };
        assert_eq!((row["sent"], of_flow(&seen[0])), (60, 60), "{row:?}");
        assert_eq!((row["received"] + row["lost"], of_flow(&seen[1])), (60, row["received"]), "{row:?}");
    }
    let through = &capture["through"][0];
    let told = ["entered", "left", "lost"].map(|what| count(&through[what]));
    assert_eq!(told, [WARM_UP + COUNTED, seen[1].len() as u64, lost(&seen[0], &seen[1])], "{through}");
    same_by_analyze(&lab, &folder, through);
}

/// Other programs read the file.
fn readable(path: &Path, packets: u64) {
    let info = Command::new("capinfos").args(["-c", "-M"]).arg(path).output().unwrap();
    let info = String::from_utf8_lossy(&info.stdout).into_owned();
    assert!(info.contains(&format!("Number of packets:   {packets}")), "{info}");
    for program in [&["tshark", "-n", "-r"][..], &["tcpdump", "-n", "-r"]] {
        let output = Command::new(program[0]).args(&program[1..]).arg(path).output().unwrap();
        assert!(output.status.success(), "{program:?}: {}", String::from_utf8_lossy(&output.stderr));
        let lines = String::from_utf8_lossy(&output.stdout).lines().filter(|line| line.contains("198.18.0.1")).count();
        assert_eq!(lines as u64, packets, "{program:?}");
    }
}

/// `analyze` has the same figures of the two files, by the identifier wherever it lies and by its bytes where nothing moves them.
fn same_by_analyze(lab: &Lab, folder: &Path, through: &Value) {
    for key in ["identifier", "42:18"] {
        let file = |side: &str| folder.join(through[side].as_str().unwrap());
        let output = lab
            .tailbed()
            .args(["analyze", "--json", "--trim", "50ms", "--key", key, "--out"])
            .arg(lab.path(&format!("by-{key}")))
            .args([file("before"), file("behind")])
            .output()
            .unwrap();
        let analysis = results(&output);
        assert_eq!(analysis["latency"], through["latency"], "{key}");
        assert_eq!(analysis["packets"]["lost"], through["lost"], "{key}");
    }
}

#[test]
fn all_counts_agree_with_a_process() {
    all_counts_agree("host", ("dut", "in", "in", "rx_packets"));
}

#[test]
fn all_counts_agree_with_a_container() {
    all_counts_agree("container", ("dut", "in", "in", "rx_packets"));
}

/// In a machine nobody can look: what goes to it is seen as it leaves by its tap.
#[test]
fn all_counts_agree_with_a_machine() {
    if can_emulate() {
        all_counts_agree("vm", ("generator", "tx", "out", "tx_packets"));
    }
}

/// From a node that sends packets back, through one before it, both ways; by what stays of a frame of which little is kept.
#[test]
fn each_node_has_its_own_latency_there_and_back() {
    let Some(lab) = lab() else { return };
    let nodes = "\n[nodes.mirror]\nenvironment = \"host\"\nforward = \"reflect\"\n\n[links]\n\
                 first = [\"generator\", \"dut:in\"]\nsecond = [\"dut:out\", \"mirror:in\"]\n";
    experiment(&lab, "container", nodes, "links = [\"second\", \"first\"]\nsnap = 64\ntrim = \"0s\"");
    let results = results(&lab.run(&["run", "experiment.toml", "--json", "--set", "traffic.frame=1518"]));
    let (folder, run) = measured(&lab, &results);
    let parts = run["capture"]["through"].as_array().unwrap();
    let nodes: Vec<_> = parts.iter().map(|part| part["nodes"][0].as_str().unwrap()).collect();
    assert_eq!(nodes, ["dut", "mirror", "dut"]);
    for part in parts {
        assert_eq!((&part["entered"], &part["lost"], &part["latency"]["count"]), (&350.into(), &0.into(), &349.into()), "{part}");
    }
    let file = folder.join("capture/1-generator-to-dut.pcapng");
    assert!(fs::metadata(file).unwrap().len() < 350 * (32 + 64) + 4096);
}

/// What a capture takes is set aside before the traffic, so that it is known then.
#[test]
fn a_disk_without_room_for_a_capture_is_told_and_no_file_is_left() {
    let Some(lab) = lab() else { return };
    let before = traces();
    experiment(&lab, "host", "", "");
    let disk = lab.path("disk");
    fs::create_dir(&disk).unwrap();
    system(&format!("mount -t tmpfs -o size=1m none {}", disk.display()));
    let output = lab.run(&["run", "experiment.toml", "--out", "disk", "--set", "traffic.rate=40kpps"]);
    let left = files(&disk, "pcapng");
    system(&format!("umount {}", disk.display()));
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("timestamper: cannot write ") && said.contains("No space left on device"), "{said}");
    assert_eq!((traces(), left), (before, Vec::<PathBuf>::new()));
}

/// Files below a folder whose names hold a word.
fn files(folder: &Path, word: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path, word));
        } else if path.to_string_lossy().contains(word) {
            found.push(path);
        }
    }
    found
}

/// Starts a run that goes on for long, and waits until packets are captured; the process of its timestamper.
fn under_way(lab: &Lab) -> (std::process::Child, i32) {
    experiment(lab, "host", "run = \"begun.sh\"", "");
    fs::write(lab.path("begun.sh"), format!("#!/bin/sh\ntouch {}\n", lab.path("begun").display())).unwrap();
    let arguments = ["run", "experiment.toml", "--out", "results", "--set", "traffic.duration=4s"];
    let child = lab.tailbed_on_one_core().args(arguments).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    wait_for(|| lab.path("begun").exists().then_some(()));
    let threads = |pid: &i32| {
        let tasks = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
        tasks.into_iter().any(|task| {
            fs::read_link(format!("/proc/{pid}/exe")).is_ok_and(|exe| exe == Path::new(env!("CARGO_BIN_EXE_tailbed")))
                && fs::read_to_string(task.path().join("comm")).is_ok_and(|name| name.trim() == "packets")
        })
    };
    // the agents in the order in which they were started: node, timestamper, generator
    let pids = fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let mut agents: Vec<i32> = pids.filter(threads).collect();
    agents.sort_unstable();
    (child, agents[1])
}

#[test]
fn nothing_of_a_capture_is_left_of_a_killed_run() {
    let Some(lab) = lab() else { return };
    let before = traces();
    let (mut child, _) = under_way(&lab);
    signal(&child, Signal::KILL);
    child.wait().unwrap();
    assert!(lab.run(&["clean"]).status.success());
    wait_until_as(&before);
    // the floor's are whole, and of the other run's nothing is there
    let left = files(&lab.path("results"), "capture/");
    assert!(!left.is_empty() && left.iter().all(|path| path.to_string_lossy().contains("floor")), "{left:?}");
}

#[test]
fn a_timestamper_that_is_killed_is_told() {
    let Some(lab) = lab() else { return };
    let before = traces();
    let (child, timestamper) = under_way(&lab);
    kill_process(Pid::from_raw(timestamper).unwrap(), Signal::KILL).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("the agent of timestamper is gone (signal: 9 (SIGKILL))"), "{said}");
    assert_eq!(traces(), before);
    assert_eq!(files(&lab.path("results"), "r1/capture/"), Vec::<PathBuf>::new());
}

/// Both directions at once: each has files and a row of its own, in which nothing is missing.
#[test]
fn both_directions_are_followed_by_themselves() {
    let Some(lab) = lab() else { return };
    let before = traces();
    experiment(&lab, "container", "", "");
    let output = lab.run(&["run", "experiment.toml", "--json", "--set", "traffic.bidirectional=true"]);
    assert_eq!(traces(), before);
    let (_, run) = measured(&lab, &results(&output));
    let through = run["capture"]["through"].as_array().unwrap();
    assert_eq!(through.len(), 2, "{run}");
    let files = |row: &Value| [row["before"].as_str().unwrap().to_owned(), row["behind"].as_str().unwrap().to_owned()];
    assert!(files(&through[0])[0].ends_with("1-generator-to-dut.pcapng"), "{through:?}");
    assert!(files(&through[1])[0].ends_with("sink-to-dut.pcapng") && files(&through[1])[1].ends_with("dut-to-generator.pcapng"));
    for row in through {
        let count = |what: &str| row[what].as_u64().unwrap();
        assert_eq!((count("entered"), count("left"), count("lost")), (WARM_UP + COUNTED, WARM_UP + COUNTED, 0), "{row}");
        assert_eq!((&row["nodes"], &row["complete"]), (&serde_json::json!(["dut"]), &Value::Bool(true)));
    }
}
