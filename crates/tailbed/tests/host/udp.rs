//! Packets through the kernel's whole stack, and without CAP_NET_RAW.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};

use crate::container::container_agent;
use crate::interrupted::wait_for;
use crate::support::{Lab, lab, results, traces};

/// Of 2 000 packets a second: those of 50 ms before the origin and of 300 ms from it on.
const ALL: u64 = 700;

/// What the interfaces of a path have counted once the traffic is over: role, interface, counter.
const COUNTERS: [(&str, &str, &str); 4] = [
    ("generator", "tx", "tx_packets"),
    ("dut", "in", "rx_packets"),
    ("dut", "out", "tx_packets"),
    ("generator", "rx", "rx_packets"),
];

fn experiment(lab: &Lab, environment: &str, ports: &str, node: &str) {
    let read = COUNTERS.map(|(role, interface, counter)| {
        format!("ip netns exec tb-$TAILBED_TOKEN-{role} cat /sys/class/net/{interface}/statistics/{counter}\n")
    });
    let counters = lab.path("counters").display().to_string();
    let text = format!(
        "name = \"test\"\nrepeats = 1\nattempts = 1\n\n[nodes.dut]\nenvironment = \"{environment}\"\n{node}\n\
         host_teardown = '''#!/bin/sh\n{{\n{}}} > {counters}\n'''\n\n\
         [traffic]\nrate = \"2kpps\"\nduration = \"300ms\"\nwarm_up = \"50ms\"\nflows = {{ count = 7 }}\n{ports}\n\n\
         [validity]\nlateness = \"1s\"\ngap = \"10s\"\n",
        read.concat()
    );
    fs::write(lab.path("experiment.toml"), text).unwrap();
}

const UDP: &str = "port = { send = \"udp\", receive = \"udp\" }";

/// The measured run, whose packets all came through and were counted alike by everybody.
fn conserved(lab: &Lab, results: &Value) -> Value {
    let run = results["summary"]["runs"][1].clone();
    let count = |what: &str| run["counts"][what].as_u64().unwrap();
    assert_eq!((count("scheduled"), count("sent"), count("received"), count("lost")), (600, 600, 600, 0), "{run}");
    let counted = fs::read_to_string(lab.path("counters")).unwrap();
    let counted: Vec<u64> = counted.lines().map(|line| line.parse().unwrap()).collect();
    assert_eq!(counted, [ALL; 4]);
    let udp = |node: &str| json!({ "node": node, "send": "udp", "receive": "udp" });
    assert_eq!(run["ports"], json!([udp("dut"), udp("generator")]));
    run
}

#[test]
fn payloads_go_by_sockets_and_interfaces_count_the_same() {
    for (environment, node) in [
        ("host", "forward = \"none\""),
        ("container", "forward = \"none\""),
        ("container", "forward = \"none\"\ncontainer.user_namespace = true"),
    ] {
        let Some(lab) = lab() else { return };
        let before = traces();
        experiment(&lab, environment, UDP, node);
        let results = results(&lab.run(&["run", "experiment.toml", "--json"]));
        assert_eq!(traces(), before);
        let run = conserved(&lab, &results);
        // both clocks are those of one host, and a packet cannot come in before it has left
        assert!(run["latency"]["minimum"].as_u64().is_some_and(|least| least > 0), "{run}");
    }
}

/// A mirror sends payloads back by the link they came by; generator and sink are one interface.
#[test]
fn a_mirror_sends_payloads_back() {
    let Some(lab) = lab() else { return };
    let before = traces();
    lab.experiment("container", "300ms", "");
    let sets = ["nodes.dut.forward=reflect", "traffic.port.send=udp"];
    let output = lab.run(&["run", "experiment.toml", "--json", "--set", sets[0], "--set", sets[1]]);
    let results = results(&output);
    assert_eq!(results["summary"]["runs"][1]["counts"]["received"], 600, "{results}");
    assert_eq!(traces(), before);
}

#[test]
fn a_container_that_opens_sockets_alone_has_no_capability_for_others() {
    let Some(lab) = lab() else { return };
    experiment(&lab, "container", UDP, "forward = \"none\"");
    let arguments = ["run", "experiment.toml", "--json", "--set", "traffic.duration=2s"];
    let mut child = lab.tailbed().args(arguments).stdout(std::process::Stdio::null()).spawn().unwrap();
    let inside = wait_for(|| container_agent(child.id()));
    let status = fs::read_to_string(format!("/proc/{inside}/status")).unwrap();
    // CAP_IPC_LOCK (14), CAP_SYS_NICE (23)
    assert!(status.contains("CapEff:\t0000000000804000"), "{status}");
    assert!(child.wait().unwrap().success());
}

/// As root, with CAP_NET_RAW taken out of what may ever be had.
fn without_raw(lab: &Lab, arguments: &[&str]) -> std::process::Output {
    let mut command = Command::new("setpriv");
    command.args(["--inh-caps=-net_raw", "--bounding-set=-net_raw", "--", env!("CARGO_BIN_EXE_tailbed")]).args(arguments);
    command.env("TAILBED_STATE", lab.path("state")).current_dir(lab.folder.path()).output().unwrap()
}

#[test]
fn without_the_capability_packets_go_by_sockets_and_the_records_say_why() {
    for environment in ["host", "container"] {
        let Some(lab) = lab() else { return };
        let before = traces();
        experiment(&lab, environment, "", "forward = \"none\"");
        let output = without_raw(&lab, &["run", "experiment.toml", "--json"]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let results = results(&output);
        conserved(&lab, &results);
        assert!(said.contains("packets go by UDP sockets") && said.contains("CAP_NET_RAW is not held"), "{said}");
        let notes = results["summary"]["notes"].to_string();
        assert!(notes.contains("CAP_NET_RAW is not held"), "{notes}");
        assert_eq!(traces(), before);
    }
}

/// What works on headers is not measured without them, and a port that is named is had or refused.
#[test]
fn without_the_capability_nothing_else_is_taken_silently() {
    let Some(lab) = lab() else { return };
    let before = traces();
    experiment(&lab, "host", "", "forward = \"l2fwd\"");
    let output = without_raw(&lab, &["run", "experiment.toml"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("`l2fwd`, which works on headers") && said.contains("CAP_NET_RAW is not held"), "{said}");
    experiment(&lab, "host", "port = { send = \"packet\" }", "forward = \"none\"");
    let output = without_raw(&lab, &["run", "experiment.toml"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("it needs CAP_NET_RAW"), "{said}");
    assert_eq!(traces(), before);
}

/// In a user namespace of an ordinary user's own.
#[test]
fn sockets_work_without_root() {
    let Some(lab) = lab() else { return };
    let before = traces();
    lab.experiment("host", "300ms", "");
    let arguments = ["run", "experiment.toml", "--json", "--set", "nodes.dut.forward=none", "--set", "traffic.port.send=udp"];
    let results = results(&crate::unprivileged::as_nobody(&lab, &arguments));
    let run = &results["summary"]["runs"][1];
    assert_eq!(run["counts"]["received"], 600, "{run}");
    // the room that a socket can be given is the system's limit there, and less than was asked for is said
    let limit: u64 = fs::read_to_string("/proc/sys/net/core/rmem_max").unwrap().trim().parse().unwrap();
    assert_eq!(run["downgrades"].to_string().contains("net.core.rmem_max"), limit < 16 << 20, "{run}");
    assert_eq!(traces(), before);
}
