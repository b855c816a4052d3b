//! System containers that die or do not come up, and mistakes in what they are made of: a clear error, and nothing left.

use std::fs;
use std::path::Path;

use super::{agent, busybox_root, lxc_lab, mounts, start, start_with};
use crate::deaths::eater;
use crate::interrupted::{wait_for, wait_until_as};
use crate::support::{Lab, Traces, system, traces};

/// Waits for a run that fails on the way with these words, and leaves nothing.
fn fails(child: std::process::Child, before: &Traces, words: &[&str]) {
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(words.iter().all(|words| said.contains(words)), "{words:?}: {said}");
    wait_until_as(before);
}

/// Waits until the agent of a run under way has traffic to forward.
fn forwarding(lab: &Lab, child: &std::process::Child) -> String {
    let inside = wait_for(|| agent(child.id()));
    wait_for(|| lab.journal_says("\"agent\"").then_some(()));
    inside
}

#[test]
fn mistakes_are_told_before_or_as_soon_as_they_can_be_known() {
    let Some(lab) = lxc_lab() else { return };
    let before = traces();
    for (settings, told) in [
        ("template = \"no-such\"", "there is no template `no-such` of LXC"),
        ("image = \"no-such-image\"", "cannot use the image no-such-image"),
    ] {
        let output = start(&lab, "100ms", settings).wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{said}");
        assert!(said.contains("this host cannot make the node dut") && said.contains(told), "{settings}: {said}");
        assert_eq!(traces(), before);
        assert!(!lab.path("results").exists(), "something was touched");
    }
    fails(start(&lab, "100ms", "config = [\"lxc.no.such.key = 1\"]"), &before, &["agent of dut", "lxc.no.such.key"]);
    fs::write(lab.path("cut.tar"), "this is no archive").unwrap();
    fails(start(&lab, "100ms", "image = \"cut.tar\""), &before, &["cannot provision dut", "cut.tar"]);
}

#[test]
fn an_agent_that_is_killed_is_told() {
    let Some(lab) = lxc_lab() else { return };
    let before = traces();
    let child = start(&lab, "2s", "");
    let inside = forwarding(&lab, &child);
    system(&format!("kill -9 {inside}"));
    fails(child, &before, &["the agent of dut is gone (lxc-attach: "]);
}

#[test]
fn an_init_that_is_killed_is_told_from_an_agent_that_is() {
    let Some(lab) = lxc_lab() else { return };
    let before = traces();
    let child = start(&lab, "2s", "");
    let inside = forwarding(&lab, &child);
    let namespace = fs::read_link(format!("/proc/{inside}/ns/pid")).unwrap();
    let processes = fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path());
    let mut first = processes.filter(|process| {
        fs::read_link(process.join("ns/pid")).is_ok_and(|link| link == namespace)
            && fs::read_to_string(process.join("status"))
                .is_ok_and(|status| status.lines().any(|line| line.starts_with("NSpid:") && line.ends_with("\t1")))
    });
    let init = first.next().unwrap();
    system(&format!("kill -9 {}", init.file_name().unwrap().to_string_lossy()));
    fails(child, &before, &["the agent of dut is gone", "the container's init has ended"]);
}

#[test]
fn a_container_that_does_not_come_up_ends_with_its_time_or_the_reason() {
    let Some(lab) = lxc_lab() else { return };
    let before = traces();
    // a hook that never ends
    fs::write(lab.path("hook"), "#!/bin/sh\nexec sleep 87301\n").unwrap();
    let hook = format!("config = [\"lxc.hook.pre-start = /bin/sh {}\"]", lab.path("hook").display());
    fails(
        start(&lab, "100ms", &format!("boot_timeout = \"2s\"\n{hook}")),
        &before,
        &["cannot start the agent of dut", "lxc-start did not come back within"],
    );
    assert_eq!(crate::scripts::alive("sleep 87301"), 0, "the hook goes on");
    // a root file system without an init
    let libraries = busybox_root(&lab);
    fs::remove_file(lab.path("root/sbin/init")).unwrap();
    let settings = format!("image = \"root\"\nconfig = [{}]", mounts(libraries));
    fails(start(&lab, "100ms", &settings), &before, &["cannot start the agent of dut", "/sbin/init"]);
    assert!(!Path::new("/run/lxc/lock/run/tailbed").exists());
}

#[test]
fn out_of_memory_is_told_as_such() {
    let Some(lab) = lxc_lab() else { return };
    let before = traces();
    // with a core of its own, the agent would leave the processor to nobody who takes memory
    let child = start_with(&lab, "2s", "memory = \"64MiB\"", &["--set", "isolation=false"]);
    let inside = forwarding(&lab, &child);
    let group = wait_for(|| {
        let groups = fs::read_to_string(format!("/proc/{inside}/cgroup")).ok()?;
        let group =
            groups.lines().find(|line| line.contains("-dut") && (line.contains(":memory:") || line.starts_with("0::")))?;
        let path = group.rsplit(':').next()?.to_owned();
        let files = ["/sys/fs/cgroup/memory", "/sys/fs/cgroup"].map(|mount| format!("{mount}{path}/cgroup.procs"));
        files.into_iter().find(|file| Path::new(file).exists())
    });
    // the kernel is to choose the agent
    fs::write(format!("/proc/{inside}/oom_score_adj"), "1000").unwrap();
    system(&format!("sh -c 'echo $$ > {group} && head -c 300m /dev/zero | tail -c 150m > /dev/null' || true"));
    fails(child, &before, &["the agent of dut is gone", "out of memory: limit 64MiB; a larger `memory`"]);

    // something else in the container, while its agent lives
    let setup = format!("nodes.dut.setup={}", eater(&lab));
    let child = start_with(&lab, "100ms", "memory = \"64MiB\"", &["--set", &setup]);
    let expected = "the setup of dut was ended by signal 9 (out of memory: limit 64MiB; a larger `memory` is the way out)";
    fails(child, &before, &[expected]);
}
