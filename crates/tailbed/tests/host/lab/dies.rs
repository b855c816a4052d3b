//! Parts of a lab that die, and a lab that is stopped while it comes up.

use std::fs;
use std::process::Stdio;

use rustix::process::Signal;

use super::{TWO, said, state_is_empty, up};
use crate::interrupted::{signal, wait_for, wait_until_as};
use crate::support::{lab, system, traces};

#[test]
fn a_dead_node_is_shown_with_the_reason_and_the_others_go_on() {
    let Some(lab) = lab() else { return };
    let before = traces();
    let up = up(lab);
    let waiting = up.lab.tailbed().args(["exec", "near", "sleep", "1000"]).stderr(Stdio::piped()).spawn().unwrap();
    let agent = up.node("near")["pid"].as_i64().unwrap();
    wait_for(|| {
        fs::read_to_string(format!("/proc/{agent}/task/{agent}/children")).ok().filter(|list| !list.is_empty()).or_else(|| {
            let tasks = fs::read_dir(format!("/proc/{agent}/task")).ok()?.flatten();
            tasks.filter_map(|task| fs::read_to_string(task.path().join("children")).ok()).find(|list| !list.is_empty())
        })
    });
    system(&format!("kill -9 {agent}"));
    let waited = waiting.wait_with_output().unwrap();
    assert_eq!(waited.status.code(), Some(1), "{}", said(&waited));
    assert!(said(&waited).contains("the agent of near is gone"), "{}", said(&waited));
    let node = wait_for(|| Some(up.node("near")).filter(|node| node["state"] != "running"));
    assert!(node["state"]["dead"].as_str().unwrap().contains("the agent of near is gone"), "{node}");
    let table = said(&up.lab.run(&["ls"]));
    assert!(table.contains("dead") && table.contains("near: the agent of near is gone"), "{table}");
    let refused = up.exec(&["near", "true"]);
    assert!(said(&refused).contains("near is dead"), "{}", said(&refused));
    assert!(up.exec(&["far", "/tailbed", "--version"]).status.success());
    let down = up.lab.run(&["down"]);
    assert!(down.status.success(), "{}", said(&down));
    wait_until_as(&before);
}

#[test]
fn what_a_killed_keeper_left_is_taken_back_by_down() {
    let Some(lab) = lab() else { return };
    let before = traces();
    let up = up(lab);
    system(&format!("kill -9 {}", up.keeper()));
    wait_for(|| up.lab.run(&["ls"]).status.code().filter(|&code| code == 3));
    let listed = said(&up.lab.run(&["ls"]));
    assert!(listed.contains("the keeper of the lab two was killed; `tailbed down`"), "{listed}");
    let down = up.lab.run(&["down"]);
    assert!(down.status.success() && said(&down).contains("steps taken back"), "{}", said(&down));
    wait_until_as(&before);
    assert!(state_is_empty(&up.lab));
}

#[test]
fn a_killed_keeper_is_in_nobodys_way() {
    let Some(lab) = lab() else { return };
    let before = traces();
    let up = up(lab);
    let keeper = up.keeper();
    system(&format!("kill -9 {keeper}"));
    wait_for(|| up.lab.run(&["ls"]).status.code().filter(|&code| code == 3));
    let again = up.lab.run(&["up", "two.toml"]);
    assert!(again.status.success(), "{}", said(&again));
    assert!(said(&again).contains("a run that was killed"), "{}", said(&again));
    assert_ne!(up.keeper(), keeper);
    let keeper = up.keeper();
    // asked to leave, it takes everything back by itself
    system(&format!("kill {keeper}"));
    wait_until_as(&before);
    assert!(state_is_empty(&up.lab));
}

#[test]
fn a_lab_interrupted_while_it_comes_up_is_taken_back() {
    let Some(lab) = lab() else { return };
    let before = traces();
    let nodes: Vec<_> = (0..40).map(|number| format!("[nodes.n{number}]\nenvironment = \"host\"\n\n")).collect();
    let text = TWO.replace("[nodes.near]\nenvironment = \"host\"\n\n", &nodes.concat());
    fs::write(lab.path("many.toml"), text).unwrap();
    let child = lab.tailbed().args(["up", "many.toml"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    wait_for(|| lab.journal_says("make_veth").then_some(()));
    signal(&child, Signal::INT);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", said(&output));
    assert_eq!(traces(), before);
    assert!(state_is_empty(&lab));
}
