//! Links of every kind: the same packets pass them, in every environment, and nothing of them is left.

mod deaths;

use std::fs;

use serde_json::Value;

use crate::docker::Engine;
use crate::golden::{PACKETS, capture, captured};
use crate::support::{Lab, engine, lab, results, system, traces};
use crate::vm::{ROOMY, machines};

/// What a link can be made of.
const KINDS: [&str; 4] = ["veth", "bridge", "macvlan", "memory"];

/// An experiment of two forwarders in a line, with further lines in the table of the second; shared machines stand still for long, which
/// is not what this is about.
fn line(lab: &Lab, packets: &str, second: &str) {
    let text = format!(
        r#"
name = "links"
repeats = 1
attempts = 1

[nodes.one]
environment = "container"

[nodes.two]
environment = "container"
{second}

[environments.machine.vm]
{ROOMY}

[environments.mapped.container]
user_namespace = true

[links.load]
ends = ["generator", "one:in"]

[links.middle]
ends = ["one:out", "two:in"]

[links.back]
ends = ["two:out", "sink"]

[traffic]
{packets}
warm_up = "0s"
drain = "2s"

[validity]
lateness = "1s"
gap = "10s"
"#
    );
    fs::write(lab.path("links.toml"), text).unwrap();
}

/// Every run's packets all came through, and every forwarder has counted as many as it should.
fn all_came_through(results: &Value, packets: u64) {
    let runs = results["summary"]["runs"].as_array().unwrap();
    assert!(!runs.is_empty());
    for run in runs {
        assert_eq!(run["invalid"].as_array().unwrap().len(), 0, "{run}");
        let count = |name: &str| run["counts"][name].as_u64().unwrap();
        assert_eq!((count("sent"), count("received"), count("lost"), count("duplicates")), (packets, packets, 0, 0), "{run}");
        for forwarder in run["forwarders"].as_array().unwrap() {
            let first = &forwarder["rules"][0];
            let counted = |name: &str| first[name].as_u64().unwrap();
            let all = (counted("received"), counted("sent"), counted("receive_drops"), counted("send_errors"));
            assert_eq!(all, (packets, packets, 0, 0), "{forwarder}");
        }
    }
}

#[test]
fn every_kind_of_link_gives_the_same_packets_out() {
    let Some(lab) = lab() else { return };
    if !engine("tcpdump") {
        return;
    }
    let before = traces();
    let mut first: Option<String> = None;
    for kind in KINDS {
        line(&lab, "rate = \"500pps\"\nduration = \"400ms\"", &capture(&lab, kind));
        let set = [format!("links.load.kind={kind}"), format!("links.middle.kind={kind}")];
        let output = lab.run(&["run", "links.toml", "--json", "--set", &set[0], "--set", &set[1]]);
        assert_eq!(traces(), before, "{kind}");
        all_came_through(&results(&output), PACKETS as u64);
        let packets = captured(&lab.path(&format!("{kind}.pcap")));
        assert_eq!(packets.lines().count(), PACKETS, "{kind}");
        let of_veth = first.get_or_insert_with(|| packets.clone());
        let differs = of_veth.lines().zip(packets.lines()).find(|(of_veth, frame)| of_veth != frame);
        // a macvlan is sent to by its own address: where the last link is a plain pair, nothing of that is left
        assert_eq!(differs, None, "{kind}: the first frame that differs, of veth and of it");
    }
}

#[test]
fn packets_pass_links_in_memory_between_environments_of_every_kind() {
    let docker = Engine::start();
    let own;
    let lab = if let Some(docker) = &docker {
        &docker.lab
    } else {
        let Some(lab) = lab() else { return };
        own = lab;
        &own
    };
    let before = traces();
    line(lab, "rate = \"500pps\"\nduration = \"400ms\"", "");
    // each kind beside another; loops that sleep, and loops that spin where they have a core
    let pairs = [("host", "container"), ("container", "mapped"), ("lxc", "host"), ("docker", "lxc")];
    for (one, two) in pairs {
        let there = |kind| match kind {
            "lxc" => engine("lxc-start"),
            "docker" => docker.is_some(),
            _ => true,
        };
        if !there(one) || !there(two) {
            continue;
        }
        let mut tailbed = docker.as_ref().map_or_else(|| lab.tailbed(), Engine::tailbed);
        let sets = [
            format!("nodes.one.environment={one}"),
            format!("nodes.two.environment={two}"),
            "links.load.kind=memory".to_owned(),
            "links.middle.kind=memory".to_owned(),
            "links.back.kind=memory".to_owned(),
        ];
        let options = sets.iter().flat_map(|set| ["--set", set]);
        let output = tailbed.args(["run", "links.toml", "--json"]).args(options).output().unwrap();
        assert_eq!(traces(), before, "{one} and {two}");
        all_came_through(&results(&output), 200);
    }
}

#[test]
fn a_forwarder_may_have_one_port_in_memory_and_another_that_is_an_interface() {
    let Some(lab) = lab() else { return };
    let before = traces();
    line(&lab, "rate = \"500pps\"\nduration = \"400ms\"", "");
    let both =
        [("memory", "veth", "true"), ("veth", "memory", "false"), ("macvlan", "memory", "false"), ("memory", "bridge", "false")];
    for (load, middle, isolation) in both {
        let sets = [format!("links.load.kind={load}"), format!("links.middle.kind={middle}"), format!("isolation={isolation}")];
        let mut arguments = vec!["run", "links.toml", "--json"];
        arguments.extend(sets.iter().flat_map(|set| ["--set", set]));
        all_came_through(&results(&lab.run(&arguments)), 200);
        assert_eq!(traces(), before, "{load} and {middle}");
    }
}

#[test]
fn machines_share_memory_with_each_other_and_with_the_host() {
    let Some(lab) = machines() else { return };
    let before = traces();
    line(&lab, "rate = \"200pps\"\nduration = \"300ms\"", "");
    let run = |sets: &[&str]| {
        let mut arguments = vec!["run", "links.toml", "--json"];
        arguments.extend(sets.iter().flat_map(|set| ["--set", set]));
        all_came_through(&results(&lab.run(&arguments)), 60);
        assert_eq!(traces(), before, "{sets:?}");
    };
    // from machine to machine
    run(&["nodes.one.environment=machine", "nodes.two.environment=machine", "links.middle.kind=memory"]);
    // from the generator into a machine, and from there to a container
    run(&["nodes.one.environment=machine", "links.load.kind=memory", "links.middle.kind=memory"]);
    // back from a machine to the sink
    run(&["nodes.two.environment=machine", "links.back.kind=memory", "links.middle.kind=bridge"]);
}

#[test]
fn packets_go_back_by_the_link_they_came_by_and_nodes_may_lie_on_the_host() {
    let Some(lab) = lab() else { return };
    let before = traces();
    let links = "[links.load]\nends = [\"generator\", \"dut:in\"]\n\n[environments.open.host]\nnamespace = \"none\"\n\n\
                 [sweep]\n\"links.load.kind\" = [\"veth\", \"bridge\", \"macvlan\", \"memory\"]\n";
    lab.experiment("open", "200ms", links);
    let arguments = ["run", "experiment.toml", "--json", "--set", "nodes.dut.forward=reflect", "--set", "traffic.warm_up=0s"];
    let results = results(&lab.run(&arguments));
    assert_eq!(traces(), before);
    all_came_through(&results, 400);
    // each kind has a floor of its own
    assert_eq!(results["summary"]["runs"].as_array().unwrap().len(), 2 * KINDS.len());
}

#[test]
fn the_host_may_give_the_interface_that_macvlans_hang_on() {
    let Some(lab) = lab() else { return };
    // what the host itself says on it would be counted as well: neighbour discovery
    let quiet = "net.ipv6.conf.tbtestparent.disable_ipv6=1 net.ipv6.conf.tbtestvoid.disable_ipv6=1";
    system(&format!("ip link add tbtestparent type veth peer name tbtestvoid && sysctl -qw {quiet}"));
    system("ip link set tbtestparent up && ip link set tbtestvoid up");
    let before = traces();
    let links =
        |parent: &str| format!("[links.load]\nends = [\"generator\", \"dut:in\"]\nkind = \"macvlan\"\nparent = \"{parent}\"\n");
    lab.experiment("container", "200ms", &links("tbtestparent"));
    let arguments = ["run", "experiment.toml", "--json", "--set", "nodes.dut.forward=reflect", "--set", "traffic.warm_up=0s"];
    let there = lab.run(&arguments);
    assert_eq!(traces(), before);
    system("ip link delete tbtestparent");
    all_came_through(&results(&there), 400);
    lab.experiment("container", "200ms", &links("tbtestparent"));
    let gone = lab.run(&arguments);
    let said = String::from_utf8_lossy(&gone.stderr);
    assert_eq!(gone.status.code(), Some(3), "{said}");
    assert!(said.contains("there is no interface `tbtestparent` on this host"), "{said}");
}

/// How many huge pages of 2 MiB the host has reserved.
const HUGE_PAGES: &str = "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages";

#[test]
fn a_link_may_lie_in_huge_pages_and_says_when_there_are_too_few() {
    let Some(lab) = lab() else { return };
    let Ok(reserved) = fs::read_to_string(HUGE_PAGES) else {
        return println!("skipped: this kernel has no huge pages of 2 MiB");
    };
    let before = traces();
    let links = "[links.load]\nends = [\"generator\", \"dut:in\"]\nkind = \"memory\"\nhugepages = true\n";
    lab.experiment("container", "200ms", links);
    let run =
        || lab.run(&["run", "experiment.toml", "--json", "--set", "nodes.dut.forward=reflect", "--set", "traffic.warm_up=0s"]);
    fs::write(HUGE_PAGES, "0").unwrap();
    let too_few = run();
    fs::write(HUGE_PAGES, "4").unwrap();
    let granted = fs::read_to_string(HUGE_PAGES).unwrap();
    let there = run();
    fs::write(HUGE_PAGES, reserved).unwrap();
    let said = String::from_utf8_lossy(&too_few.stderr);
    assert_eq!(too_few.status.code(), Some(3), "{said}");
    assert!(said.contains("the link takes 4 huge pages of 2 MiB and 0 are free"), "{said}");
    if granted.trim() == "4" {
        all_came_through(&results(&there), 400);
    } else {
        println!("skipped: this host has no memory left for huge pages");
    }
    assert_eq!(traces(), before);
}
