//! Every network function end to end, in a container.

use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::support::{Lab, lab, traces};

/// Packets of the warm-up and of the counted part.
const WARM_UP: u64 = 100;
const COUNTED: u64 = 600;

/// Packets that tcpdump waits for.
const CAUGHT: usize = 500;

/// Writes an experiment with further keys of its node.
fn experiment(lab: &Lab, node: &str) {
    let text = format!(
        "name = \"test\"\nrepeats = 1\nattempts = 1\n# on a small machine nobody but packet loops has a core otherwise\n\
         isolation = false\n\n[nodes.dut]\nenvironment = \"container\"\n{node}\n\n\
         [traffic]\nrate = \"2kpps\"\nduration = \"300ms\"\nwarm_up = \"50ms\"\n\n\
         [validity]\nlateness = \"1s\"\ngap = \"10s\"\n"
    );
    fs::write(lab.path("experiment.toml"), text).unwrap();
}

/// Keys of a node that have tcpdump look at what comes in by an interface of the generator's, from before the traffic until it has
/// seen enough. It has memory for all of them, since it may have no core meanwhile.
fn watched(lab: &Lab, interface: &str) -> String {
    let capture = lab.path("sink.pcap").display().to_string();
    let log = lab.path("tcpdump.log").display().to_string();
    format!(
        "host_setup = '''#!/bin/sh\n\
         ip netns exec \"tb-$TAILBED_TOKEN-generator\" \
         tcpdump -Z root -s 128 -B 8192 -i {interface} --immediate-mode -U -Q in -c {CAUGHT} -w {capture} udp 2> {log} &\n\
         until grep -q 'listening on' {log}; do sleep 0.05; done\n'''\n\
         host_teardown = '''#!/bin/sh\n\
         until grep -q 'packets captured' {log}; do sleep 0.05; done\n'''"
    )
}

/// The measured run, nothing left behind.
fn run(lab: &Lab) -> Value {
    let before = traces();
    let output = lab.reported(&["run", "experiment.toml", "--json", "--out", "results"]);
    assert_eq!(traces(), before);
    let results = serde_json::from_slice::<Value>(&output.stdout);
    let results = results.unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    results["summary"]["runs"].as_array().unwrap().last().unwrap().clone()
}

#[test]
fn every_function_forwards_in_a_container() {
    let Some(lab) = lab() else { return };
    fs::write(lab.path("routes.txt"), "0.0.0.0/0 in\n198.19.0.0/24 out\n").unwrap();
    fs::write(lab.path("rules.txt"), "accept udp to 198.19.0.0/16 port 9\ndrop\n").unwrap();
    let functions = [
        ("forward = \"none\"", "rx", 64),
        ("forward = \"l2fwd\"\nbatch = 1", "rx", 64),
        ("forward.l3fwd = { routes = 1000, seed = 3 }", "rx", 63),
        ("forward.l3fwd = { file = \"routes.txt\" }", "rx", 63),
        ("forward.filter = { file = \"rules.txt\" }", "rx", 64),
        ("forward.filter = { generated = 2000 }", "rx", 64),
        ("forward = \"reflect\"", "tx", 64),
    ];
    for (function, interface, ttl) in functions {
        experiment(&lab, &format!("{function}\n{}", watched(&lab, interface)));
        let run = run(&lab);
        assert_eq!(run["invalid"].as_array().unwrap().len(), 0, "{function}: {run}");
        let rule = &run["forwarders"][0]["rules"][0];
        assert_eq!(rule["received"], rule["sent"], "{function}: {rule}");
        let received = run["counts"]["received"].as_u64().unwrap();
        assert!(received > COUNTED - 100 && rule["sent"].as_u64().unwrap() >= received, "{function}: {run}");

        let seen = Command::new("tcpdump").args(["-n", "-vv", "-r"]).arg(lab.path("sink.pcap")).output().unwrap();
        let seen = String::from_utf8(seen.stdout).unwrap();
        let lines = |with: &str| seen.lines().filter(|line| line.contains(with)).count();
        assert_eq!((lines(&format!("ttl {ttl}, ")), lines("bad cksum")), (CAUGHT, 0), "{function}");
    }
}

/// What is dropped is counted by reason, in the results and on the page; packets without tags are no subscriber's.
#[test]
fn what_a_gateway_drops_is_shown() {
    let Some(lab) = lab() else { return };
    experiment(&lab, "forward.bng = { subscribers = 10 }");
    let run = run(&lab);
    let rule = &run["forwarders"][0]["rules"][0];
    assert_eq!(rule["sent"], 0, "{rule}");
    assert_eq!(rule["received"], rule["dropped"]["untagged"], "{rule}");
    assert!(rule["received"].as_u64().unwrap() > WARM_UP + COUNTED - 100, "{rule}");
    let folder = fs::read_dir(lab.path("results")).unwrap().next().unwrap().unwrap().path();
    let page = fs::read_to_string(folder.join("report.html")).unwrap();
    assert!(page.contains("Frames the forwarders dropped") && page.contains("not double-tagged: "), "{}", folder.display());
}

/// Two tags go in, a tunnel comes out, and every packet is known again.
#[test]
fn packets_of_subscribers_pass_a_gateway() {
    let Some(lab) = lab() else { return };
    experiment(&lab, "forward.bng = { subscribers = 10 }");
    let path = lab.path("experiment.toml");
    let text = fs::read_to_string(&path).unwrap().replace("[traffic]", "[traffic]\nframe = 128");
    fs::write(&path, format!("{text}\n[traffic.flows]\ncount = 10\nouter_vlan = 1\nvlan = {{ first = 1, count = 10 }}\n"))
        .unwrap();
    let run = run(&lab);
    let rule = &run["forwarders"][0]["rules"][0];
    assert_eq!(rule["received"], rule["sent"], "{rule}");
    assert!(run["counts"]["received"].as_u64().unwrap() > COUNTED - 100, "{run}");
}

/// A table that cannot be used is known before anything is touched.
#[test]
fn a_wrong_table_is_refused_with_file_and_line() {
    let Some(lab) = lab() else { return };
    let refused = |path: &str| {
        experiment(&lab, &format!("forward.l3fwd = {{ file = \"{path}\" }}"));
        let output = lab.run(&["run", "experiment.toml", "--out", "results"]);
        assert_eq!(output.status.code(), Some(2));
        assert!(!lab.path("results").exists());
        String::from_utf8(output.stderr).unwrap()
    };
    fs::write(lab.path("routes.txt"), "10.0.0.0/8 out\n10.0.0.1/8 in\n").unwrap();
    let expected = "error: routes.txt:2: the address of `10.0.0.1/8` has bits beyond the prefix; write 10.0.0.0/8";
    assert!(refused("routes.txt").contains(expected), "{}", refused("routes.txt"));
    let expected = "error: cannot read the table none.txt, which is for l3fwd of node `dut`: No such file";
    assert!(refused("none.txt").contains(expected), "{}", refused("none.txt"));
}
