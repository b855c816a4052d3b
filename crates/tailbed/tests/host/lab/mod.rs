//! Labs: brought up, worked in, taken down, and what happens when something of them dies.

mod dies;
mod programs;
mod scripts;
mod terminal;

use std::fs;
use std::process::{Output, Stdio};

use serde_json::Value;

use crate::interrupted::wait_for;
use crate::support::{Lab, lab, traces};
use crate::unprivileged::as_nobody;

/// A host node and a container, in a row.
const TWO: &str = "name = \"two\"\n\n[nodes.near]\nenvironment = \"host\"\n\n[nodes.far]\nenvironment = \"container\"\n\n\
                   [traffic]\nrate = \"1kpps\"\nduration = \"1s\"\n";

/// A lab that is up; it is taken down when the test is over, also when it failed.
struct Up {
    lab: Lab,
}

impl Drop for Up {
    fn drop(&mut self) {
        self.lab.run(&["down"]);
    }
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Brings two nodes up.
fn up(lab: Lab) -> Up {
    fs::write(lab.path("two.toml"), TWO).unwrap();
    let output = lab.run(&["up", "two.toml"]);
    assert!(output.status.success(), "{}", said(&output));
    Up { lab }
}

impl Up {
    fn listing(&self) -> Value {
        let output = self.lab.run(&["ls", "--json"]);
        assert!(output.status.success(), "{}", said(&output));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    fn node(&self, name: &str) -> Value {
        let listing = self.listing();
        let nodes = listing["nodes"].as_array().unwrap();
        nodes.iter().find(|node| node["node"] == name).unwrap().clone()
    }

    fn keeper(&self) -> i64 {
        self.listing()["keeper"].as_i64().unwrap()
    }

    fn exec(&self, arguments: &[&str]) -> Output {
        self.lab.tailbed().arg("exec").args(arguments).stdin(Stdio::null()).output().unwrap()
    }
}

/// A lab that somebody without root has up.
struct Nobodys {
    lab: Lab,
}

impl Nobodys {
    fn run(&self, arguments: &[&str]) -> Output {
        as_nobody(&self.lab, arguments)
    }
}

impl Drop for Nobodys {
    fn drop(&mut self) {
        self.run(&["down"]);
    }
}

fn state_is_empty(lab: &Lab) -> bool {
    fs::read_dir(lab.path("state")).map_or(0, Iterator::count) == 0
}

#[test]
fn a_lab_comes_up_lets_packets_pass_and_goes_down_without_a_trace() {
    let Some(lab) = lab() else { return };
    let before = traces();
    let up = up(lab);
    let table = said(&up.lab.run(&["ls"]));
    let words: Vec<Vec<&str>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(words[0], ["NODE", "ENVIRONMENT", "STATE", "PID", "CORES", "MEMORY", "INTERFACES"], "{table}");
    assert!(words.iter().any(|line| line.starts_with(&["near", "host", "running"])), "{table}");
    assert!(words.iter().any(|line| line.starts_with(&["far", "container", "running"])), "{table}");
    for node in ["near", "far"] {
        let node = up.node(node);
        let names: Vec<_> = node["interfaces"].as_array().unwrap().iter().map(|interface| &interface["name"]).collect();
        assert!(names.contains(&&Value::from("in")) && names.contains(&&Value::from("out")), "{node}");
        assert!(node["memory"].as_u64().unwrap() > 100_000, "{node}");
        assert!(fs::exists(format!("/proc/{}", node["pid"])).unwrap(), "{node}");
    }
    let received = || {
        let generator = up.node("generator");
        let rx = generator["interfaces"].as_array().unwrap().iter().find(|interface| interface["name"] == "rx").unwrap();
        rx["packets"][0].as_u64().unwrap()
    };
    assert_eq!(received(), 0);
    // an address to ask for: the question is broadcast, passes both nodes, and comes back
    let ask = "ip address add 192.0.2.1/24 dev tx && echo > /dev/udp/192.0.2.2/9";
    let asked = up.exec(&["generator", "--", "bash", "-c", ask]);
    assert!(asked.status.success(), "{}", said(&asked));
    wait_for(|| (received() > 0).then_some(()));
    assert!(up.node("generator").to_string().contains("192.0.2.1/24"));

    let second = up.lab.run(&["up", "two.toml"]);
    assert_eq!(second.status.code(), Some(3), "{}", said(&second));
    assert!(said(&second).contains("a lab is up on this host (two, from two.toml); `tailbed down`"), "{}", said(&second));
    let run = up.lab.run(&["run", "two.toml"]);
    assert_eq!(run.status.code(), Some(3), "{}", said(&run));
    assert!(said(&run).contains("a lab is up"), "{}", said(&run));

    let down = up.lab.run(&["down"]);
    assert!(down.status.success() && said(&down).contains("steps taken back"), "{}", said(&down));
    assert_eq!(traces(), before);
    assert!(state_is_empty(&up.lab));
    let none = up.lab.run(&["ls"]);
    assert_eq!(none.status.code(), Some(3), "{}", said(&none));
    assert!(said(&up.lab.run(&["down"])).contains("no lab is up"));
}

#[test]
fn of_a_sweep_the_first_combination_is_brought_up_or_the_one_asked_for() {
    let Some(lab) = lab() else { return };
    let before = traces();
    lab.experiment("host", "1s", "[sweep]\n\"nodes.dut.environment\" = [\"host\", \"container\"]");
    let up = Up { lab };
    let first = said(&up.lab.run(&["up", "experiment.toml"]));
    assert!(first.contains("one of 2 combinations is brought up: nodes.dut.environment = host"), "{first}");
    assert_eq!(up.node("dut")["environment"], "host");
    up.lab.run(&["down"]);
    let wrong = up.lab.run(&["up", "experiment.toml", "--run", "vm"]);
    assert_eq!(wrong.status.code(), Some(2), "{}", said(&wrong));
    assert!(said(&wrong).contains("container, host"), "{}", said(&wrong));
    let second = said(&up.lab.run(&["up", "experiment.toml", "--run", "container"]));
    assert_eq!(up.node("dut")["environment"], "container", "{second}");
    up.lab.run(&["down"]);
    assert_eq!(traces(), before);
}

#[test]
fn without_root_a_lab_of_host_nodes_works() {
    let Some(lab) = lab() else { return };
    let before = traces();
    lab.experiment("host", "1s", "");
    let up = as_nobody(&lab, &["up", "experiment.toml"]);
    assert!(up.status.success(), "{}", said(&up));
    let lab = Nobodys { lab };
    let inside = lab.run(&["exec", "dut", "--", "sh", "-c", "id -u; ls /sys/class/net; exit 3"]);
    assert_eq!(inside.status.code(), Some(3), "{}", said(&inside));
    assert!(said(&inside).starts_with("0\n"), "{}", said(&inside));
    let down = lab.run(&["down"]);
    assert!(down.status.success(), "{}", said(&down));
    assert_eq!(traces(), before);
    assert!(state_is_empty(&lab.lab));
}
