//! Links whose ends die, and links that are taken away.

use std::fs;
use std::process::{Child, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use super::line;
use crate::container::container_agent;
use crate::interrupted::{signal, wait_for, wait_until_as};
use crate::support::{Lab, lab, system, traces};

/// Starts a run whose links are all in memory, and waits until there is traffic on them.
fn begun(lab: &Lab) -> Child {
    fs::write(lab.path("begun.sh"), format!("#!/bin/sh\ntouch {}\n", lab.path("begun").display())).unwrap();
    line(lab, "rate = \"500pps\"\nduration = \"4s\"", "host_setup = \"begun.sh\"\n");
    let sets = ["links.load.kind=memory", "links.middle.kind=memory", "links.back.kind=memory"];
    let options = sets.iter().flat_map(|set| ["--set", set]);
    let child = lab
        .tailbed_on_one_core()
        .args(["run", "links.toml"])
        .args(options)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    wait_for(|| lab.path("begun").exists().then_some(()));
    child
}

/// The folders of links in memory.
fn links() -> Vec<String> {
    let folders = fs::read_dir("/run/tailbed").into_iter().flatten().flatten();
    let names = folders.map(|folder| folder.path().display().to_string());
    let mut ours: Vec<_> = names.filter(|name| name.ends_with(".memory")).collect();
    ours.sort();
    ours
}

#[test]
fn an_end_of_a_link_in_memory_that_is_killed_is_told() {
    let Some(lab) = lab() else { return };
    let before = traces();
    let child = begun(&lab);
    let agent = wait_for(|| container_agent(child.id()));
    kill_process(Pid::from_raw(agent.parse().unwrap()).unwrap(), Signal::KILL).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("is gone (the container's parent: "), "{said}");
    assert!(said.contains("ended by signal 9"), "{said}");
    assert_eq!(traces(), before);
}

#[test]
fn a_link_in_memory_that_somebody_removes_is_no_loss_of_packets() {
    let Some(lab) = lab() else { return };
    let before = traces();
    let child = begun(&lab);
    let links = links();
    assert_eq!(links.len(), 3, "{links:?}");
    system(&format!("umount {}", links[1]));
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains(&format!("the memory link {}/rings is gone: somebody has removed it", links[1])), "{said}");
    assert_eq!(traces(), before);
}

#[test]
fn links_in_memory_of_a_killed_run_are_taken_back_and_what_is_not_ours_stays() {
    let Some(lab) = lab() else { return };
    let before = traces();
    let mut child = begun(&lab);
    let links = links();
    signal(&child, Signal::KILL);
    child.wait().unwrap();
    // somebody mounts something else in the place of one
    system(&format!("umount -l {0} && mount -t tmpfs others {0}", links[2]));
    let cleaned = lab.run(&["clean"]);
    let said = String::from_utf8_lossy(&cleaned.stdout).into_owned() + &String::from_utf8_lossy(&cleaned.stderr);
    assert!(cleaned.status.success(), "{said}");
    assert!(said.contains(&format!("what is mounted on {} is not what we mounted there", links[2])), "{said}");
    assert!(fs::read_to_string("/proc/self/mounts").unwrap().contains(&format!("others {} tmpfs", links[2])));
    system(&format!("umount {0} && rmdir {0}", links[2]));
    fs::remove_dir("/run/tailbed").ok();
    wait_until_as(&before);
}
